"""What OpenFace, py-feat and the UNBC-McMaster archive write, as ``FaceTable``.

Written from the programs' public descriptions, with the signs of head angles that they document.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from firmware_bridge.inputs import InputTable, read_table, read_text, visible_files
from policies.errors import PolicyError
from policies.face_import.tables import FaceTable

__all__ = ["read_openface", "read_pyfeat", "read_unbc_sequence"]

LEAST_CONFIDENCE = 0.7
"""OpenFace rows below this are not trusted (assumption; its own default for success is 0.7 in later versions)."""

AU43_CLOSED_S = 0.4
"""Lids shut for longer than this are closed, not blinking (blinks last 0.1-0.4 s)."""

PYFEAT_HEAD_SIGNS = (-1.0, -1.0, 1.0)
"""From its pitch up, yaw to the person's right to ``FacePose``; its roll is taken as it stands (assumption)."""

MAIN_FACE_SHARE = 0.9
"""Of the frames that hold a row of the face which is kept, if others are to be left out (assumption)."""

_OPENFACE_UNIT = re.compile(r"^AU(\d\d)_r$")
_PYFEAT_UNIT = re.compile(r"^AU(\d\d)$")
_UNBC_NUMBER = re.compile(r"(\d+)_facs\.txt$")


def read_openface(path: Path, fps: float = 0.0) -> FaceTable:
    """CSV of OpenFace 2 (FeatureExtraction): ``AU04_r`` … 0-5, ``pose_R*`` and ``gaze_angle_*`` in radians.

    AU45 tells lids: blinks, and AU43 where they stay shut. Rows without success or with little confidence are lost.

    Raises
    ------
    PolicyError
        Naming the file and the column, line or face that cannot be used.
    """
    table, notes = _one_face(read_table(path, PolicyError), "face_id")
    units = _units(table, _OPENFACE_UNIT)
    if not units:
        raise PolicyError(
            f"{path}: no column such as AU04_r (AU04_c only says whether a unit occurs); run OpenFace's "
            "FeatureExtraction with -aus"
        )
    t_s = _times(table, "timestamp", fps)
    lost = np.zeros(len(t_s), dtype=bool)
    if "success" in table.header:
        lost |= table.numbers("success") != 1
    if "confidence" in table.header:
        lost |= ~(table.numbers("confidence") >= LEAST_CONFIDENCE)
    if lost.all():
        raise PolicyError(f"{path}: OpenFace found the face in no row (success, confidence); film it again")
    lids = units.pop("AU45", None)
    if lids is not None:
        shut = np.clip(lids / 5.0, 0.0, 1.0)
        units["AU43"] = np.where(_lasting(shut > 0.4, t_s), lids, np.where(np.isnan(lids), np.nan, 0.0))
    return FaceTable(
        where=str(path),
        t_s=t_s,
        au={name: np.where(lost, np.nan, values) for name, values in units.items()},
        head_deg=_degrees(table, ("pose_Rx", "pose_Ry", "pose_Rz"), lost),
        gaze_deg=_degrees(table, ("gaze_angle_y", "gaze_angle_x"), lost),
        blink=None if lids is None else np.where(lost, np.nan, np.clip(lids / 5.0, 0.0, 1.0)),
        notes=notes,
    )


def read_pyfeat(path: Path, fps: float = 0.0) -> FaceTable:
    """CSV of py-feat: ``AU04`` … as probabilities 0-1, ``Pitch``, ``Roll``, ``Yaw``, and the number of the ``frame``.

    Its documentation gives the head in radians, up and to the person's own right positive; tables with larger numbers
    are of older versions, in degrees. How it signs a roll is not documented. A probability is no intensity: times 5 it
    only fits the scale, as PainDiffusion did; the card says so.

    Raises
    ------
    PolicyError
        Naming the file and the column, line or face that cannot be used.
    """
    table, notes = _one_face(read_table(path, PolicyError), "FaceId")
    units = _units(table, _PYFEAT_UNIT)
    if not units:
        raise PolicyError(f"{path}: no column such as AU04; write the whole Fex table of py-feat with to_csv")
    for name, values in units.items():
        bad = np.flatnonzero((values < -0.01) | (values > 1.01))
        if len(bad):
            raise PolicyError(
                f"{path}: {name} is {values[bad[0]]:g} in row {bad[0]}; py-feat gives 0 to 1: intensities 0 to 5 are "
                "KIND openface"
            )
    t_s = _times(table, "", fps)
    head_deg = None
    if all(name in table.header for name in ("Pitch", "Yaw", "Roll")):
        head = np.stack([table.numbers(name) for name in ("Pitch", "Yaw", "Roll")], axis=1)
        in_degrees = bool(np.nanmax(np.abs(head), initial=0.0) > np.pi)
        head_deg = (head if in_degrees else np.degrees(head)) * PYFEAT_HEAD_SIGNS
        notes = (*notes, f"head angles read in {'degrees' if in_degrees else 'radians'}")
    return FaceTable(
        where=str(path),
        t_s=t_s,
        au={name: 5.0 * np.clip(values, 0.0, 1.0) for name, values in units.items()},
        head_deg=head_deg,
        gaze_deg=_degrees(table, ("gaze_pitch", "gaze_yaw"), np.zeros(len(t_s), dtype=bool)),
        notes=notes,
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
    files = visible_files(folder, "*_facs.txt")
    if not files:
        raise PolicyError(f"{folder}: no *_facs.txt; give the archive's folder that holds Frame_Labels")
    numbers = [_UNBC_NUMBER.search(path.name) for path in files]
    unnumbered = next((path for path, found in zip(files, numbers, strict=True) if found is None), None)
    if unnumbered:
        raise PolicyError(f"{unnumbered}: no number of the frame before _facs.txt; keep the archive's names")
    frames = np.array([int(found[1]) for found in numbers if found])
    order = np.argsort(frames, kind="stable")
    files, frames = [files[i] for i in order], frames[order]
    au = {f"AU{unit}": np.zeros(len(files)) for unit in (4, 6, 7, 9, 10, 12, 15, 17, 20, 25, 26, 27, 43)}
    for at, path in enumerate(files):
        for number, line in enumerate(read_text(path, PolicyError).splitlines(), start=1):
            fields = line.split()
            if not fields:
                continue
            try:
                unit, intensity = f"AU{int(float(fields[0]))}", float(fields[1])
            except (ValueError, IndexError) as error:
                raise PolicyError(f"{path}: line {number} is not a unit and its intensity: {line.strip()!r}") from error
            if unit in au:
                au[unit][at] = 5.0 if unit == "AU43" and intensity > 0.0 else intensity
    return FaceTable(where=str(folder), t_s=(frames - frames[0]) / fps, au=au)


def _units(table: InputTable, pattern: re.Pattern[str]) -> dict[str, np.ndarray]:
    return {f"AU{int(match[1])}": table.numbers(name) for name in table.header if (match := pattern.match(name))}


def _one_face(table: InputTable, identity: str) -> tuple[InputTable, tuple[str, ...]]:
    """Rows of one face in the order of their frames, and what was left out.

    Where nearly all frames have a row of one face the others are taken for things that looked like a face.
    """
    if "frame" not in table.header:
        return table, ()
    frame = table.numbers("frame", missing=False)
    face = table.column(identity) if identity in table.header else [""] * len(frame)
    counts = {one: face.count(one) for one in dict.fromkeys(face)}
    most = max(counts, key=lambda one: counts[one], default="")
    notes: tuple[str, ...] = ()
    keep = list(range(len(frame)))
    if len(counts) > 1:
        if counts[most] < MAIN_FACE_SHARE * len(set(frame)):
            listed = ", ".join(f"{one} in {count} rows" for one, count in counts.items())
            raise PolicyError(
                f"{table.path}: {len(counts)} faces ({identity} {listed}); keep the rows of the person who is meant"
            )
        keep = [i for i in keep if face[i] == most]
        notes = (f"rows of another face than {identity} {most} left out",)
    values, first, times = np.unique(frame[keep], return_index=True, return_counts=True)
    if (times > 1).any():
        twice = int(np.argmax(times > 1))
        raise PolicyError(
            f"{table.path}, line {table.rows[keep[first[twice]]].line}: frame {values[twice]:g} has {times[twice]} "
            "rows: several faces; keep the rows of the person who is meant"
        )
    rows = tuple(table.rows[keep[i]] for i in first)
    return table._replace(rows=rows), notes


def _times(table: InputTable, name: str, fps: float) -> np.ndarray:
    """Seconds of each row: its frame at the rate that was given, else what the table says."""
    if fps > 0.0:
        numbered = "frame" in table.header
        frame = table.numbers("frame", missing=False) if numbered else np.arange(len(table.rows), dtype=float)
        seconds: np.ndarray = (frame - frame[0]) / fps if len(frame) else frame
        return seconds
    if name and name in table.header:
        return table.numbers(name)
    raise PolicyError(f"{table.path}: does not say its frame rate; give --fps")


def _degrees(table: InputTable, names: tuple[str, ...], lost: np.ndarray) -> np.ndarray | None:
    if any(name not in table.header for name in names):
        return None
    radians = np.stack([table.numbers(name) for name in names], axis=1)
    largest = float(np.nanmax(np.abs(radians), initial=0.0))
    if largest > 2.0 * np.pi:
        raise PolicyError(
            f"{table.path}: {names[0]} and others reach {largest:g}: degrees? this program writes radians"
        )
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
