"""The rater: a dial and a commit button by which a person rates, made into ratings that come exactly once.

``Ratings`` is the pure part; ``Rater`` joins it to a device on a port, or to its virtual twin.
"""

from __future__ import annotations

import time

import msgspec

from firmware_bridge import wire
from firmware_bridge.board import BoardEvent, LinkHealth
from firmware_bridge.boards.serial import SerialBoard
from firmware_bridge.boards.virtual import VirtualBoard
from firmware_bridge.frames import RawFrame

__all__ = ["ButtonChange", "Rater", "RatingCommit", "Ratings", "make_rater"]

RATE_HZ = 50.0
DIAL_MAX = 100
COUNTS = 1 << 16
PRESSED = 0x100


class RatingCommit(msgspec.Struct, frozen=True, kw_only=True):
    """A committed rating.

    Attributes
    ----------
    t_ns
        Host monotonic ns at which the button went down; when ``recovered``, of the sample that reported it.
    value
        0 to 100.
    number
        Count of commits since the device's reset.
    recovered
        The commit's own frame was lost; a later sample brought the rating.
    missed
        Ratings before this one that no frame brought: pressed again before a sample came through.
    """

    t_ns: int
    value: int
    number: int
    epoch: int = 0
    recovered: bool = False
    missed: int = 0


class ButtonChange(msgspec.Struct, frozen=True, kw_only=True):
    """Another button went down or came up: line 1 is the mark button, 2 to 7 others."""

    t_ns: int
    line: int
    pressed: bool


class Ratings:
    """From what a rater says to ratings: each commit once, none that was made before this program listened.

    Attributes
    ----------
    dial
        Where the dial stands, 0 to 100; None before the first sample.
    buttons
        Which buttons are down: bit 0 commit, bit 1 mark, bits 2 to 7 others.
    """

    def __init__(self) -> None:
        self.dial: int | None = None
        self.buttons = 0
        self._epoch: int | None = None
        self._number: int | None = None

    def event(self, event: BoardEvent) -> list[RatingCommit | ButtonChange]:
        """What an EVENT of the device means."""
        if event.code == wire.EventCode.BOOT:
            self._epoch, self._number = event.epoch, 0
        elif event.code == wire.EventCode.MARK:
            pressed = bool(event.value & PRESSED)
            return [ButtonChange(t_ns=event.t_ns, line=event.value & (PRESSED - 1), pressed=pressed)]
        elif event.code == wire.EventCode.COMMIT:
            if self._epoch != event.epoch or self._number is None:
                self._epoch, self._number = event.epoch, (event.value >> 8) - 1
            return list(self._commit(event.t_ns, event.epoch, event.value, recovered=False))
        return []

    def sample(self, frame: RawFrame) -> list[RatingCommit | ButtonChange]:
        """What a SAMPLE adds: where the dial stands, and a commit whose own frame was lost."""
        dial, buttons, last = frame.counts[:3]
        if not 0 <= dial <= DIAL_MAX:
            return []
        self.dial, self.buttons = dial, buttons
        if frame.epoch != self._epoch:
            # A rater that was running before: its earlier commits belong to another session. One that has rebooted
            # counts from 0, so all its commits are new.
            self._number = last >> 8 if self._epoch is None else 0
            self._epoch = frame.epoch
        return list(self._commit(frame.t_ns, frame.epoch, last, recovered=True))

    def _commit(self, t_ns: int, epoch: int, value: int, *, recovered: bool) -> list[RatingCommit]:
        number, dial = value >> 8, value & 0xFF
        ahead = (number - (self._number or 0)) % COUNTS
        if not 1 <= ahead < COUNTS // 2 or dial > DIAL_MAX:
            return []
        self._number = number
        return [
            RatingCommit(t_ns=t_ns, value=dial, number=number, epoch=epoch, recovered=recovered, missed=ahead - 1),
        ]


class Rater:
    """A rater in use; ``step`` it often, from a timer or a thread."""

    def __init__(self, board: SerialBoard) -> None:
        self.board = board
        self.ratings = Ratings()

    @property
    def dial(self) -> int | None:
        """Where the dial stands, 0 to 100; None while no sample has come."""
        return self.ratings.dial

    def open(self) -> None:
        """Open the port; raises ``BridgeError``."""
        self.board.open()

    def step(self, timeout_s: float = 0.0) -> list[RatingCommit | ButtonChange]:
        """Keep the device alive, wait for bytes at most ``timeout_s``, return what was committed or marked."""
        data = self.board.read(timeout_s)
        now_ns = time.monotonic_ns()
        told: list[RatingCommit | ButtonChange] = []
        if data:
            frames = self.board.frames(now_ns, data)
            while self.board.events:
                told += self.ratings.event(self.board.events.popleft())
            for frame in frames:
                told += self.ratings.sample(frame)
        self.board.poll(now_ns)
        return told

    def health(self) -> LinkHealth:
        """How the link is doing."""
        return self.board.health()

    def close(self) -> None:
        """Give the port back."""
        self.board.close()


def make_rater(port: str, baud: int = 500_000) -> Rater:
    """Rater on a port as ``board.port`` names it, or ``virtual``: its twin in a process of its own."""
    if port == "virtual":
        return Rater(VirtualBoard(source="rater", rate_hz=RATE_HZ))
    return Rater(SerialBoard(port, baud, RATE_HZ, wire.DeviceClass.RATER))
