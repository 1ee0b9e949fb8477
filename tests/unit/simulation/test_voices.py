import numpy as np
import pytest
import soundfile

from firmware_bridge.errors import OutputError
from robopatient.errors import AssetError, ConfigError
from robopatient.simulation.voices import render
from robopatient.voice_presets import ask_for


def test_the_same_arguments_give_the_same_file(tmp_path) -> None:
    files = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for file in files:
        render("mei", 7.0, 1.0, 3, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    samples, rate_hz = soundfile.read(files[0])
    assert (samples.shape, rate_hz) == ((48000,), 48000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav"]


def test_pain_that_grows_grows_louder(tmp_path) -> None:
    render("david", 2.0, 3.0, 1, tmp_path / "x.wav", nrs_end=9.0)
    samples, _ = soundfile.read(tmp_path / "x.wav")
    assert samples[48000 * 19 // 10 : 48000 * 22 // 10].std() > 4 * samples[24000:38400].std()


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"identity": "nobody"}, AssetError, "margaret"),
        ({"nrs": 11.0}, ConfigError, "0 to 10"),
        ({"nrs_end": -1.0}, ConfigError, "0 to 10"),
        ({"seconds": 0.0}, ConfigError, "seconds"),
        ({"preset": "loud"}, AssetError, "literature"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, changes, error, says) -> None:
    arguments = {"identity": "mei", "nrs": 5.0, "seconds": 0.5, "seed": 1, "out": tmp_path / "x.wav"}
    with pytest.raises(error, match=says):
        render(**{**arguments, **changes})
    assert not (tmp_path / "x.wav").exists()


def test_a_file_that_cannot_be_written_is_named(tmp_path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        render("mei", 5.0, 0.2, 1, tmp_path / "nowhere" / "x.wav")


def test_more_pain_never_asks_for_a_softer_voice() -> None:
    for preset in ("literature", "congruence", "flat"):
        level_db = [ask_for(nrs, "female", preset).level_db for nrs in np.linspace(0, 10, 50)]
        assert (np.diff(level_db) >= 0).all()
