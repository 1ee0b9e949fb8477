"""Values that are recomputed on reading, so that records of older versions give what was shown.

PSPI once left out one-sided action units. The units themselves are in every record, so the stored number is not read.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence

import msgspec
import numpy as np

from robopatient.facs import pspi

__all__ = ["expressions", "prepare"]

EXPRESSIONS = {
    ("seen", "pspi"): 'shown_pspi("au", "pspi")',
    ("trial", "pspi"): 'reaction_pspi("au", "pspi", "frame_ns", "t_ns", "response_ns", "response_time_s")',
}
"""SQL in place of a stored column, by table and column."""


def expressions(table: str, columns: Sequence[str]) -> dict[str, str]:
    """SQL for the columns of a table that are worked out again, where the table has the columns that it takes."""
    return {
        name: sql
        for (of, name), sql in EXPRESSIONS.items()
        if of == table and all(part in columns for part in sql.split('"')[1::2])
    }


def prepare(connection: sqlite3.Connection) -> None:
    """Teach a connection the functions that ``expressions`` names."""
    shown: list[np.ndarray] = []

    def reaction(
        au: str, stored: float, frame_ns: int, t_ns: int, response_ns: int, response_time_s: float | None
    ) -> float:
        """Largest PSPI from the reaction's first picture to the question, or to the row when nobody answered."""
        if not frame_ns or not _one_sided(au):
            return stored
        if not shown:
            rows = connection.execute('SELECT "t_ns", shown_pspi("au", "pspi") FROM "seen" ORDER BY "t_ns"').fetchall()
            shown.extend((np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], float)))
        end_ns = response_ns - round(response_time_s * 1e9) if response_ns and response_time_s is not None else t_ns
        first, last = np.searchsorted(shown[0], (frame_ns, end_ns + 1))
        return float(shown[1][first:last].max()) if last > first else stored

    connection.create_function("shown_pspi", 2, _shown_pspi, deterministic=True)
    connection.create_function("reaction_pspi", 6, reaction)


def _shown_pspi(au: str, stored: float) -> float | None:
    known = _one_sided(au)
    if not known:
        return stored
    value = pspi(known)
    return value if math.isfinite(value) else None


def _one_sided(au: str) -> dict[str, float]:
    """Intensities of a cell that names a unit by its side; of others nothing, all versions agree about them."""
    if 'L"' not in au and 'R"' not in au:
        return {}
    try:
        return msgspec.json.decode(au, type=dict[str, float])
    except msgspec.DecodeError:
        return {}  # reading the units reports the fault
