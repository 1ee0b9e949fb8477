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


def test_a_tract_beyond_human_size_is_refused_with_file_and_key(tmp_path) -> None:
    path = tmp_path / "giant.toml"
    path.write_text('name = "Giant"\nsex = "male"\nage_years = 40\nvocal_tract_cm = 60\nhabitual_f0_hz = 100\n')
    with pytest.raises(ConfigError, match=r"giant\.toml.*vocal_tract_cm"):
        load_identity(str(path))


def test_a_misspelt_key_is_refused(tmp_path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text('name = "Odd"\nsex = "male"\nage_years = 40\nvocal_tract_cm = 17\nhabitual_f0_hz = 100\nf0 = 3\n')
    with pytest.raises(ConfigError, match="f0"):
        load_identity(str(path))
