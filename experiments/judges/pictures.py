"""Judges that look at pictures: a plain one of pixels, and any outside program in an environment of its own.

An outside program (py-feat, OpenFace, a face mesh model) reads lines of JSON, ``{"id": …, "picture": PATH, "neutral":
PATH}``, and answers ``{"id": …, "pain": 0 to 10 or null}``; null means that it found no face.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from robopatient.errors import SessionError, require

__all__ = ["OutsideJudge", "PictureJudge", "Pixels", "make_picture_judge"]

SIDE_PX = 40
RIDGE = 1.0
"""Chosen among 0.3, 1, 3 and 30 on the demonstration set."""
ANSWER_S = 600.0


class PictureJudge(Protocol):
    """Predicts pain from a picture."""

    name: str

    def fit(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        """Learn from labelled rows of a data set's split; outside programs have learnt elsewhere."""
        ...

    def predict(self, folder: Path, rows: list[dict[str, Any]]) -> np.ndarray:
        """Pain of each picture, NRS; nan where no face was found, shape (rows,)."""
        ...


OUTSIDE = Path(__file__).parent / "outside"
TOOLS: dict[str, Callable[[str], list[str]]] = {
    "face-mesh": lambda python: [python, str(OUTSIDE / "face_mesh.py")],
    "py-feat": lambda python: [python, str(OUTSIDE / "py_feat.py")],
    "openface": lambda program: [sys.executable, str(OUTSIDE / "openface.py"), program],
    "command": shlex.split,
}
"""What is run for a known tool, given the Python that has it or its own program, and for any other command."""


def make_picture_judge(text: str) -> PictureJudge:
    """``pixels``; ``face-mesh:PYTHON`` or ``py-feat:PYTHON``; ``openface:PROGRAM``; or ``command:PROGRAM ARGUMENTS``.

    Raises
    ------
    SessionError
        Naming what can be given.
    """
    kind, _, where = text.partition(":")
    if kind in TOOLS and where:
        return OutsideJudge(text, TOOLS[kind](where))
    if text == "pixels":
        return Pixels()
    raise SessionError(
        f"picture judge {text!r}: give pixels, face-mesh:PYTHON, py-feat:PYTHON, openface:PROGRAM or command:PROGRAM "
        "ARGUMENTS (see docs/reference/datasets.md)"
    )


class Pixels:
    """Ridge regression on the difference of a small grey picture from the same person's neutral one."""

    name = "pixels"

    def __init__(self) -> None:
        self._coefficients = np.zeros(SIDE_PX * SIDE_PX + 1)

    def fit(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        """Closed form in the space of the pictures."""
        x = self._seen(folder, rows)
        y = np.array([row["stimulus_nrs"] for row in rows])
        gram = x @ x.T + RIDGE * np.eye(len(x))
        self._coefficients = x.T @ np.linalg.solve(gram, y)

    def predict(self, folder: Path, rows: list[dict[str, Any]]) -> np.ndarray:
        """Shape (rows,)."""
        predicted: np.ndarray = self._seen(folder, rows) @ self._coefficients
        return predicted

    def _seen(self, folder: Path, rows: list[dict[str, Any]]) -> np.ndarray:
        kept: dict[str, np.ndarray] = {}

        def grey(name: str) -> np.ndarray:
            if name not in kept:
                with require("PIL.Image", "face").open(folder / name) as picture:
                    small = picture.convert("L").resize((SIDE_PX, SIDE_PX))
                kept[name] = np.asarray(small, float).ravel() / 255.0
            return kept[name]

        names = [(f"{row['split']}/{row['file_name']}", f"{row['split']}/{row['neutral']}") for row in rows]
        return np.array([[*(grey(one) - grey(neutral)), 0.1] for one, neutral in names])


class OutsideJudge:
    """An external program, run in an environment of its own."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name, self._command = name, command

    def fit(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        """It has learnt elsewhere."""

    def predict(self, folder: Path, rows: list[dict[str, Any]]) -> np.ndarray:
        """Shape (rows,); nan where it found no face.

        Raises
        ------
        SessionError
            When it cannot be started, fails, or leaves a picture unanswered.
        """
        asked = "".join(
            json.dumps({"id": number, "picture": str(folder / row["split"] / row["file_name"]),
                        "neutral": str(folder / row["split"] / row["neutral"])}) + "\n"
            for number, row in enumerate(rows)
        )  # fmt: skip
        try:
            done = subprocess.run(
                self._command, input=asked, capture_output=True, text=True, timeout=ANSWER_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SessionError(f"picture judge {self.name}: {error}") from error
        if done.returncode:
            raise SessionError(f"picture judge {self.name}: ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        predicted = np.full(len(rows), np.inf)
        for line in done.stdout.splitlines():
            try:
                answer = json.loads(line)
                predicted[answer["id"]] = np.nan if answer["pain"] is None else float(answer["pain"])
            except (ValueError, KeyError, IndexError, TypeError) as error:
                raise SessionError(f"picture judge {self.name}: answered {line[:80]!r}, which is no answer") from error
        if np.isinf(predicted).any():
            raise SessionError(f"picture judge {self.name}: left {int(np.isinf(predicted).sum())} pictures unanswered")
        return predicted
