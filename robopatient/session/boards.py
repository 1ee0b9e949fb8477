"""The ``board`` verbs: a board named as ``run --board`` names it, without a patient."""

from __future__ import annotations

from pathlib import Path

from firmware_bridge import verbs
from firmware_bridge.board import Board
from robopatient.config import load_session
from robopatient.session.control import open_board
from robopatient.session.run import board_overrides

__all__ = ["monitor", "record", "tare"]


def monitor(board: str, duration_s: float, rate_hz: float, as_json: bool) -> None:
    """Print what the board says; 0 seconds: until Ctrl-C."""
    verbs.monitor(_board(board, rate_hz), duration_s, as_json)


def tare(board: str, duration_s: float, as_json: bool) -> None:
    """Measure the zero of every cell."""
    verbs.tare(_board(board), duration_s, as_json)


def record(board: str, out: Path, duration_s: float, rate_hz: float) -> None:
    """Record raw bytes and decoded counts."""
    verbs.record(_board(board, rate_hz), out, duration_s)


def _board(name: str, rate_hz: float = 1000.0) -> Board:
    return open_board(load_session(None, [*board_overrides(name), f"board.rate_hz={rate_hz}"]))
