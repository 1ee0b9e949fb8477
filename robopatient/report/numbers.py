"""Numbers as a page writes them: a real minus sign, no digits that nobody measured, a dash for what is not known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

__all__ = ["MISSING", "date", "duration", "largest", "number", "percent", "signed", "tiny"]

MISSING = "–"
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
MINUTES_FROM_S = 120.0
"""Shorter times are told in seconds alone."""


def number(value: float | None, decimals: int = 0, missing: str = MISSING) -> str:
    """A number with so many decimals; ``missing`` for None, NaN and infinity."""
    if value is None or not math.isfinite(value):
        return missing
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0.0 else text.replace("-", "−")


def signed(value: float | None, decimals: int = 1, missing: str = MISSING) -> str:
    """A difference: with its sign, also when it is positive."""
    text = number(value, decimals, missing)
    return f"+{text}" if value is not None and math.isfinite(value) and value > 0 else text


def tiny(value: float | None, decimals: int = 3) -> str:
    """A number that may be too small for its decimals: then as a power of ten, in the digits of Unicode."""
    if value is None or not math.isfinite(value) or not 0 < abs(value) < 10**-decimals:
        return number(value, decimals)
    exponent = math.floor(math.log10(abs(value)))
    return f"{number(value / 10**exponent, 1)} · 10⁻{str(-exponent).translate(RAISED)}"


def percent(share: float | None, decimals: int = 0, missing: str = MISSING) -> str:
    """A share of one as percent, with the sign and the narrow space before it."""
    text = number(None if share is None else 100.0 * share, decimals, "")
    return f"{text} %" if text else missing


def largest(values: Iterable[float], decimals: int = 0, missing: str = MISSING) -> str:
    """The largest of some numbers, NaN left out."""
    known = [value for value in values if math.isfinite(value)]
    return number(max(known), decimals) if known else missing


def duration(seconds: float) -> str:
    """A time span: seconds, or from two minutes on minutes and seconds."""
    if seconds < MINUTES_FROM_S:
        return f"{round(seconds, 1 if seconds < 9.95 else 0):g} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def date(iso: str) -> str:
    """A moment of the wall clock as people write it; what is no ISO date as it is."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.day} {moment:%B %Y, %H:%M}"
