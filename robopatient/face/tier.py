"""Drawing at the largest size that holds the frame rate: a smaller picture beats a late one.

The window scales the picture up; films and stills are drawn again at full size and do not pass here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from robopatient.clock import Clock
from robopatient.face.pose import FacePose
from robopatient.face.render import Renderer

__all__ = ["TieredRenderer"]

SHRINK = (7 / 8, 3 / 4, 5 / 8, 1 / 2)
"""Smaller sizes, as fractions of the configured one: of 512, that is 448, 384, 320, 256."""

SHARE = 0.75
"""Part of the frame period that drawing may take; the rest is for the window, the system and the other processes
(assumption, about 25 of 33 ms)."""

JUDGED_FRAMES = 60
"""Drawing times whose median decides while the session runs: two seconds at 30 fps, longer than one stall."""


class TieredRenderer:
    """A renderer that steps down in size when it is too slow, and never up again: no flicker between sizes.

    Parameters
    ----------
    make
        Makes a renderer of a size in pixels.
    size_px
        The size wished for.
    period_s
        Frame period to hold.
    """

    def __init__(self, make: Callable[[int], Renderer], size_px: int, period_s: float, clock: Clock) -> None:
        self._make = make
        self._clock = clock
        self._limit_ns = round(SHARE * period_s * 1e9)
        self._sizes = [size_px, *(round(size_px * share / 16) * 16 for share in SHRINK)]
        self._took_ns: deque[int] = deque(maxlen=JUDGED_FRAMES)
        self._renderer = make(size_px)

    @property
    def size_px(self) -> int:
        """Size of the pictures drawn now."""
        return self._sizes[0]

    @property
    def kind(self) -> str:
        """Kind of the renderer: "gl", "numba"."""
        return self._renderer.kind

    @property
    def draw_ms(self) -> float:
        """Median drawing time of the last frames."""
        return median(self._took_ns) * 1e-6 if self._took_ns else 0.0

    def warm_up(self, poses: Sequence[FacePose], budget_s: float = 1.5) -> None:
        """Draw until compiled and cached, and step down until it is quick enough or the time is spent.

        The best half of the times decides: while the session starts, every process is busy.
        """
        end_ns = self._clock.now_ns() + round(budget_s * 1e9)
        self._timed(poses[0])  # compiles and uploads: not counted
        while True:
            self._took_ns.clear()
            for pose in poses:
                self._timed(pose)
                if self._clock.now_ns() > end_ns:
                    break
            best_ns = median(sorted(self._took_ns)[: -(-len(self._took_ns) // 2)])
            if not self._step_down(best_ns):
                break
            self._timed(poses[0])
            if self._clock.now_ns() > end_ns:
                break

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (size_px, size_px, 3)."""
        image = self._timed(pose)
        if len(self._took_ns) == JUDGED_FRAMES:
            self._step_down(median(self._took_ns))
        return image

    def close(self) -> None:
        """Let go of the device."""
        self._renderer.close()

    def _timed(self, pose: FacePose) -> np.ndarray:
        before_ns = self._clock.now_ns()
        image = self._renderer.draw(pose)
        self._took_ns.append(self._clock.now_ns() - before_ns)
        return image

    def _step_down(self, took_ns: float) -> bool:
        """Take the largest size that should hold the rate, when this one does not; False when it stays.

        What a picture costs is taken to grow with its area: a little hopeful, so that no size is passed over.
        """
        if took_ns <= self._limit_ns or len(self._sizes) == 1:
            return False
        area = self.size_px**2 * self._limit_ns / took_ns
        self._sizes = [size for size in self._sizes[1:-1] if size**2 <= area] + self._sizes[-1:]
        self._took_ns.clear()
        self._renderer.close()
        self._renderer = self._make(self._sizes[0])
        return True
