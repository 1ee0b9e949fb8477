"""What the digital level is in the room: dBFS to dB SPL by pink noise and a meter, and the dose of a session by it.

The loudest sample is limited in dBFS; only a measured loudspeaker turns that into a level at an ear.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from robopatient.config import Config, decode_toml
from robopatient.errors import ConfigError, DeviceError, RecordError
from robopatient.levels import db_to_gain
from robopatient.voice.loudness import a_weight

__all__ = ["Calibration", "load_calibration", "niosh_dose", "pink_noise", "play", "write_calibration"]

RATE_HZ = 48_000
CRITERION_DBA, EXCHANGE_DB, CRITERION_S = 85.0, 3.0, 8 * 3600.0
"""NIOSH 98-126: 8 h at 85 dB(A) is a dose of 100 %, every 3 dB halve the time."""
THRESHOLD_DBA = 80.0
"""Levels below it do not count (NIOSH 98-126 integrates from 80 dB(A))."""
DOSE_BLOCK_S = 1.0


class Calibration(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rig's loudness."""

    device: str = ""
    noise_dbfs: Annotated[float, Meta(ge=-60, le=-6)]
    """RMS of the pink noise that was played."""
    reading_dba: Annotated[float, Meta(ge=30, le=130)]
    """What the meter read, 1 m in front of the loudspeaker, slow."""
    full_scale_dba: float
    """dB(A) at 1 m of a sound of 0 dBFS RMS with the spectrum of pink noise."""
    author: str = ""

    def max_dbfs(self, cap_dba: float) -> float:
        """``VoiceConfig.max_dbfs`` that keeps any sound at or below ``cap_dba``, never above -1 dBFS."""
        return max(-40.0, min(-1.0, cap_dba - self.full_scale_dba))


def load_calibration(path: Path) -> Calibration:
    """Read what ``voice calibrate`` wrote; ConfigError names the key that is wrong."""
    return decode_toml(path, Calibration)


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write it as TOML; RecordError where that cannot be, ConfigError for a reading that no meter gives."""
    if not 30.0 <= calibration.reading_dba <= 130.0:
        raise ConfigError(f"the meter reads {calibration.reading_dba:g} dB(A) (expected 30 to 130); read it again")
    lines = ["# Loudness of one rig, by robopatient voice calibrate."]
    for name in calibration.__struct_fields__:
        value = getattr(calibration, name)
        quoted = (
            '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(value, str) else f"{value:.2f}"
        )
        lines.append(f"{name} = {quoted}")
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{path}: cannot be written ({error.strerror}); give another --out") from error


def pink_noise(seconds: float, level_dbfs: float, seed: int = 1) -> npt.NDArray[np.float32]:
    """Noise of equal power per octave from 20 Hz to 20 kHz with this RMS, shape (n,), faded in and out over 50 ms."""
    count = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    f_hz = np.fft.rfftfreq(count, 1.0 / RATE_HZ)
    shape = np.where((f_hz >= 20.0) & (f_hz <= 20_000.0), 1.0 / np.sqrt(np.maximum(f_hz, 20.0)), 0.0)
    noise = np.fft.irfft(spectrum * shape, count)
    noise *= db_to_gain(level_dbfs) / float(np.sqrt(np.mean(noise**2)))
    edge = min(count // 2, round(0.05 * RATE_HZ))
    ramp = np.linspace(0.0, 1.0, edge)
    noise[:edge] *= ramp
    noise[count - edge :] *= ramp[::-1]
    return np.clip(noise, -0.89, 0.89).astype(np.float32)


def play(samples: npt.NDArray[np.float32], device: str) -> None:
    """Play through the device's default route and wait; DeviceError where there is none."""
    from robopatient.voice.player import play_once

    if not samples.size:
        raise DeviceError("there is nothing to play")
    play_once(samples, RATE_HZ, device)


def niosh_dose(samples: npt.NDArray[np.floating], rate_hz: float, full_scale_dba: float) -> float:
    """Sound dose of what was played, percent of a day's allowance at 1 m (NIOSH 98-126).

    Parameters
    ----------
    samples
        Mono, shape (n,).
    full_scale_dba
        From the rig's ``Calibration``.
    """
    block = round(DOSE_BLOCK_S * rate_hz)
    f_hz = np.fft.rfftfreq(block, 1.0 / rate_hz)
    dose = 0.0
    for begin in range(0, len(samples), block):
        piece = np.zeros(block)
        part = np.asarray(samples[begin : begin + block], np.float64)
        piece[: len(part)] = part
        power = a_weight(np.abs(np.fft.rfft(piece)) ** 2, f_hz)
        mean_square = 2.0 * float(power.sum()) / block**2
        if mean_square <= 0.0:
            continue
        level_dba = 10.0 * math.log10(mean_square) + full_scale_dba - PINK_A_DB
        if level_dba >= THRESHOLD_DBA:
            dose += DOSE_BLOCK_S / (CRITERION_S * 2.0 ** ((CRITERION_DBA - level_dba) / EXCHANGE_DB))
    return 100.0 * dose


def _pink_a_db() -> float:
    """How much the A curve takes from pink noise between 20 Hz and 20 kHz, dB: the meter's reading has it taken."""
    f_hz = np.arange(20.0, 20_000.0, 5.0)
    power = 1.0 / f_hz
    return 10.0 * math.log10(float(a_weight(power, f_hz).sum() / power.sum()))


PINK_A_DB = _pink_a_db()
