"""What the digital level is in the room: dBFS to dB SPL by pink noise and a meter, and the dose of a session by it.

The loudest sample is limited in dBFS; only a measured loudspeaker turns that into a level at an ear.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from robopatient.config import Config, VoiceConfig, decode_toml
from robopatient.errors import ConfigError, DeviceError, RecordError
from robopatient.folders import user_path
from robopatient.levels import SILENCE_DB, db_to_gain, gain_to_db
from robopatient.voice.loudness import a_weight

__all__ = [
    "LoudnessCalibration",
    "Meter",
    "Second",
    "capped",
    "load_calibration",
    "niosh_dose",
    "pink_noise",
    "play",
    "write_calibration",
]

RATE_HZ = 48_000
CRITERION_DBA, EXCHANGE_DB, CRITERION_S = 85.0, 3.0, 8 * 3600.0
"""NIOSH 98-126: 8 h at 85 dB(A) is a dose of 100 %, every 3 dB halve the time."""
THRESHOLD_DBA = 80.0
"""Levels below it do not count (NIOSH 98-126 integrates from 80 dB(A))."""
DOSE_BLOCK_S = 1.0
HIGHEST_A_DB = 1.3
"""The A curve at 2.5 kHz."""


class LoudnessCalibration(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
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
        """``VoiceConfig.max_dbfs`` that keeps any sound at or below ``cap_dba``, between -40 and -1 dBFS.

        The dearest sound of a given peak is a square wave where the A curve is highest (+1.3 dB, 2.5 kHz).
        """
        return max(-40.0, min(-1.0, cap_dba - self.full_scale_dba + PINK_A_DB - HIGHEST_A_DB))

    def told(self, config: VoiceConfig) -> str:
        """One line for the record."""
        who = f", by {self.author}" if self.author else ""
        return (
            f"calibration {config.calibration}: 0 dBFS of pink noise is {self.full_scale_dba:.1f} dB(A) at 1 m{who}; "
            f"no sample above {config.max_dbfs:.1f} dBFS, so no sound above {config.max_dba:g} dB(A)"
        )


class Second(NamedTuple):
    """One second of the voice, as sent in ``Loudness``; NaN where a calibration is needed."""

    peak_dbfs: float
    max_dbfs: float
    full_scale_dba: float
    level_dba: float
    dose_percent: float


class Meter:
    """Sound level and dose of what is played, second by second."""

    def __init__(self, config: VoiceConfig, calibration: LoudnessCalibration | None) -> None:
        self._rate_hz = config.sample_rate_hz
        self._max_dbfs = config.max_dbfs
        self._full_scale_dba = math.nan if calibration is None else calibration.full_scale_dba
        self._held = np.zeros(0, np.float32)
        self._dose_percent = math.nan if calibration is None else 0.0

    def add(self, samples: npt.NDArray[np.float32]) -> Iterator[Second]:
        """Take in what was played, mono, shape (n,); each second that is now whole."""
        self._held = np.concatenate([self._held, samples])
        block = round(DOSE_BLOCK_S * self._rate_hz)
        while len(self._held) >= block:
            piece, self._held = self._held[:block], self._held[block:]
            level_dba = level_a_db(piece, self._rate_hz) + self._full_scale_dba
            self._dose_percent += dose_of(level_dba, DOSE_BLOCK_S)
            peak_dbfs = gain_to_db(float(np.max(np.abs(piece))))
            yield Second(peak_dbfs, self._max_dbfs, self._full_scale_dba, level_dba, self._dose_percent)


def load_calibration(path: Path) -> LoudnessCalibration:
    """Read what ``voice calibrate`` wrote; AssetError when it cannot be read, ConfigError names the key."""
    return decode_toml(path, LoudnessCalibration)


def capped(config: VoiceConfig) -> tuple[VoiceConfig, LoudnessCalibration | None]:
    """The configuration with its ceiling lowered to ``max_dba`` on this rig; without a calibration as it was.

    Raises
    ------
    AssetError, ConfigError
        When the calibration is missing or wrong: what cannot be capped must not play.
    ConfigError
        When this rig is so loud that no ceiling keeps it below ``max_dba``.
    """
    if not config.calibration:
        return config, None
    calibration = load_calibration(user_path(config.calibration))
    ceiling = calibration.max_dbfs(config.max_dba)
    if ceiling == -40.0 and calibration.full_scale_dba + ceiling > config.max_dba:
        raise ConfigError(
            f"{config.calibration}: 0 dBFS is {calibration.full_scale_dba:.0f} dB(A) at 1 m, too loud to keep below "
            f"{config.max_dba:g} dB(A); turn the amplifier down and type: robopatient voice calibrate"
        )
    return msgspec.structs.replace(config, max_dbfs=min(config.max_dbfs, ceiling)), calibration


def write_calibration(calibration: LoudnessCalibration, path: Path) -> None:
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
        From the rig's ``LoudnessCalibration``.
    """
    block = round(DOSE_BLOCK_S * rate_hz)
    dose_percent = 0.0
    for begin in range(0, len(samples), block):
        piece = np.zeros(block)
        part = np.asarray(samples[begin : begin + block], np.float64)
        piece[: len(part)] = part
        dose_percent += dose_of(level_a_db(piece, rate_hz) + full_scale_dba, DOSE_BLOCK_S)
    return dose_percent


def level_a_db(samples: npt.NDArray[np.floating], rate_hz: float) -> float:
    """A-weighted level of mono samples, dB over pink noise of 0 dBFS RMS; ``SILENCE_DB`` for silence."""
    power = np.abs(np.fft.rfft(np.asarray(samples, np.float64))) ** 2
    weighted = a_weight(power, np.fft.rfftfreq(len(samples), 1.0 / rate_hz))
    mean_square = 2.0 * float(weighted.sum()) / len(samples) ** 2
    return 10.0 * math.log10(mean_square) - PINK_A_DB if mean_square > 1e-20 else SILENCE_DB


def dose_of(level_dba: float, seconds: float) -> float:
    """Share of a day's allowance that a level takes in a time, percent (NIOSH 98-126); NaN stays NaN."""
    if math.isnan(level_dba):
        return math.nan
    if level_dba < THRESHOLD_DBA:
        return 0.0
    return 100.0 * seconds / (CRITERION_S * 2.0 ** ((CRITERION_DBA - level_dba) / EXCHANGE_DB))


def _pink_a_db() -> float:
    """How much the A curve takes from pink noise between 20 Hz and 20 kHz, dB: the meter's reading has it taken."""
    f_hz = np.arange(20.0, 20_000.0, 5.0)
    power = 1.0 / f_hz
    return 10.0 * math.log10(float(a_weight(power, f_hz).sum() / power.sum()))


PINK_A_DB = _pink_a_db()
