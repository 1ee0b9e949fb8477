"""A recording played by the virtual board's process, as wire bytes on a port."""

from __future__ import annotations

from typing import Any

from firmware_bridge.boards.virtual import VirtualBoard

__all__ = ["ReplayBoard"]


class ReplayBoard(VirtualBoard):
    """Plays ``file`` (PATH or PATH#NAME, ``firmware_bridge.recordings``); other options as ``VirtualBoard``."""

    def __init__(self, file: str, **options: Any) -> None:
        super().__init__(source="replay", file=file, **options)
