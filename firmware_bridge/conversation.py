"""What the host says to a board and when: identity, start, heartbeat, sync probes, and what silence means.

A state machine without port or clock: ``poll`` is told the time and returns the bytes to send, ``hear`` is told the
replies.
"""

from __future__ import annotations

import struct

from firmware_bridge import wire
from firmware_bridge.board import LinkState

__all__ = ["Conversation"]

RETRY_NS = 100_000_000
TRIES = 3
HEARTBEAT_NS = 100_000_000
SYNC_NS = 500_000_000
SYNC_BURST = 12
SYNC_BURST_NS = 60_000_000
"""A dozen quick probes after each start (LSL: 8, 64 ms apart) so that the mapping holds within a second."""
SILENT_NS = 250_000_000
REFUSED_NS = 1_000_000_000


class Conversation:
    """The host's half of the dialogue with one board.

    Parameters
    ----------
    rate_hz
        Sampling rate to ask for, of all channels together.

    Attributes
    ----------
    state, detail
        As in ``LinkHealth``.
    ident
        The board's identity, None until it has answered.
    """

    def __init__(self, rate_hz: float) -> None:
        self.state: LinkState = "closed"
        self.detail = ""
        self.ident: wire.Ident | None = None
        self.rate_hz = rate_hz
        self._period_us = round(1e6 / rate_hz)
        self._silent_ns = max(SILENT_NS, 3000 * self._period_us)
        self._generation = 0
        self._tag = 0
        self._asked_tag = -1
        self._tries = 0
        self._next_ask_ns = 0
        self._next_heartbeat_ns = 0
        self._next_sync_ns = 0
        self._burst_left = 0
        self._sample_ns = 0
        # Written by hear(), read by poll(): both may run in different threads, so each is one assignment.
        self._identified_tag = -1
        self._ack: tuple[int, int, int] | None = None
        self._restart = False
        self._rebooted = False

    def hear(self, frame: wire.Frame) -> None:
        """Take note of a frame that is no sample."""
        if frame.type == wire.Type.IDENT:
            self._identified_tag, self.ident = wire.Ident.parse(frame.payload)
        elif frame.type == wire.Type.ACK:
            command, tag, code, value = wire.parse_ack(frame.payload)
            if command == wire.Command.START:
                self._ack = (tag, code, value)
        elif frame.type == wire.Type.EVENT:
            code, _ = wire.parse_event(frame.payload)
            if code == wire.EventCode.BOOT:
                self._rebooted = True
            elif code == wire.EventCode.WATCHDOG_EXPIRED:
                self._restart = True

    def hear_samples(self, received_ns: int) -> None:
        """Take note that samples arrived."""
        self._sample_ns = received_ns

    def poll(self, now_ns: int, generation: int) -> bytes:
        """Bytes to send now.

        Parameters
        ----------
        generation
            Which opening of the port this is; 0 while it is not open.
        """
        if generation == 0:
            self.state = "down"
            self._generation = 0
            return b""
        if generation != self._generation:
            self._generation = generation
            self._identify(now_ns)
        if self._rebooted:
            self._rebooted = False
            self._identify(now_ns)
        if self.state in ("streaming", "silent"):
            self._watch(now_ns)
        out = b""
        if self.state in ("identifying", "silent"):
            out += self._ask_identity(now_ns)
        if self.state == "starting":
            out += self._ask_start(now_ns)
        if now_ns >= self._next_heartbeat_ns:
            self._next_heartbeat_ns = now_ns + HEARTBEAT_NS
            out += wire.encode_command(wire.Command.HEARTBEAT, self._new_tag())
        if self.state == "streaming" and now_ns >= self._next_sync_ns:
            self._next_sync_ns = now_ns + (SYNC_BURST_NS if self._burst_left else SYNC_NS)
            self._burst_left = max(0, self._burst_left - 1)
            out += wire.encode_command(wire.Command.SYNC, self._new_tag(), struct.pack("<Q", now_ns))
        return out

    def goodbye(self) -> bytes:
        """Bytes to send before closing the port."""
        self.state = "closed"
        return wire.encode_command(wire.Command.STOP, self._new_tag())

    def _identify(self, now_ns: int) -> None:
        self.state = "identifying"
        self.detail = ""
        self._identified_tag = self._asked_tag = -1
        self._tries = 0
        self._next_ask_ns = now_ns

    def _ask_identity(self, now_ns: int) -> bytes:
        if self._asked_tag >= 0 and self._identified_tag == self._asked_tag:
            self.state = "starting"
            self.detail = ""
            self._asked_tag = -1
            self._ack = None
            self._tries = 0
            self._next_ask_ns = now_ns
            return b""
        if now_ns < self._next_ask_ns:
            return b""
        self._next_ask_ns = now_ns + RETRY_NS
        self._tries += 1
        if self._tries % TRIES == 1:
            self._asked_tag = self._new_tag()
        if self._tries > 10 * TRIES:
            self.detail = "the board does not answer: check its power, its firmware and the baud rate"
        return wire.encode_command(wire.Command.IDENT, self._asked_tag)

    def _ask_start(self, now_ns: int) -> bytes:
        if self._ack is not None and self._ack[0] == self._asked_tag:
            _, code, period_us = self._ack
            self._ack = None
            if code == wire.AckCode.OK:
                self._stream(now_ns, period_us)
                return b""
            name = wire.AckCode(code).name if code in set(wire.AckCode) else str(code)
            self.detail = f"the board refuses to start at {self.rate_hz:g} Hz ({name}): ask for another board.rate_hz"
            self._next_ask_ns = now_ns + REFUSED_NS
            self._asked_tag = -1
        if now_ns < self._next_ask_ns:
            return b""
        if self._tries >= TRIES and not self.detail:
            self._identify(now_ns)
            return b""
        self._next_ask_ns = now_ns + RETRY_NS
        self._tries += 1
        if self._asked_tag < 0:
            self._asked_tag = self._new_tag()
        return wire.encode_command(wire.Command.START, self._asked_tag, struct.pack("<I", self._period_us))

    def _stream(self, now_ns: int, period_us: int) -> None:
        self.state = "streaming"
        self.detail = ""
        if period_us and abs(period_us - self._period_us) > 0.01 * self._period_us:
            self.detail = f"the board samples at {1e6 / period_us:.1f} Hz, not at the {self.rate_hz:g} Hz asked for"
        self._sample_ns = now_ns
        self._restart = False
        self._burst_left = SYNC_BURST
        self._next_sync_ns = now_ns

    def _watch(self, now_ns: int) -> None:
        """Silence, its end, and a board that stopped because it missed our heartbeats."""
        quiet = now_ns - self._sample_ns > self._silent_ns
        if self._restart:
            self._restart = False
            self._identify(now_ns)
        elif quiet and self.state == "streaming":
            self._identify(now_ns)
            self.state = "silent"
            self.detail = f"no sample for {self._silent_ns // 1_000_000} ms: check the cable and the board"
        elif not quiet and self.state == "silent":
            self.state = "streaming"
            self.detail = ""

    def _new_tag(self) -> int:
        self._tag = (self._tag + 1) & 0xFF
        return self._tag
