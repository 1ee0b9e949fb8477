from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from robopatient.config import VoiceConfig
from robopatient.errors import AssetError, ConfigError
from robopatient.voice.identity import load_identity
from robopatient.voice.loudness import loudness_lufs, true_peak_dbfs
from robopatient.voice.psola import shifted
from robopatient.voice.recordings import Sidecar, load_folder, prepare, resampled
from robopatient.voice.samples import SamplesEngine

RATE = 48000
SIDECAR = Sidecar(source="a test", licence="CC0", consent="synthetic")


def vowel(f0_hz: float = 160.0, seconds: float = 0.8, rate_hz: int = RATE) -> np.ndarray:
    """A pulse train through one resonance at 700 Hz."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    cycle = (t * f0_hz) % 1.0 / f0_hz
    return 0.4 * np.exp(-cycle * 400.0) * np.sin(2 * np.pi * 700.0 * cycle)


def strongest_hz(samples: np.ndarray, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18)) ** 2
    f_hz = np.fft.rfftfreq(1 << 18, 1 / RATE)
    near = (f_hz > low) & (f_hz < high)
    return float(f_hz[near][np.argmax(power[near])])


def put(folder: Path, samples: np.ndarray, rate_hz: int = RATE, sidecar: str | None = None) -> None:
    soundfile.write(folder / "ow.wav", samples, rate_hz, subtype="FLOAT")
    text = 'source = "a test"\nlicence = "CC0"\nconsent = "synthetic"\nnrs = 6.0\n' if sidecar is None else sidecar
    if text:
        (folder / "ow.toml").write_text(text)


def test_a_full_scale_sine_of_1_khz_is_minus_3_lufs_as_the_standard_says() -> None:
    sine = np.sin(2 * np.pi * 997.0 * np.arange(RATE * 2) / RATE)
    assert loudness_lufs(sine, RATE) == pytest.approx(-3.01, abs=0.05)


def test_any_rate_and_any_number_of_channels_become_48_khz_mono_at_one_loudness(tmp_path) -> None:
    for rate_hz, gain in ((44100, 0.3), (96000, 1.0)):
        sound = gain * vowel(rate_hz=rate_hz)
        put(tmp_path, np.stack([sound, sound], axis=1), rate_hz)
        [recording] = load_folder(tmp_path)
        assert recording.lufs == pytest.approx(-23.0, abs=0.3)
        assert true_peak_dbfs(recording.samples) <= -0.99
        assert recording.f0_hz == pytest.approx(160.0, rel=0.01)
        assert abs(recording.samples[0]) < 1e-6


@pytest.mark.parametrize(
    ("samples", "sidecar", "said"),
    [
        (np.zeros(RATE), None, "silent"),
        (np.zeros(0), None, "holds no samples"),
        (vowel(seconds=0.05), None, "sounds for 0.05 s"),
        (vowel(seconds=20.5), None, "sounds for 20.50 s"),
        (np.sign(vowel()), None, "clipped"),
        (np.stack([vowel(), np.sign(vowel())], axis=1), None, "clipped"),
        (np.stack([vowel(), -vowel()], axis=1), None, "2 channels cancel each other"),
        (np.full(RATE, np.nan), None, "no numbers"),
        (vowel(), "", "no ow.toml"),
    ],
    ids=["silent", "empty", "short", "long", "clipped", "clipped left", "opposite channels", "nan", "no sidecar"],
)
def test_a_recording_that_will_not_do_is_refused_by_name(tmp_path, samples, sidecar, said) -> None:
    put(tmp_path, samples, sidecar=sidecar)
    with pytest.raises(AssetError, match=said) as caught:
        load_folder(tmp_path)
    assert "ow.wav" in str(caught.value)


def test_a_sound_in_one_of_many_channels_is_heard(tmp_path) -> None:
    sound = np.zeros((len(vowel()), 8))
    sound[:, 5] = vowel()
    put(tmp_path, sound)
    assert load_folder(tmp_path)[0].lufs == pytest.approx(-23.0, abs=0.3)


def test_a_rate_that_loses_half_of_a_cry_is_refused(tmp_path) -> None:
    put(tmp_path, vowel(rate_hz=8000), 8000)
    with pytest.raises(AssetError, match=r"ow\.wav: has 8000 samples a second \(at least 16000\)"):
        load_folder(tmp_path)


def test_a_flac_that_breaks_off_is_refused(tmp_path) -> None:
    put(tmp_path, vowel())
    (tmp_path / "ow.wav").unlink()
    soundfile.write(tmp_path / "ow.flac", vowel(), RATE)
    whole = (tmp_path / "ow.flac").read_bytes()
    (tmp_path / "ow.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AssetError, match=r"ow\.flac: cannot be read as sound"):
        load_folder(tmp_path)


def test_a_corrupt_file_and_a_sidecar_without_consent_are_refused(tmp_path) -> None:
    put(tmp_path, vowel())
    (tmp_path / "ow.wav").write_bytes(b"RIFF....junk")
    with pytest.raises(AssetError, match="cannot be read"):
        load_folder(tmp_path)
    put(tmp_path, vowel(), sidecar='source = "x"\nlicence = "y"\n')
    with pytest.raises(ConfigError, match="consent"):
        load_folder(tmp_path)


@pytest.mark.parametrize("semitones", [4.0, 7.0, -4.0])
def test_psola_moves_the_pitch_and_leaves_duration_and_level(semitones) -> None:
    recording = prepare(vowel(), RATE, "v", SIDECAR)
    moved = shifted(recording, f0_ratio=2 ** (semitones / 12))
    asked_hz = 160.0 * 2 ** (semitones / 12)
    assert len(moved) == len(recording.samples)
    assert strongest_hz(moved, 0.8 * asked_hz, 1.2 * asked_hz) == pytest.approx(asked_hz, rel=0.01)
    assert loudness_lufs(moved, RATE) == pytest.approx(recording.lufs, abs=3.5)


def test_psola_moves_duration_and_formants_alone() -> None:
    recording = prepare(vowel(), RATE, "v", SIDECAR)
    longer = shifted(recording, duration_ratio=1.5)
    assert len(longer) == pytest.approx(1.5 * len(recording.samples), rel=0.01)
    assert strongest_hz(longer, 120, 200) == pytest.approx(160.0, rel=0.01)
    smaller = shifted(recording, formant_ratio=1.3)
    assert strongest_hz(smaller, 120, 200) == pytest.approx(160.0, rel=0.01)
    assert strongest_hz(smaller, 300, 2000) > 1.1 * strongest_hz(recording.samples, 300, 2000)


def test_resampling_moves_pitch_formants_and_duration_together_as_the_study_did() -> None:
    recording = prepare(vowel(), RATE, "v", SIDECAR)
    for rate in (0.7, 0.9, 1.1, 1.3):
        moved = resampled(recording.samples, rate)
        assert len(moved) == pytest.approx(len(recording.samples) / rate, abs=1)
        assert strongest_hz(moved, 130 * rate, 190 * rate) == pytest.approx(160.0 * rate, rel=0.01)


def recorded(tmp_path: Path, manipulation: str) -> SamplesEngine:
    put(tmp_path, vowel(200.0))
    who = msgspec.structs.replace(
        load_identity("margaret"), recordings=str(tmp_path), manipulation=manipulation, habitual_f0_hz=200.0
    )
    return SamplesEngine(who, VoiceConfig(), 1)


@pytest.mark.parametrize(("manipulation", "factor"), [("psola", 1.25), ("resample", 1.3)])
def test_a_session_can_play_recordings_in_either_arm(tmp_path, ask, manipulation, factor) -> None:
    engine = recorded(tmp_path, manipulation)
    out = np.zeros((240, 256), np.float32)
    blocks = [engine.render(ask(i, nrs=6.0, semitones=12 * np.log2(1.25)), row) for i, row in enumerate(out)]
    assert strongest_hz(out[:100].ravel(), 190, 300) == pytest.approx(200.0 * factor, rel=0.02)
    sounding = np.flatnonzero([block.call == "cry" for block in blocks])
    seconds = 0.8 if manipulation == "psola" else 0.8 / 1.3
    first = np.split(sounding, np.flatnonzero(np.diff(sounding) > 1) + 1)[0]
    assert len(first) * 256 / RATE == pytest.approx(seconds, abs=0.06)


def test_recordings_are_hushed_within_one_block_and_repeat_exactly(tmp_path, ask) -> None:
    def play() -> np.ndarray:
        engine = recorded(tmp_path, "psola")
        out = np.zeros((60, 256), np.float32)
        for i, row in enumerate(out):
            engine.render(ask(i, nrs=6.0, hush=i >= 40), row)
        return out

    out = play()
    assert out[39].any()
    assert not out[42:].any()
    assert np.array_equal(out, play())


def test_a_voice_without_recordings_says_what_to_set() -> None:
    with pytest.raises(AssetError, match="recordings ="):
        SamplesEngine(load_identity("margaret"), VoiceConfig(), 1)
