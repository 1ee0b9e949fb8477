"""The firmware of the virtual board: commands in, frames out, faults on demand.

A model without port and without clock: the caller gives the time. It speaks through ``wire`` as a board would, so that
all behind the port is the same code for a simulated and a real board.
"""

from __future__ import annotations

import binascii
import struct
from collections import deque
from typing import ClassVar, Protocol

import msgspec
import numpy as np
from cobs import cobs
from numpy.typing import NDArray

from firmware_bridge import phantom, wire
from firmware_bridge.errors import BoardError
from firmware_bridge.faults import Fault, parse_fault
from firmware_bridge.frames import Status

__all__ = ["UID", "ForceSource", "VirtualDevice"]

SLOW_NS = 400_000_000
FLOOD_NS = 1_000_000
FLOOD_BYTES = 2048
TEXT = b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M\r\n"

# Plain numbers: IntFlag arithmetic would take a third of the board's time.
NOT_READY, SATURATED = Status.NOT_READY.value, Status.SATURATED.value
TX_DROP, RX_ERR, WATCHDOG = Status.TX_DROP.value, Status.RX_ERR.value, Status.WATCHDOG.value
TARED, CAL_VALID, BROWNOUT = Status.TARED.value, Status.CAL_VALID.value, Status.BROWNOUT_RESET.value
UID = 0x53494D0000000001
"""Begins with "SIM" in ASCII."""
N_CELLS = 4
ALL_CELLS = (1 << N_CELLS) - 1
PERIOD_US = (1_000, 12_500)
"""80 Hz to 1 kHz."""
WATCHDOG_NS = 1_000_000_000
BLOCK = 128
"""Conversions computed in one go: 128 ms at 1 kHz, a quarter of a percent of a core."""
BACKLOG_NS = 400_000_000
"""A real board converts on while this computer stalls, and the kernel keeps what comes (64 KiB, 1.8 s at 1 kHz). What
is overdue by more than this is lost. (Replies bear the present time and overtake what is overdue: half a second back
would be a reboot.)"""
DAMAGED_SHARE = 0.1


class ForceSource(Protocol):
    """Where the forces come from: ``presses.Hand`` or ``recordings.Recording``."""

    def forces(self, t_s: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
        """Forces (n, 4), N, of conversions that end at each time of ``t_s`` (n,), s, and last ``period_s``."""
        ...


class Load(msgspec.Struct, frozen=True):
    """A weight that lies on the plate: ``newton`` at (x, y) mm."""

    newton: float
    x_mm: float = 145.0
    y_mm: float = 145.0

    def forces(self, t_s: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
        """As ``ForceSource``."""
        return phantom.spread(np.full(len(t_s), self.newton), self.x_mm, self.y_mm)


class _Active(msgspec.Struct, frozen=True):
    fault: Fault
    to_ns: float


class VirtualDevice:
    """One board, switched on at ``now_ns``.

    Parameters
    ----------
    source
        Forces; their time 0 is the first START.
    rate_hz
        Rate until a command sets another.
    seed
        Of the noise and of random faults.
    board
        Name in the identity.
    noise_counts
        Standard deviation of a conversion, counts.
    drift_ppm
        How much faster the board's clock runs than the host's.
    boot_us
        What the board's clock shows when it boots (tests of its wrap-around).
    note
        What its EEPROM holds when it is made.
    """

    device_class: ClassVar[wire.DeviceClass] = wire.DeviceClass.ABDOMEN
    n_channels: ClassVar[int] = N_CELLS
    period_us: ClassVar[tuple[int, int]] = PERIOD_US
    uid: ClassVar[int] = UID

    def __init__(
        self,
        source: ForceSource,
        *,
        now_ns: int,
        rate_hz: float = 1000.0,
        seed: int = 1,
        board: str = "SIM",
        noise_counts: float = phantom.NOISE_COUNTS,
        drift_ppm: float = 0.0,
        boot_us: int = 0,
        note: str = "",
    ) -> None:
        self._source = source
        self._board = board
        self._noise_counts = noise_counts
        self._pace = 1.0 + drift_ppm * 1e-6
        self._boot_us = boot_us
        self._rng = np.random.default_rng([seed, 0x52])
        self._fault_rng = np.random.default_rng([seed, 0x53])
        self._default_period_us = round(1e6 / rate_hz)
        self._blob = note.encode("ascii", "replace")[: wire.MAX_BLOB_BYTES]
        self._origin_ns: int | None = None
        self._waiting: list[Fault] = []
        self._active: list[_Active] = []
        self._late: deque[tuple[int, bytes]] = deque()
        self._held: list[bytes] = []
        self._flood_ns = now_ns
        self.boot(now_ns, wire.ResetCause.POWER_ON)

    def boot(self, now_ns: int, cause: wire.ResetCause) -> None:
        """Reset: clock and sequence begin again, streaming is off."""
        self._boot_ns = now_ns
        self._cause = cause
        self._parser = wire.CommandParser()
        self._seq = 0
        self._status = (CAL_VALID if self._blob else 0) | (BROWNOUT if cause == wire.ResetCause.BROWNOUT else 0)
        self._streaming = False
        self._period_us = self._default_period_us
        self._tare = [0] * N_CELLS
        self._tare_mask = 0
        self._heartbeat_ns = now_ns
        self._last_counts = tuple(int(offset) for offset in phantom.OFFSET_COUNTS)
        self._last_reply: tuple[tuple[int, int], bytes] | None = None
        self._block: list[list[int]] = []
        self._clipped: list[int] = []
        self._out: list[bytes] = [b"\0"]
        self._send(now_ns, wire.Type.EVENT, wire.encode_event(wire.EventCode.BOOT, cause))

    @property
    def next_due_ns(self) -> int | None:
        """When the next conversion ends; None while not streaming."""
        if self._active and self._has("flood"):
            return self._flood_ns + FLOOD_NS
        return self._sample_ns(self._index) if self._streaming else None

    def obey_line(self, line: str, now_ns: int) -> None:
        """A line typed at the virtual device: ``load NEWTON [X_MM Y_MM]`` lays a weight on the plate, else a fault.

        Raises
        ------
        BoardError
            When it is neither.
        """
        word, *numbers = line.split()
        if word != "load":
            self.inject(parse_fault(line), now_ns)
            return
        try:
            self._source = Load(*map(float, numbers))
        except (TypeError, ValueError) as error:
            raise BoardError(f'"{line}": write load NEWTON [X_MM Y_MM], for example load 20 145 145') from error
        self._block = []

    def inject(self, fault: Fault, now_ns: int) -> None:
        """Have a fault, now or at its time after the first START."""
        if fault.at_s is None:
            self._begin_fault(fault, now_ns)
        else:
            self._waiting.append(fault)

    def unplugged_until_ns(self, now_ns: int) -> int | None:
        """When the plug is put back; None while it is in."""
        self._update_faults(now_ns)
        until = [active.to_ns for active in self._active if active.fault.kind == "unplug"]
        return int(max(until)) if until else None

    def plug_in(self, now_ns: int) -> None:
        """Power is back."""
        self._active = [active for active in self._active if active.fault.kind != "unplug"]
        self.boot(now_ns, wire.ResetCause.POWER_ON)

    def dropped(self, n_frames: int) -> None:
        """``n_frames`` did not fit the transmit buffer."""
        if n_frames:
            self._status |= TX_DROP

    def receive(self, data: bytes, now_ns: int) -> None:
        """Obey the host."""
        self._update_faults(now_ns)
        if self._has("silent"):
            return
        if self._has("slow"):
            self._late.append((now_ns + SLOW_NS, data))
            return
        self._hear(data, now_ns)

    def _hear(self, data: bytes, now_ns: int) -> None:
        bad = self._parser.counters.bad
        for command in self._parser.feed(data):
            self._obey(command, now_ns)
        if self._parser.counters.bad > bad:
            self._status |= RX_ERR

    def run(self, now_ns: int) -> list[bytes]:
        """Everything to send by ``now_ns``, frame by frame (replies first)."""
        self._update_faults(now_ns)
        while self._late and self._late[0][0] <= now_ns:
            self._hear(self._late.popleft()[1], now_ns)
        if self._has("silent"):
            self._out.clear()
            while self._streaming and self._sample_ns(self._index) <= now_ns:
                self._index += 1
                self._block = []
            return []
        if self._streaming and now_ns - self._heartbeat_ns > WATCHDOG_NS:
            self._streaming = False
            self._status |= WATCHDOG
            late_ms = (now_ns - self._heartbeat_ns) // 1_000_000
            self._send(now_ns, wire.Type.EVENT, wire.encode_event(wire.EventCode.WATCHDOG_EXPIRED, late_ms))
        while self._streaming and self._sample_ns(self._index) <= now_ns:
            late = (now_ns - self._sample_ns(self._index) - BACKLOG_NS) // (self._period_us * 1000)
            if late > 0:
                self._index += late
                self._seq += late
                self._block = []
                self.dropped(late)
            self._convert()
        out, self._out = self._out, []
        if not self._active:
            return out
        if self._has("flood"):
            self._flood_ns = now_ns
            out.append(self._fault_rng.bytes(FLOOD_BYTES))
        return [damaged for frame in out for damaged in self._damage(frame)]

    def _device_us(self, now_ns: int) -> int:
        return self._boot_us + int((now_ns - self._boot_ns) * self._pace) // 1000

    def _sample_ns(self, index: int) -> int:
        """Host time at which conversion ``index`` since START ends."""
        return self._start_ns + int((index + 1) * self._period_us * 1000 / self._pace)

    def _send(self, now_ns: int, kind: wire.Type, payload: bytes) -> bytes:
        n = self.n_channels
        frame = wire.WireFrame(kind, self._seq, self._device_us(now_ns), n, self._status, (1 << n) - 1, 0, (), payload)
        encoded = wire.encode_frame(frame)
        self._seq += 1
        self._out.append(encoded)
        return encoded

    def _obey(self, command: wire.ParsedCommand, now_ns: int) -> None:
        kind, tag, payload = command.command, command.tag, command.payload
        if kind == wire.Command.HEARTBEAT:
            self._heartbeat_ns = now_ns
            self._status &= ~WATCHDOG
            return
        if kind == wire.Command.SYNC and len(payload) == 8:
            (host_ns,) = struct.unpack("<Q", payload)
            self._send(now_ns, wire.Type.SYNC, wire.encode_sync(tag, host_ns, self._device_us(now_ns)))
            return
        if kind == wire.Command.IDENT:
            self._send(now_ns, wire.Type.IDENT, self._ident().encode(tag))
            return
        if kind == wire.Command.SELFTEST:
            self._send(now_ns, wire.Type.SELFTEST, self._self_test().encode(tag))
            return
        if kind == wire.Command.CAL_GET:
            self._send(now_ns, wire.Type.CALIBRATION, bytes([tag]) + self._blob)
            return
        if self._last_reply is not None and self._last_reply[0] == (kind, tag):
            self._send(now_ns, wire.Type.ACK, self._last_reply[1])
            return
        code, value = self._act(kind, payload, now_ns)
        reply = wire.encode_ack(kind, tag, code, value)
        self._last_reply = ((kind, tag), reply)
        self._send(now_ns, wire.Type.ACK, reply)
        if kind == wire.Command.REBOOT and code == wire.AckCode.OK:
            out = self._out
            self.boot(now_ns, wire.ResetCause.COMMAND)
            self._out = out + self._out

    def _act(self, kind: int, payload: bytes, now_ns: int) -> tuple[wire.AckCode, int]:
        """Carry out a command that is answered by an ACK: its code and value."""
        if kind in (wire.Command.START, wire.Command.SET_RATE):
            if len(payload) != 4:
                return wire.AckCode.BAD_ARGUMENT, 0
            (period_us,) = struct.unpack("<I", payload)
            period_us = period_us or self._period_us
            if not self.period_us[0] <= period_us <= self.period_us[1]:
                return wire.AckCode.BAD_ARGUMENT, self._period_us
            self._period_us = period_us
            if kind == wire.Command.START:
                self._heartbeat_ns = now_ns
                self._status &= TARED | CAL_VALID
                self._streaming = True
                if self._origin_ns is None:
                    self._origin_ns = now_ns
            self._start_ns, self._index, self._block = now_ns, 0, []
            return wire.AckCode.OK, period_us
        if kind == wire.Command.STOP:
            self._streaming = False
            return wire.AckCode.OK, 0
        if kind == wire.Command.TARE:
            if len(payload) != 2:
                return wire.AckCode.BAD_ARGUMENT, 0
            self._tare_mask = struct.unpack("<H", payload)[0] & ALL_CELLS
            return wire.AckCode.OK, self._tare_mask
        if kind == wire.Command.CAL_SET:
            if len(payload) > wire.MAX_BLOB_BYTES:
                return wire.AckCode.BAD_ARGUMENT, 0
            self._blob = payload
            self._status = self._status | CAL_VALID if payload else self._status & ~CAL_VALID
            return wire.AckCode.OK, self._ident().calibration_hash
        if kind == wire.Command.REBOOT:
            return wire.AckCode.OK, 0
        return wire.AckCode.UNKNOWN_COMMAND, 0

    def _ident(self) -> wire.Ident:
        return wire.Ident(
            device_class=self.device_class,
            n_channels=self.n_channels,
            adc_type=wire.AdcType.SIMULATED,
            firmware=(1, 0, 0),
            reset_cause=self._cause,
            rate_hz=1_000_000 // self.period_us[0],
            uid=self.uid,
            calibration_hash=wire.blob_hash(self._blob),
            board=self._board,
        )

    def _self_test(self) -> wire.SelfTest:
        dead = sum(1 << cell for cell in self._cells_with("dead"))
        saturated = sum(1 << cell for cell in self._cells_with("saturated"))
        stuck = sum(1 << cell for cell in self._cells_with("stuck"))
        return wire.SelfTest(
            failures=bool(dead) | bool(saturated) << 1 | bool(stuck) << 2 | self._has("eeprom") << 4,
            ready_mask=ALL_CELLS & ~dead,
            saturated_mask=saturated,
            stuck_mask=stuck,
            rate_millihertz=round(1e9 / self._period_us),
        )

    def _convert(self) -> None:
        """One conversion of all cells, and its SAMPLE frame."""
        if not self._block:
            self._fill_block()
        counts = self._block.pop()
        saturated = self._clipped.pop()
        ready = ALL_CELLS
        if self._active:
            counts, ready, saturated = self._spoil(counts, saturated)
        tared = self._tare_mask & ready  # a cell that is not ready keeps its turn
        if tared:
            self._tare = [counts[cell] if tared >> cell & 1 else zero for cell, zero in enumerate(self._tare)]
            self._tare_mask &= ~tared
            self._status |= TARED
        if self._status & TARED:
            counts = [count - zero for count, zero in zip(counts, self._tare, strict=True)]
            if ready != ALL_CELLS:
                counts = [count if ready >> cell & 1 else 0 for cell, count in enumerate(counts)]
        status = self._status | (SATURATED if saturated else 0) | (NOT_READY if ready != ALL_CELLS else 0)
        t_us = self._device_us(self._sample_ns(self._index))
        self._out.append(wire.encode_sample(self._seq, t_us, counts, status, ready, saturated))
        self._seq += 1
        self._index += 1
        self._last_counts = tuple(counts)
        self._status &= ~TX_DROP

    def _fill_block(self) -> None:
        """Compute the next conversions, last one first: they are popped from the end."""
        origin_ns = self._origin_ns or 0
        indices = range(self._index, self._index + BLOCK)
        t_s = np.array([(self._sample_ns(index) - origin_ns) * 1e-9 for index in indices])
        cells = self._source.forces(t_s, self._period_us * 1e-6)
        noise = self._noise_counts * self._rng.standard_normal((BLOCK, N_CELLS))
        counts, clipped = phantom.to_counts(cells, noise)
        self._block = counts[::-1].tolist()
        self._clipped = (clipped[::-1] @ (1 << np.arange(N_CELLS))).tolist()

    def _spoil(self, counts: list[int], saturated: int) -> tuple[list[int], int, int]:
        """Counts, ready mask and saturated mask with the faults of cells applied."""
        counts, ready = list(counts), ALL_CELLS
        for cell in self._cells_with("stuck"):
            counts[cell] = self._last_counts[cell]
        for cell in self._cells_with("saturated"):
            counts[cell] = phantom.FULL_SCALE_COUNTS
            saturated |= 1 << cell
        for cell in self._cells_with("ones"):
            counts[cell] = -1
        for cell in self._cells_with("zeros"):
            counts[cell] = 0
        for cell in self._cells_with("dead"):
            counts[cell] = 0
            ready &= ~(1 << cell)
        return counts, ready, saturated

    def _damage(self, frame: bytes) -> list[bytes]:
        """What becomes of one frame on a bad line."""
        rng = self._fault_rng
        kinds = {active.fault.kind for active in self._active}
        if "text" in kinds:
            return [TEXT]
        if "version" in kinds and len(frame) > 1:
            frame = _of_version_2(frame)
        if "reordered" in kinds and not self._held and rng.random() < DAMAGED_SHARE:
            self._held.append(frame)
            return []
        out = [frame, *self._held]
        self._held.clear()
        if "garbage" in kinds and rng.random() < DAMAGED_SHARE:
            out.insert(0, rng.bytes(int(rng.integers(1, 80))))
        if "truncated" in kinds and rng.random() < DAMAGED_SHARE:
            out[-1] = frame[: int(rng.integers(1, len(frame)))]
        if "flipped" in kinds and rng.random() < DAMAGED_SHARE:
            damaged = bytearray(out[-1])
            damaged[int(rng.integers(len(damaged)))] ^= 1 << int(rng.integers(8))
            out[-1] = bytes(damaged)
        if "duplicate" in kinds and rng.random() < DAMAGED_SHARE:
            out.append(out[-1])
        if "dropped" in kinds and rng.random() < DAMAGED_SHARE:
            self.dropped(1)
            return []
        return out

    def _cells_with(self, kind: str) -> list[int]:
        return [active.fault.cell - 1 for active in self._active if active.fault.kind == kind]

    def _has(self, kind: str) -> bool:
        return any(active.fault.kind == kind for active in self._active)

    def _update_faults(self, now_ns: int) -> None:
        """Begin faults whose time has come, end those whose time is over."""
        if self._active:
            self._active = [active for active in self._active if active.fault.kind == "unplug" or now_ns < active.to_ns]
        if self._waiting and self._origin_ns is not None:
            since_s = (now_ns - self._origin_ns) * 1e-9
            due = [fault for fault in self._waiting if (fault.at_s or 0.0) <= since_s]
            self._waiting = [fault for fault in self._waiting if fault not in due]
            for fault in due:
                self._begin_fault(fault, now_ns)

    def _begin_fault(self, fault: Fault, now_ns: int) -> None:
        if fault.kind == "reboot":
            self.boot(now_ns, wire.ResetCause.WATCHDOG)
        elif fault.kind == "brownout":
            self.boot(now_ns, wire.ResetCause.BROWNOUT)
        else:
            self._active.append(_Active(fault, now_ns + fault.for_s * 1e9))


def _of_version_2(frame: bytes) -> bytes:
    """The same frame as a board of protocol 2 would send it."""
    body = b"\x02" + cobs.decode(frame[:-1])[1:-2]
    return bytes(cobs.encode(body + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF)))) + b"\0"
