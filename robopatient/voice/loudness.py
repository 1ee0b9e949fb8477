"""How loud a sound is to people and how high it really peaks: ITU-R BS.1770-4 loudness and true peak.

Written out here because it is thirty lines, and because a recording, a word and the synthesiser must all be measured
by the same ruler before a gain is applied to them.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly, sosfilt

from robopatient.levels import SILENCE_DB, gain_to_db

__all__ = ["a_weight", "k_weight", "loudness_lufs", "true_peak_dbfs"]

Samples = npt.NDArray[np.floating]

BLOCK_S, HOP_S = 0.4, 0.1
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
OFFSET_LU = -0.691


def loudness_lufs(samples: Samples, rate_hz: float) -> float:
    """Gated loudness of a mono sound, shape (n,), LUFS; a sound shorter than a gating block is taken whole.

    ``SILENCE_DB`` for silence.
    """
    weighted = k_weight(np.asarray(samples, np.float64), rate_hz) ** 2
    block, hop = round(BLOCK_S * rate_hz), round(HOP_S * rate_hz)
    if len(weighted) < block:
        # What is silent in a one-shot says nothing about how loud it is: gated RMS of 50 ms pieces.
        block = hop = max(1, min(len(weighted), round(0.05 * rate_hz)))
    sums = np.concatenate([[0.0], np.cumsum(weighted)])
    starts = np.arange(0, len(weighted) - block + 1, hop)
    power = np.maximum((sums[starts + block] - sums[starts]) / block, 0.0)
    power = power[power > 10.0 ** ((ABSOLUTE_GATE_LUFS - OFFSET_LU) / 10.0)]
    if power.size == 0:
        return SILENCE_DB
    power = power[power >= power.mean() * 10.0 ** (RELATIVE_GATE_LU / 10.0)]
    return OFFSET_LU + 10.0 * math.log10(power.mean())


def true_peak_dbfs(samples: Samples) -> float:
    """Peak of the sound four times oversampled, dBFS (BS.1770-4, annex 2)."""
    return gain_to_db(float(np.max(np.abs(resample_poly(np.asarray(samples, np.float64), 4, 1)), initial=0.0)))


def k_weight(samples: Samples, rate_hz: float) -> Samples:
    """Head and low-cut filters of BS.1770-4, from their analogue prototypes so that any rate will do."""
    # High shelf (+4 dB, 1682 Hz) and high pass (38 Hz): De Man 2014, "Evaluation of implementations of the
    # EBU R128 loudness measurement".
    sections = []
    gain_db, q, f_hz = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = math.tan(math.pi * f_hz / rate_hz)
    high = 10.0 ** (gain_db / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    sections.append(
        [
            (high + band * k / q + k * k) / a0,
            2.0 * (k * k - high) / a0,
            (high - band * k / q + k * k) / a0,
            1.0,
            2.0 * (k * k - 1.0) / a0,
            (1.0 - k / q + k * k) / a0,
        ]
    )
    q, f_hz = 0.5003270373238773, 38.13547087602444
    k = math.tan(math.pi * f_hz / rate_hz)
    a0 = 1.0 + k / q + k * k
    sections.append([1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0])
    return np.asarray(sosfilt(np.array(sections), samples))


def a_weight(power: Samples, f_hz: Samples) -> Samples:
    """Power spectrum as the A curve of IEC 61672 weighs it, 0 dB at 1 kHz."""
    f2 = np.asarray(f_hz, np.float64) ** 2
    response = 12194.0**2 * f2**2
    response /= (f2 + 20.6**2) * np.sqrt((f2 + 107.7**2) * (f2 + 737.9**2)) * (f2 + 12194.0**2)
    return np.asarray(power * (response * 10.0 ** (2.0 / 20.0)) ** 2)
