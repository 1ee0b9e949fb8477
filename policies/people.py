"""People as raters: tables of rated trials, and one ordinal-logit listener fitted to each person's answers.

Each person is shrunk towards the pooled fit by an amount that cross-validation chooses. A person can be left out of
everything that others teach (``People.others``).
"""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import numpy as np

from policies.errors import TrialsError
from policies.listeners import FittedListener
from policies.spaces import TASKS, Array, normalised
from policies.statistics.ordinal import Gaussian, fit_map, log_likelihood, quadratic

__all__ = ["People", "Trials", "fit_people", "read_trials"]

COLUMNS = ("participant", "force_threshold_n", "amplitude", "pitch")
CHOICES = {"d": 0, "c": 1, "b": 2, "a": 3}
"""Published 4-level answer, strongly disagree to strongly agree, as an index."""
ANSWERS = {"0": 0, "1": 1}
"""Published 2-level answer, disagree or agree; "n" is no answer within the time limit."""
SHRINKAGES = (0.05, 0.2, 0.4, 0.8, 1.6)
"""SD of personal weights about the pooled ones: candidates for cross-validation."""
CUT_SD = 1.0
"""SD of personal cuts about the pooled ones."""
MIN_TRIALS = 20


class Trials(msgspec.Struct, frozen=True):
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


def read_trials(path: Path) -> Trials:
    """Trials of a CSV: participant, force_threshold_n, amplitude, pitch, and choice (a-d) or answer (1, 0, n).

    Raises
    ------
    TrialsError
        Naming file, line, column and value.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            header = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrialsError(f"{path}: cannot be read ({error}); give a CSV of rated trials") from error
    missing = [column for column in COLUMNS if column not in header]
    answered = next((c for c in ("choice", "answer") if c in header), None)
    if missing or answered is None:
        wanted = ", ".join([*missing, *([] if answered else ["choice (a-d) or answer (1, 0, n)"])])
        raise TrialsError(f"{path}: missing column {wanted}; found {', '.join(header) or 'nothing'}")
    if not rows:
        raise TrialsError(f"{path}: no trials below the header")
    known = CHOICES if answered == "choice" else {**ANSWERS, "n": -1}
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
    return Trials(
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


class People(msgspec.Struct, frozen=True):
    """Everybody's fitted parameters (weights of the quadratic features, then cuts).

    Attributes
    ----------
    parameters, pooled
        Shapes (n, d) and (d,).
    precisions
        Of each person's posterior (Laplace), shape (n, d, d).
    shrinkage
        Chosen SD of personal weights about the pooled ones.
    cross_validation
        Mean negative log-likelihood per held-out answer, by shrinkage.
    """

    names: tuple[str, ...]
    parameters: Array
    precisions: Array
    pooled: Array
    shrinkage: float
    cross_validation: dict[float, float]
    levels: int

    def listener(self, person: int) -> FittedListener:
        """One person as a listener."""
        n_weights = self.parameters.shape[1] - self.levels + 1
        row = self.parameters[person]
        return FittedListener(row[:n_weights], row[n_weights:], name=self.names[person])

    def randomised(self, rng: np.random.Generator, draws_each: int = 16) -> Array:
        """Parameters of listeners drawn about every person, as uncertain as the fits: shape (n * draws_each, d)."""
        rows = []
        for mode, precision in zip(self.parameters, self.precisions, strict=True):
            root = np.linalg.cholesky(precision)
            rows.append(mode + np.linalg.solve(root.T, rng.standard_normal((len(mode), draws_each))).T)
        return np.concatenate(rows)

    def others(self, person: int) -> tuple[Array, Array]:
        """Mean and covariance of everybody's parameters but one's own."""
        rows = np.delete(self.parameters, person, axis=0)
        return rows.mean(0), np.cov(rows.T)


def fit_people(trials: Trials, shrinkage: float | None = None, seed: int = 0, folds: int = 5) -> People:
    """Fit every person of a table.

    Parameters
    ----------
    shrinkage
        SD of personal weights about the pooled ones; None lets cross-validation choose among ``SHRINKAGES``.

    Raises
    ------
    TrialsError
        When somebody answered too few trials, or always the same.
    """
    features = quadratic(trials.state, trials.action)
    for person, name in enumerate(trials.names):
        mine = trials.answer[trials.of(person)]
        if len(mine) < MIN_TRIALS:
            raise TrialsError(
                f"{trials.source}: {name} answered {len(mine)} trials, at least {MIN_TRIALS} are needed; "
                "leave this participant out"
            )
        if len(np.unique(mine)) < 2:
            raise TrialsError(f"{trials.source}: {name} always gave the same answer; leave this participant out")
    answered = trials.answer >= 0
    n_weights, n_cuts = features.shape[1], trials.levels - 1
    start = np.r_[np.zeros(n_weights), np.linspace(-1.0, 1.0, n_cuts) if n_cuts > 1 else np.zeros(1)]
    weak = Gaussian(start, np.diag(np.full(len(start), 1e-4)))
    pooled = fit_map(features[answered], trials.answer[answered], weak).mode

    def personal(sd: float) -> Gaussian:
        return Gaussian(pooled, np.diag(np.r_[np.full(n_weights, sd**-2), np.full(n_cuts, CUT_SD**-2)]))

    scores: dict[float, float] = {}
    if shrinkage is None:
        fold = np.random.default_rng(seed).integers(0, folds, len(trials.answer))
        for sd in SHRINKAGES:
            total = 0.0
            for k in range(folds):
                for person in range(len(trials.names)):
                    mine = trials.of(person)
                    train, test = mine & (fold != k), mine & (fold == k)
                    fit = fit_map(features[train], trials.answer[train], personal(sd), pooled)
                    total -= log_likelihood(fit.mode, features[test], trials.answer[test]).sum()
            scores[sd] = float(total / answered.sum())
        shrinkage = min(scores, key=scores.__getitem__)
    prior = personal(shrinkage)
    fits = [
        fit_map(features[trials.of(i)], trials.answer[trials.of(i)], prior, pooled) for i in range(len(trials.names))
    ]
    return People(
        names=trials.names,
        parameters=np.array([fit.mode for fit in fits]),
        precisions=np.array([fit.precision for fit in fits]),
        pooled=pooled,
        shrinkage=shrinkage,
        cross_validation=scores,
        levels=trials.levels,
    )
