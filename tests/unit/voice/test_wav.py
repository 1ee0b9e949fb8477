import numpy as np
import pytest
import soundfile

from robopatient.errors import RecordError
from robopatient.voice.wav import WavWriter


def test_the_file_holds_the_very_samples(tmp_path) -> None:
    samples = np.random.default_rng(1).standard_normal(4800).astype(np.float32)
    file = WavWriter(tmp_path / "x.wav", 48000)
    file.append(samples.reshape(10, 480))
    file.close()
    read, rate_hz = soundfile.read(tmp_path / "x.wav", dtype="float32")
    assert rate_hz == 48000
    assert np.array_equal(read, samples)


def test_the_file_is_whole_without_ever_being_closed(tmp_path) -> None:
    file = WavWriter(tmp_path / "x.wav", 48000)
    file.append(np.ones(48000, np.float32))
    file.flush()
    file.append(np.ones(100, np.float32))  # the process is killed here
    assert soundfile.info(tmp_path / "x.wav").frames == 48000


def test_a_restarted_voice_goes_on_where_the_killed_one_stopped(tmp_path) -> None:
    first = WavWriter(tmp_path / "x.wav", 48000)
    first.append(np.full(300, 0.25, np.float32))  # no flush: the header knows nothing of these
    second = WavWriter(tmp_path / "x.wav", 48000)
    assert second.frames == 300
    second.append(np.full(200, 0.5, np.float32))
    second.close()
    read, _ = soundfile.read(tmp_path / "x.wav")
    assert read.shape == (500,)
    assert read[299] == 0.25
    assert read[300] == 0.5


def test_somebody_elses_file_is_left_alone(tmp_path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros(100), 44100, subtype="PCM_16")
    before = (tmp_path / "x.wav").read_bytes()
    with pytest.raises(RecordError, match=r"x\.wav"):
        WavWriter(tmp_path / "x.wav", 48000)
    assert (tmp_path / "x.wav").read_bytes() == before


def test_a_folder_that_does_not_exist_is_named(tmp_path) -> None:
    with pytest.raises(RecordError, match="nowhere"):
        WavWriter(tmp_path / "nowhere" / "x.wav", 48000)
