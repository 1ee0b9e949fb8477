"""Sensor boards by name: each opens, reads bytes, turns them into frames, and closes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from firmware_bridge.board import Board, LinkHealth
from firmware_bridge.errors import BoardError

__all__ = ["Board", "LinkHealth", "make_board"]


def make_board(
    driver: str,
    port: str = "",
    baud: int = 500_000,
    rate_hz: float = 1000.0,
    file: str = "",
    site_mm: tuple[float, float] = (145.0, 145.0),
    loop: bool = False,
    seed: int = 1,
    options: Mapping[str, Any] | None = None,
) -> Board:
    """Board of a session's ``[board]`` section; nothing is opened yet.

    Parameters
    ----------
    driver
        "virtual", "replay", "serial", "simavr", or ``"module:Class"``: the class is called with all other parameters
        by name, ``options`` spread among them.

    Raises
    ------
    BoardError
        When the driver is unknown or its options are wrong.
    """
    extra = dict(options or {})
    if driver == "serial":
        from firmware_bridge.boards.serial import SerialBoard

        if extra:
            raise BoardError(f"board.options: {', '.join(extra)}: the serial driver knows none; leave them out")
        return SerialBoard(port, baud, rate_hz)
    if driver == "virtual":
        from firmware_bridge.boards.virtual import VirtualBoard

        return VirtualBoard(**_merged(extra, rate_hz=rate_hz, site_mm=site_mm, seed=seed))
    if driver == "replay":
        from firmware_bridge.boards.replay import ReplayBoard

        return ReplayBoard(**_merged(extra, file=file, rate_hz=rate_hz, site_mm=site_mm, loop=loop, seed=seed))
    if driver == "simavr":
        from firmware_bridge.boards.simavr import SimavrBoard

        return SimavrBoard(**_merged(extra, file=file, rate_hz=rate_hz, site_mm=site_mm, loop=loop, seed=seed))
    given = {"port": port, "baud": baud, "rate_hz": rate_hz, "file": file, "site_mm": site_mm}
    return _from_reference(driver, _merged(extra, **given, loop=loop, seed=seed))


def _merged(options: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Options and configuration together; an option may not repeat a key of ``[board]``."""
    twice = sorted({*options} & {*given, "source"})
    if twice:
        raise BoardError(f"board.options: {', '.join(twice)} belongs into [board] itself, not into its options")
    return {**given, **options}


def _from_reference(driver: str, arguments: dict[str, Any]) -> Board:
    module_name, colon, class_name = driver.partition(":")
    if not colon:
        raise BoardError(
            f'board.driver "{driver}" is none of virtual, replay, serial, simavr, nor a reference "module:Class"'
        )
    try:
        kind = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise BoardError(f'board.driver "{driver}" cannot be loaded: {error}') from error
    try:
        board: Board = kind(**arguments)
    except TypeError as error:
        raise BoardError(f'board.driver "{driver}": {error}; it is called with {", ".join(arguments)}') from error
    return board
