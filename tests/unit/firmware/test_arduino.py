"""The Arduino sketch, compiled for this computer against a fake Arduino core: never for or on an ESP32."""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path

import pytest
from support import lockstep

from firmware_bridge import wire

FAKE = Path(__file__).resolve().parent / "arduino"


class Sketch:
    """The compiled sketch with converters on its pins."""

    def __init__(self, library: Path) -> None:
        self.c = ctypes.CDLL(str(library))
        self.c.fake_hear.argtypes = [ctypes.c_char_p, ctypes.c_uint32]
        self._buffer = ctypes.create_string_buffer(65536)
        self._parser = wire.Parser()
        self.c.fake_setup()

    def run(self, us: int) -> list[wire.WireFrame]:
        frames = []
        for _ in range(0, us, 100_000):
            self.hear(wire.encode_command(wire.Command.HEARTBEAT, 0))
            self.c.fake_run(min(us, 100_000))
            n = self.c.fake_sent(self._buffer)
            frames += self._parser.feed(self._buffer.raw[:n])
        return frames

    def hear(self, data: bytes) -> None:
        self.c.fake_hear(data, len(data))

    def ask(self, command: int, payload: bytes = b"", us: int = 1000) -> list[wire.WireFrame]:
        self.hear(wire.encode_command(command, command & 0x7F, payload))
        return [frame for frame in self.run(us) if frame.type != wire.Type.SAMPLE]


def build(tmp_path: Path, *defines: str) -> Path:
    """Compile the sketch as the Arduino builder would: every .c and .cpp file of its folder."""
    lockstep.need("gcc", "g++", "make")
    sketch = tmp_path / "robopatient_board"
    lockstep.run("make", "-s", "-C", lockstep.FIRMWARE, "arduino", f"SKETCH={sketch}")
    settings = sketch / "settings.h"
    text = settings.read_text()
    for define in defines:
        name = define.split()[0]
        line = next(line for line in text.splitlines() if line.startswith(f"#define {name} "))
        text = text.replace(line, f"#define {define}")
    settings.write_text(text)
    flags = f"-O0 -fPIC -Wall -Wextra -Werror -DARDUINO=10819 -DESP32 -I{FAKE} -I{sketch}".split()
    objects = []
    for source in [*sketch.glob("*.cpp"), *sketch.glob("*.ino"), *sketch.glob("src/**/*.c"), FAKE / "fake.cpp"]:
        compiler = ["gcc", "-std=c99"] if source.suffix == ".c" else ["g++", "-std=c++17", "-x", "c++"]
        objects.append(tmp_path / f"{source.name}.o")
        lockstep.run(*compiler, *flags, "-c", source, "-o", objects[-1])
    library = tmp_path / "sketch.so"
    lockstep.run("g++", "-shared", "-Wl,-Bsymbolic", *objects, "-o", library)
    return library


def test_the_sketch_speaks_the_protocol_reads_its_cells_and_keeps_a_note(tmp_path):
    sketch = Sketch(build(tmp_path))
    counts = (123456, -123456, 0x7FFFFF, -1)
    for cell, count in enumerate(counts):
        sketch.c.fake_count(cell, count)
    (boot, *_) = sketch.run(1000)
    assert wire.parse_event(boot.payload) == (wire.EventCode.BOOT, wire.ResetCause.POWER_ON)
    _, ident = wire.Ident.parse(sketch.ask(wire.Command.IDENT)[0].payload)
    assert (ident.n_channels, ident.rate_hz, ident.uid) == (4, 80, 0x53494D00000E5032)
    sketch.ask(wire.Command.START, struct.pack("<I", 0))
    frames = [frame for frame in sketch.run(1_000_000) if frame.type == wire.Type.SAMPLE]
    assert len(frames) == pytest.approx(80, abs=1)
    assert {frame.counts for frame in frames} == {counts}
    assert {frame.saturated_mask for frame in frames} == {0b0100}
    sketch.c.fake_dead(3)
    frames = sketch.run(1_000_000)
    assert len(frames) == pytest.approx(80, abs=1)
    assert frames[-1].ready_mask == 0b0111
    assert sketch.c.fake_clock_high_us() <= 2

    frames = sketch.ask(wire.Command.CAL_SET, b"n" * 48, us=300_000)
    acks = [wire.parse_ack(frame.payload) for frame in frames if frame.type == wire.Type.ACK]
    assert acks == [(wire.Command.CAL_SET, 0x0A, wire.AckCode.OK, wire.blob_hash(b"n" * 48))]
    assert sketch.c.fake_commits() == 1, "flash is written once for the whole note"
    sketch.ask(wire.Command.REBOOT)
    assert sketch.c.fake_restarts() == 1


@pytest.mark.parametrize(
    "defines",
    [
        ("SENSOR AMPLIFIER",),
        ("DEVICE RATER", "SENSOR DIAL", "N_CELLS 1", "OVERSAMPLE 16"),
        ("SENSOR HX717", "N_CELLS 9"),
    ],
    ids=["amplifier", "rater", "nine cells"],
)
def test_the_sketch_compiles_with_other_settings(tmp_path, defines):
    sketch = Sketch(build(tmp_path, *defines))
    assert sketch.run(1000)[0].type == wire.Type.EVENT
