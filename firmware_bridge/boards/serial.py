"""A sensor board on a serial port: link, decoder and conversation as one ``Board``, and what is wrong in words."""

from __future__ import annotations

from collections import deque

from firmware_bridge import wire
from firmware_bridge.board import BoardEvent, LinkHealth
from firmware_bridge.cells import CellWatch
from firmware_bridge.conversation import Conversation, version_trouble
from firmware_bridge.decoder import Decoder
from firmware_bridge.errors import BoardError
from firmware_bridge.frames import RawFrame
from firmware_bridge.link import Link

__all__ = ["BAUDS", "SerialBoard"]

EVENT = wire.Type.EVENT.value

BAUDS = (500_000, 1_000_000, 250_000, 115_200)
"""What is tried when ``baud`` is 0: the rates for which the firmware can be built."""
MIN_BAUD = 1200
BAUD_TRY_NS = 600_000_000
"""Six questions at each rate; a board that is still in its boot loader (3 s) is found in the second round."""
WATCH_NS = 500_000_000
BAD_SHARE = 0.01
"""From this number of damaged or lost frames on, the line is reported as bad."""
TOO_FAST = 1.5
CELL_BITS = 0b111
RATE_BIT, EEPROM_BIT = 1 << 3, 1 << 4
HEARD_BYTES = 24
MAX_EVENTS = 1000


class SerialBoard:
    """Speaks docs/reference/protocol.md over a serial port.

    Parameters
    ----------
    port
        Path, ``usb:VID:PID[:SERIAL]`` or ``auto``.
    baud
        Bits per second; 0 tries ``BAUDS`` one after the other until the board is understood.
    rate_hz
        Sampling rate to ask for.
    device_class
        What the device must be.

    Attributes
    ----------
    events
        What the device has said unasked, oldest first (the last ``MAX_EVENTS``); the reader takes them out.
    """

    def __init__(
        self,
        port: str,
        baud: int,
        rate_hz: float,
        device_class: wire.DeviceClass = wire.DeviceClass.ABDOMEN,
    ) -> None:
        if baud and baud < MIN_BAUD:
            raise BoardError(f"board.baud is {baud}; give the board's rate ({MIN_BAUD} or more), or 0 to try {BAUDS}")
        self.name = f"serial {port}"
        self._bauds = (baud,) if baud else BAUDS
        self.link = Link(port, self._bauds[0])
        self.decoder = Decoder()
        self.conversation = Conversation(rate_hz, device_class)
        self.cells = CellWatch()
        self.events: deque[BoardEvent] = deque(maxlen=MAX_EVENTS)
        self._has_cells = device_class == wire.DeviceClass.ABDOMEN
        self._tried: list[int] = []
        self._baud_since_ns = 0
        self._generation = 0
        self._understood = 0
        self._heard = b""
        self._watch_ns = 0
        self._watched = (0, 0, 0, 0)
        self._newest: RawFrame | None = None
        self._watched_frame: RawFrame | None = None
        self._line_fault = ""

    def open(self) -> None:
        """Open the port; raises ``PortError``."""
        self.link.open()

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived; ``b""`` on time-out or while the link is down."""
        return self.link.read(timeout_s)

    def frames(self, received_ns: int, data: bytes) -> list[RawFrame]:
        """Decode bytes read at ``received_ns``; equal input gives equal frames."""
        samples, others = self.decoder.decode(received_ns, data)
        for frame in others:
            self.conversation.hear(frame)
            if frame.type == EVENT:
                code, value = wire.parse_event(frame.payload)
                t_ns = self.decoder.when(frame.t_us, received_ns)
                self.events.append(BoardEvent(t_ns=t_ns, epoch=self.decoder.epoch, code=code, value=value))
        if samples:
            self.conversation.hear_samples(received_ns)
            self._newest = samples[-1]
            if self._has_cells:
                self.cells.look(samples[-1])
        elif not self.decoder.counters.good:
            self._heard = (self._heard + data)[-HEARD_BYTES:]
        return samples

    def poll(self, now_ns: int) -> None:
        """Send what is due: identity, start, heartbeat, sync."""
        generation = self.link.generation
        if generation and len(self._bauds) > 1:
            self._search_baud(now_ns, generation)
        self.link.write(self.conversation.poll(now_ns, generation))
        if now_ns - self._watch_ns >= WATCH_NS:
            self._watch_line(now_ns)

    def health(self) -> LinkHealth:
        """How it is doing, as of the last ``poll``."""
        decoder, clock, ident = self.decoder, self.decoder.clock, self.conversation.ident
        return LinkHealth(
            state=self.conversation.state,
            detail=self._detail(),
            board=ident.board if ident else "",
            uid=f"{ident.uid:016x}" if ident else "",
            firmware=_version(ident) if ident else "",
            note=None if self.conversation.note is None else self.conversation.note.decode("ascii", "replace"),
            device_class=_device_class(ident) if ident else "",
            n_channels=decoder.n_channels,
            rate_hz=self.conversation.rate_hz,
            bytes_received=self.link.bytes_received,
            samples=decoder.samples,
            lost=decoder.lost,
            duplicate=decoder.duplicate,
            stray=decoder.stray,
            bad=decoder.counters.bad,
            epoch=decoder.epoch,
            reconnects=max(0, self.link.openings - 1),
            clock="synced" if clock.synced else "unsynced",
            residual_ms=clock.residual_ms,
            drift_ppm=clock.drift_ppm,
            status=decoder.status,
        )

    def close(self) -> None:
        """Stop the board and release the port."""
        self.link.write(self.conversation.goodbye())
        self.link.close()

    def _detail(self) -> str:
        state = self.conversation.state
        if state == "down":
            return self.link.error
        if state == "identifying":
            return self._unknown_detail()
        faults = (self.conversation.detail, self._line_fault, self.link.note)
        return "; ".join(filter(None, faults))

    def _unknown_detail(self) -> str:
        """Why no device has identified itself."""
        counters = self.decoder.counters
        tried = ", ".join(map(str, self._tried or [self.link.baud]))
        if counters.good == self._understood:
            if counters.other_version:
                return version_trouble(counters.other_version)
            if counters.bad or self._heard:
                advice = "is it a board?" if not self._bauds[1:] else "none of the known rates: is it a board?"
                if len(self._bauds) == 1:
                    advice = "set board.baud to the board's own, or to 0 to try the known ones; is it a board?"
                return f"bytes arrive but none is a frame at {tried} baud ({_quoted(self._heard)}): {advice}"
        if self.conversation.detail and self._tried:
            return f"{self.conversation.detail} (tried {tried} baud)"
        return self.conversation.detail

    def _search_baud(self, now_ns: int, generation: int) -> None:
        """Try the next rate when this one is not understood."""
        good = self.decoder.counters.good
        if generation != self._generation:
            self._generation, self._baud_since_ns, self._understood = generation, now_ns, good
        if good > self._understood or now_ns - self._baud_since_ns < BAUD_TRY_NS:
            return
        if self.link.baud not in self._tried:
            self._tried.append(self.link.baud)
        following = self._bauds.index(self.link.baud) + 1
        self.link.set_baud(self._bauds[following % len(self._bauds)])
        self._baud_since_ns = now_ns

    def _watch_line(self, now_ns: int) -> None:
        """Judge the last half second: damage, loss, a wrong rate, cells, the board's word on itself."""
        decoder, clock = self.decoder, self.decoder.clock
        totals = (decoder.counters.good, decoder.counters.bad, decoder.lost, decoder.samples)
        good, bad, lost, samples = (new - old for new, old in zip(totals, self._watched, strict=True))
        self._watched, self._watch_ns = totals, now_ns
        faults = [self.cells.detail()]
        for count, what in ((bad, "are damaged"), (lost, "are lost")):
            if count > BAD_SHARE * (good + count):
                share = 100.0 * count / (good + count)
                faults.append(f"{share:.0f} % of the frames {what}: check cable, ground and baud rate")
        rate_hz = self._rate_hz(samples)
        if rate_hz > TOO_FAST * self.conversation.rate_hz:
            faults.append(f"{rate_hz:.0f} samples come a second, {self.conversation.rate_hz:g} were asked for")
        if clock.is_slow:
            told = f"the board takes {clock.round_trip_ms:.0f} ms to answer"
            faults.append(f"{told}: its clock cannot be mapped, times are those of arrival")
        self._line_fault = "; ".join(filter(None, (*faults, *self._own_word())))

    def _rate_hz(self, samples: int) -> float:
        """Samples a second of the board's own time since this was last asked: a backlog of the host is no haste."""
        before, newest = self._watched_frame, self._newest
        self._watched_frame = newest
        if before is None or newest is None or newest.epoch != before.epoch or newest.board_us <= before.board_us:
            return 0.0
        return samples * 1e6 / (newest.board_us - before.board_us)

    def _own_word(self) -> list[str]:
        """What the board has found out about itself."""
        words = []
        ident, test = self.conversation.ident, self.conversation.self_test
        if ident is not None and ident.reset_cause == wire.ResetCause.BROWNOUT:
            words.append("the board's last reset was a brown-out: check its supply")
        failures = test.failures if test is not None else 0
        if failures & CELL_BITS and not self.cells.faults():
            words.append("the board's self-test failed: type robopatient board selftest")
        if failures & RATE_BIT:
            words.append("the board's conversions are off by more than 5 % of their rate")
        if failures & EEPROM_BIT:
            words.append("the note in the board's EEPROM is damaged: type robopatient board calibrate")
        return words


def _quoted(heard: bytes) -> str:
    """The last bytes as text when they are text, otherwise in hexadecimal."""
    text = heard.decode("ascii", "replace")
    plain = sum(character in "\r\n\t" or " " <= character <= "~" for character in text)
    return f'text: "{" ".join(text.split())}"' if plain >= 0.9 * len(text) else heard[-8:].hex(" ")


def _version(ident: wire.Ident) -> str:
    number = ".".join(map(str, ident.firmware))
    return f"{number}+{ident.git_hash}" if ident.git_hash else number


def _device_class(ident: wire.Ident) -> str:
    known = {kind.value: kind.name.lower() for kind in wire.DeviceClass}
    return known.get(ident.device_class, f"class {ident.device_class}")
