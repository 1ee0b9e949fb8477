"""The real firmware in a simulated microcontroller, fed with a recording: everything but the copper.

The firmware is compiled by avr-gcc and runs on libsimavr, whose licence is the GPL: the program that links it stands
apart, under tests/simavr of the source checkout, is built when the board is opened, and runs as a process of its own.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from firmware_bridge import phantom
from firmware_bridge.boards.spawned import SpawnedBoard
from firmware_bridge.errors import BoardError
from firmware_bridge.recordings import load_recording

__all__ = ["UID", "SimavrBoard"]

UID = 0x53494D0000000328
"""Begins with "SIM" in ASCII; assets/calibration/simavr.toml belongs to it."""
PACKAGE = Path(__file__).resolve().parents[1]
FIRMWARE = PACKAGE / "firmware"
BENCH = PACKAGE.parent / "tests" / "simavr"
PROGRAMS = ("make", "gcc", "avr-gcc")
INCLUDES = (Path("/usr/include/simavr"), Path("/usr/local/include/simavr"))
INSTALL = "sudo apt-get install build-essential gcc-avr avr-libc libsimavr-dev libelf-dev"
SPS = {"hx711": 80.0, "hx717": 320.0}
"""Fastest setting of each converter (datasheets)."""
BAUD = 500_000
N_CELLS = 4
IDLE_S = 4.0
"""Untouched time that is repeated until the recording begins and after it has ended."""
BUILD_TIMEOUT_S = 60.0


class SimavrOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``[board.options]`` may hold."""

    mcu: Literal["atmega328p", "atmega2560"] = "atmega328p"
    sensor: Literal["hx711", "hx717"] = "hx717"
    """80 or 320 conversions a second: the former under-reads the peak of a quick press by up to 3 %."""
    lead_s: Annotated[float, Meta(ge=0, le=60)] = 0.5
    """Untouched time between the first sample and the recording, for the tare."""
    noise_counts: Annotated[float, Meta(ge=0, le=100_000)] = phantom.NOISE_COUNTS


class SimavrBoard(SpawnedBoard):
    """Plays ``file`` (PATH or PATH#NAME, ``firmware_bridge.recordings``) on the converters of a simulated board.

    Parameters
    ----------
    file, site_mm, loop
        As for ``replay``.
    rate_hz
        Sampling rate to ask for; never more than the converters have.
    seed
        Of the converters' noise.
    options
        ``SimavrOptions`` by name.

    Raises
    ------
    BoardError
        When an option is unknown or out of range.
    """

    def __init__(
        self, file: str, rate_hz: float, site_mm: tuple[float, float], *, loop: bool, seed: int, **options: Any
    ) -> None:
        try:
            self.options = msgspec.convert(options, SimavrOptions)
        except msgspec.ValidationError as error:
            known = ", ".join(SimavrOptions.__struct_fields__)
            raise BoardError(f"board.options: {error}; known are {known}") from error
        self._sps = SPS[self.options.sensor]
        self._file, self._site_mm, self._loop, self._seed = file, site_mm, loop, seed
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._playing = False
        super().__init__(f"SIM simavr {file}", BAUD, min(rate_hz, self._sps))

    def command(self) -> list[str]:
        """Build firmware and bench, write down the counts, and name the process.

        Raises
        ------
        BoardError
            When a tool is missing or a build fails.
        """
        _check_tools()
        idle, rows = self._counts()
        self._folder = tempfile.TemporaryDirectory(prefix="robopatient-simavr-")
        folder = Path(self._folder.name)
        options = self.options
        image = folder / "firmware.elf"
        settings = {
            "OUT": folder,
            "MCU": options.mcu,
            "SENSOR": options.sensor,
            "CELLS": N_CELLS,
            "BAUD": BAUD,
            "UID": UID,
        }
        _build(
            "make",
            "-s",
            "-C",
            FIRMWARE,
            image,
            f"OUT={folder}",
            *(f"{name}={value}" for name, value in settings.items()),
        )
        includes = [f"-I{path}" for path in INCLUDES]
        sources = [BENCH / "board.c", BENCH / "pty.c"]
        _build("gcc", "-std=gnu99", "-O2", *includes, *sources, "-o", folder / "pty", "-lsimavr", "-lelf")
        table = folder / "counts"
        table.write_bytes(np.concatenate([idle, rows]).astype("<i4").tobytes())
        words = [image, options.mcu, N_CELLS, self._sps, table, len(idle), int(self._loop)]
        return [f"{folder}/pty", *map(str, words)]

    def poll(self, now_ns: int) -> None:
        """Keep the board alive; the recording begins when the board streams for the first time."""
        super().poll(now_ns)
        if not self._playing and self.conversation.state == "streaming":
            self._playing = True
            self.type_line("play")

    def close(self) -> None:
        """Give the port back, end the process, remove what was built."""
        super().close()
        self._playing = False
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def _counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Counts (n, 4) of untouched conversions, and those of the recording with its lead."""
        recording = load_recording(self._file, self._site_mm)
        rng = np.random.default_rng([self._seed, 0x54])
        period_s = 1.0 / self._sps

        def convert(forces: NDArray[np.float64]) -> NDArray[np.int64]:
            noise = self.options.noise_counts * rng.standard_normal(forces.shape)
            return phantom.to_counts(forces, noise)[0]

        idle = convert(np.zeros((round(IDLE_S * self._sps), N_CELLS)))
        n_rows = round((self.options.lead_s + recording.duration_s) * self._sps) + 1
        t_s = np.arange(1.0, n_rows + 1) * period_s - self.options.lead_s
        return idle, convert(recording.forces(t_s, period_s))


def _check_tools() -> None:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if not any((path / "sim_avr.h").is_file() for path in INCLUDES):
        missing.append("libsimavr")
    if missing:
        raise BoardError(f"the simavr board needs {', '.join(missing)}; type: {INSTALL}")
    if not BENCH.is_dir():
        raise BoardError(
            f"{BENCH}: the simulator's source is not here: it is under the GPL and not in the wheel; "
            "clone the repository and type: pip install --editable '.[demo]'"
        )


def _build(*command: object) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=BUILD_TIMEOUT_S)
    if done.returncode:
        raise BoardError(f"{command[0]} failed for the simavr board: {(done.stderr or done.stdout).strip()[-500:]}")
