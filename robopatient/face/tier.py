"""Drawing at the largest size that holds the frame rate: a smaller picture beats a late one.

The window scales the picture up; films and stills are drawn again at full size and do not pass here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from robopatient.clock import Clock
from robopatient.face.render import Renderer
from robopatient.messages import FacePose

__all__ = ["TieredRenderer"]

SHRINK = (7 / 8, 3 / 4, 5 / 8, 1 / 2)
"""Smaller sizes, as fractions of the configured one: of 512, that is 448, 384, 320, 256."""

SHARE = 0.95
"""Part of the frame period that drawing may take. With all processes on two cores and no graphics card it took 25 to
29 ms at 512 px and 26 to 34 at 320 (`robopatient bench latency`): there it is the company that costs, not the size."""

JUDGED_FRAMES = 60
"""Frames judged together while the session runs: two seconds at 30 fps."""

WINDOWS_DOWN, WINDOWS_UP = 2, 5
"""Judgements in a row that must agree before the size changes: a stall of the host lasts less, and so no picture
shrinks for it; the way back up takes longer, and twice as long after each time that it proved too much."""

ROOM = 0.85
"""A larger picture is tried when its expected time is below this part of the limit."""


class TieredRenderer:
    """A renderer that steps down in size when it is too slow for long, and up again when there is room.

    The lower quartile of the drawing times decides: what the machine can do most of the time, whatever stalls it.

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
        self._clock = clock
        self._limit_ns = round(SHARE * period_s * 1e9)
        self._sizes = [size_px, *(round(size_px * share / 16) * 16 for share in SHRINK)]
        self._step = 0
        self._took_ns: list[int] = []
        self._recent_ns: deque[int] = deque(maxlen=JUDGED_FRAMES)
        self._slow_windows = self._quick_windows = 0
        self._windows_up = WINDOWS_UP
        self._grown = False
        self._renderer = make(size_px)

    @property
    def size_px(self) -> int:
        """Size of the pictures drawn now."""
        return self._sizes[self._step]

    @property
    def kind(self) -> str:
        """Kind of the renderer: "gl", "numba"."""
        return self._renderer.kind

    @property
    def draw_ms(self) -> float:
        """Median drawing time of the last frames."""
        return median(self._recent_ns) * 1e-6 if self._recent_ns else 0.0

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
        self._took_ns.clear()

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (size_px, size_px, 3)."""
        image = self._timed(pose)
        if len(self._took_ns) >= JUDGED_FRAMES:
            self._judge(sorted(self._took_ns)[JUDGED_FRAMES // 4])
            self._took_ns.clear()
        return image

    def close(self) -> None:
        """Let go of the device."""
        self._renderer.close()

    def _timed(self, pose: FacePose) -> np.ndarray:
        before_ns = self._clock.now_ns()
        image = self._renderer.draw(pose)
        took_ns = self._clock.now_ns() - before_ns
        self._took_ns.append(took_ns)
        self._recent_ns.append(took_ns)
        return image

    def _judge(self, took_ns: float) -> None:
        """Count windows that were too slow or quick enough for more, and change the size when enough agree."""
        too_slow = took_ns > self._limit_ns
        self._slow_windows = self._slow_windows + 1 if too_slow else 0
        self._quick_windows = self._quick_windows + 1 if self._step and self._larger_ns(took_ns) < self._limit_ns else 0
        if self._slow_windows >= WINDOWS_DOWN:
            if self._grown:  # it had just grown too far
                self._windows_up *= 2
                self._grown = False
            self._step_down(took_ns)
        elif self._quick_windows >= self._windows_up:
            self._grown = True
            self._resize(self._step - 1)

    def _larger_ns(self, took_ns: float) -> float:
        """Expected drawing time one size up, with a margin."""
        return took_ns * (self._sizes[self._step - 1] / self.size_px) ** 2 / ROOM

    def _step_down(self, took_ns: float) -> bool:
        """Take the largest size that should hold the rate, when this one does not; False when it stays.

        What a picture costs is taken to grow with its area: a little hopeful, so that no size is passed over.
        """
        last = len(self._sizes) - 1
        if took_ns <= self._limit_ns or self._step == last:
            return False
        area = self.size_px**2 * self._limit_ns / took_ns
        fitting = [step for step in range(self._step + 1, last) if self._sizes[step] ** 2 <= area]
        self._resize(fitting[0] if fitting else last)
        return True

    def _resize(self, step: int) -> None:
        self._step = step
        self._renderer.resize(self.size_px)
        self._took_ns.clear()
        self._slow_windows = self._quick_windows = 0
