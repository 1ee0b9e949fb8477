"""The firmware, built once for all tests, and boards that run it in simulated time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import lockstep


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build a firmware with the Makefile's options, once for each set of them."""
    built: dict[str, Path] = {}

    def build(**options: object) -> Path:
        key = repr(sorted(options.items()))
        if key not in built:
            built[key] = lockstep.build_firmware(tmp_path_factory.mktemp("firmware"), **options)
        return built[key]

    return build


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The simulated microcontroller."""
    return lockstep.build_bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def board(image: Callable[..., Path], bench: ctypes.CDLL) -> Iterator[Callable[..., lockstep.Board]]:
    """Make boards: ``board(sps=320, CELLS=9)``; capitals are options of the firmware's Makefile."""
    boards: list[lockstep.Board] = []

    def make(**options: object) -> lockstep.Board:
        makefile = {name: value for name, value in options.items() if name.isupper()}
        rest = {name: value for name, value in options.items() if name not in makefile}
        rest.setdefault("mcu", makefile.get("MCU", "atmega328p"))
        rest.setdefault("cells", makefile.get("CELLS", 4))
        boards.append(lockstep.Board(bench, image(**makefile), **rest))
        boards[-1].run(0.05)  # boot
        return boards[-1]

    yield make
    for made in boards:
        made.close()
