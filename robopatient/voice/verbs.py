"""What the command line asks of the voice: words into a file, the calibration of a loudspeaker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from firmware_bridge.outputs import check_outputs, new_files
from robopatient.config import VoiceConfig
from robopatient.errors import ConfigError

__all__ = ["calibrate", "say", "write_wav"]


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
    write_wav(out, speak(text, load_identity(identity), nrs, config).samples, config.sample_rate_hz, force)


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
    from robopatient.voice.calibration import LoudnessCalibration, pink_noise, play, write_calibration

    noise = pink_noise(seconds, level_dbfs)
    if reading_db is None:
        play(noise, device)
        try:
            reading_db = float(input("Reading of the meter, dB(A) at 1 m, slow: "))
        except (ValueError, EOFError) as error:
            raise ConfigError("the reading is no number; type it as 68.5, or give --reading 68.5") from error
    calibration = LoudnessCalibration(
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


def write_wav(out: Path, samples: npt.NDArray[np.float32], rate_hz: int, force: bool = False) -> None:
    """A WAV file, whole or not at all."""
    from robopatient.voice.wav import WavWriter

    with new_files(out, force=force) as (part,):
        file = WavWriter(part, rate_hz)
        file.append(samples)
        file.close()
