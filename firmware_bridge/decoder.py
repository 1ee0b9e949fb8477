"""From wire bytes to ``RawFrame``: sequence, duplicates, reboots and host time, without a port and without a clock.

The same bytes with the same receive times give the same frames, bit for bit: that is what makes a session's journal
replayable.
"""

from __future__ import annotations

from collections import deque

from firmware_bridge import wire
from firmware_bridge.clock_sync import ClockSync
from firmware_bridge.frames import RawFrame, Status

__all__ = ["Decoder"]

SAMPLE, SYNC, EVENT = wire.Type.SAMPLE.value, wire.Type.SYNC.value, wire.Type.EVENT.value
UNSYNCED = Status.CLOCK_UNSYNCED.value
NEAR_US = 500_000
"""Device times closer than this belong together: a backward step within it is a stray frame, beyond it a reboot."""
AHEAD_NS = 1_000_000_000
"""A frame from further in the future than this comes from a board whose clock started anew."""
STRAYS_TO_REBOOT = 3
MEMORY = 64
"""Frames in which a repetition is known as a duplicate."""


class Decoder:
    """Unwraps, orders and dates the frames of one board.

    Attributes
    ----------
    clock
        The mapping of device to host time.
    counters
        The parser's.
    samples, lost, duplicate, stray
        Samples handed out; sequence numbers that never came (frames of all types); repetitions dropped; frames that
        came out of order and were dropped.
    epoch
        Reboots seen since the first frame.
    status
        Status bits of the last frame.
    n_channels
        Channels of the stream; a frame with another number is dropped as damaged.
    """

    def __init__(self) -> None:
        self._parser = wire.Parser()
        self.counters = self._parser.counters
        self.clock = ClockSync()
        self.samples = 0
        self.lost = 0
        self.duplicate = 0
        self.stray = 0
        self.epoch = 0
        self.status = 0
        self.n_channels = 0
        self._seq: int | None = None
        self._board_us = 0
        self._received_ns = 0
        self._t_ns = -(1 << 62)
        self._recent: deque[tuple[int, int]] = deque(maxlen=MEMORY)
        self._strays_in_a_row = 0

    def decode(self, received_ns: int, data: bytes) -> tuple[list[RawFrame], list[wire.WireFrame]]:
        """Samples, and all other frames, that end within ``data``.

        Parameters
        ----------
        received_ns
            Host monotonic ns at which ``data`` was read.
        """
        clock = self.clock
        samples: list[RawFrame] = []
        others: list[wire.WireFrame] = []
        for frame in self._parser.feed(data):
            board_us = self._admit(frame, received_ns)
            if board_us is None:
                continue
            self.status = frame.status
            clock.observe(board_us, received_ns)
            if frame.type != SAMPLE:
                if frame.type == SYNC:
                    _, sent_ns, device_us = wire.parse_sync(frame.payload)
                    clock.probe(sent_ns, received_ns, board_us + _signed32(device_us - board_us))
                others.append(frame)
                continue
            if frame.n_channels != self.n_channels:
                if self.n_channels:
                    self.counters.bad_layout += 1
                    continue
                self.n_channels = frame.n_channels
            self.samples += 1
            samples.append(
                RawFrame(
                    self._date(board_us, received_ns),
                    received_ns,
                    board_us,
                    self._seq or 0,
                    self.epoch,
                    frame.counts,
                    frame.status if clock.synced else frame.status | UNSYNCED,
                    frame.ready_mask,
                    frame.saturated_mask,
                )
            )
        return samples, others

    def when(self, t_us: int, received_ns: int) -> int:
        """Host time of a device time (32 bits) near the last frame's, never later than ``received_ns``."""
        return min(self.clock.host_ns(self._board_us + _signed32(t_us - self._board_us)), received_ns)

    def _admit(self, frame: wire.WireFrame, received_ns: int) -> int | None:
        """Unwrapped device us of a frame that carries on the stream; None for a duplicate or a stray."""
        seq, t_us = frame.seq, frame.t_us
        if self._seq is None:
            return self._accept(seq, t_us, frame, received_ns)
        if frame.type == EVENT and wire.parse_event(frame.payload)[0] == wire.EventCode.BOOT:
            # Two boots may have equal seq and time: only a repetition at once is a duplicate.
            if (seq, t_us) == self._recent[-1]:
                self.duplicate += 1
                return None
            return self._begin_epoch(frame, received_ns)
        # Host time shows how often the 32 bits have wrapped: the nearest candidate to what has elapsed is right.
        elapsed_us = (received_ns - self._received_ns) // 1000
        step_us = elapsed_us + _signed32(t_us - self._board_us - elapsed_us)
        board_us = self._board_us + step_us
        if step_us < -NEAR_US or self.clock.host_ns(board_us) > received_ns + AHEAD_NS:
            return self._begin_epoch(frame, received_ns)
        step = (seq - self._seq) & 0xFFFF
        if step_us <= NEAR_US and (step == 0 or step >= 0x8000):
            if (seq, t_us) in self._recent:
                self.duplicate += 1
                return None
            self._strays_in_a_row += 1
            if self._strays_in_a_row >= STRAYS_TO_REBOOT:
                return self._begin_epoch(frame, received_ns)
            self.stray += 1
            return None
        self.lost += (step - 1) & 0xFFFF
        return self._accept(self._seq + (step or 0x10000), board_us, frame, received_ns)

    def _begin_epoch(self, frame: wire.WireFrame, received_ns: int) -> int:
        self.epoch += 1
        self.n_channels = 0
        self.clock.reset()
        self._recent.clear()
        return self._accept(frame.seq, frame.t_us, frame, received_ns)

    def _accept(self, seq: int, board_us: int, frame: wire.WireFrame, received_ns: int) -> int:
        self._seq, self._board_us, self._received_ns = seq, board_us, received_ns
        self._recent.append((frame.seq, frame.t_us))
        self._strays_in_a_row = 0
        return board_us

    def _date(self, board_us: int, received_ns: int) -> int:
        """Host time of a conversion: mapped, never after its bytes came, always after the one before."""
        t_ns = max(min(self.clock.host_ns(board_us), received_ns), self._t_ns + 1)
        self._t_ns = t_ns
        return t_ns


def _signed32(value: int) -> int:
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000
