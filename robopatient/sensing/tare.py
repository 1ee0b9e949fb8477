"""The tare: a window of readings becomes the new zero only when the abdomen was certainly untouched."""

from __future__ import annotations

import math
from collections.abc import Sequence

from robopatient.levels import CONTACT_NEWTON

__all__ = ["TareWindow", "ZeroWatch"]

START_LIMIT_NEWTON = 0.3
"""Largest total that an automatic tare may remove: a resting hand weighs more (assumption; the facts sheet's
auto-zero limit is 0.5 N, but 0.5 N is over 3 % of a soft press)."""
OPERATOR_LIMIT_NEWTON = 10.0
"""Largest force of one cell that the operator may tare away: a new skin, a moved phantom (assumption: 20 % of 50 N)."""
STEADY_NEWTON = 0.1
"""Largest standard deviation of the total: a hand trembles more, a cell's noise is 0.001 N (assumption)."""
SLOPE_NEWTON_PER_S = 0.5
"""Largest drift of the total within the window (assumption)."""
MIN_FRAMES = 20
"""Fewest readings of a window (80 Hz x 0.25 s)."""

WATCH_S = 5.0
WATCH_STEP_NS = 20_000_000
DRIFT_NEWTON = START_LIMIT_NEWTON
SAY_AGAIN_NS = 60_000_000_000


class TareWindow:
    """Collects cell forces for a while, then says what the zero is, or why there is none.

    Parameters
    ----------
    duration_s
        Length of the window.
    asked
        Whether the operator asked for it, and so confirms that nobody touches the abdomen.
    """

    def __init__(self, duration_s: float, asked: bool) -> None:
        self.asked = asked
        self._duration_ns = round(duration_s * 1e9)
        self._start_ns: int | None = None
        self._frames = 0
        self._sums: list[float] = []
        self._t_s = self._tt = self._total = self._squares = self._t_total = 0.0
        self._fault = ""

    def add(self, t_ns: int, cells_newton: Sequence[float], fault: str = "") -> bool:
        """Take one frame (forces by the present calibration, untared); True when the window is full."""
        if self._start_ns is None:
            self._start_ns = t_ns
            self._sums = [0.0] * len(cells_newton)
        t_s = (t_ns - self._start_ns) * 1e-9
        total = 0.0
        for cell, newton in enumerate(cells_newton):
            self._sums[cell] += newton
            total += newton
        self._frames += 1
        self._t_s += t_s
        self._tt += t_s * t_s
        self._total += total
        self._squares += total * total
        self._t_total += t_s * total
        self._fault = self._fault or fault
        return t_ns - self._start_ns >= self._duration_ns and self._frames >= MIN_FRAMES

    def zero_newton(self) -> tuple[float, ...]:
        """Mean force of each cell, N."""
        return tuple(value / self._frames for value in self._sums)

    def refusal(self) -> str:
        """Why the window is no zero, or "" when it is one."""
        if self._fault:
            return f"a cell was {self._fault} meanwhile"
        n = self._frames
        mean = self._total / n
        spread = math.sqrt(max(0.0, self._squares / n - mean * mean))
        if spread > STEADY_NEWTON:
            return f"the force was unsteady (sd {spread:.2f} N, at most {STEADY_NEWTON:g} N): take the hand away"
        variance_t = self._tt / n - (self._t_s / n) ** 2
        slope = (self._t_total / n - mean * self._t_s / n) / variance_t if variance_t > 0.0 else 0.0
        if abs(slope) > SLOPE_NEWTON_PER_S:
            return f"the force drifted by {slope:.1f} N/s (at most {SLOPE_NEWTON_PER_S:g} N/s): wait and tare again"
        if not self.asked:
            if abs(mean) > START_LIMIT_NEWTON:
                return f"{mean:.1f} N already lay on the abdomen (at most {START_LIMIT_NEWTON:g} N)"
            return ""
        for cell, newton in enumerate(self.zero_newton(), start=1):
            if abs(newton) > OPERATOR_LIMIT_NEWTON:
                return (
                    f"cell {cell} read {newton:.1f} N (at most {OPERATOR_LIMIT_NEWTON:g} N): calibrate the board anew"
                )
        return ""


class ZeroWatch:
    """Notices a zero that has drifted: a small force that stays, so steady that no hand holds it."""

    def __init__(self) -> None:
        self._window: TareWindow | None = None
        self._next_ns = 0
        self._silent_until_ns = 0

    def step(self, t_ns: int, cells_newton: Sequence[float], fault: str) -> float | None:
        """Take one tared frame; the drift, N, when there is one to report (once a minute)."""
        if t_ns < self._next_ns:
            return None
        self._next_ns = t_ns + WATCH_STEP_NS
        if fault or abs(sum(cells_newton)) > CONTACT_NEWTON:
            self._window = None
            return None
        if self._window is None:
            self._window = TareWindow(WATCH_S, asked=True)
        if not self._window.add(t_ns, cells_newton):
            return None
        window, self._window = self._window, None
        drift = sum(window.zero_newton())
        if window.refusal() or abs(drift) <= DRIFT_NEWTON or t_ns < self._silent_until_ns:
            return None
        self._silent_until_ns = t_ns + SAY_AGAIN_NS
        return drift
