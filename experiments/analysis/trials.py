"""One table of rated trials, whatever it came from: a session's record, an exported table, or the published ones.

Every later step sees the same columns: ``participant``, ``kind``, ``answer`` (level from 0, least to most), ``value``
(the number that stands for it), ``level.FACTOR`` (rank, centred: four levels are -1.5 to 1.5) beside the factor itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from firmware_bridge.inputs import is_missing, one_spelling, read_table
from policies.errors import AnalysisError
from policies.rated_trials import LETTERS
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
KNOWN_FACTORS = NOMINAL | {*ALIASES.values()} - NOT_FACTORS
"""Factors by their name; any other column is one only if it does not look like a clock, a counter or a trait."""
MAX_LEVEL_SHARE = 0.5
"""Of the trials: a column with more values is a measurement, not a factor (assumption)."""
COUNTING_SHARE = 0.8
"""Of the steps from trial to trial: a column that rises by one more often is a counter (assumption)."""


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
    unreadable
        Sessions that could not be read, and why.
    """

    source: str
    study: str
    question: str
    table: pd.DataFrame
    factors: tuple[Factor, ...]
    scale: tuple[float, ...]
    dropped: dict[str, int]
    remarks: tuple[str, ...]
    unreadable: tuple[str, ...] = ()

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


def read_trials(source: Path, factors: Sequence[str] = (), study: str = "") -> list[Trials]:
    """Trials by question, from a session, a folder of sessions, an exported table or a published one.

    Parameters
    ----------
    factors
        Names of what was varied; without them the columns that look like factors, the others named in ``remarks``.
    study
        Which study, where the rows are of several: two are never pooled.

    Raises
    ------
    AnalysisError
        Naming the file, the line and the column that cannot be used.
    """
    where: list[str] | None = None
    unreadable: tuple[str, ...] = ()
    if source.is_dir() or source.name == "record.sqlite":
        rows, remarks, unreadable = _rows_of_records(source)
    elif source.suffix == ".parquet":
        rows, remarks = _rows_of_parquet(source), []
    elif source.is_file():
        rows, remarks, where = _rows_of_text(source)
    else:
        raise AnalysisError(f"{source}: there is no such file or folder; give a session, a study's folder or a CSV")
    if not rows:
        raise AnalysisError(f"{source}: holds no finished trial; run one with: robopatient study run STUDY")
    studies = sorted({str(row["study"]) for row in rows if row.get("study")})
    if study:
        chosen = [row.get("study") == study for row in rows]
        rows = list(itertools.compress(rows, chosen))
        where = None if where is None else list(itertools.compress(where, chosen))
        if not rows:
            raise AnalysisError(f"{source}: holds no trial of --study {study}; it has {', '.join(studies) or 'none'}")
    elif len(studies) > 1:
        raise AnalysisError(f"{source}: holds the studies {', '.join(studies)}; choose one with --study {studies[0]}")
    return [each._replace(unreadable=unreadable) for each in trials_of(rows, str(source), remarks, factors, where)]


def trials_of(
    rows: Sequence[dict[str, Any]],
    source: str,
    remarks: Iterable[str] = (),
    factors: Sequence[str] = (),
    where: Sequence[str] | None = None,
) -> list[Trials]:
    """Trials by question from rows of plain values, see ``read_trials``; ``where`` names each row in messages."""
    frame = pd.DataFrame.from_records(list(rows)).rename(columns=_canonical)
    frame.index = pd.Index(where if where is not None else [f"row {i}" for i in range(1, len(frame) + 1)])
    duplicates = frame.columns[frame.columns.duplicated()].tolist()
    if duplicates:
        raise AnalysisError(f"{source}: two columns mean {duplicates[0]!r}; keep one of them")
    if "participant" not in frame:
        raise AnalysisError(f"{source}: there is no column participant; columns are {', '.join(frame.columns)}")
    if "choice" in frame:
        frame["response"] = frame["choice"].astype(str).str.strip().str.lower()
        frame["question"] = "agree"
        unknown = ~frame["response"].isin(PUBLISHED_ANSWERS.keys()) & ~frame["choice"].map(is_missing)
        if unknown.any():
            row = int(np.argmax(unknown))
            raise AnalysisError(
                f"{source}, {frame.index[row]}: choice {frame['choice'].iloc[row]!r} is no answer; known are a, b, c, "
                "d (strongly agree to strongly disagree)"
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
    nobody = frame["participant"].map(is_missing)
    if nobody.any():
        raise AnalysisError(f"{source}, {frame.index[int(np.argmax(nobody))]}: participant is empty; who answered?")
    spelling, notes = one_spelling(frame["participant"].astype(str))
    frame["participant"] = frame["participant"].astype(str).map(spelling)
    said = [*remarks, *(f"Participants {note}" for note in notes)]
    unknown_factors = [name for name in factors if _canonical(name) not in frame]
    if unknown_factors:
        raise AnalysisError(
            f"{source}: there is no column {', '.join(unknown_factors)} to be a factor; columns are "
            f"{', '.join(frame.columns)}"
        )
    named = tuple(_canonical(name) for name in factors)
    frame["response_value"] = _numbers(frame["response_value"], "response_value", source)
    kept, dropped = _counting(frame)
    if kept.empty:
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
        raise AnalysisError(f"{source}: none of {len(frame)} trials counts ({reasons})")
    return [
        _question(str(question), part, source, dropped, said, named)
        for question, part in kept.groupby("question", sort=False)
    ]


def _question(
    question: str,
    table: pd.DataFrame,
    source: str,
    dropped: dict[str, int],
    remarks: Iterable[str],
    named: Sequence[str],
) -> Trials:
    said, dropped = list(remarks), dict(dropped)
    factors = []
    columns, left_out = _varied(table, named)
    if left_out:
        said.append(
            f"Columns left out, as they are no factors: {', '.join(f'{name} ({why})' for name, why in left_out)}. Name "
            "what was varied with --factors."
        )
    for name in columns:
        lacking = table[name].map(is_missing)
        if lacking.any():
            dropped[f"without {name}"] = int(lacking.sum())
            table = table[~lacking]
    where = table.index.tolist()
    table = table.reset_index(drop=True)
    main = (table["kind"] == "main").to_numpy()
    if not main.any():
        raise AnalysisError(
            f"{source}: question {question or '(none)'} has no main trial, only catch trials or repeats"
        )
    for name in columns:
        factor = _factor(table, main, name, source, where)
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


def _varied(table: pd.DataFrame, named: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Columns that may be factors, and those that are none, with the reason; those that were named are factors."""
    main = table[table["kind"] == "main"]
    if named:
        candidates = list(dict.fromkeys(named))
        others = [name for name in table.columns if _may_be_factor(name) and name not in candidates]
        return candidates, [(name, "not named") for name in others if main[name].nunique() > 1]
    columns, left_out = [], []
    for name in filter(_may_be_factor, table.columns):
        present = ~main[name].map(is_missing)
        if not present.any():
            continue
        reason = "" if name in KNOWN_FACTORS else _no_factor(main[present], name)
        if reason:
            left_out.append((name, reason))
        else:
            columns.append(name)
    return columns, left_out


def _may_be_factor(name: str) -> bool:
    return name not in NOT_FACTORS and not name.startswith(("au.", "level.")) and not re.search(r"_(ns|index)$", name)


def _no_factor(main: pd.DataFrame, name: str) -> str:
    """Why a column of trials is no factor; "" where it may be one."""
    column = main[name].astype(str)
    if column.nunique() < 2:
        return ""  # constant: nothing to say, and nothing comes of it
    people = main["participant"]
    if people.nunique() > 1 and column.groupby(people).nunique().max() == 1:
        return "one value a participant"
    if column.nunique() > MAX_LEVEL_SHARE * len(column):
        return "nearly every trial has a value of its own"
    pairs = main[[name, "response_value"]].drop_duplicates()
    if len(pairs) == column.nunique() == main["response_value"].nunique():
        return "the answer again"
    numbers = pd.to_numeric(main[name], errors="coerce")
    steps = numbers.groupby(people).diff().dropna()
    if numbers.notna().all() and ((steps > 0).all() or (steps == 1).mean() > COUNTING_SHARE):
        return "counts or times the trials"
    return ""


def _factor(table: pd.DataFrame, main: np.ndarray, name: str, source: str, where: Sequence[str]) -> Factor | None:
    """A column that was varied among the main trials, with its ranks added to the table; None for a constant one."""
    column = table[name]
    numeric = pd.to_numeric(column, errors="coerce")
    if numeric[main].notna().all():
        table[name] = numeric.round(9)  # 0.33333 in one file and 0.333330000001 in another are one level
        ordered = name not in NOMINAL
    elif numeric[main].notna().any():
        row = int(np.argmax(numeric.isna().to_numpy() & main))
        raise AnalysisError(f"{source}, {where[row]}: {name} {column.iloc[row]!r} is no number, others are")
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
    missing = column.map(is_missing)
    numbers = pd.to_numeric(column.where(~missing), errors="coerce")
    wrong = ~np.isfinite(numbers) & ~missing
    if wrong.any():
        row = int(np.argmax(wrong))
        raise AnalysisError(f"{source}, {column.index[row]}: {name} {column.iloc[row]!r} is no number")
    return numbers


def _canonical(name: str) -> str:
    plain = name.strip().removeprefix("factor.")
    return ALIASES.get(plain.lower(), plain.lower() if plain.lower() in ALIASES.values() else plain)


def _rows_of_text(path: Path) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """Rows, remarks, and for messages the line of each row."""
    table = read_table(path, AnalysisError)
    if not table.rows:
        raise AnalysisError(f"{path}: is empty: it needs a line of column names and one line a trial")
    names = {_canonical(name).lower() for name in table.header}
    if "participant" not in names or not names & {"choice", "response_value"}:
        raise AnalysisError(
            f"{path}: is no table of trials: it needs participant and either choice (a to d) or response_value, and "
            f"has {', '.join(table.header)}"
        )
    by_name = {name: name.lower() if name.lower() in {"participant", "choice"} else name for name in table.header}
    rows = [
        {by_name[name]: table.with_point(cell, f"{path}, line {line}: {name}") for name, cell in row.items()}
        for line, row in table.rows
    ]
    return rows, list(table.remarks), [f"line {row.line}" for row in table.rows]


def _rows_of_parquet(path: Path) -> list[dict[str, Any]]:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's are among them
        raise AnalysisError(f"{path}: cannot be read as Parquet ({error})") from error
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _rows_of_records(source: Path) -> tuple[list[dict[str, Any]], list[str], tuple[str, ...]]:
    found = read_trial_table(source)
    remarks = [f"Session {name} has no end: what was committed until then is here." for name in found.cut_off]
    remarks += [f"A session cannot be read and is left out: {why}." for why in found.unreadable]
    return found.rows, [*remarks, *found.remarks], tuple(found.unreadable)
