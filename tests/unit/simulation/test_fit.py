from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from robopatient.errors import ConfigError
from robopatient.patient import load_patient
from robopatient.simulation.fit import TRAITS, fit_patient, read_wishes, to_toml
from robopatient.simulation.hand import GuidedHand


def fitted(tmp_path: Path, wishes: str):
    path = tmp_path / "mine.toml"
    path.write_text(fit_patient(wishes), encoding="utf-8")
    return load_patient(str(path))


def worst(profile, newton: float, at_mm) -> float:
    profile = msgspec.structs.replace(profile, fluctuation=None)
    return max(pain.nrs for pain in GuidedHand(profile).press(newton, at_mm))


@pytest.mark.parametrize(
    ("wishes", "newton", "nrs"),
    [
        ("NRS 7 at 20 N on the right iliac, mild elsewhere, stoic", 20.0, 7.0),
        ("NRS 3 at 40 N on the epigastric region", 40.0, 3.0),
        ("nrs 8.5 at 15 N on left iliac, rebound, anxious, moderate elsewhere", 15.0, 8.5),
        ("NRS 6 at 25 N on the right hypochondriac, Murphy's sign, chronic", 25.0, 6.0),
        ("NRS 2 at 5 N on the umbilical, colicky", 5.0, 2.0),
    ],
)
def test_the_patient_hurts_as_wished(tmp_path: Path, wishes: str, newton: float, nrs: float) -> None:
    profile = fitted(tmp_path, wishes)
    site = profile.sites[0]
    assert worst(profile, newton, (site.left_mm, site.head_mm)) == pytest.approx(nrs, abs=0.1)


def test_mild_elsewhere_is_mild_elsewhere(tmp_path: Path) -> None:
    profile = fitted(tmp_path, "NRS 7 at 20 N on the right iliac, mild elsewhere")
    assert 1.0 < worst(profile, 20.0, (85.0, 70.0)) < 2.0


def test_the_site_lies_in_the_region_that_was_wished(tmp_path: Path) -> None:
    for row in ("right hypochondriac", "left lumbar", "hypogastric"):
        assert fitted(tmp_path, f"NRS 5 at 20 N on the {row}").sites[0].region == row


@pytest.mark.parametrize("trait", TRAITS)
def test_every_trait_makes_a_patient_who_can_be_loaded(tmp_path: Path, trait: str) -> None:
    fitted(tmp_path, f"NRS 5 at 20 N on the right iliac, {trait}")


def test_who_it_is_can_be_wished_in_any_script(tmp_path: Path) -> None:
    profile = fitted(tmp_path, 'NRS 5 at 20 N on the right iliac, man of 66, called Ōta "Taro", complaint Bauchweh\\')
    assert (profile.name, profile.age_years, profile.sex, profile.face) == ('Ōta "Taro"', 66, "male", "tomas")
    assert profile.complaint == "Bauchweh\\"


@pytest.mark.parametrize(
    ("wishes", "complaint"),
    [
        ("purple, NRS 5 at 20 N on the right iliac", '"purple" is not understood'),
        ("NRS 5 at 20 N on the knee", "knee is no region of the abdomen"),
        ("NRS 11 at 20 N on the right iliac", "between 0 and 10"),
        ("stoic", "no pain is wished"),
        ("NRS 5 at 20 N on the right iliac, stoic, exaggerating", '"exaggerating" contradicts "stoic"'),
        ("NRS 2 at 20 N on the right iliac, severe elsewhere", '"severe elsewhere" .* contradicts NRS 2'),
        ("NRS 9 at 3 N on the right hypochondriac, murphy", "feels between"),
        ("NRS 5 at 20 N on the right iliac, voice nobody", "voice nobody: choose one of"),
    ],
)
def test_a_wish_that_cannot_be_met_is_named(wishes: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        fit_patient(wishes)


def test_a_written_patient_is_read_back_equal(tmp_path: Path) -> None:
    for name in ("appendicitis-stoic", "chronic-widespread", "gastritis-anxious", "renal-colic"):
        profile = load_patient(name)
        path = tmp_path / f"{name}.toml"
        path.write_text(to_toml(profile), encoding="utf-8")
        assert to_toml(load_patient(str(path))) == to_toml(profile)


def test_wishes_are_read_whatever_their_order() -> None:
    one = read_wishes("NRS 5 at 20 N on the right iliac, stoic, woman of 60")
    assert one == read_wishes("woman of 60; stoic; nrs 5 at 20 newton in the RIGHT ILIAC region")
