"""What stands between a converter's counts and a believable force: spike gate, dead band, dead-cell watch.

Nothing here averages: a real press passes undelayed (bandwidth above the 30 Hz that palpation needs, Konstantinova
2017), and only a jump that no hand can make waits one frame for its confirmation.
"""

from __future__ import annotations

__all__ = ["CellGate", "dead_band"]

JUMP_NEWTON = 1.0
"""A jump of this size passes at any rate (assumption: the recordings' largest noise step is half of it)."""
SLEW_NEWTON_PER_S = 1000.0
"""Fastest believable change of one cell (assumption: 2.5 times the 95th percentile of the total, 400 N/s)."""
MAX_HELD_FRAMES = 3
"""So many strange readings in a row are the truth (assumption)."""
DEAD_S = 0.05
"""A cell that has not answered for so long is dead (assumption: four conversions at 80 Hz)."""
STUCK_CODES = frozenset((-1, 0))
"""All ones and all zeros: what a bit-banged converter delivers when its clock or data line fails (HX711 issues)."""


class CellGate:
    """One cell's readings, in counts, with spikes and dropouts taken out.

    Parameters
    ----------
    counts_per_newton
        Size of the cell's gain.
    range_counts
        Lowest and highest count of the converter.
    """

    __slots__ = (
        "_counts_per_newton",
        "_held",
        "_high",
        "_last_answer_ns",
        "_low",
        "_suspect",
        "dead",
        "saturated",
        "spike",
        "value",
    )

    def __init__(self, counts_per_newton: float, range_counts: tuple[int, int], start: float) -> None:
        self.value = start
        self.dead = False
        self.saturated = False
        self.spike = False
        self._counts_per_newton = abs(counts_per_newton)
        self._low, self._high = range_counts
        self._suspect: float | None = None
        self._held = 0
        self._last_answer_ns: int | None = None

    def step(self, count: int, ready: bool, t_ns: int, dt_s: float) -> float:
        """Believable counts now; ``dead``, ``saturated`` and ``spike`` tell about this frame."""
        self.spike = False
        self.saturated = count <= self._low or count >= self._high
        if not ready or count in STUCK_CODES:
            last = self._last_answer_ns
            self.dead = last is None or t_ns - last > DEAD_S * 1e9
            return self.value
        first = self._last_answer_ns is None or self.dead
        self._last_answer_ns = t_ns
        self.dead = False
        limit = (JUMP_NEWTON + SLEW_NEWTON_PER_S * dt_s) * self._counts_per_newton
        suspect, self._suspect = self._suspect, None
        if first or abs(count - self.value) <= limit:
            self.spike = suspect is not None
        elif (suspect is None or abs(count - suspect) > limit) and self._held < MAX_HELD_FRAMES:
            self._suspect = float(count)
            self._held += 1
            return self.value
        self._held = 0
        self.value = float(count)
        return self.value


def dead_band(newton: float, band_newton: float) -> float:
    """Silence the noise without a jump and without a bias: 0 inside the band, untouched beyond twice the band.

    The published rigs cut ±0.5 N out, which makes a step of 0.5 N at every contact; here the force rises twice as
    fast between one and two bands instead.
    """
    size = newton if newton >= 0.0 else -newton
    if size >= 2.0 * band_newton:
        return newton
    if size <= band_newton:
        return 0.0
    return 2.0 * (size - band_newton) * (1.0 if newton > 0.0 else -1.0)
