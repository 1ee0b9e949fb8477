"""A user's recordings as a live voice: each quantity by itself, no memory taken in the callback, rendered again."""

import tracemalloc

import msgspec
import numpy as np
import pytest
import soundfile

from robopatient.config import VoiceConfig
from robopatient.errors import AssetError
from robopatient.voice.engine import VoiceEngine
from robopatient.voice.identity import load_identity
from robopatient.voice.rerender import rerender
from robopatient.voice.samples import SamplesEngine

RATE = 48_000


def vowel(f0_hz: float, seconds: float = 0.8) -> np.ndarray:
    """Pulses through two formants, 700 and 1800 Hz."""
    t_s = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros(len(t_s))
    for k in range(1, int(5000 / f0_hz)):
        weight = sum(1.0 / (1.0 + ((k * f0_hz - formant) / 120.0) ** 2) for formant in (700.0, 1800.0))
        sound += (weight + 0.02) / k * np.sin(2 * np.pi * k * f0_hz * t_s)
    return 0.2 * sound / np.abs(sound).max()


@pytest.fixture
def who(tmp_path):
    soundfile.write(tmp_path / "cry.wav", vowel(200.0), RATE)
    (tmp_path / "cry.toml").write_text('source = "made"\nlicence = "CC0"\nconsent = "synthetic"\nnrs = 6.0\n')
    return msgspec.structs.replace(load_identity("margaret"), recordings=str(tmp_path), habitual_f0_hz=200.0)


def play(who, ask, blocks: int = 320, **ratios: float) -> tuple[np.ndarray, list]:
    engine = SamplesEngine(who, VoiceConfig(), 1)
    out = np.zeros((blocks, 256), np.float32)
    told = []
    for index, row in enumerate(out):
        command = ask(index, nrs=6.0, semitones=0.0)
        wish = msgspec.structs.replace(command.ask, **ratios)
        told.append(engine.render(msgspec.structs.replace(command, ask=wish), row))
    return out, told


def first_call(told) -> np.ndarray:
    sounding = np.flatnonzero([block.call == "cry" for block in told])
    return np.split(sounding, np.flatnonzero(np.diff(sounding) > 1) + 1)[0]


def centre_hz(samples: np.ndarray, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size))) ** 2
    f_hz = np.fft.rfftfreq(samples.size, 1 / RATE)
    band = (f_hz > low) & (f_hz < high)
    return float((f_hz[band] * power[band]).sum() / power[band].sum())


@pytest.mark.parametrize("ratio", [0.6, 1.5])
def test_duration_follows_the_command_alone(who, ask, ratio) -> None:
    _, usual = play(who, ask)
    _, moved = play(who, ask, duration_ratio=ratio)
    assert len(first_call(moved)) / len(first_call(usual)) == pytest.approx(ratio, rel=0.05)
    pitch = [np.median([block.f0_hz for block in told[20:60] if block.f0_hz]) for told in (usual, moved)]
    assert pitch[1] == pytest.approx(pitch[0], rel=0.01)


def test_formants_follow_the_command_alone(who, ask) -> None:
    usual, told = play(who, ask)
    moved, again = play(who, ask, formant_ratio=1.2)
    parts = [out[20:100].ravel().astype(float) for out in (usual, moved)]
    first, second = (centre_hz(part, 1200.0, 3000.0) for part in parts)
    assert second / first == pytest.approx(1.2, rel=0.06)
    assert len(first_call(again)) == pytest.approx(len(first_call(told)), abs=3)
    assert again[50].f0_hz == pytest.approx(told[50].f0_hz, rel=0.01)


@pytest.mark.parametrize("engine_kind", ["synth", "samples"])
def test_the_callback_takes_no_memory(who, ask, engine_kind) -> None:
    """Every phase of a call: what a block leaves behind is less than the block itself."""
    engine = (SamplesEngine if engine_kind == "samples" else VoiceEngine)(who, VoiceConfig(), 1)
    out = np.zeros(256, np.float32)
    for index in range(400):
        engine.render(ask(index, nrs=6.0), out)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(800):
            engine.render_written(True, out)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < out.nbytes * 2
    assert after - before < out.nbytes


def test_a_session_with_recordings_is_rendered_again(who, ask, monkeypatch, tmp_path) -> None:
    path = tmp_path / "who.toml"
    path.write_text(
        f'name = "Who"\nsex = "female"\nage_years = 40\nvocal_tract_cm = 15\nhabitual_f0_hz = 200\nseed = 68\n'
        f'recordings = "{who.recordings}"\n'
    )
    config = VoiceConfig(identity=str(path), engine="samples")
    engine = SamplesEngine(load_identity(str(path)), config, 7)
    out = np.zeros((200, 256), np.float32)
    commands = [ask(index, nrs=6.0, semitones=index / 20) if index % 4 else None for index in range(200)]
    for command, row in zip(commands, out, strict=True):
        engine.render(command, row)
    assert out.any()
    assert np.array_equal(rerender(commands, config, 7, 200), out.ravel())


def test_recordings_at_another_rate_than_the_sessions_are_refused(who) -> None:
    with pytest.raises(AssetError, match="sample_rate_hz = 48000"):
        SamplesEngine(who, VoiceConfig(sample_rate_hz=44100), 1)
