from itertools import combinations

import pytest

from robopatient.config import asset_names
from robopatient.errors import AssetError, ConfigError
from robopatient.levels import hz_to_semitones
from robopatient.voice.identity import load_identity


def test_ten_voices_ship_from_child_to_old_and_no_two_are_alike_in_pitch_and_tract() -> None:
    voices = [load_identity(name) for name in asset_names("voices")]
    assert len(voices) >= 8
    ages = [voice.age_years for voice in voices]
    assert min(ages) < 10
    assert max(ages) > 80
    for one, other in combinations(voices, 2):
        apart = hz_to_semitones(one.habitual_f0_hz, other.habitual_f0_hz)
        formants = hz_to_semitones(1.0 / one.vocal_tract_cm, 1.0 / other.vocal_tract_cm)
        assert max(abs(apart), 2.0 * abs(formants)) > 1.0


def test_an_unknown_voice_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(AssetError, match="margaret"):
        load_identity("nobody")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("age_years", 2),
        ("age_years", 140),
        ("vocal_tract_cm", 5),
        ("vocal_tract_cm", 60),
        ("habitual_f0_hz", 20),
        ("habitual_f0_hz", 900),
        ("tremor", 0.3),
        ("breath_s", 0.2),
        ("roughness", -0.1),
        ("sex", '"robot"'),
    ],
)
def test_nobody_beyond_human_ranges_is_let_in_and_file_and_key_are_named(tmp_path, key, value) -> None:
    path = tmp_path / "odd.toml"
    person = {"name": '"Odd"', "sex": '"male"', "age_years": 40, "vocal_tract_cm": 17, "habitual_f0_hz": 100}
    path.write_text("\n".join(f"{name} = {number}" for name, number in (person | {key: value}).items()))
    with pytest.raises(ConfigError, match=rf"odd\.toml.*{key}"):
        load_identity(str(path))


def test_a_misspelt_key_is_refused(tmp_path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text('name = "Odd"\nsex = "male"\nage_years = 40\nvocal_tract_cm = 17\nhabitual_f0_hz = 100\nf0 = 3\n')
    with pytest.raises(ConfigError, match="f0"):
        load_identity(str(path))
