"""The models of the answers: which terms, fitted how, with intervals of which kind. One table of weights for each.

Ordered factors enter as ranks around zero (four levels: -1.5 to 1.5), so that a weight is per level and an interaction
says how one factor's best level moves with another. Factors without order enter by level, against the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from experiments.analysis.linear_mixed import fit_linear_mixed
from experiments.analysis.ordinal_mixed import fit_ordinal_mixed
from experiments.analysis.trials import Factor, Trials
from policies.errors import AnalysisError
from policies.statistics.ordinal import cell_counts, fit_counts, weights_without_each
from policies.statistics.over_people import FEWEST_PEOPLE, half_width, jackknife_interval

__all__ = ["DesignMatrix", "design_of", "linear_mixed", "ordinal_mixed", "ordinal_pooled", "person_weights_of"]


class DesignMatrix(NamedTuple):
    """Columns of a model.

    Attributes
    ----------
    names
        Terms: ``force_newton``, ``force_newton x amplitude``, ``amplitude^2``, ``voice: male``.
    columns
        Shape (n, terms).
    answers, values
        Level from 0 and the number it stands for, (n,).
    groups
        Person as an index from 0, (n,).
    people
        Names by index.
    """

    names: tuple[str, ...]
    columns: np.ndarray
    answers: np.ndarray
    values: np.ndarray
    groups: np.ndarray
    people: tuple[str, ...]

    def only(self, names: Sequence[str]) -> np.ndarray:
        """Columns of the given terms, shape (n, len(names))."""
        return self.columns[:, [self.names.index(name) for name in names]]


def design_of(trials: Trials, nominal: bool = True, binary: np.ndarray | None = None) -> DesignMatrix:
    """Main effects, squares (from three levels on) and products of the ordered factors; main effects of the others.

    Parameters
    ----------
    nominal
        Whether factors without an order take part.
    binary
        Answers to model instead of the scale's, (n,), for a logit of "agreed".

    Raises
    ------
    AnalysisError
        When nothing was varied.
    """
    table = trials.main
    ordered = [factor for factor in trials.factors if factor.ordered]
    names: list[str] = []
    columns: list[np.ndarray] = []
    ranks = {factor.name: table[f"level.{factor.name}"].to_numpy(float) for factor in ordered}
    for factor in ordered:
        names.append(factor.name)
        columns.append(ranks[factor.name])
    for one, two in combinations(ordered, 2):
        names.append(f"{one.name} x {two.name}")
        columns.append(ranks[one.name] * ranks[two.name])
    for factor in ordered:
        if len(factor.levels) > 2:
            names.append(f"{factor.name}^2")
            columns.append(ranks[factor.name] ** 2)
    for factor in trials.factors if nominal else ():
        if not factor.ordered:
            for level in factor.levels[1:]:
                names.append(f"{factor.name}: {level}")
                columns.append((table[factor.name] == level).to_numpy(float))
    if not columns:
        raise AnalysisError(f"{trials.source}: every trial has the same levels: there is nothing to model")
    groups, people = pd.factorize(table["participant"])
    answers = table["answer"].to_numpy(int) if binary is None else binary.astype(int)
    return DesignMatrix(
        tuple(names), np.column_stack(columns), answers, table["value"].to_numpy(float), groups, tuple(map(str, people))
    )


def ordinal_pooled(design: DesignMatrix) -> pd.DataFrame:
    """Cumulative-link model of all trials, with intervals over people (leaving out each).

    Returns
    -------
    DataFrame
        By term: weight, z (as if trials were independent), low, high (95 %, t over people).
    """
    cells, counts = cell_counts(design.columns, _used_levels(design.answers), design.groups)
    whole = fit_counts(cells, counts.sum(axis=0))
    table = pd.DataFrame({"term": design.names, "weight": whole.weights, "z": whole.z})
    without = weights_without_each(cells, counts, whole)
    limits = np.array([jackknife_interval(*pair) for pair in zip(whole.weights, without.T, strict=True)])
    return table.assign(low=limits[:, 0], high=limits[:, 1])


def ordinal_mixed(design: DesignMatrix, personal: Sequence[str]) -> pd.DataFrame:
    """Cumulative-link mixed model: everybody's own intercept and own weights of ``personal``.

    Returns
    -------
    DataFrame
        By term: weight, t (weight over the model's standard error), low, high, p (leaving out each person, with
        people - 1 degrees of freedom), spread (SD over people; NaN for a term without personal weights), boundary
        (that spread is estimated as none). The first row, "own place on the scale", has the spread of the intercepts
        alone. ``attrs["personal"]`` holds the weights by person.

    Raises
    ------
    AnalysisError
        With fewer than three people, or when the fit did not settle: nothing is to be quoted from it.
    """
    own = np.column_stack([np.ones(len(design.columns)), design.only(personal)])
    fit = fit_ordinal_mixed(design.columns, _used_levels(design.answers), design.groups, own)
    if not fit.converged:
        raise AnalysisError(f"the fit did not settle within {fit.rounds} rounds; nothing is quoted from it")
    spread = dict(zip(("", *personal), fit.spread, strict=True))
    first = {"term": "own place on the scale", "spread": spread[""], "boundary": bool(fit.edge[0])}
    table = _with_intervals(design, fit.beta, fit.error, fit.without)
    table["spread"] = [spread.get(name, np.nan) for name in design.names]
    none = dict(zip(("", *personal), fit.edge, strict=True))
    table["boundary"] = [bool(none.get(name, False)) for name in design.names]
    table = pd.concat([pd.DataFrame([first]), table], ignore_index=True)[list(table)]
    table.attrs["boundary"] = bool(fit.edge.any())
    weights = {name: float(fit.beta[design.names.index(name)]) for name in personal}
    table.attrs["personal"] = pd.DataFrame(
        {name: weights[name] + fit.personal[:, index] for index, name in enumerate(personal, 1)}, index=design.people
    )
    return table


def _with_intervals(design: DesignMatrix, weight: np.ndarray, error: np.ndarray, without: np.ndarray) -> pd.DataFrame:
    """Table of a model with effects over people: t by its own errors, interval and p by leaving out each person."""
    limits = np.array([jackknife_interval(*pair) for pair in zip(weight, without.T, strict=True)])
    people = len(design.people)
    with np.errstate(divide="ignore", invalid="ignore"):  # answers that follow a factor exactly
        ratio = half_width(2 * weight, people) / (limits[:, 1] - limits[:, 0])
    return pd.DataFrame(
        {
            "term": design.names,
            "weight": weight,
            "t": weight / error,
            "low": limits[:, 0],
            "high": limits[:, 1],
            "p": 2 * student_t.sf(np.abs(ratio), people - 1),
        }
    )


def linear_mixed(design: DesignMatrix, personal: Sequence[str]) -> pd.DataFrame:
    """Mixed linear model of the answers as numbers (REML): own intercepts, own ``personal``.

    Returns
    -------
    DataFrame
        By term: weight, t, low, high, p, as in ``ordinal_mixed``; boundary: whether any spread over people is estimated
        as none, also in ``attrs``.

    Raises
    ------
    AnalysisError
        With fewer than three people, or when the fit did not settle: nothing is to be quoted from it.
    """
    if len(design.people) < FEWEST_PEOPLE:
        raise AnalysisError(f"a mixed model needs at least {FEWEST_PEOPLE} people, here are {len(design.people)}")
    one = np.ones(len(design.columns))
    fit = fit_linear_mixed(
        np.column_stack([one, design.columns]),
        design.values,
        design.groups,
        np.column_stack([one, design.only(personal)]),
    )
    table = _with_intervals(design, fit.beta[1:], fit.error[1:], fit.without[:, 1:])
    table["boundary"] = table.attrs["boundary"] = fit.boundary
    return table


def person_weights_of(factors: Sequence[Factor], design: DesignMatrix, first: str) -> tuple[list[str], list[str]]:
    """Terms with personal weights: the ordered main effects alone, and with them the products with factor ``first``."""
    ordered = [factor.name for factor in factors if factor.ordered and factor.name in design.names]
    products = [name for name in design.names if " x " in name and first in name.split(" x ")]
    return ordered, [*ordered, *products]


def _used_levels(answers: np.ndarray) -> np.ndarray:
    """Levels renumbered so that those that nobody used are skipped."""
    return np.unique(answers, return_inverse=True)[1]
