"""Tables of rated trials as learners see them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from firmware_bridge.inputs import is_missing, one_spelling, read_table
from policies.errors import TrialsError
from policies.spaces import TASKS, Array, normalised

__all__ = ["LETTERS", "RatedTrials", "read_rated_trials"]

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


def read_rated_trials(path: Path) -> RatedTrials:
    """Trials of a CSV: participant, force_threshold_n, amplitude, pitch, and choice (a-d) or answer (1, 0, n).

    Raises
    ------
    TrialsError
        Naming file, line, column and value.
    """
    table = read_table(path, TrialsError)
    missing = [column for column in COLUMNS if column not in table.header]
    answered = next((c for c in ("choice", "answer") if c in table.header), None)
    if missing or answered is None:
        wanted = ", ".join([*missing, *([] if answered else ["choice (a-d) or answer (1, 0, n)"])])
        raise TrialsError(f"{path}: missing column {wanted}; found {', '.join(table.header) or 'nothing'}")
    if not table.rows:
        raise TrialsError(f"{path}: no trials below the header")
    known = LETTERS if answered == "choice" else {**ANSWERS, "n": -1}
    values = np.stack([table.numbers(column, missing=False) for column in COLUMNS[1:]], axis=1)
    answer = np.empty(len(table.rows), int)
    for i, (line, row) in enumerate(table.rows):
        for column, value in zip(COLUMNS[1:], values[i], strict=True):
            if value <= 0.0:
                raise TrialsError(f"{path}, line {line}, {column}: {row[column]!r} is not a positive number")
        text = "n" if is_missing(row[answered]) else row[answered].lower()
        if text not in {**known, "n": -1}:
            raise TrialsError(f"{path}, line {line}, {answered}: {text!r} is not one of {', '.join(known)}")
        if is_missing(row["participant"]):
            raise TrialsError(f"{path}, line {line}: participant is empty")
        answer[i] = known.get(text, -1)
    spelling, _ = one_spelling(table.column("participant"))
    people = [spelling[name] for name in table.column("participant")]
    names = tuple(dict.fromkeys(people))
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
                f"{path}, line {table.rows[outside[0]].line}: {label} {level[outside[0]]:.4g} is outside "
                f"{dimension.low:.4g} to {dimension.high:.4g} {dimension.unit}"
            )
    return RatedTrials(
        names=names,
        participant=np.array([index[name] for name in people]),
        state=normalised(task.observation, values[:, :1]),
        action=normalised(task.action, actions),
        answer=answer,
        levels=4 if answered == "choice" else 2,
        source=path.name,
    )
