"""Tables of rated trials as learners see them, and the reader of the published tables that the analysis shares."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import msgspec
import numpy as np

from policies.errors import TrialsError
from policies.spaces import TASKS, Array, normalised

__all__ = ["LETTERS", "RatedTrials", "read_rated_trials", "read_text_table"]

COLUMNS = ("participant", "force_threshold_n", "amplitude", "pitch")
LETTERS = {"d": 0, "c": 1, "b": 2, "a": 3}
"""Published 4-level answer as an index: d strongly disagree, c disagree, b agree, a strongly agree."""
ANSWERS = {"0": 0, "1": 1}
"""Published 2-level answer, disagree or agree; "n" is no answer within the time limit."""


class RatedTrials(msgspec.Struct, frozen=True):
    """Rated trials, one row each, in the order of the file.

    Attributes
    ----------
    participant
        Index into ``names``, shape (n,).
    state, action
        Normalised force (n, 1) and (level, pitch) (n, 2).
    answer
        Index from 0, or -1 when unanswered, shape (n,).
    """

    names: tuple[str, ...]
    participant: np.ndarray
    state: Array
    action: Array
    answer: np.ndarray
    levels: int
    source: str

    def of(self, person: int) -> np.ndarray:
        """Mask of one person's answered trials."""
        return (self.participant == person) & (self.answer >= 0)


def read_text_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Column names and rows of a CSV or TSV; the published study's own table mixes tabs and commas.

    Raises
    ------
    TrialsError
        Naming the file and the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TrialsError(f"{path}: cannot be read ({error}); give a CSV of rated trials") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if "\t" in text and "," in text and '"' not in text:
        cells = [re.split(r"[\t,]", line) for line in lines]
    else:
        cells = list(csv.reader(lines, delimiter="\t" if lines and "\t" in lines[0] else ","))
    header = [name.strip() for name in cells[0]] if cells else []
    for number, row in enumerate(cells[1:], 2):
        if len(row) != len(header):
            raise TrialsError(
                f"{path}: line {number} has {len(row)} cells, the header {len(header)}: cut off, or mixed up"
            )
    return header, [dict(zip(header, row, strict=True)) for row in cells[1:]]


def read_rated_trials(path: Path) -> RatedTrials:
    """Trials of a CSV: participant, force_threshold_n, amplitude, pitch, and choice (a-d) or answer (1, 0, n).

    Raises
    ------
    TrialsError
        Naming file, line, column and value.
    """
    header, rows = read_text_table(path)
    missing = [column for column in COLUMNS if column not in header]
    answered = next((c for c in ("choice", "answer") if c in header), None)
    if missing or answered is None:
        wanted = ", ".join([*missing, *([] if answered else ["choice (a-d) or answer (1, 0, n)"])])
        raise TrialsError(f"{path}: missing column {wanted}; found {', '.join(header) or 'nothing'}")
    if not rows:
        raise TrialsError(f"{path}: no trials below the header")
    known = LETTERS if answered == "choice" else {**ANSWERS, "n": -1}
    values = np.empty((len(rows), 3))
    answer = np.empty(len(rows), int)
    for line, row in enumerate(rows, start=2):
        for k, column in enumerate(COLUMNS[1:]):
            values[line - 2, k] = _positive(row[column], f"{path}, line {line}, {column}")
        text = (row[answered] or "").strip().lower()
        if text not in known:
            raise TrialsError(f"{path}, line {line}, {answered}: {text!r} is not one of {', '.join(known)}")
        answer[line - 2] = known[text]
    names = tuple(dict.fromkeys(row["participant"] for row in rows))
    if any(not name for name in names):
        raise TrialsError(f"{path}: column participant is empty in some line")
    index = {name: i for i, name in enumerate(names)}
    task = TASKS["force-to-voice"]
    level_db = 20.0 * np.log10(values[:, 1])
    actions = np.stack([level_db, values[:, 2]], axis=1)
    for label, dimension, level in (
        ("force_threshold_n", task.observation[0], values[:, 0]),
        ("amplitude (dB)", task.action[0], actions[:, 0]),
        ("pitch", task.action[1], actions[:, 1]),
    ):
        margin = 0.01 * (dimension.high - dimension.low)
        outside = np.flatnonzero((level < dimension.low - margin) | (level > dimension.high + margin))
        if len(outside):
            raise TrialsError(
                f"{path}, line {outside[0] + 2}: {label} {level[outside[0]]:.4g} is outside "
                f"{dimension.low:.4g} to {dimension.high:.4g} {dimension.unit}"
            )
    return RatedTrials(
        names=names,
        participant=np.array([index[row["participant"]] for row in rows]),
        state=normalised(task.observation, values[:, :1]),
        action=normalised(task.action, actions),
        answer=answer,
        levels=4 if answered == "choice" else 2,
        source=path.name,
    )


def _positive(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise TrialsError(f"{where}: {text!r} is not a number") from None
    if not np.isfinite(value) or value <= 0:
        raise TrialsError(f"{where}: {text!r} is not a positive number")
    return value
