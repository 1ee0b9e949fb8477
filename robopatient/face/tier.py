"""Adapts drawing to the speed of the machine: first fewer pictures a second, then smaller ones.

The window scales the picture up; films and stills are drawn again at full size and do not pass here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from robopatient.clock import Clock
from robopatient.face.render import Renderer
from robopatient.messages import FacePose

__all__ = ["TieredRenderer"]

SHRINK = (7 / 8, 3 / 4, 5 / 8, 1 / 2)
"""Smaller sizes, as fractions of the configured one: of 512, that is 448, 384, 320, 256."""

SLOWEST_FPS = 20.0
"""The rate is halved as far as this before the picture becomes smaller: a blocky face shows less of AU6 and AU7 than
one that moves 20 times a second (assumption; no rater has compared them)."""

PLAIN_PX = 448
"""Below this the picture does not go before that size itself has proved too slow at ``SLOWEST_FPS``."""

SHARE = 0.95
"""Part of the frame period that drawing may take. With all processes on two cores and no graphics card it took 25 to
29 ms at 512 px and 26 to 34 at 320 (`robopatient bench latency`): there it is the company that costs, not the size."""

JUDGED_FRAMES = 60
"""Frames judged together while the session runs: two seconds at 30 fps, three at 20."""

WINDOWS_DOWN, WINDOWS_UP = 2, 5
"""Judgements in a row that must agree before a step is taken: a stall of the host lasts less, and so no picture
changes for it; the way back up takes longer, and twice as long after each time that it proved too much."""

ROOM = 0.85
"""The step up is tried when its expected time is below this part of its limit."""


class RenderTier(NamedTuple):
    """Size of the pictures and how many a second."""

    size_px: int
    fps: float

    @property
    def limit_ns(self) -> int:
        """What a picture may take."""
        return round(SHARE * 1e9 / self.fps)


class TieredRenderer:
    """A renderer that steps down in rate, then in size, when it is too slow for long, and up when there is room.

    The lower quartile of the drawing times decides: what the machine can do most of the time, whatever stalls it.

    Parameters
    ----------
    make
        Makes a renderer of a size in pixels.
    size_px
        The size wished for.
    period_s
        Frame period wished for; ``fps`` tells which rate to keep now.
    """

    def __init__(self, make: Callable[[int], Renderer], size_px: int, period_s: float, clock: Clock) -> None:
        self._clock = clock
        self._steps = _steps(size_px, 1.0 / period_s)
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
        return self._steps[self._step].size_px

    @property
    def fps(self) -> float:
        """Pictures a second that the machine can draw of this size."""
        return self._steps[self._step].fps

    @property
    def kind(self) -> str:
        """Kind of the renderer: "gl", "numba"."""
        return self._renderer.kind

    @property
    def draw_ms(self) -> float:
        """Median drawing time of the last frames."""
        return median(self._recent_ns) * 1e-6 if self._recent_ns else 0.0

    def warm_up(self, poses: Sequence[FacePose]) -> None:
        """Draw every pose once: compiles, uploads and caches.

        Nothing is judged by it. While a session starts every process compiles or loads, and a first session's voice
        kept both cores busy for minutes: pictures took five times as long as later (measured).
        """
        for pose in poses:
            self._renderer.draw(pose)

    def draw(self, pose: FacePose, judged: bool = True) -> np.ndarray:
        """Picture of a pose, shape (size_px, size_px, 3).

        Parameters
        ----------
        judged
            Whether the time that it took counts: not before the session has begun.
        """
        before_ns = self._clock.now_ns()
        image = self._renderer.draw(pose)
        took_ns = self._clock.now_ns() - before_ns
        self._recent_ns.append(took_ns)
        if judged:
            self._took_ns.append(took_ns)
        if len(self._took_ns) >= JUDGED_FRAMES:
            self._judge(sorted(self._took_ns)[JUDGED_FRAMES // 4])
            self._took_ns.clear()
        return image

    def close(self) -> None:
        """Let go of the device."""
        self._renderer.close()

    def _judge(self, took_ns: float) -> None:
        """Count windows that were too slow or quick enough for more, and take a step when enough agree."""
        too_slow = took_ns > self._steps[self._step].limit_ns
        self._slow_windows = self._slow_windows + 1 if too_slow else 0
        self._quick_windows = self._quick_windows + 1 if self._has_room(took_ns) else 0
        if self._slow_windows >= WINDOWS_DOWN:
            if self._grown:  # it had just grown too far
                self._windows_up *= 2
                self._grown = False
            self._step_down(took_ns)
        elif self._quick_windows >= self._windows_up:
            self._grown = True
            self._take(self._step - 1)

    def _has_room(self, took_ns: float) -> bool:
        """Whether the step up should hold its rate, with a margin."""
        if not self._step:
            return False
        up = self._steps[self._step - 1]
        return took_ns * (up.size_px / self.size_px) ** 2 < ROOM * up.limit_ns

    def _step_down(self, took_ns: float) -> None:
        """Take the best step that should hold its rate.

        What a picture costs is taken to grow with its area: a little hopeful, so that no step is passed over. The last
        step of at least ``PLAIN_PX`` is never passed over.
        """
        below = range(self._step + 1, len(self._steps))
        if not below:
            return
        plain = [step for step in below if self._steps[step].size_px >= PLAIN_PX]
        reach = plain or below
        cost_ns = took_ns / self.size_px**2
        fitting = (step for step in reach if self._steps[step].size_px ** 2 * cost_ns <= self._steps[step].limit_ns)
        self._take(next(fitting, reach[-1]))

    def _take(self, step: int) -> None:
        size_px = self._steps[step].size_px
        if size_px != self.size_px:
            self._renderer.resize(size_px)
        self._step = step
        self._took_ns.clear()
        self._slow_windows = self._quick_windows = 0


def _steps(size_px: int, fps: float) -> list[RenderTier]:
    """What may be drawn, the best first: rates down to ``SLOWEST_FPS`` at full size, then smaller at the last rate."""
    rates = [fps]
    while rates[-1] > SLOWEST_FPS:
        rates.append(max(SLOWEST_FPS, rates[-1] / 2.0))
    smaller = [round(size_px * share / 16) * 16 for share in SHRINK]
    return [
        *(RenderTier(size_px, rate) for rate in rates),
        *(RenderTier(smaller_px, rates[-1]) for smaller_px in smaller),
    ]
