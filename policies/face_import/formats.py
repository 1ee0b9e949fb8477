"""What OpenFace, py-feat and the UNBC-McMaster archive write, as ``FaceTable``.

Written from the programs' public descriptions; the signs of their head angles are taken as documented there and were
not checked on recordings (assumption, named in the card).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from policies.errors import PolicyError
from policies.face_import.tables import FaceTable, read_csv

__all__ = ["read_openface", "read_pyfeat", "read_unbc_sequence"]

LEAST_CONFIDENCE = 0.7
"""OpenFace rows below this are not trusted (assumption; its own default for success is 0.7 in later versions)."""

AU43_CLOSED_S = 0.4
"""Lids shut for longer than this are closed, not blinking (blinks last 0.1-0.4 s)."""

_OPENFACE_UNIT = re.compile(r"^AU(\d\d)_r$")
_PYFEAT_UNIT = re.compile(r"^AU(\d\d)$")


def read_openface(path: Path, fps: float = 0.0) -> FaceTable:
    """CSV of OpenFace 2 (FeatureExtraction): ``AU04_r`` … 0-5, ``pose_R*`` and ``gaze_angle_*`` in radians.

    AU45 tells lids: blinks, and AU43 where they stay shut. Rows without success or with little confidence are lost.
    """
    columns = read_csv(path)
    units = {f"AU{int(match[1])}": values for name, values in columns.items() if (match := _OPENFACE_UNIT.match(name))}
    if not units:
        raise PolicyError(f"{path}: no column such as AU04_r; run OpenFace's FeatureExtraction with -aus")
    t_s = _times(path, columns, "timestamp", fps)
    lost = np.zeros(len(t_s), dtype=bool)
    if "success" in columns:
        lost |= columns["success"] != 1
    if "confidence" in columns:
        lost |= columns["confidence"] < LEAST_CONFIDENCE
    lids = units.pop("AU45", None)
    if lids is not None:
        shut = np.clip(lids / 5.0, 0.0, 1.0)
        units["AU43"] = np.where(_lasting(shut > 0.4, t_s), lids, np.where(np.isnan(lids), np.nan, 0.0))
    return FaceTable(
        where=str(path),
        t_s=t_s,
        au={name: np.where(lost, np.nan, values) for name, values in units.items()},
        head_deg=_degrees(columns, ("pose_Rx", "pose_Ry", "pose_Rz"), lost),
        gaze_deg=_degrees(columns, ("gaze_angle_y", "gaze_angle_x"), lost),
        blink=None if lids is None else np.where(lost, np.nan, np.clip(lids / 5.0, 0.0, 1.0)),
    )


def read_pyfeat(path: Path, fps: float = 0.0) -> FaceTable:
    """CSV of py-feat: ``AU04`` … as probabilities 0-1, ``Pitch``, ``Roll``, ``Yaw`` in degrees.

    A probability is no intensity: times 5 it only fits the scale, as PainDiffusion did; the card says so.
    """
    columns = read_csv(path)
    units = {f"AU{int(match[1])}": values for name, values in columns.items() if (match := _PYFEAT_UNIT.match(name))}
    if not units:
        raise PolicyError(f"{path}: no column such as AU04; write the whole Fex table of py-feat with to_csv")
    for name, values in units.items():
        bad = np.flatnonzero((values < -0.01) | (values > 1.01))
        if len(bad):
            raise PolicyError(
                f"{path}: {name} is {values[bad[0]]:g} in row {bad[0]}; py-feat gives 0 to 1: intensities 0 to 5 are "
                "KIND openface"
            )
    t_s = _times(path, columns, "", fps)
    nobody = np.zeros(len(t_s), dtype=bool)
    head = ("Pitch", "Yaw", "Roll")
    given = all(name in columns for name in head)
    return FaceTable(
        where=str(path),
        t_s=t_s,
        au={name: 5.0 * np.clip(values, 0.0, 1.0) for name, values in units.items()},
        head_deg=np.stack([columns[name] for name in head], axis=1) if given else None,
        gaze_deg=_degrees(columns, ("gaze_pitch", "gaze_yaw"), nobody),
    )


def read_unbc_sequence(folder: Path, fps: float) -> FaceTable:
    """A folder of the archive's ``Frame_Labels/FACS/SUBJECT/SEQUENCE``: a text file a frame, rows of unit, intensity.

    AU43 is coded as there or not; there means shut. The archive gives no frame rate: it must be said.

    Raises
    ------
    PolicyError
        Without a rate, without files, or naming the file and line that is no such row.
    """
    if fps <= 0.0:
        raise PolicyError(f"{folder}: this archive does not say its frame rate; give --fps")
    files = sorted(folder.glob("*_facs.txt"))
    if not files:
        raise PolicyError(f"{folder}: no *_facs.txt; give the archive's folder that holds Frame_Labels")
    au = {f"AU{unit}": np.zeros(len(files)) for unit in (4, 6, 7, 9, 10, 12, 15, 17, 20, 25, 26, 27, 43)}
    for at, path in enumerate(files):
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            fields = line.split()
            if not fields:
                continue
            try:
                unit, intensity = f"AU{int(float(fields[0]))}", float(fields[1])
            except (ValueError, IndexError) as error:
                raise PolicyError(f"{path}: line {number} is not a unit and its intensity: {line.strip()!r}") from error
            if unit in au:
                au[unit][at] = 5.0 if unit == "AU43" and intensity > 0.0 else intensity
    return FaceTable(where=str(folder), t_s=np.arange(len(files)) / fps, au=au)


def _times(path: Path, columns: dict[str, np.ndarray], name: str, fps: float) -> np.ndarray:
    n = len(next(iter(columns.values())))
    if fps > 0.0:
        return np.arange(n) / fps
    if name and name in columns:
        return columns[name]
    raise PolicyError(f"{path}: does not say its frame rate; give --fps")


def _degrees(columns: dict[str, np.ndarray], names: tuple[str, ...], lost: np.ndarray) -> np.ndarray | None:
    if any(name not in columns for name in names):
        return None
    radians = np.stack([columns[name] for name in names], axis=1)
    result: np.ndarray = np.where(lost[:, None], np.nan, np.degrees(radians))
    return result


def _lasting(shut: np.ndarray, t_s: np.ndarray) -> np.ndarray:
    """Rows within a closure that lasts longer than a blink."""
    lasting = np.zeros(len(shut), dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], shut, [False])).astype(int)))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if t_s[min(end, len(t_s) - 1)] - t_s[begin] > AU43_CLOSED_S:
            lasting[begin:end] = True
    return lasting
