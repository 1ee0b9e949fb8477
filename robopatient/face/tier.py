"""Drawing at the largest size that holds the frame rate: a smaller picture beats a late one.

The window scales the picture up; films and stills are drawn again at full size and do not pass here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from statistics import median

import numpy as np

from robopatient.clock import Clock
from robopatient.face.pose import FacePose
from robopatient.face.render import Renderer

__all__ = ["TieredRenderer"]

SHRINK = (1.0, 7 / 8, 3 / 4, 5 / 8, 1 / 2)
"""Sizes tried, as fractions of the configured one: 512, 448, 384, 320, 256."""

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
        self._sizes = [max(128, round(size_px * share / 16) * 16) for share in SHRINK]
        self._sizes[0] = size_px
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

    def warm_up(self, poses: Iterable[FacePose]) -> None:
        """Draw until compiled and cached, and step down until it is quick enough.

        The best half of the times decides: while the session starts, every process is busy.
        """
        poses = list(poses)
        while True:
            for pose in poses:
                self._timed(pose)
            best = sorted(self._took_ns)[: max(1, len(poses) // 2)]
            if median(best) <= self._limit_ns or not self._step_down():
                break
        self._took_ns.clear()

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (size_px, size_px, 3)."""
        image = self._timed(pose)
        if len(self._took_ns) == JUDGED_FRAMES and median(self._took_ns) > self._limit_ns:
            self._step_down()
        return image

    def close(self) -> None:
        """Let go of the device."""
        self._renderer.close()

    def _timed(self, pose: FacePose) -> np.ndarray:
        before_ns = self._clock.now_ns()
        image = self._renderer.draw(pose)
        self._took_ns.append(self._clock.now_ns() - before_ns)
        return image

    def _step_down(self) -> bool:
        """Go on with the next smaller size; False when there is none."""
        smaller = [size for size in self._sizes if size < self._sizes[0]]
        if not smaller:
            return False
        self._sizes = smaller
        self._took_ns.clear()
        self._renderer.close()
        self._renderer = self._make(self._sizes[0])
        return True
