"""The glottal source as band-limited wavetables: half octaves of f0 x voice quality (Rd) x phase.

Liljencrants-Fant (LF) pulses after Fant's one-parameter Rd form. Direct LF synthesis aliases at scream pitch even
four times oversampled (-50 to -61 dB measured); a table that holds only the partials that fit does not.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["BASE_HZ", "OCTAVE_STEPS", "RD_MAX", "RD_MIN", "Source", "make_source"]

BASE_HZ = 40.0
"""f0 at which the first table begins."""
OCTAVE_STEPS = 2
"""Tables per octave."""
N_TABLES = 14
"""Half octaves from 40 Hz to 5120 Hz."""
N_PHASES = 2048
RD_MIN, RD_MAX, N_RD = 0.3, 2.7, 25
"""Pressed to lax: the range in which Fant's regressions hold."""
N_HARMONICS = 64
"""Harmonics whose power the level prediction looks at."""
PASSBAND = 0.83
"""Highest partial over Nyquist at the top of a table's range; 1 / 1.2, so that a table may be used up to 1.2 times
its range without aliasing: that is where it is crossfaded with the next."""
_OVERSAMPLING = 16
CLOSURE = 0.8
"""Phase at which the glottis closes, the same for all: voices between two rows are mixed of both, and pulses that close
at different times would cancel each other (3.6 dB and the upper harmonics lost at Rd 0.37, measured). Cycles then begin
in the closed phase or, for lax voices, where the flow has hardly begun: there a new cycle may have another size."""

Floats = npt.NDArray[np.float64]


class Source:
    """Tables and what the level prediction must know of them.

    Attributes
    ----------
    tables
        One cycle of the flow derivative, negative peak 1 before band-limiting, shape (N_TABLES, N_RD, N_PHASES + 1):
        the first phase is repeated at the end for interpolation.
    harmonic_power
        Power of each harmonic, shape (N_RD, N_HARMONICS).
    """

    def __init__(self, tables: npt.NDArray[np.float32], harmonic_power: Floats) -> None:
        self.tables = tables
        self.harmonic_power = harmonic_power


@cache
def make_source(sample_rate_hz: float) -> Source:
    """Build the tables for a sample rate, once per process; takes about as long as reading them from a file would."""
    cycles = lf_cycles(np.linspace(RD_MIN, RD_MAX, N_RD), N_PHASES * _OVERSAMPLING)
    spectrum = np.fft.rfft(cycles, axis=1)[:, : N_PHASES // 2 + 1] / _OVERSAMPLING
    spectrum[:, 0] = 0.0
    tables = np.empty((N_TABLES, N_RD, N_PHASES + 1), np.float32)
    for index in range(N_TABLES):
        top_hz = BASE_HZ * 2.0 ** ((index + 1) / OCTAVE_STEPS)
        partials = min(int(PASSBAND * sample_rate_hz / 2.0 / top_hz), N_PHASES // 2 - 1)
        kept = spectrum.copy()
        kept[:, partials + 1 :] = 0.0
        tables[index, :, :N_PHASES] = np.fft.irfft(kept, N_PHASES, axis=1)
        tables[index, :, N_PHASES] = tables[index, :, 0]
    amplitude = 2.0 * np.abs(spectrum[:, 1 : N_HARMONICS + 1]) / N_PHASES
    return Source(tables, np.ascontiguousarray(amplitude**2 / 2.0))


def lf_cycles(rd: Floats, n_phases: int) -> Floats:
    """One LF cycle per Rd, shape (len(rd), n_phases), zero net flow, negative peak -1 at the phase ``CLOSURE``.

    Formulas: Fant, Liljencrants and Lin 1985 for the pulse; Fant 1995 for Ra, Rk, Rg from Rd.
    """
    rd = rd[:, None]
    ra = (-1.0 + 4.8 * rd) / 100.0
    rk = (22.4 + 11.8 * rd) / 100.0
    rg = (rk / 4.0) * (0.5 + 1.2 * rk) / (0.11 * rd - ra * (0.5 + 1.2 * rk))
    peak = 1.0 / (2.0 * rg)
    closing = np.minimum(peak * (1.0 + rk), 0.995)
    rest = 1.0 - closing
    omega = np.pi / peak
    ta = np.maximum(ra, 1e-3)
    epsilon = 1.0 / ta
    for _ in range(200):  # fixed point of epsilon * ta = 1 - exp(-epsilon * rest)
        epsilon = (1.0 - np.exp(-epsilon * rest)) / ta
    tail = np.exp(-epsilon * rest)
    return_area = -((1.0 - tail) / epsilon - rest * tail) / (epsilon * ta)

    def opening(alpha: Floats) -> tuple[Floats, Floats]:
        """Scale of the opening phase, and net area of the whole cycle."""
        scale = -1.0 / (np.exp(alpha * closing) * np.sin(omega * closing))
        grown = np.exp(alpha * closing) * (alpha * np.sin(omega * closing) - omega * np.cos(omega * closing))
        return scale, scale * (grown + omega) / (alpha**2 + omega**2) + return_area

    low, high = np.full_like(rd, -60.0), np.full_like(rd, 120.0)
    falling = opening(low)[1] > 0.0
    for _ in range(80):  # bisection for zero net flow
        middle = (low + high) / 2.0
        above = (opening(middle)[1] > 0.0) == falling
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    alpha = (low + high) / 2.0
    phase = (np.arange(n_phases)[None, :] / n_phases + closing - CLOSURE) % 1.0
    opened = opening(alpha)[0] * np.exp(alpha * phase) * np.sin(omega * phase)
    returned = -(np.exp(-epsilon * (phase - closing)) - tail) / (epsilon * ta)
    return np.where(phase < closing, opened, returned)
