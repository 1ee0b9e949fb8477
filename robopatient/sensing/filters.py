"""Filters from a converter's counts to a plausible force: spike gate, dead band, dead-cell detection.

Nothing here averages: a real press passes undelayed (bandwidth above the 30 Hz that palpation needs, Konstantinova
2017), and only a jump that no hand can make waits one frame for its confirmation.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["FrameGate", "dead_band"]

JUMP_NEWTON = 1.0
"""A jump of this size passes at any rate (assumption: the recordings' largest noise step is half of it)."""
SLEW_NEWTON_PER_S = 1000.0
"""Fastest believable change of one cell (assumption: 2.5 times the 95th percentile of the total, 400 N/s)."""
MAX_HELD_FRAMES = 3
"""So many strange readings in a row are the truth (assumption)."""
FROZEN_NS = 250_000_000
"""A jump to a count that stays the same to the last bit is believed only after so long: forces carry noise, and what a
disturbed converter delivers, such as all ones, does not (HX711 issues; time: assumption)."""
NOISE_STEP, NOISY = 0.2, 0.5
"""A cell whose counts change from frame to frame in more than this share, smoothed over 1 / 0.2 frames, has noise; only
then is standing still a sign (assumption)."""
DEAD_NS = 50_000_000
"""A cell that has not answered for so long is dead (assumption: four conversions at 80 Hz)."""
NO_ANSWER_CODES = frozenset((-1, 0))
"""All ones and all zeros: what a bit-banged converter delivers when its clock or data line fails (HX711 issues)."""
STUCK_NS = 2_000_000_000
"""A cell whose count stays the same to the last bit for so long, while another's changes, is dead: a working one has
noise (assumption: twice as long as a press, for converters so coarse that a far corner shows none)."""


class FrameGate:
    """Lets a frame of counts through as a whole, so that the place of the hand is never made of two moments.

    A frame in which any cell jumps further than a hand can waits for the next one: if that agrees the jump was real,
    if it does not the jump was a spike and is dropped. A jump to counts that stand still to the last bit waits longer.

    Attributes
    ----------
    values
        Believable counts, shape (n_cells,). A cell that does not answer keeps its last ones.
    dead
        Which cells have not answered for ``DEAD_NS`` or are stuck, shape (n_cells,).
    spike
        Whether a spike was dropped just before this frame.
    """

    def __init__(self, counts_per_newton: Sequence[float], start: Sequence[float]) -> None:
        self.values: list[float] = list(start)
        self.dead = [False] * len(self.values)
        self.spike = False
        self._counts_per_newton = [abs(gain) for gain in counts_per_newton]
        self._accepted_ns: int | None = None
        self._answered_ns: list[int | None] = [None] * len(self.values)
        self._raw: list[int | None] = [None] * len(self.values)
        self._changed_ns = [0] * len(self.values)
        self._noise = [0.0] * len(self.values)
        self._suspect: list[float] | None = None
        self._held = 0
        self._jumping: list[int] = []
        self._jumped_ns = 0

    def step(self, t_ns: int, counts: Sequence[int], ready_mask: int, zeroed: bool = False) -> None:
        """Take one frame; ``zeroed`` when the board subtracts a tare, so that 0 and -1 are ordinary readings."""
        self.spike = False
        first = self._accepted_ns is None
        current = self._answers(t_ns, counts, ready_mask, zeroed)
        limit_newton = JUMP_NEWTON + SLEW_NEWTON_PER_S * 1e-9 * max(0, t_ns - (self._accepted_ns or t_ns))
        suspect, self._suspect = self._suspect, None
        jumped = [] if first else self._jumped(current, self.values, limit_newton)
        still = suspect is not None and any(current[cell] == suspect[cell] for cell in self._jumping)
        if still and t_ns - self._jumped_ns < FROZEN_NS:
            self._suspect = current
            return
        if jumped and not still:
            confirmed = suspect is not None and not self._jumped(current, suspect, limit_newton)
            if not confirmed and self._held < MAX_HELD_FRAMES:
                self._jumping = [cell for cell in jumped if self._noise[cell] > NOISY]
                self._suspect, self._jumped_ns = current, t_ns
                self._held += 1
                return
        if not jumped:
            self.spike = suspect is not None
        self._held = 0
        self._accepted_ns = t_ns
        self.values = current

    def _answers(self, t_ns: int, counts: Sequence[int], ready_mask: int, zeroed: bool) -> list[float]:
        """Counts of a frame, with the former ones of cells that do not answer; keeps ``dead`` up to date."""
        current = self.values.copy()
        for cell, count in enumerate(counts):
            changed = count != self._raw[cell]
            self._noise[cell] += NOISE_STEP * (changed - self._noise[cell])
            if changed:
                self._raw[cell] = count
                self._changed_ns[cell] = t_ns
        newest_ns = max(self._changed_ns)
        for cell, count in enumerate(counts):
            if newest_ns - self._changed_ns[cell] > STUCK_NS:
                self.dead[cell] = True
                continue
            if not ready_mask >> cell & 1 or (count in NO_ANSWER_CODES and not zeroed):
                answered_ns = self._answered_ns[cell]
                self.dead[cell] = answered_ns is None or t_ns - answered_ns > DEAD_NS
                continue
            if self.dead[cell]:
                self.values[cell] = float(count)  # it is back: nothing to compare with
            self.dead[cell] = False
            self._answered_ns[cell] = t_ns
            current[cell] = float(count)
        return current

    def _jumped(self, a: list[float], b: list[float], limit_newton: float) -> list[int]:
        """Cells that differ by more than a hand can change them."""
        scaled = zip(a, b, self._counts_per_newton, strict=True)
        return [cell for cell, (here, there, gain) in enumerate(scaled) if abs(here - there) > limit_newton * gain]


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
