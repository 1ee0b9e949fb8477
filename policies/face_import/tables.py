"""A face in time as other programs write it: action units by name, head and gaze, at their own rate; and into motion.

The checks live here: what is missing, out of range, not finite or at no known rate is named with file, column and row.
"""

from __future__ import annotations

import msgspec
import numpy as np

from policies.errors import PolicyError
from robopatient.face.generator.motion import CHANNELS, JAW_DROP_MM, JAW_STRETCH_MM, MOTION_HZ, clamp, column
from robopatient.facs import unit_of_name

__all__ = ["NEEDED", "FaceTable", "motion_of", "pieces"]

NEEDED: tuple[tuple[str, ...], ...] = (("AU4",), ("AU6", "AU7"), ("AU9", "AU10"), ("AU25", "AU26", "AU27"))
"""Of each of these at least one: without them there is no PSPI and no pain face (the core set of Kunz et al. 2019)."""

LONGEST_GAP_S = 0.5
"""A face lost for longer is not guessed."""

SHORTEST_PIECE_S = 2.0
"""Between two losses: a shorter piece holds no reaction to a press (assumption)."""

FASTEST_HZ, SLOWEST_HZ = 250.0, 4.0
"""Rates at which faces are filmed; outside, the times are in another unit (assumption)."""

UNEVEN = 0.2
"""Relative spread of the time between rows above which a recording has no rate."""


class FaceTable(msgspec.Struct, frozen=True):
    """One recording.

    Attributes
    ----------
    where
        File, for messages.
    t_s
        Time of each row, shape (n,).
    au
        Intensity 0-5 by name ("AU4", or "AU6L" for one side), shape (n,) each; NaN where the face was not found.
    head_deg, gaze_deg
        Pitch, yaw(, roll) with the signs of ``FacePose``, shapes (n, 3) and (n, 2), or None.
    blink
        Way of the lids 0-1, shape (n,), or None.
    notes
        What was assumed or changed in reading.
    """

    where: str
    t_s: np.ndarray
    au: dict[str, np.ndarray]
    head_deg: np.ndarray | None = None
    gaze_deg: np.ndarray | None = None
    blink: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def pieces(table: FaceTable) -> tuple[list[FaceTable], str]:
    """A recording cut where the face is lost for longer than ``LONGEST_GAP_S``; and what was left out, "" for nothing.

    Raises
    ------
    PolicyError
        When nothing of ``SHORTEST_PIECE_S`` is left.
    """
    known = np.all([np.isfinite(values) for values in table.au.values()], axis=0)
    rows = np.flatnonzero(known)
    if not len(rows):
        return [table], ""  # which unit holds no number is told by motion_of
    gap_s = np.diff(table.t_s[rows])
    longest_s = _longest_gap_s(table)
    if not ((gap_s > longest_s).any() or _ends_lost_s(table, rows) > longest_s):
        return [table], ""
    groups = np.split(rows, np.flatnonzero(gap_s > longest_s) + 1)
    kept = [group for group in groups if table.t_s[group[-1]] - table.t_s[group[0]] >= SHORTEST_PIECE_S]
    if not kept:
        raise PolicyError(
            f"{table.where}: the face is lost so often that no {SHORTEST_PIECE_S:g} s are left without a gap of "
            f"{LONGEST_GAP_S:g} s; film it again, or leave the recording out"
        )
    lost_s = table.t_s[-1] - table.t_s[0] - sum(float(table.t_s[group[-1]] - table.t_s[group[0]]) for group in kept)
    return [_part(table, group[0], group[-1] + 1) for group in kept], (
        f"face lost for longer than {LONGEST_GAP_S:g} s: cut into {len(kept)}, {lost_s:.1f} s left out"
    )


def motion_of(table: FaceTable) -> tuple[np.ndarray, list[str]]:
    """Motion at 30 rows a second, (n, D), and what was done or is missing, for the card.

    Raises
    ------
    PolicyError
        When needed action units are missing, intensities are outside 0-5, rows are not at an even rate, or the face is
        lost for longer than half a second.
    """
    notes = list(table.notes)
    missing = [" or ".join(names) for names in NEEDED if not any(_has(table, name) for name in names)]
    if missing:
        raise PolicyError(
            f"{table.where}: no {', no '.join(missing)}; a pain face cannot be read without: extract them again"
        )
    n = len(table.t_s)
    if n < 2:
        raise PolicyError(f"{table.where}: {n} rows; a recording has at least two")
    gaps = np.diff(table.t_s)
    period = float(np.median(gaps))
    if not np.isfinite(table.t_s).all() or period <= 0.0 or (gaps <= 0.0).any():
        row = int(np.argmax(~(gaps > 0.0))) + 1
        raise PolicyError(f"{table.where}: time does not go on at row {row}; sort the rows, or give --fps")
    if not SLOWEST_HZ <= 1.0 / period <= FASTEST_HZ:
        raise PolicyError(
            f"{table.where}: rows are {period:g} s apart, {1.0 / period:.4g} a second: no camera films so; are the "
            "times in another unit? give --fps"
        )
    if float(np.mean(np.abs(gaps - period) > UNEVEN * period)) > 0.05:
        notes.append("uneven frame times, interpolated")
    if abs(period * MOTION_HZ - 1.0) > 0.02:
        notes.append(f"resampled from {1.0 / period:.3g} to {MOTION_HZ:g} rows a second")
    at_s = np.arange(int(np.floor((table.t_s[-1] - table.t_s[0]) * MOTION_HZ + 1e-6)) + 1) / MOTION_HZ + table.t_s[0]

    def even(values: np.ndarray, what: str) -> np.ndarray:
        return np.interp(at_s, *_known(table, values, what))

    motion = np.zeros((len(at_s), len(CHANNELS)))
    absent = []
    for name in (one for one in CHANNELS if one.startswith("AU")):
        plain = unit_of_name(name)
        source = _of_channel(table, name)
        if source is None:
            absent.append(plain)
            continue
        motion[:, column(name)] = even(_intensity(table, source, name), name)
    if absent:
        notes.append(f"not in the recording and left at 0: {', '.join(dict.fromkeys(absent))}")
    motion[:, column("jaw_mm")] = _jaw_mm(table, even, len(at_s))
    if table.head_deg is not None:
        first = column("head_pitch_deg")
        for i in range(3):
            motion[:, first + i] = even(table.head_deg[:, i], "head")
        # a head that is held askew all the time is how the camera stands, not an expression
        motion[:, first : first + 3] -= np.median(motion[:, first : first + 3], axis=0)
        notes.append("head angles from their median")
    if table.gaze_deg is not None:
        for i in range(2):
            motion[:, column("gaze_pitch_deg") + i] = even(table.gaze_deg[:, i], "gaze")
    if table.blink is not None:
        motion[:, column("blink")] = even(table.blink, "blink")
    else:
        notes.append("no blinks")
    notes.append("no breath")
    held = clamp(motion)
    outside = int((np.abs(held - motion) > 1e-6).any(axis=1).sum())
    if outside:
        notes.append(f"{outside} rows beyond what the latent holds (head or gaze), held at its limits")
    return held, notes


def _of_channel(table: FaceTable, name: str) -> np.ndarray | None:
    """Intensities for a channel, shape (n,): its own, of one without sides the stronger side; None where absent."""
    known = table.au.get(name, table.au.get(unit_of_name(name)))
    one_sided = [table.au[f"{name}{side}"] for side in "LR" if f"{name}{side}" in table.au]
    return np.max(one_sided, axis=0) if known is None and one_sided else known


def _has(table: FaceTable, name: str) -> bool:
    return any(key in table.au for key in (name, f"{name}L", f"{name}R"))


def _intensity(table: FaceTable, values: np.ndarray, name: str) -> np.ndarray:
    bad = np.flatnonzero((values < -0.01) | (values > 5.01))
    if len(bad):
        raise PolicyError(
            f"{table.where}: {name} is {values[bad[0]]:g} in row {bad[0]}; intensities are 0 to 5: another program's "
            "scale, or the wrong KIND?"
        )
    return np.clip(values, 0.0, 5.0)


def _known(table: FaceTable, values: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and values where there are any; refused when a gap is too long."""
    known = np.isfinite(values)
    if not known.any():
        raise PolicyError(f"{table.where}: {what} holds no number at all")
    times = table.t_s[known]
    edges = np.concatenate(([table.t_s[0]], times, [table.t_s[-1]]))
    gap = np.diff(edges)
    widest = int(gap.argmax())
    if gap[widest] > _longest_gap_s(table):
        raise PolicyError(
            f"{table.where}: {what} is missing for {gap[widest]:.1f} s from {edges[widest]:.1f} s on; cut the "
            f"recording there (faces lost for up to {LONGEST_GAP_S:g} s are bridged)"
        )
    return times, values[known]


def _longest_gap_s(table: FaceTable) -> float:
    return max(LONGEST_GAP_S, 3.0 * float(np.median(np.diff(table.t_s))))


def _ends_lost_s(table: FaceTable, rows: np.ndarray) -> float:
    """Longer one of the times without a face at the beginning and at the end."""
    return float(max(table.t_s[rows[0]] - table.t_s[0], table.t_s[-1] - table.t_s[rows[-1]]))


def _part(table: FaceTable, first: int, end: int) -> FaceTable:
    def cut(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[first:end]

    return FaceTable(
        where=f"{table.where} from {table.t_s[first]:.1f} s on",
        t_s=table.t_s[first:end],
        au={name: values[first:end] for name, values in table.au.items()},
        head_deg=cut(table.head_deg),
        gaze_deg=cut(table.gaze_deg),
        blink=cut(table.blink),
        notes=table.notes,
    )


def _jaw_mm(table: FaceTable, even: object, n: int) -> np.ndarray:
    """Opening of the jaw from AU26 and AU27."""
    assert callable(even)
    drop = even(_intensity(table, table.au["AU26"], "AU26"), "AU26") / 5.0 if "AU26" in table.au else np.zeros(n)
    stretch = even(_intensity(table, table.au["AU27"], "AU27"), "AU27") / 5.0 if "AU27" in table.au else np.zeros(n)
    opened: np.ndarray = np.where(
        stretch > 0.0, JAW_DROP_MM + stretch * (JAW_STRETCH_MM - JAW_DROP_MM), drop * JAW_DROP_MM
    )
    return opened
