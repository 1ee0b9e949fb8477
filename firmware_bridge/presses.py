"""A seeded, endless sequence of palpations: peaks, times and shapes follow recorded presses.

Sources, named at each constant: [T] 7 680 single presses of the congruence study (arXiv 2506.11827), [F] 18 recordings
of free palpation on four cells (Protpagorn et al. 2023, doi 10.3389/frobt.2023.1122914); [A] an assumption.
"""

from __future__ import annotations

import bisect
import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from firmware_bridge.phantom import spread

__all__ = ["Hand", "MeasuredPress"]

FIRST_ONSET_S = 0.9  # [T] contact onset about 0.9 s after the start of a trial
PEAK_MEDIAN_NEWTON = 31.0  # [T] medians 27.8 to 35.6 by target; [F] 30.5
PEAK_LOG_SD = 0.42  # [T] p5-p95 18.1 to 67.6 N at the 15 N target; [F] 0.37
PEAK_MAX_NEWTON = 95.0  # [T] larger ones are spikes
WEAK_SHARE = 0.02  # [T] 1.8 % of trials never reach their target
WEAK_MAX_NEWTON = 4.5
CONTACT_MEDIAN_S = 1.1  # [T] 1.27; [F] 0.89
CONTACT_LOG_SD = 0.33  # [T] 0.42 with holds to the trial's end; [F] 0.25
RISE_SHARE = (0.45, 0.15)  # [T] peak after 0.54 of the contact; [F] 0.33: mean and sd
RISE_SHARE_LIMITS = (0.2, 0.75)  # [T] p5 0.19, p95 0.81
SHAPE_LOG_SD = 0.25
"""[T] the median rise and fall are quarter sines to within 0.03; 10 % and 90 % of them lie near powers 1.8 and 0.7."""
SHAPE_LIMITS = (0.75, 1.9)
PAUSE_MEDIAN_S = 0.48  # [F] 0.46 between free presses; onset to onset 1.6 s
PAUSE_LOG_SD = 0.35  # [F] p5 0.26, p95 0.74
RESTING_SHARE = 0.13  # [T] 13 % touch before the press begins
RESTING_NEWTON = (0.6, 2.2)  # [A]
NO_TOUCH_EVERY = 8  # [A] presses between two looks at the patient
NO_TOUCH_S = (2.5, 5.0)  # [A]
TREMOR = 0.012  # [A] relative sd of a hold, seen on the plateaus of [T] and [F]
TREMOR_HZ = (3.0, 7.0, 11.0)  # [A]
LONGEST_S = 10.0
"""No contact, and no resting hand before it, lasts longer (six standard deviations)."""
ABDOMEN_MM = (30.0, 260.0, 40.0, 250.0)
"""x and y limits of where a hand presses; [F] used 3-249 by 39-195 mm of the plate."""
NEAR_SD_MM = 14.0  # [A] finger breadth
SPIKE_NEWTON = (40.0, 150.0)  # [T] slopes to 10.8 kN/s, totals to 252 N
DRIFT_NEWTON = 0.03  # [A] zero drift of a cell, amplitude
DRIFT_PERIOD_S = (240.0, 700.0)  # [A]


class MeasuredPress(msgspec.Struct, frozen=True, kw_only=True):
    """One press of the hand; times in seconds from the start."""

    onset_s: float
    contact_s: float
    rise_share: float
    shape: float
    peak_newton: float
    x_mm: float
    y_mm: float
    resting_newton: float
    resting_s: float
    tremor_phases: tuple[float, float, float]

    @property
    def end_s(self) -> float:
        """When the hand leaves."""
        return self.onset_s + self.contact_s


class Hand:
    """Forces on the four cells at any time, equal for equal seeds.

    Parameters
    ----------
    seed
        Of all that is random here.
    tender_mm
        A site (x, y) that is pressed more often than others, mm.
    tender_share
        Share of presses near it; the others lie anywhere on the abdomen.
    spikes_per_minute
        One-sample disturbances of one cell.
    """

    def __init__(
        self,
        seed: int,
        tender_mm: tuple[float, float],
        *,
        tender_share: float = 0.4,
        spikes_per_minute: float = 0.2,
    ) -> None:
        self._rng = np.random.default_rng([seed, 0x50])
        self._tender_mm = tender_mm
        self._tender_share = tender_share
        self._spikes_per_s = spikes_per_minute / 60.0
        self._presses: list[MeasuredPress] = []
        self._spike_rng = np.random.default_rng([seed, 0x51])
        self._spikes: list[tuple[float, int, float]] = []
        self._drift_s = self._spike_rng.uniform(*DRIFT_PERIOD_S, 4)
        self._drift_phase = self._spike_rng.uniform(0.0, 2 * np.pi, 4)

    def presses(self, until_s: float) -> list[MeasuredPress]:
        """Presses that begin before ``until_s``."""
        return self._between(-math.inf, until_s)

    def forces(self, t_s: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
        """Forces (n, 4), N, of conversions that end at each time of ``t_s`` (n,) and last ``period_s``."""
        middle_s = t_s - period_s / 2
        cells = DRIFT_NEWTON * np.sin(2 * np.pi * middle_s[:, None] / self._drift_s + self._drift_phase)
        cells -= DRIFT_NEWTON * np.sin(self._drift_phase)
        first_s, last_s = float(t_s[0]), float(t_s[-1])
        for press in self._between(first_s - LONGEST_S, last_s + LONGEST_S):
            if press.onset_s - press.resting_s <= last_s and first_s - period_s <= press.end_s:
                cells += spread(_total(press, middle_s), press.x_mm, press.y_mm)
        for at_s, cell, newton in self._spikes_before(last_s):
            cells[(t_s - period_s < at_s) & (at_s <= t_s), cell] += newton
        return cells

    def _between(self, from_s: float, until_s: float) -> list[MeasuredPress]:
        presses = self._presses
        while not presses or presses[-1].onset_s < until_s:
            presses.append(self._next_press())
        low, high = (bisect.bisect_left(presses, at_s, key=_onset_s) for at_s in (from_s, until_s))
        return presses[low:high]

    def _next_press(self) -> MeasuredPress:
        rng = self._rng
        number = len(self._presses)
        pause_s = PAUSE_MEDIAN_S * math.exp(PAUSE_LOG_SD * rng.standard_normal())
        if number == 0:
            onset_s = FIRST_ONSET_S + pause_s / 2
        else:
            if number % NO_TOUCH_EVERY == 0:
                pause_s += rng.uniform(*NO_TOUCH_S)
            onset_s = self._presses[-1].end_s + pause_s
        if rng.random() < WEAK_SHARE:
            peak = rng.uniform(1.5, WEAK_MAX_NEWTON)
        else:
            peak = min(PEAK_MEDIAN_NEWTON * math.exp(PEAK_LOG_SD * rng.standard_normal()), PEAK_MAX_NEWTON)
        x_low, x_high, y_low, y_high = ABDOMEN_MM
        if rng.random() < self._tender_share:
            x_mm = self._tender_mm[0] + NEAR_SD_MM * rng.standard_normal()
            y_mm = self._tender_mm[1] + NEAR_SD_MM * rng.standard_normal()
        else:
            x_mm, y_mm = rng.uniform(x_low, x_high), rng.uniform(y_low, y_high)
        resting = rng.random() < RESTING_SHARE
        return MeasuredPress(
            onset_s=onset_s,
            contact_s=CONTACT_MEDIAN_S * math.exp(CONTACT_LOG_SD * rng.standard_normal()),
            rise_share=float(np.clip(rng.normal(*RISE_SHARE), *RISE_SHARE_LIMITS)),
            shape=float(np.clip(math.exp(SHAPE_LOG_SD * rng.standard_normal()), *SHAPE_LIMITS)),
            peak_newton=peak,
            x_mm=float(np.clip(x_mm, x_low, x_high)),
            y_mm=float(np.clip(y_mm, y_low, y_high)),
            resting_newton=min(rng.uniform(*RESTING_NEWTON), 0.5 * peak) if resting else 0.0,
            resting_s=0.7 * pause_s if resting else 0.0,
            tremor_phases=tuple(rng.uniform(0.0, 2 * math.pi, 3)),
        )

    def _spikes_before(self, until_s: float) -> list[tuple[float, int, float]]:
        rng = self._spike_rng
        while self._spikes_per_s > 0 and (not self._spikes or self._spikes[-1][0] < until_s):
            after_s = self._spikes[-1][0] if self._spikes else 0.0
            at_s = after_s + rng.exponential(1.0 / self._spikes_per_s)
            self._spikes.append((at_s, int(rng.integers(4)), rng.choice((-1, 1)) * rng.uniform(*SPIKE_NEWTON)))
        return self._spikes


def _onset_s(press: MeasuredPress) -> float:
    return press.onset_s


def _total(press: MeasuredPress, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Total force of one press, N: a power of a quarter sine up and down, tremor, perhaps a resting hand before."""
    since_s = t_s - press.onset_s
    rise_s = press.rise_share * press.contact_s
    way = np.where(since_s < rise_s, since_s / rise_s, (press.contact_s - since_s) / (press.contact_s - rise_s))
    bell = np.sin(0.5 * np.pi * np.clip(way, 0.0, 1.0)) ** press.shape
    tremor = sum(
        np.sin(2 * np.pi * hz * since_s + phase) for hz, phase in zip(TREMOR_HZ, press.tremor_phases, strict=True)
    )
    total = press.peak_newton * bell * (1.0 + TREMOR * math.sqrt(2 / 3) * tremor * (1.0 - bell**8))
    resting = (since_s > -press.resting_s) & (since_s < rise_s)
    return np.maximum(total, np.where(resting, press.resting_newton, 0.0))
