"""Cuts the stream of force frames into presses: onset, peak, release, fastest rise, place."""

from __future__ import annotations

from robopatient.levels import Flag
from robopatient.messages import ForceFrame, Press
from robopatient.phantom import Phantom

__all__ = ["PressCutter"]

BIN_NEWTON = 0.25
"""Resolution at which "above half the peak" is decided; memory stays constant however long a press lasts."""
SPLIT_RATIO = 0.5
"""A valley below this share of the smaller of its two peaks separates two presses (assumption)."""
SPLIT_NEWTON = 5.0
"""Both peaks must reach the least published target, or a light hand that trembles would make many presses. In the 224
published trials of one press each, two valleys are as deep between such peaks; in the 18 free recordings none is."""
BRIEF_NS = 50_000_000
GAP_NS = 250_000_000
"""Frames that stop for so long end a press (assumption: 20 frames at 80 Hz)."""


class _Places:
    """Sums of the centre of pressure by force, so that the mean above half the peak is known at the end."""

    __slots__ = ("bins",)

    def __init__(self) -> None:
        self.bins: dict[int, list[float]] = {}

    def add(self, newton: float, contact_mm: tuple[float, float] | None) -> None:
        if contact_mm is None:
            return
        cell = self.bins.setdefault(int(newton / BIN_NEWTON), [0.0, 0.0, 0.0])
        cell[0] += 1.0
        cell[1] += contact_mm[0]
        cell[2] += contact_mm[1]

    def merge(self, other: _Places) -> None:
        for key, sums in other.bins.items():
            mine = self.bins.setdefault(key, [0.0, 0.0, 0.0])
            for i in range(3):
                mine[i] += sums[i]

    def mean_above(self, newton: float) -> tuple[float, float] | None:
        count = x = y = 0.0
        for key, sums in self.bins.items():
            if key >= int(newton / BIN_NEWTON):
                count, x, y = count + sums[0], x + sums[1], y + sums[2]
        return (x / count, y / count) if count else None


class _Open:
    """A press that has begun."""

    __slots__ = ("flags", "frames", "peak", "peak_frame", "places", "rise", "start")

    def __init__(self, start: ForceFrame) -> None:
        self.start = start
        self.peak = 0.0
        self.peak_frame = start
        self.rise = 0.0
        self.places = _Places()
        self.flags: set[str] = set()

    def add(self, frame: ForceFrame, newton: float) -> None:
        if newton > self.peak:
            self.peak, self.peak_frame = newton, frame
        self.rise = max(self.rise, frame.rate_newton_per_s)
        self.places.add(newton, frame.contact_mm)
        self.flags.update(frame.flags)


class PressCutter:
    """Frames in, finished presses out.

    A press starts when the total reaches ``on_newton`` and ends when it falls to ``off_newton``. A hand that presses
    again without letting go makes two presses when the valley between is deep enough (``SPLIT_RATIO``).
    """

    def __init__(self, phantom: Phantom, on_newton: float, off_newton: float) -> None:
        self._phantom = phantom
        self._on = on_newton
        self._off = off_newton
        self._open: _Open | None = None
        self._valley: _Open | None = None  # what would be the next press, if the force rises again
        self._last: ForceFrame | None = None

    def step(self, frame: ForceFrame) -> Press | None:
        """Finished press, or None."""
        newton = frame.total_newton
        last, self._last = self._last, frame
        press = self._open
        if press is None:
            if newton >= self._on:
                self._open = _Open(frame)
                self._open.add(frame, newton)
            return None
        if last is not None and frame.t_ns - last.t_ns > GAP_NS:
            return self._close(last, Flag.INTERRUPTED)
        if newton <= self._off:
            return self._close(frame)
        return self._follow(press, frame, newton)

    def finish(self) -> Press | None:
        """End the press that is under way, at the last frame seen."""
        return self._close(self._last, Flag.INTERRUPTED) if self._open is not None and self._last is not None else None

    def _follow(self, press: _Open, frame: ForceFrame, newton: float) -> Press | None:
        valley = self._valley
        if valley is None:
            if newton < SPLIT_RATIO * press.peak:
                self._valley = _valley_at(frame, newton)
            else:
                press.add(frame, newton)
            return None
        if newton < valley.start.total_newton:  # deeper still: all since the former valley belongs to the old press
            _absorb(press, valley)
            self._valley = _valley_at(frame, newton)
            return None
        valley.add(frame, newton)
        smaller = min(newton, press.peak)
        if smaller >= max(self._on, SPLIT_NEWTON) and valley.start.total_newton < SPLIT_RATIO * smaller:
            done = self._finished(press, valley.start, {Flag.SPLIT})
            valley.flags.add(Flag.SPLIT)
            self._open, self._valley = valley, None
            return done
        if newton > press.peak:  # what came before was too light to be a press of its own
            _absorb(press, valley)
            self._valley = None
        return None

    def _close(self, release: ForceFrame, flag: Flag | None = None) -> Press | None:
        press = self._open
        if press is None:
            return None
        if self._valley is not None:
            _absorb(press, self._valley)
        self._open = self._valley = None
        return self._finished(press, release, {flag} if flag else set())

    def _finished(self, press: _Open, release: ForceFrame, flags: set[str]) -> Press:
        site = press.places.mean_above(0.5 * press.peak)
        flags |= press.flags
        if site is None:
            flags.add(Flag.NO_SITE)
        if release.t_ns - press.start.t_ns < BRIEF_NS:
            flags.add(Flag.BRIEF)
        x_mm, y_mm = site or (0.0, 0.0)
        return Press(
            t_ns=press.start.t_ns,
            seq=press.start.seq,
            peak_t_ns=press.peak_frame.t_ns,
            peak_seq=press.peak_frame.seq,
            release_t_ns=release.t_ns,
            peak_newton=press.peak,
            rise_newton_per_s=press.rise,
            x_mm=x_mm,
            y_mm=y_mm,
            region=self._phantom.region(x_mm, y_mm) if site else "",
            flags=tuple(sorted(flags)),
        )


def _valley_at(frame: ForceFrame, newton: float) -> _Open:
    valley = _Open(frame)
    valley.add(frame, newton)
    return valley


def _absorb(press: _Open, valley: _Open) -> None:
    """What looked like a valley was a part of the press."""
    press.places.merge(valley.places)
    press.flags |= valley.flags
    press.rise = max(press.rise, valley.rise)
    if valley.peak > press.peak:
        press.peak, press.peak_frame = valley.peak, valley.peak_frame
