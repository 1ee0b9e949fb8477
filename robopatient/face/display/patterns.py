"""Test pictures to point, focus and level a projector by; they pass through the same warps as the face."""

from __future__ import annotations

import numpy as np

from robopatient.errors import ConfigError

__all__ = ["PATTERNS", "pattern"]

PATTERNS = ("grid", "corners", "cross", "greys", "focus", "bars", "white", "black")
LINES = 17
STEPS = 11
"""Greys from black to white in steps of a tenth."""
FOCUS_PX = (1, 2, 3, 4)
"""Widths of the bars of the focus fields."""


def pattern(name: str, size_px: int) -> np.ndarray:
    """Test picture, shape (size, size, 3) uint8.

    "grid" (lines and circles), "corners" (marks that differ by corner), "cross", "greys" (steps of a tenth, and the
    darkest and lightest that should still be told apart), "focus" (bars of 1 to 4 pixels), colour "bars", "white",
    "black".

    Raises
    ------
    ConfigError
        When there is no such pattern.
    """
    draw = {
        "grid": _grid, "corners": _corners, "cross": _cross, "greys": _greys, "focus": _focus, "bars": _bars,
        "white": lambda size: np.full((size, size, 3), 255, np.uint8),
        "black": lambda size: np.zeros((size, size, 3), np.uint8),
    }  # fmt: skip
    if name not in draw:
        raise ConfigError(f'pattern "{name}" is unknown; there are {", ".join(PATTERNS)}')
    return draw[name](size_px)


def _blank(size: int) -> tuple[np.ndarray, int]:
    """Black picture, and the width of its lines."""
    return np.zeros((size, size, 3), np.uint8), max(1, size // 256)


def _rules(picture: np.ndarray, count: int, line: int, value: int = 255) -> None:
    for place in np.linspace(0, len(picture) - line, count).round().astype(int):
        picture[place : place + line] = picture[:, place : place + line] = value


def _ring(picture: np.ndarray, x: float, y: float, radius: float, line: float, colour: tuple[int, int, int]) -> None:
    """Circle; places and lengths as parts of the picture."""
    size = len(picture)
    axis = (np.arange(size) + 0.5) / size
    away = np.hypot(axis[None, :] - x, axis[:, None] - y)
    picture[np.abs(away - radius) < 0.5 * line] = colour


def _grid(size: int) -> np.ndarray:
    picture, line = _blank(size)
    _rules(picture, LINES, line, 150)
    _rules(picture, 3, 2 * line)
    for x, y, radius in ((0.5, 0.5, 0.375), (0.125, 0.125, 0.1), (0.875, 0.125, 0.1), (0.125, 0.875, 0.1),
                         (0.875, 0.875, 0.1)):  # fmt: skip
        _ring(picture, x, y, radius, 2.0 * line / size, (255, 200, 60))
    return picture


def _cross(size: int) -> np.ndarray:
    picture, line = _blank(size)
    _rules(picture, 3, line)
    return picture


def _corners(size: int) -> np.ndarray:
    """One, two, three and four squares from the upper left clockwise, in four colours: no mirror goes unseen."""
    picture, line = _blank(size)
    _rules(picture, 2, 3 * line)
    arm, gap = size // 4, size // 24
    colours = ((255, 70, 70), (80, 255, 90), (90, 140, 255), (255, 230, 70))
    for corner, colour in enumerate(colours):
        right, low = corner in (1, 2), corner in (2, 3)
        block = np.zeros((arm, arm, 3), np.uint8)
        block[: 4 * line] = block[:, : 4 * line] = colour
        for n in range(corner + 1):
            at = gap + n * (gap + gap // 4)
            block[gap : 2 * gap, at : at + gap] = colour
        picture[slice(-arm, None) if low else slice(0, arm), slice(-arm, None) if right else slice(0, arm)] = block[
            :: -1 if low else 1, :: -1 if right else 1
        ]
    _ring(picture, 0.5, 0.5, 0.02, 0.008, (255, 255, 255))
    return picture


def _greys(size: int) -> np.ndarray:
    picture, _ = _blank(size)
    step = np.minimum(np.arange(size) * STEPS // size, STEPS - 1)
    picture[:] = np.round(step * 255.0 / (STEPS - 1)).astype(np.uint8)[None, :, None]
    third = size // 3
    picture[2 * third :] = np.round(np.linspace(0.0, 255.0, size)).astype(np.uint8)[None, :, None]
    for n, value in enumerate((4, 8, 12)):  # near black and near white: both edges of the range
        rows = slice(third + third * (3 + 2 * n) // 12, third + third * (4 + 2 * n) // 12)
        picture[rows, size // 48 : size // 16] = value
        picture[rows, -(size // 16) : -(size // 48)] = 255 - value
    return picture


def _focus(size: int) -> np.ndarray:
    """Upright and level bars in nine fields, finer towards the right."""
    picture, line = _blank(size)
    _rules(picture, 2, line, 120)
    side = size // 6
    axis = np.arange(side)
    for y in (0.18, 0.5, 0.82):
        for x in (0.18, 0.5, 0.82):
            top, left = round(y * size) - side // 2, round(x * size) - side // 2
            for n, width in enumerate(FOCUS_PX):
                bars = np.where(axis // width % 2 == 0, 255, 0).astype(np.uint8)
                part = slice(n * side // 4, (n + 1) * side // 4)
                picture[top : top + side // 2, left : left + side][:, part] = bars[None, part, None]
                picture[top + side // 2 : top + side, left : left + side][:, part] = bars[
                    : side - side // 2, None, None
                ]
    return picture


def _bars(size: int) -> np.ndarray:
    picture, _ = _blank(size)
    step = np.minimum(np.arange(size) * 8 // size, 7)
    picture[:] = np.stack([(step & bit == 0) * 255 for bit in (2, 4, 1)], axis=1).astype(np.uint8)
    return picture
