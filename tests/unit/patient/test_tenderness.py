"""Several sites, each with its depth, radius and strength."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robopatient.patient.tenderness import Psychophysics, TenderSite, nociception, tenderness

SITE = TenderSite(name="a", region="right iliac", left_mm=-70.0, head_mm=-50.0)
AT = (SITE.left_mm, SITE.head_mm)


def drive(site: TenderSite, newton: float, at=AT, **more) -> float:
    return nociception((site,), Psychophysics(baseline_tenderness=0.0), at, newton, **more)[0]


def with_(**changes) -> TenderSite:
    return msgspec.structs.replace(SITE, **changes)


def test_tenderness_has_fallen_to_61_percent_at_one_published_radius() -> None:
    assert SITE.sigma_mm == 25.0
    assert tenderness((SITE,), 0.0, SITE.left_mm + 25.0, SITE.head_mm)[0] == pytest.approx(0.6065, abs=1e-3)


def test_a_deep_site_needs_the_force_that_brings_the_hand_there() -> None:
    deep = with_(depth_mm=20.0)
    assert drive(deep, 3.0 + 20.0 * 0.6) == 0.0
    assert 0.0 < drive(deep, 20.0) < drive(SITE, 20.0)
    assert drive(deep, 32.0) == pytest.approx(drive(SITE, 20.0))


def test_a_breath_brings_a_site_that_descends() -> None:
    site = with_(depth_mm=20.0, descent_mm=20.0)
    assert drive(site, 20.0, inspiration=1.0) == pytest.approx(drive(SITE, 20.0))
    assert drive(site, 20.0, inspiration=0.5) == pytest.approx(drive(with_(depth_mm=10.0), 20.0))


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_stronger_site_hurts_more(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert drive(with_(strength=less), 20.0) <= drive(with_(strength=more), 20.0)


def test_the_site_that_hurts_most_there_is_named() -> None:
    far = with_(name="b", left_mm=70.0)
    psychophysics = Psychophysics()
    assert nociception((SITE, far), psychophysics, AT, 20.0)[1] == "a"
    assert nociception((SITE, far), psychophysics, (70.0, -50.0), 20.0)[1] == "b"
    assert nociception((SITE, far), psychophysics, (0.0, 80.0), 20.0)[1] == ""


def test_depth_decides_which_of_two_sites_at_one_place_is_felt() -> None:
    shallow, deep = with_(name="skin", strength=0.4), with_(name="organ", depth_mm=15.0)
    light = nociception((shallow, deep), Psychophysics(), AT, 10.0)[1]
    firm = nociception((shallow, deep), Psychophysics(), AT, 45.0)[1]
    assert (light, firm) == ("skin", "organ")


@given(st.floats(0, 150), st.floats(0, 150))
def test_more_force_is_never_less_drive(one: float, other: float) -> None:
    soft, hard = sorted((one, other))
    for site in (SITE, with_(depth_mm=30.0)):
        assert drive(site, soft) <= drive(site, hard) <= 10.0


def test_absurd_forces_stay_within_the_scale() -> None:
    assert drive(SITE, 1e308) == drive(SITE, float("inf")) == pytest.approx(10.0)


def test_relief_takes_its_share_and_full_relief_all() -> None:
    assert drive(SITE, 30.0, gain=0.0) == 0.0
    assert drive(SITE, 30.0, gain=0.5) < drive(SITE, 30.0)
