"""Names and levels of factors as a reader says them: "Force 10 N", "Amplitude -9.5 dB"."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["answer_text", "factor_text", "level_text", "term_text"]

TITLES = {
    "force_newton": "Force",
    "amplitude": "Amplitude",
    "pitch": "Playback rate",
    "sound": "Sound",
    "voice": "Voice",
}
UNITS = {
    "newton": "N",
    "db": "dB",
    "ms": "ms",
    "s": "s",
    "semitones": "semitones",
    "hz": "Hz",
    "nrs": "NRS",
    "deg": "°",
    "mm": "mm",
    "dbfs": "dBFS",
}
"""Units by the last word of a factor's name."""


def factor_text(name: str) -> str:
    """A factor's name for a heading."""
    if name in TITLES:
        return TITLES[name]
    words = name.split("_")
    if len(words) > 1 and words[-1] in UNITS:
        words = words[:-1]
    return " ".join(words).capitalize()


def level_text(name: str, level: Any) -> str:
    """A level with its unit; linear gains up to 1 are told in dB."""
    if not isinstance(level, int | float):
        return str(level)
    if name == "amplitude" and 0 < level <= 1:
        return f"{round(20 * math.log10(level), 1) + 0.0:g} dB".replace("-", "−")
    if name == "pitch" and 0.2 < level < 5:
        return f"×{level:g}"
    unit = UNITS.get(name.rpartition("_")[2], "") if "_" in name else ""
    return f"{level:g} {unit}".strip().replace("-", "−")


def term_text(term: str) -> str:
    """A model's term: "force_newton x amplitude" is "Force × amplitude"."""
    if " x " in term:
        one, two = term.split(" x ")
        return f"{factor_text(one)} × {factor_text(two).lower()}"
    if term.endswith("^2"):
        return f"{factor_text(term[:-2])} squared"
    name, colon, level = term.partition(": ")
    return f"{factor_text(name)} {level}" if colon else (TITLES.get(term) or factor_text(term))


def answer_text(labels: tuple[str, ...], scale: tuple[float, ...], level: int) -> str:
    """Label of a level of the scale, or its number."""
    return labels[level] if len(labels) == len(scale) else f"{scale[level]:g}".replace("-", "−")
