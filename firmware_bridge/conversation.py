"""The host's side of the protocol: identity, start, heartbeat, sync probes, requests and time-outs.

A state machine without port or clock: ``poll`` takes the time and returns the bytes to send, ``hear`` takes the
replies.
"""

from __future__ import annotations

import struct
from collections import deque

import msgspec

from firmware_bridge import wire
from firmware_bridge.board import LinkState

__all__ = ["BoardReply", "Conversation"]

RETRY_NS = 100_000_000
TRIES = 3
ANSWER_NS = 1_000_000_000
"""After the last try a slow board is waited for until so long after the first."""
HEARTBEAT_NS = 100_000_000
SYNC_NS = 500_000_000
SYNC_BURST = 12
SYNC_BURST_NS = 60_000_000
"""A dozen quick probes after each start (LSL: 8, 64 ms apart) so that the mapping holds within a second."""
SILENT_NS = 250_000_000
REFUSED_NS = 1_000_000_000
SELF_TEST_NS = 2_000_000_000
"""When after each start a board is asked how it is, and what it notes: 64 conversions take 0.8 s at 80 Hz."""
NO_ANSWER_TRIES = 30
KINDS = {wire.DeviceClass.ABDOMEN.value: "an abdomen board", wire.DeviceClass.RATER.value: "a rater"}
REPLIES = (wire.Type.ACK.value, wire.Type.SELFTEST.value, wire.Type.CALIBRATION.value)


class BoardReply(msgspec.Struct, frozen=True, kw_only=True):
    """What a board replied to ``Conversation.ask``; ``code`` is an ``AckCode``, -1 when nothing came."""

    command: int
    code: int
    value: int = 0
    payload: bytes = b""


class _Question(msgspec.Struct):
    command: int
    payload: bytes
    tag: int = -1
    tries: int = 0
    first_ns: int = 0


class Conversation:
    """The host's half of the dialogue with one device.

    Parameters
    ----------
    rate_hz
        Sampling rate to ask for, of all channels together.
    device_class
        What the device must be; another is named and never started.

    Attributes
    ----------
    state, detail
        As in ``LinkHealth``.
    ident
        The device's identity, None until it has answered.
    self_test
        What it found out about itself after the last start, None until it has answered.
    note
        What its EEPROM keeps on its calibration, b"" for nothing, None until it has answered.
    answers
        Replies to ``ask``, oldest first; the asker takes them out.
    """

    def __init__(self, rate_hz: float, device_class: wire.DeviceClass = wire.DeviceClass.ABDOMEN) -> None:
        self.state: LinkState = "closed"
        self.detail = ""
        self.ident: wire.Ident | None = None
        self.self_test: wire.SelfTest | None = None
        self.note: bytes | None = None
        self.answers: deque[BoardReply] = deque()
        self.rate_hz = rate_hz
        self._device_class = device_class
        self._period_us = round(1e6 / rate_hz)
        self._silent_ns = max(SILENT_NS, 3000 * self._period_us)
        self._generation = 0
        self._tag = 0
        self._asked_tags: set[int] = set()
        self._asked_tag = -1
        self._tries = 0
        self._next_ask_ns = 0
        self._first_ask_ns = 0
        self._next_heartbeat_ns = 0
        self._next_sync_ns = 0
        self._burst_left = 0
        self._sample_ns = 0
        self._self_test_ns: int | None = None
        self._questions: deque[_Question] = deque()
        # Written by hear(), read by poll(): both may run in different threads, so each is one assignment.
        self._identified_tag = -1
        self._ack: tuple[int, int, int] | None = None
        self._reply: tuple[int, wire.WireFrame] | None = None
        self._restart = False
        self._rebooted = False

    def hear(self, frame: wire.WireFrame) -> None:
        """Take note of a frame that is no sample."""
        kind = frame.type
        if kind == wire.Type.IDENT:
            self._identified_tag, self.ident = wire.Ident.parse(frame.payload)
        elif kind == wire.Type.EVENT:
            code, _ = wire.parse_event(frame.payload)
            if code == wire.EventCode.BOOT:
                self._rebooted = True
            elif code == wire.EventCode.WATCHDOG_EXPIRED:
                self._restart = True
        elif kind in REPLIES:
            command, tag, code, value = wire.parse_ack(frame.payload) if kind == wire.Type.ACK else (0, -1, 0, 0)
            if command == wire.Command.START:
                self._ack = (tag, code, value)
            else:
                self._reply = (frame.payload[1] if kind == wire.Type.ACK else frame.payload[0], frame)

    def hear_samples(self, received_ns: int) -> None:
        """Take note that samples arrived."""
        self._sample_ns = received_ns

    def ask(self, command: wire.Command, payload: bytes = b"") -> None:
        """Have a question put while the board streams; the reply will be in ``answers``."""
        self._questions.append(_Question(command, payload))

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
        if self.state == "streaming":
            out += self._put_questions(now_ns)
            if now_ns >= self._next_sync_ns:
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
        self._identified_tag = -1
        self._asked_tags.clear()
        self._tries = 0
        self._next_ask_ns = now_ns
        self._self_test_ns = None

    def _ask_identity(self, now_ns: int) -> bytes:
        if self._identified_tag in self._asked_tags:  # an answer to any of the questions will do: some boards are slow
            self._asked_tags.clear()
            self._tries = 0
            if not self._is_suitable():
                self._next_ask_ns = now_ns + REFUSED_NS
                return b""
            self.state = "starting"
            self.detail = ""
            self._asked_tag = -1
            self._ack = None
            self._next_ask_ns = now_ns
            return b""
        if now_ns < self._next_ask_ns:
            return b""
        self._next_ask_ns = now_ns + RETRY_NS
        self._tries += 1
        if self._tries % TRIES == 1:
            self._asked_tag = self._new_tag()
            self._asked_tags.add(self._asked_tag)
        if self._tries > NO_ANSWER_TRIES:
            self.detail = "the board does not answer: check its power, its firmware and the baud rate"
        return wire.encode_command(wire.Command.IDENT, self._asked_tag)

    def _is_suitable(self) -> bool:
        """Whether the device that has answered is one that can be started; otherwise ``detail`` says why not."""
        ident = self.ident
        if ident is None:
            return False
        if ident.protocol != wire.VERSION:
            self.detail = version_trouble(ident.protocol)
        elif ident.device_class != self._device_class:
            found = KINDS.get(ident.device_class, f"a device of class {ident.device_class}")
            self.detail = f"{ident.board} is {found}, not {KINDS[self._device_class]}: name another port"
        else:
            return True
        return False

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
            if now_ns - self._first_ask_ns > ANSWER_NS:
                self._identify(now_ns)
            return b""
        self._next_ask_ns = now_ns + RETRY_NS
        self._tries += 1
        if self._asked_tag < 0:
            self._asked_tag = self._new_tag()
            self._first_ask_ns = now_ns
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
        self._self_test_ns = now_ns + SELF_TEST_NS

    def _put_questions(self, now_ns: int) -> bytes:
        """One question at a time, repeated with the same tag, so that the board carries it out once."""
        if self._self_test_ns is not None and now_ns >= self._self_test_ns:
            self._self_test_ns = None
            self.ask(wire.Command.SELFTEST)
            if self.ident is not None and self.ident.calibration_hash:
                self.ask(wire.Command.CAL_GET)
            else:
                self.note = b""
        if not self._questions:
            return b""
        question = self._questions[0]
        reply = self._reply
        if reply is not None and reply[0] == question.tag:
            self._reply = None
            self._questions.popleft()
            self._take(question, reply[1])
            return b""
        if question.tag < 0:
            question.tag, question.first_ns = self._new_tag(), now_ns
        elif now_ns - question.first_ns > ANSWER_NS:
            self._questions.popleft()
            self.answers.append(BoardReply(command=question.command, code=-1))
            return b""
        if question.tries >= TRIES or now_ns < question.first_ns + question.tries * RETRY_NS:
            return b""
        question.tries += 1
        return wire.encode_command(wire.Command(question.command), question.tag, question.payload)

    def _take(self, question: _Question, frame: wire.WireFrame) -> None:
        if frame.type == wire.Type.SELFTEST:
            _, self.self_test = wire.SelfTest.parse(frame.payload)
        elif frame.type == wire.Type.CALIBRATION:
            self.note = frame.payload[1:]
        code, value = wire.parse_ack(frame.payload)[2:] if frame.type == wire.Type.ACK else (0, 0)
        if question.command == wire.Command.CAL_SET and code == wire.AckCode.OK:
            self.note = question.payload
        payload = frame.payload[1:] if frame.type != wire.Type.ACK else b""
        self.answers.append(BoardReply(command=question.command, code=code, value=value, payload=payload))

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


def version_trouble(protocol: int) -> str:
    """What to say of a board whose protocol is not ours."""
    return (
        f"the board speaks protocol {protocol}, this program protocol {wire.VERSION}: flash its firmware anew "
        "(type: robopatient board flash-help) or install the robopatient that knows it"
    )
