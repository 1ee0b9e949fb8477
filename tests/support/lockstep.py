"""The real firmware in simulated time: build it, run it cycle by cycle, speak the wire with it.

Nothing here waits or asks a clock, so equal inputs give equal bytes.
"""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np

import support.needs
from firmware_bridge import wire

HERE = Path(__file__).resolve().parents[1] / "simavr"
FIRMWARE = HERE.parents[1] / "firmware_bridge" / "firmware"
POWER_ON, EXTERNAL, BROWNOUT = 1, 2, 4
"""Reset flags of the microcontroller (MCUSR)."""
SIM_UID = 0x53494D0000000328
PACKAGES = "apt-get install gcc-avr avr-libc libsimavr-dev libelf-dev build-essential"


def need(*programs: str, simavr: bool = False) -> None:
    """Skip the test where tools are missing; in CI that is a failure."""
    missing = [program for program in programs if shutil.which(program) is None]
    if simavr and not any(Path(base, "simavr/sim_avr.h").is_file() for base in ("/usr/include", "/usr/local/include")):
        missing.append("libsimavr")
    support.needs.need(", ".join(missing), not missing, PACKAGES)


def run(*command: str | Path) -> str:
    """Standard output of a command; what it complained about when it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def build_firmware(out: Path, **options: object) -> Path:
    """Image of the firmware with the Makefile's options, such as CELLS=9."""
    need("avr-gcc", "make")
    words = [f"{name}={value}" for name, value in ({"UID": hex(SIM_UID)} | options).items()]
    run("make", "-s", "-C", FIRMWARE, f"OUT={out}", out / "firmware.elf", *words)
    return out / "firmware.elf"


def build_bench(out: Path) -> ctypes.CDLL:
    """The simulated microcontroller as a library."""
    need("gcc", simavr=True)
    library = out / "libbench.so"
    flags = "-std=gnu99 -O2 -fPIC -shared -Wl,-Bsymbolic -Wall -Wextra -Werror"
    folders = ("-I/usr/include/simavr", "-I/usr/local/include/simavr")
    run("gcc", *flags.split(), *folders, HERE / "board.c", "-o", library, "-lsimavr", "-lelf")
    bench = ctypes.CDLL(str(library))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_double
    signatures = {
        "sim_new": (pointer, [text, text, ctypes.c_int, number, ctypes.c_uint8]),
        "sim_free": (None, [pointer]),
        "sim_run": (ctypes.c_int, [pointer, number]),
        "sim_tx": (None, [pointer, text, ctypes.c_size_t]),
        "sim_rx": (ctypes.c_size_t, [pointer, text, ctypes.c_size_t]),
        "sim_count": (None, [pointer, ctypes.c_int, ctypes.c_int32]),
        "sim_table": (None, [pointer, text, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]),
        "sim_play": (None, [pointer]),
        "sim_dead": (None, [pointer, ctypes.c_uint32]),
        "sim_short": (None, [pointer, ctypes.c_uint32]),
        "sim_rate": (None, [pointer, ctypes.c_int, number, number]),
        "sim_millivolts": (None, [pointer, ctypes.c_int, ctypes.c_uint32]),
        "sim_button": (None, [pointer, ctypes.c_int, ctypes.c_int]),
        "sim_reset": (None, [pointer, ctypes.c_uint8]),
        "sim_hang": (None, [pointer]),
        "sim_poke": (None, [pointer, ctypes.c_uint16, text, ctypes.c_size_t]),
        "sim_eeprom": (None, [pointer, ctypes.c_uint16, text, ctypes.c_size_t, ctypes.c_int]),
        "sim_clock_high_us": (number, [pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(bench, name)
        function.restype, function.argtypes = result, arguments
    return bench


class Board:
    """A microcontroller that runs the firmware, and the host at the other end of its line.

    Parameters
    ----------
    sps
        Conversions a second of the converters on its pins.
    flags
        Reset flags at the start.
    """

    def __init__(
        self,
        bench: ctypes.CDLL,
        elf: Path,
        *,
        mcu: str = "atmega328p",
        cells: int = 4,
        sps: float = 80.0,
        flags: int = POWER_ON,
    ) -> None:
        self._bench = bench
        self.elf = elf
        self._sim = bench.sim_new(str(elf).encode(), mcu.encode(), cells, sps, flags)
        assert self._sim, f"{elf} cannot be loaded"
        self._buffer = ctypes.create_string_buffer(65536)
        self.parser = wire.Parser()
        self.received = b""
        self.t_s = 0.0
        self._tag = 0

    def close(self) -> None:
        """Free the simulator."""
        self._bench.sim_free(self._sim)

    def run(self, duration_s: float, *, heartbeat: bool = True) -> list[wire.WireFrame]:
        """Frames of the next ``duration_s`` of simulated time, with a heartbeat every 100 ms."""
        frames = []
        end_s = self.t_s + duration_s
        while self.t_s < end_s - 1e-9:
            if heartbeat:
                self.send(wire.Command.HEARTBEAT, tag=0)
            self.t_s = min(self.t_s + 0.1, end_s)
            assert self._bench.sim_run(self._sim, self.t_s) == 0, "the firmware has crashed"
            n = self._bench.sim_rx(self._sim, self._buffer, len(self._buffer))
            self.received += self._buffer.raw[:n]
            frames += self.parser.feed(self._buffer.raw[:n])
        return frames

    def send(self, command: int, payload: bytes = b"", *, tag: int | None = None) -> int:
        """Send a command; its tag."""
        if tag is None:
            tag = self._tag = self._tag % 255 + 1
        self.raw(wire.encode_command(command, tag, payload))
        return tag

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._bench.sim_tx(self._sim, data, len(data))

    def ask(self, command: int, payload: bytes = b"", *, within_s: float = 0.02) -> wire.WireFrame:
        """The one reply to a command."""
        tag = self.send(command, payload)
        replies = [f for f in self.run(within_s, heartbeat=False) if f.type not in (wire.Type.SAMPLE, wire.Type.EVENT)]
        assert len(replies) == 1, replies
        assert replies[0].payload[replies[0].type == wire.Type.ACK] == tag
        return replies[0]

    def ack(self, command: int, payload: bytes = b"", *, within_s: float = 0.02) -> tuple[int, int]:
        """Code and value of the ACK to a command."""
        frame = self.ask(command, payload, within_s=within_s)
        assert frame.type == wire.Type.ACK, frame
        replied, _, code, value = wire.parse_ack(frame.payload)
        assert replied == command
        return code, value

    def ident(self) -> wire.Ident:
        """Who the board is."""
        return wire.Ident.parse(self.ask(wire.Command.IDENT).payload)[1]

    def start(self, period_us: int = 0) -> int:
        """Start the stream; the period in effect, us."""
        code, value = self.ack(wire.Command.START, struct.pack("<I", period_us))
        assert code == wire.AckCode.OK
        return value

    def set_counts(self, *counts: int) -> None:
        """What the converters read from now on."""
        for cell, count in enumerate(counts):
            self._bench.sim_count(self._sim, cell, count)

    def play(self, counts: np.ndarray) -> None:
        """From now on one row of ``counts`` (n, cells) a conversion, and then the first row again and again."""
        self._table = np.vstack([counts[:1], counts]).astype("<i4").tobytes()
        self._bench.sim_table(self._sim, self._table, 1, len(counts) + 1, 0)
        self._bench.sim_play(self._sim)

    def set_dead(self, *cells: int) -> None:
        """These cells (from 0) never become ready."""
        self._bench.sim_dead(self._sim, sum(1 << cell for cell in cells))

    def set_shorted(self, *cells: int) -> None:
        """The data lines of these cells are at ground."""
        self._bench.sim_short(self._sim, sum(1 << cell for cell in cells))

    def set_rate(self, cell: int, sps: float, phase_s: float = 0.0) -> None:
        """Give a cell an oscillator of its own."""
        self._bench.sim_rate(self._sim, cell, sps, phase_s)

    def set_millivolts(self, channel: int, millivolts: int) -> None:
        """Voltage on an analogue input."""
        self._bench.sim_millivolts(self._sim, channel, millivolts)

    def set_button(self, line: int, *, pressed: bool) -> None:
        """Close or open a contact."""
        self._bench.sim_button(self._sim, line, pressed)

    def reset(self, flags: int) -> None:
        """Pull the reset line, or power, for a moment."""
        self._bench.sim_reset(self._sim, flags)

    def poke(self, symbol: str, value: bytes) -> None:
        """Overwrite a static variable of the firmware."""
        for line in run("avr-nm", self.elf).splitlines():
            address, _, name = line.split()[-3:] if len(line.split()) == 3 else ("", "", "")
            if name == symbol:
                self._bench.sim_poke(self._sim, int(address, 16) & 0xFFFF, value, len(value))
                return
        raise AssertionError(f"{self.elf} has no {symbol}")

    def hang(self) -> None:
        """Replace the program by an endless loop, as a runaway pointer might."""
        self._bench.sim_hang(self._sim)

    def eeprom(self, offset: int, n: int) -> bytes:
        """Bytes of the EEPROM."""
        buffer = ctypes.create_string_buffer(n)
        self._bench.sim_eeprom(self._sim, offset, buffer, n, 0)
        return buffer.raw

    def write_eeprom(self, offset: int, data: bytes) -> None:
        """Change the EEPROM behind the firmware's back."""
        self._bench.sim_eeprom(self._sim, offset, data, len(data), 1)

    @property
    def clock_high_us(self) -> float:
        """Longest time that the converters' clock line was high, us."""
        return float(self._bench.sim_clock_high_us(self._sim))


def samples(frames: list[wire.WireFrame]) -> list[wire.WireFrame]:
    """The SAMPLE frames among frames."""
    return [frame for frame in frames if frame.type == wire.Type.SAMPLE]


def events(frames: list[wire.WireFrame]) -> list[tuple[int, int]]:
    """Code and value of the EVENT frames among frames."""
    return [wire.parse_event(frame.payload) for frame in frames if frame.type == wire.Type.EVENT]
