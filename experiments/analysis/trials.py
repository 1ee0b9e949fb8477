"""One table of rated trials, whatever it came from: a session's record, an exported table, or the published ones.

Every later step sees the same columns: ``participant``, ``kind``, ``answer`` (level from 0, least to most), ``value``
(the number that stands for it), ``level.FACTOR`` (rank, centred: four levels are -1.5 to 1.5) beside the factor itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from policies.errors import AnalysisError
from policies.rated_trials import LETTERS, read_text_table
from robopatient.record.trials import read_trial_table
from robopatient.study.questions import QUESTIONS

__all__ = ["NOMINAL", "Factor", "Trials", "read_trials", "trials_of"]

PUBLISHED_ANSWERS = {letter: index + 1.0 for letter, index in LETTERS.items()}
"""Letters of the published tables as values of the question agree, 1 to 4."""
ALIASES = {
    "voice_sex": "voice",
    "gender": "voice",
    "amp": "amplitude",
    "gain": "amplitude",
    "rate": "pitch",
    "playback_rate": "pitch",
    "force_threshold_n": "force_newton",
    "forcethresh": "force_newton",
    "force_thresh": "force_newton",
    "f_thresh": "force_newton",
    "threshold_newton": "force_newton",
    "force": "force_newton",
    "target_newton": "force_newton",
    "pain_sound": "sound",
    "trial_no": "trial",
}
"""Other tables' names for the same thing."""
NOT_FACTORS = {
    "participant", "session", "block", "trial", "attempt", "kind", "repeat_of", "status", "question", "response",
    "response_value", "response_time_s", "study", "design_sha256", "replays", "flags", "seed", "corrects", "choice",
    "force_at_trigger_newton", "peak_newton", "f0_hz", "level_dbfs", "pspi", "trigger_to_command_ms",
    "trigger_to_sound_ms", "trigger_to_frame_ms", "folder", "counts", "onset_s",
}  # fmt: skip
NOMINAL = {"sound", "voice", "identity", "patient", "face", "film", "condition", "order", "site", "emotion"}
"""Factors whose levels have no order, even where they are written as numbers."""


class Factor(NamedTuple):
    """What was varied: its levels in rising order, and whether they have an order."""

    name: str
    levels: tuple[Any, ...]
    ordered: bool


class Trials(NamedTuple):
    """Rated trials of one question, ready to be analysed.

    Attributes
    ----------
    table
        One row a trial that counts.
    scale
        Values of the answers in rising order.
    dropped
        Rows left out, by reason.
    remarks
        What a reader must know about the table.
    """

    source: str
    study: str
    question: str
    table: pd.DataFrame
    factors: tuple[Factor, ...]
    scale: tuple[float, ...]
    dropped: dict[str, int]
    remarks: tuple[str, ...]

    @property
    def participants(self) -> list[str]:
        """Everybody in the table, in order of first appearance."""
        return list(dict.fromkeys(self.table["participant"]))

    def factor(self, name: str) -> Factor | None:
        """A factor by name, None when the table does not have it."""
        return next((factor for factor in self.factors if factor.name == name), None)

    def levels_of(self, name: str) -> tuple[Any, ...]:
        """Levels of a column among the main trials in rising order, words by the alphabet."""
        return tuple(sorted(self.main[name].unique()))

    @property
    def main(self) -> pd.DataFrame:
        """The trials that carry the result: no hidden repeats, no catch trials."""
        return self.table[self.table["kind"] == "main"]


def read_trials(source: Path) -> list[Trials]:
    """Trials by question, from a session, a folder of sessions, an exported table or a published one.

    Raises
    ------
    AnalysisError
        Naming the file, the row and the column that cannot be used.
    """
    if source.is_dir() or source.name == "record.sqlite":
        rows, remarks = _rows_of_records(source)
    elif source.suffix == ".parquet":
        rows, remarks = _rows_of_frame(pd.read_parquet(source)), []
    elif source.is_file():
        rows, remarks = _rows_of_text(source), []
    else:
        raise AnalysisError(f"{source}: there is no such file or folder; give a session, a study's folder or a CSV")
    if not rows:
        raise AnalysisError(f"{source}: holds no finished trial; run one with: robopatient study run STUDY")
    return trials_of(rows, str(source), remarks)


def trials_of(rows: Sequence[dict[str, Any]], source: str, remarks: Iterable[str] = ()) -> list[Trials]:
    """Trials by question from rows of plain values; see ``read_trials``."""
    frame = pd.DataFrame.from_records(list(rows)).rename(columns=_canonical)
    duplicates = frame.columns[frame.columns.duplicated()].tolist()
    if duplicates:
        raise AnalysisError(f"{source}: two columns mean {duplicates[0]!r}; keep one of them")
    if "participant" not in frame:
        raise AnalysisError(f"{source}: there is no column participant; columns are {', '.join(frame.columns)}")
    if "choice" in frame:
        frame["response"] = frame["choice"].astype(str).str.strip().str.lower()
        frame["question"] = "agree"
        unknown = ~frame["response"].isin(PUBLISHED_ANSWERS.keys())
        if unknown.any():
            row = int(np.argmax(unknown))
            raise AnalysisError(
                f"{source}: row {row + 2}: choice {frame['choice'].iloc[row]!r} is no answer; known are a, b, c, d "
                "(strongly agree to strongly disagree)"
            )
        frame["response_value"] = frame["response"].map(PUBLISHED_ANSWERS)
    if "response_value" not in frame:
        raise AnalysisError(
            f"{source}: there is neither response_value nor choice among the columns {', '.join(frame.columns)}"
        )
    for column, value in (("kind", "main"), ("status", "done"), ("question", "")):
        frame[column] = frame[column].fillna(value) if column in frame else value
    if "repeat_of" not in frame:
        frame["repeat_of"] = -1
    frame["participant"] = frame["participant"].astype(str)
    frame["response_value"] = _numbers(frame["response_value"], "response_value", source)
    kept, dropped = _counting(frame)
    if kept.empty:
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
        raise AnalysisError(f"{source}: none of {len(frame)} trials counts ({reasons})")
    return [
        _question(str(question), part.reset_index(drop=True), source, dropped, remarks)
        for question, part in kept.groupby("question", sort=False)
    ]


def _question(
    question: str, table: pd.DataFrame, source: str, dropped: dict[str, int], remarks: Iterable[str]
) -> Trials:
    said = list(remarks)
    factors = []
    main = (table["kind"] == "main").to_numpy()
    if not main.any():
        raise AnalysisError(
            f"{source}: question {question or '(none)'} has no main trial, only catch trials or repeats"
        )
    for name in [column for column in table.columns if column not in NOT_FACTORS and not column.startswith("au.")]:
        factor = _factor(table, main, name, source)
        if factor is not None:
            factors.append(factor)
    asked = QUESTIONS.get(question)
    scale = tuple(sorted(float(value) for value in table["response_value"].unique()))
    if asked is not None and asked.values:
        unknown = ~table["response_value"].isin(asked.values)
        if unknown.any():
            row = table[unknown].iloc[0]
            raise AnalysisError(
                f"{source}: participant {row['participant']}: {row['response_value']:g} is no answer to question "
                f"{question}; it has {', '.join(map(str, asked.values))}"
            )
        scale = tuple(float(value) for value in asked.values)
    table["value"] = table["response_value"]
    table["answer"] = np.searchsorted(scale, table["value"])
    constant = [
        str(name) for name, part in table.groupby("participant", sort=False)["value"] if part.nunique() == 1 < len(part)
    ]
    if constant:
        said.append(
            f"{', '.join(constant)} gave the same answer every time: such answers carry nothing about the factors, and "
            "they widen every interval. Look at the record before you decide to leave anybody out."
        )
    study = str(table["study"].iloc[0]) if "study" in table else ""
    # The same order from every kind of file: the force that the others are seen against, then by name.
    factors.sort(key=lambda factor: ("newton" not in factor.name, factor.name))
    return Trials(source, study, question, table, tuple(factors), scale, dropped, tuple(said))


def _factor(table: pd.DataFrame, main: np.ndarray, name: str, source: str) -> Factor | None:
    """A column that was varied among the main trials, with its ranks added to the table; None for a constant one."""
    column = table[name].where(table[name] != "", np.nan)
    if column[main].isna().all() or re.search(r"_(ns|index)$", name):
        return None
    if column[main].isna().any():
        row = int(np.argmax(column.isna().to_numpy() & main))
        raise AnalysisError(f"{source}: trial {row + 1} has no {name}, others have; every trial needs every factor")
    numeric = pd.to_numeric(column, errors="coerce")
    if numeric[main].notna().all():
        table[name] = numeric.round(9)  # 0.33333 in one file and 0.333330000001 in another are one level
        ordered = name not in NOMINAL
    elif numeric[main].notna().any():
        row = int(np.argmax(numeric.isna().to_numpy() & main))
        raise AnalysisError(f"{source}: trial {row + 1}: {name} {column.iloc[row]!r} is no number, others are")
    else:
        table[name] = column.astype(str)
        ordered = False
    levels = tuple(sorted(table.loc[main, name].unique()))
    if len(levels) < 2:
        return None
    if ordered:
        place = {level: rank - (len(levels) - 1) / 2 for rank, level in enumerate(levels)}
        table[f"level.{name}"] = table[name].map(place)  # catch trials may lie beyond the levels: NaN
    return Factor(name, tuple(value.item() if hasattr(value, "item") else value for value in levels), ordered)


def _counting(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Trials that are finished, answered and not for practice; and how many are not."""
    dropped: dict[str, int] = {}
    keep = pd.Series(True, index=frame.index)
    counts = pd.to_numeric(frame["counts"]) if "counts" in frame else pd.Series(1, index=frame.index)
    reasons = (
        ("replaced by a later row", (frame["status"] == "done") & (counts == 0)),
        ("not finished or not valid", frame["status"] != "done"),
        ("practice", frame["kind"] == "practice"),
        ("without an answer", frame["response_value"].isna()),
    )
    for reason, out in reasons:
        new = keep & out
        if new.any():
            dropped[reason] = int(new.sum())
        keep &= ~out
    return frame[keep].copy(), dropped


def _numbers(column: pd.Series, name: str, source: str) -> pd.Series:
    numbers = pd.to_numeric(column.replace("", np.nan), errors="coerce")
    wrong = numbers.isna() & column.notna() & (column != "")
    if wrong.any():
        row = int(np.argmax(wrong))
        raise AnalysisError(f"{source}: row {row + 2}: {name} {column.iloc[row]!r} is no number")
    return numbers


def _canonical(name: str) -> str:
    plain = name.strip().removeprefix("factor.")
    return ALIASES.get(plain.lower(), plain.lower() if plain.lower() in ALIASES.values() else plain)


def _rows_of_text(path: Path) -> list[dict[str, Any]]:
    header, rows = read_text_table(path)
    if not rows:
        raise AnalysisError(f"{path}: is empty: it needs a line of column names and one line a trial")
    names = {_canonical(name).lower() for name in header}
    if "participant" not in names or not names & {"choice", "response_value"}:
        raise AnalysisError(
            f"{path}: is no table of trials: it needs participant and either choice (a to d) or response_value, and "
            f"has {', '.join(header)}"
        )
    by_name = {name: name.lower() if name.lower() in {"participant", "choice"} else name for name in header}
    return [{by_name[name]: value for name, value in row.items()} for row in rows]


def _rows_of_frame(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _rows_of_records(source: Path) -> tuple[list[dict[str, Any]], list[str]]:
    found = read_trial_table(source)
    remarks = [f"Session {name} has no end: what was committed until then is here." for name in found.cut_off]
    return found.rows, remarks
