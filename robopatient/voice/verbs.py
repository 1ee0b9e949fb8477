"""What the command line asks of the voice: a pain vocalisation into a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from firmware_bridge.outputs import check_outputs, new_files
from robopatient.config import VoiceConfig
from robopatient.errors import ConfigError
from robopatient.messages import Phase, VoiceCommand
from robopatient.voice_presets import ask_for, load_preset

__all__ = ["calibrate", "press", "render", "say"]

LEAD_S, RISE_S, TAIL_S = 0.1, 0.15, 0.7
"""A press: silence before it, force rising, and the sound of relief after it."""


def render(
    identity: str,
    nrs: float,
    seconds: float,
    seed: int,
    out: Path,
    *,
    preset: str = "literature",
    nrs_end: float | None = None,
    force: bool = False,
) -> None:
    """Write one press as it sounds from this voice: quiet, onset, hold, release, ``seconds`` in all.

    Equal arguments give equal samples.

    Parameters
    ----------
    nrs, nrs_end
        Pain held, 0 to 10; with ``nrs_end`` it goes there in a straight line.

    Raises
    ------
    AssetError, ConfigError, OutputError
        For an unknown voice or preset, values out of range, a file that cannot be written.
    """
    held = (nrs, nrs if nrs_end is None else nrs_end)
    for value in held:
        if not 0.0 <= value <= 10.0:
            raise ConfigError(f"nrs is {value:g} (expected 0 to 10); see robopatient voice render --help")
    if not 0.1 <= seconds <= 600.0:
        raise ConfigError(f"seconds is {seconds:g} (expected 0.1 to 600); see robopatient voice render --help")
    load_preset(preset)
    check_outputs([out], [identity], force)

    from robopatient.voice.engine import VoiceEngine
    from robopatient.voice.identity import load_identity

    who = load_identity(identity)
    config = VoiceConfig(identity=identity)
    engine = VoiceEngine(who, config, seed)
    block_s = config.block_frames / config.sample_rate_hz
    frames = round(seconds * config.sample_rate_hz)
    samples = np.zeros((-(-frames // config.block_frames), config.block_frames), np.float32)
    for index in range(len(samples)):
        pain, phase = press((index + 1) * block_s, seconds, held)
        t_ns = round(index * block_s * 1e9)
        engine.render(VoiceCommand(t_ns, index, t_ns, pain, phase, ask_for(pain, who.sex, preset)), samples[index])

    _write(out, samples.ravel()[:frames], config.sample_rate_hz, force)


def press(t_s: float, seconds: float, held: tuple[float, float]) -> tuple[float, Phase]:
    """Pain and phase at a time of a sketched press that lasts ``seconds`` and goes from one held pain to the other."""
    lead_s = min(LEAD_S, 0.1 * seconds)
    tail_s = min(TAIL_S, 0.4 * seconds)
    hold_s = seconds - lead_s - RISE_S - tail_s
    t_s -= lead_s
    if t_s < 0.0:
        return 0.0, "rest"
    if t_s < RISE_S:
        return held[0] * t_s / RISE_S, "onset"
    t_s -= RISE_S
    if t_s < hold_s:
        return held[0] + (held[1] - held[0]) * t_s / hold_s, "hold"
    fall = max(0.0, 1.0 - (t_s - hold_s) / 0.1)
    return held[1] * fall, "release" if fall > 0.0 else "rest"


def say(text: str, identity: str, nrs: float, out: Path, force: bool = False) -> None:
    """Write words as this person says them in this pain.

    Raises
    ------
    AssetError, ConfigError, DeviceError, OutputError
        For an unknown voice, empty words, espeak-ng that is absent, a file that cannot be written.
    """
    from robopatient.voice.identity import load_identity
    from robopatient.voice.words import speak

    check_outputs([out], [identity], force)
    config = VoiceConfig(identity=identity)
    _write(out, speak(text, load_identity(identity), nrs, config).samples, config.sample_rate_hz, force)


def calibrate(
    device: str,
    seconds: float,
    reading_db: float | None,
    level_dbfs: float,
    out: Path,
    author: str,
    force: bool = False,
) -> None:
    """Play pink noise at a known level and note the meter's reading: what 0 dBFS is in dB SPL on this rig.

    Parameters
    ----------
    reading_db
        The meter's dB(A) at 1 m, slow; None asks on the terminal after the noise.

    Raises
    ------
    DeviceError, ConfigError, RecordError, OutputError
        Without a loudspeaker, for an impossible reading, for a file that cannot be written.
    """
    with new_files(out, force=force) as (part,):
        _calibrate(device, seconds, reading_db, level_dbfs, out, part, author)


def _calibrate(
    device: str, seconds: float, reading_db: float | None, level_dbfs: float, out: Path, part: Path, author: str
) -> None:
    from robopatient.voice.calibration import Calibration, pink_noise, play, write_calibration

    noise = pink_noise(seconds, level_dbfs)
    if reading_db is None:
        play(noise, device)
        try:
            reading_db = float(input("Reading of the meter, dB(A) at 1 m, slow: "))
        except (ValueError, EOFError) as error:
            raise ConfigError("the reading is no number; type it as 68.5, or give --reading 68.5") from error
    calibration = Calibration(
        device=device,
        noise_dbfs=level_dbfs,
        reading_dba=reading_db,
        full_scale_dba=reading_db - level_dbfs,
        author=author,
    )
    write_calibration(calibration, part)
    print(
        f"{out}: 0 dBFS is {calibration.full_scale_dba:.1f} dB(A) at 1 m; voice.max_dbfs for 70 dB(A): "
        f"{calibration.max_dbfs(70.0):.1f}"
    )


def _write(out: Path, samples: npt.NDArray[np.float32], rate_hz: int, force: bool) -> None:
    """A WAV file, whole or not at all."""
    from robopatient.voice.wav import WavWriter

    with new_files(out, force=force) as (part,):
        file = WavWriter(part, rate_hz)
        file.append(samples)
        file.close()
