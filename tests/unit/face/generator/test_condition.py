import msgspec
import numpy as np
import pytest

from robopatient.errors import ConfigError
from robopatient.face.generator.condition import (
    CONDITIONS,
    GROUPS,
    MIDDLE,
    SPREAD,
    TABLE,
    TOLD,
    Conditioner,
    Traits,
    check_conditions,
    condition_of,
    group_of,
    guidance_row,
    index,
    resampled,
    told_of,
    traits_of,
)
from robopatient.messages import FaceAsk, FaceCommand


def test_every_condition_is_in_exactly_one_group_and_has_a_scale() -> None:
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(CONDITIONS)
    assert len(MIDDLE) == len(SPREAD) == len(CONDITIONS) == len(group_of())
    assert list(GROUPS)[group_of()[index("loudness")]] == "voice"


def test_a_course_and_its_frames_one_by_one_give_the_same_rows() -> None:
    pain = np.clip(np.cumsum(np.random.default_rng(1).normal(0.0, 0.4, 300)), 0.0, 10.0)
    traits = Traits(expressiveness=1.3, archetype="opened", sex=1.0, age_years=30.0, asymmetry=-0.2, tempo=0.4)
    whole = condition_of(pain, 30.0, traits, site_mm=(20.0, -30.0))
    one_by_one = Conditioner([traits])
    rows = [one_by_one.step(p, contact=float(p > 0.0), site_mm=(20.0, -30.0))[0] for p in pain]
    assert np.array_equal(whole, np.array(rows))
    assert traits_of(whole[7]) == traits


def test_leaky_means_forget_at_their_own_pace() -> None:
    pain = np.concatenate((np.full(900, 8.0), np.zeros(31)))
    rows = condition_of(pain, 30.0, Traits())
    assert rows[899, index("pain_0.3s")] == pytest.approx(8.0)
    assert rows[929, index("pain_1s")] == pytest.approx(8.0 * np.exp(-1.0), rel=1e-6)
    assert rows[929, index("pain_10s")] > 6.0
    assert rows[900, index("pain_rate_per_s")] == -90.0


def test_another_rate_is_resampled_to_thirty_frames_a_second() -> None:
    ramp = np.linspace(0.0, 6.0, 251)
    rows = condition_of(ramp, 125.0, Traits())
    assert len(rows) == 61
    assert np.diff(rows[:, index("pain")]) == pytest.approx(0.1)
    with pytest.raises(ConfigError, match="is no rate"):
        resampled(ramp, 0.0)


@pytest.mark.parametrize(("row", "value"), [(3, np.nan), (5, -1.0), (9, 11.0)])
def test_pain_that_is_no_pain_is_refused_by_its_row(row: int, value: float) -> None:
    pain = np.zeros(10)
    pain[row] = value
    with pytest.raises(ConfigError, match=f"row {row} is"):
        condition_of(pain, 30.0, Traits())


def test_missing_unknown_and_swapped_conditions_are_named() -> None:
    check_conditions(CONDITIONS, "here")
    with pytest.raises(ConfigError, match="missing pain;"):
        check_conditions(CONDITIONS[1:], "here")
    with pytest.raises(ConfigError, match="unknown weather"):
        check_conditions((*CONDITIONS, "weather"), "here")
    swapped = list(CONDITIONS)
    swapped[0], swapped[1] = swapped[1], swapped[0]
    with pytest.raises(ConfigError, match="column 0 is pain_rate_per_s, expected pain"):
        check_conditions(swapped, "here")


def test_guidance_is_told_by_the_names_of_groups() -> None:
    assert guidance_row({"voice": 2.0})[list(GROUPS).index("voice")] == 2.0
    with pytest.raises(ConfigError, match="guidance: temperature"):
        guidance_row({"temperature": 1.0})
    with pytest.raises(ConfigError, match="guidance: pain = 50"):
        guidance_row({"pain": 50.0})


def test_every_condition_says_its_unit_and_whence_its_middle_and_spread_come():
    assert [row.name for row in TABLE if not (row.unit and row.source and row.spread > 0.0)] == []


def test_a_command_tells_the_columns_that_have_the_name_of_its_field_within_the_corpus():
    command = FaceCommand(1, 2, 3, 4.0, "hold", FaceAsk(4.0), contact=True, site_mm=(-900.0, 20.0), loudness=0.5)
    row = Conditioner([Traits()]).step(4.0, **told_of(command))[0]
    told = ("contact", "site_left_mm", "site_head_mm", "loudness")
    assert [row[index(name)] for name in told] == [1.0, -150.0, 20.0, 0.5]
    assert "site_mm" not in told_of(msgspec.structs.replace(command, site_mm=None))
    assert set(TOLD) == {"contact", "site_mm", "emotion", "loudness"}


def test_what_is_told_no_more_is_0_again():
    conditioner = Conditioner([Traits()])
    conditioner.step(4.0, contact=1.0, loudness=0.5)
    assert conditioner.step(4.0)[0, index("contact")] == conditioner.step(4.0)[0, index("loudness")] == 0.0
