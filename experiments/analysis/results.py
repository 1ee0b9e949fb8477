"""Runs every analysis that a table of trials can carry, and says in words why the others were left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from experiments.analysis.agreement import agreed, by_distance, by_level, by_pair, by_person, matched_minus_worst
from experiments.analysis.choice import Choice, forced_choice
from experiments.analysis.models import (
    FEWEST_PEOPLE,
    design_of,
    linear_mixed,
    ordinal_mixed,
    ordinal_pooled,
    person_weights_of,
)
from experiments.analysis.power_law import PowerLaw, fit_power_law
from experiments.analysis.psychometric import MatchPoint, Psychometric, match_point, psychometric_of_people
from experiments.analysis.published import Published, published_pipeline
from experiments.analysis.retest import Retest, repeat_pairs, retest
from experiments.analysis.timing import Timing, timings
from experiments.analysis.trials import Factor, Trials
from policies.errors import AnalysisError
from policies.statistics.reliability import Icc, icc_one_way, icc_two_way, krippendorff_alpha
from robopatient.errors import require
from robopatient.study.questions import QUESTIONS

__all__ = ["Results", "analyse_trials", "answers_by_cell", "ratings_by_cell"]

K = TypeVar("K")
T = TypeVar("T")
NUMERICAL = (ArithmeticError, ValueError)
"""What numpy, scipy and scikit-learn raise where numbers do not carry a computation; LinAlgError is a ValueError."""

GRADED = {"congruence", "mismatch", "naturalness", "pain", "preference"}
"""What questions with ordered answers ask for; a model of ordered answers makes sense of them."""
MOST_MAGNITUDES = 12
"""More distinct answers than this are magnitudes, not levels."""
MOST_LEVELS = 8
"""More levels than this come from a staircase, or are a list of clips: no table by level makes sense of them."""
DIVIDERS = {"modality", "channel"}
"""Factors that say what a trial presents: its parts are different stimuli, not levels of one."""
MOST_GROUPS = 4
"""A nominal factor with so many levels may divide a study into parts with functions of their own."""


class Results(NamedTuple):
    """All that was found; None where the trials cannot carry it, and ``skipped`` says why.

    Attributes
    ----------
    levels
        Share agreed by level, one table a factor.
    pairs
        Share agreed by pair of levels, by (first, second) factor: the first ordered factor with every other.
    distances
        Share agreed by how many levels the first ordered factor and another lie apart, by the other's name.
    matched
        Matched minus worst share by person, for the pair of factors in ``matched_pair``.
    pooled, own_main, own_products, linear, linear_products
        Models: see ``models``; ``own_products`` also lets the products differ between people.
    matches
        Best-matching level of each other ordered factor at each level of the first: {factor: {level: MatchPoint}}.
    psychometric
        Function of ``stimulus`` at each level of ``psychometric_by``, or "" for all together.
    power_laws
        By level of the factor that divides the study, or "" for all together.
    """

    trials: Trials
    levels: dict[str, pd.DataFrame]
    pairs: dict[tuple[str, str], pd.DataFrame]
    distances: dict[str, pd.DataFrame]
    people: pd.DataFrame
    matched: pd.Series | None
    matched_pair: tuple[str, str] | None
    pooled: pd.DataFrame | None
    own_main: pd.DataFrame | None
    own_products: pd.DataFrame | None
    linear: pd.DataFrame | None
    linear_products: pd.DataFrame | None
    matches: dict[str, dict[Any, MatchPoint]]
    stimulus: str
    psychometric_by: str
    psychometric: dict[Any, Psychometric]
    psychometric_counts: dict[Any, tuple[np.ndarray, np.ndarray, np.ndarray]]
    power_laws: dict[str, PowerLaw]
    choice: Choice | None
    icc_one: float | None
    icc: Icc | None
    icc_over: tuple[str, ...]
    alpha: float | None
    retest: Retest | None
    hidden: Retest | None
    timing: list[Timing]
    published: Published | None
    skipped: dict[str, str]


def analyse_trials(trials: Trials, published: bool = True) -> Results:
    """Everything that this table can carry.

    Parameters
    ----------
    published
        Whether to run the published pipeline where its factors are there.
    """
    # The matrices are small: more threads than one only get in each other's way.
    with require("threadpoolctl", "study").threadpool_limits(1):
        return _analyse(trials, published)


def _analyse(trials: Trials, published: bool) -> Results:
    skipped: dict[str, str] = {}

    def attempt(name: str, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except AnalysisError as error:
            skipped[name] = str(error)
        except NUMERICAL as error:
            skipped[name] = f"the numbers of this table do not carry it ({error})"
        return None

    def kept(asked: Mapping[K, tuple[str, Callable[[], T]]]) -> dict[K, T]:
        found = {key: attempt(name, act) for key, (name, act) in asked.items()}
        return {key: value for key, value in found.items() if value is not None}

    ordered = [factor for factor in trials.factors if factor.ordered]
    first = _reference(ordered)
    others = [factor for factor in ordered if factor is not first]
    magnitude = _is_magnitude(trials)
    graded = not magnitude and len(trials.scale) >= 2
    pooled = own_main = own_products = linear = linear_products = None
    if graded:
        design = attempt("models", lambda: design_of(trials))
        if design is not None:
            pooled = attempt("cumulative-link model", lambda: ordinal_pooled(design))
            main, products = person_weights_of(trials.factors, design, first.name if first else "")
            own_main = attempt("cumulative-link mixed model", lambda: ordinal_mixed(design, main))
            linear = attempt("mixed linear model", lambda: linear_mixed(design, main))
            if len(products) > len(main) and own_main is not None:
                own_products = attempt("mixed model with own products", lambda: ordinal_mixed(design, products))
                linear_products = attempt("linear model with own products", lambda: linear_mixed(design, products))
    else:
        skipped["models of ordered answers"] = "the answers are magnitudes without levels"
    if len(trials.participants) < FEWEST_PEOPLE:
        skipped["intervals over people"] = (
            f"there are {len(trials.participants)} people in the table; with fewer than {FEWEST_PEOPLE} nothing can be "
            "said about others"
        )
    asked = attempt("psychometric function", lambda: _psychometric_counts(trials, first, others)) if graded else None
    stimulus, divided_by, counts = asked or ("", "", {})
    few = [factor for factor in trials.factors if len(factor.levels) <= MOST_LEVELS]
    others = [factor for factor in others if factor in few]
    functions = kept(
        {
            level: (
                f"psychometric function at {level}" if level != "" else "psychometric function",
                partial(psychometric_of_people, x, yes, n),
            )
            for level, (x, yes, n) in counts.items()
        }
    )
    cells = [factor.name for factor in trials.factors]
    matched_pair = _matched_pair(trials, first, others) if graded else None
    return Results(
        trials=trials,
        levels=kept({f.name: (f"agreed by {f.name}", partial(by_level, trials, f.name)) for f in few})
        if graded
        else {},
        pairs=kept(
            {
                (first.name, o.name): (
                    f"agreed by {first.name} and {o.name}",
                    partial(by_pair, trials, first.name, o.name),
                )
                for o in others
            }
        )
        if first in few and graded
        else {},
        distances=kept(
            {
                o.name: (f"agreed by distance of {o.name}", partial(by_distance, trials, first.name, o.name))
                for o in others
                if len(o.levels) > 2
            }
        )
        if first in few and graded
        else {},
        people=by_person(trials),
        matched=attempt("matched minus worst", lambda: matched_minus_worst(trials, *matched_pair))
        if matched_pair
        else None,
        matched_pair=matched_pair,
        pooled=pooled,
        own_main=own_main,
        own_products=own_products,
        linear=linear,
        linear_products=linear_products,
        matches=(attempt("best matching level", lambda: _matches(trials, first, others)) or {})
        if graded and first in few and not counts
        else {},
        stimulus=stimulus,
        psychometric_by=divided_by,
        psychometric=functions,
        psychometric_counts=counts,
        power_laws=_power_laws(trials, ordered, attempt) if magnitude else {},
        choice=attempt("forced choice", lambda: forced_choice(trials)),
        icc_one=attempt("ICC(1,1)", lambda: icc_one_way(ratings_by_cell(trials, cells))),
        icc=attempt("two-way ICC", lambda: icc_two_way(ratings_by_cell(trials, _coarse(first, others, trials)))),
        icc_over=tuple(_coarse(first, others, trials)),
        alpha=attempt("Krippendorff's alpha", lambda: krippendorff_alpha(answers_by_cell(trials, cells)))
        if graded
        else None,
        retest=attempt("same stimulus twice", lambda: _retest(trials, *repeat_pairs(trials.main, cells)))
        if graded
        else None,
        hidden=attempt("hidden repeats", lambda: _retest(trials, *_hidden_pairs(trials))) if graded else None,
        timing=attempt("timing", lambda: timings(trials.table)) or [],
        published=attempt("published analysis", lambda: published_pipeline(trials))
        if published and trials.question == "agree"
        else None,
        skipped=skipped,
    )


def _reference(ordered: list[Factor]) -> Factor | None:
    """The factor that the others are seen against: the force, else the first with an order."""
    return next((f for f in ordered if "newton" in f.name), ordered[0] if ordered else None)


def _is_magnitude(trials: Trials) -> bool:
    asked = QUESTIONS.get(trials.question)
    return asked.latent == "magnitude" if asked is not None else len(trials.scale) > MOST_MAGNITUDES


def _intensity(ordered: list[Factor]) -> str:
    if not ordered:
        raise AnalysisError("no intensity was varied: a power law needs one")
    return ordered[0].name


def _matched_pair(trials: Trials, first: Factor | None, others: list[Factor]) -> tuple[str, str] | None:
    """The first factor and the first other with as many levels."""
    if first is None:
        return None
    return next(((first.name, o.name) for o in others if len(o.levels) == len(first.levels) > 2), None)


def _matches(trials: Trials, first: Factor, others: list[Factor]) -> dict[str, dict[Any, MatchPoint]]:
    """Peak of agreement over the ranks of each other factor, at each level of the first."""
    table = trials.main.assign(agreed=agreed(trials, trials.main))
    found: dict[str, dict[Any, MatchPoint]] = {}
    for other in others:
        if len(other.levels) < 3:
            continue
        ranks = np.arange(len(other.levels), dtype=float)
        found[other.name] = {}
        for level, part in table.groupby(first.name):
            counted = part.groupby(["participant", other.name])["agreed"].agg(["sum", "count"])
            hits = counted["sum"].unstack(fill_value=0).reindex(columns=other.levels, fill_value=0)
            totals = counted["count"].unstack(fill_value=0).reindex(columns=other.levels, fill_value=0)
            found[other.name][level] = match_point(ranks, hits.to_numpy(float), totals.to_numpy(float))
    return found


def _divider(trials: Trials) -> Factor | None:
    """A factor without an order that divides the study into a few parts, such as voice and face."""
    nominal = [f for f in trials.factors if not f.ordered and len(f.levels) <= MOST_GROUPS and f.name in DIVIDERS]
    return nominal[0] if nominal else None


def _power_laws(
    trials: Trials, ordered: list[Factor], attempt: Callable[[str, Callable[[], PowerLaw]], PowerLaw | None]
) -> dict[str, PowerLaw]:
    """A law for each part of the study: what is loud and what is heavy have exponents of their own."""
    divider = _divider(trials)
    parts = [("", trials.main)] if divider is None else trials.main.groupby(divider.name)
    laws = {}
    for level, part in parts:
        law = attempt(f"power law {level}".strip(), partial(_law, part, ordered))
        if law is not None:
            laws[str(level)] = law
    return laws


def _law(part: pd.DataFrame, ordered: list[Factor]) -> PowerLaw:
    return fit_power_law(part, _intensity(ordered))


def _psychometric_counts(
    trials: Trials, first: Factor | None, others: list[Factor]
) -> tuple[str, str, dict[Any, tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Stimulus, dividing factor, and for each of its levels: stimulus levels, "yes" (ties half) and all, by person.

    "Yes" is "too strong" on a signed scale and the upper answer of two.
    """
    low, high = trials.scale[0], trials.scale[-1]
    signed, two = low < 0 < high, len(trials.scale) == 2
    if first is None or not (signed or two):
        return "", "", {}
    table = trials.main
    middle = 0.0 if signed else (low + high) / 2
    value = table["value"].to_numpy()
    table = table.assign(yes=(value > middle) + 0.5 * (value == middle))
    usable = [other for other in others if len(other.levels) > 2]
    stimulus = usable[0] if usable else first
    divider = first if usable else _divider(trials)
    groups = [("", table)] if divider is None else table.groupby(divider.name)
    counts = {}
    for level, part in groups:
        counted = part.groupby(["participant", stimulus.name])["yes"].agg(["sum", "count"])
        yes = counted["sum"].unstack(fill_value=0).reindex(columns=stimulus.levels, fill_value=0)
        n = counted["count"].unstack(fill_value=0).reindex(columns=stimulus.levels, fill_value=0)
        counts[level] = (np.array(stimulus.levels, float), yes.to_numpy(float), n.to_numpy(float))
    return stimulus.name, divider.name if divider else "", counts


def ratings_by_cell(trials: Trials, cells: Sequence[str]) -> np.ndarray:
    """Mean answer by cell and person, NaN where somebody never saw it, shape (cells, people)."""
    if not cells:
        raise AnalysisError("nothing was varied: there are no stimuli to agree about")
    return trials.main.groupby([*cells, "participant"])["value"].mean().unstack().to_numpy()


def answers_by_cell(trials: Trials, cells: Sequence[str]) -> np.ndarray:
    """People counted by cell and level, shape (cells, levels); of somebody who saw a cell again the first answer.

    Two answers of one person are no two raters: they would count as agreement between people.
    """
    if not cells:
        raise AnalysisError("nothing was varied: there are no stimuli to agree about")
    once = trials.main.drop_duplicates([*cells, "participant"])
    return once.groupby(list(cells))["answer"].value_counts().unstack(fill_value=0).to_numpy()


def _coarse(first: Factor | None, others: list[Factor], trials: Trials) -> list[str]:
    """Factors whose cells everybody has seen: the reference with the first other, else all there are."""
    if first is not None and others:
        return [first.name, others[0].name]
    return [factor.name for factor in trials.factors]


def _hidden_pairs(trials: Trials) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers to trials that were repeated on purpose, to their repeats, and whose they are."""
    table = trials.table
    repeats = table[table["kind"] == "repeat"]
    if repeats.empty:
        raise AnalysisError("this study has no hidden repeats")
    keys = [name for name in ("participant", "session") if name in table]
    originals = table.set_index([*keys, "trial"])["answer"].to_dict()
    first, second, people = [], [], []
    for row in repeats.to_dict("records"):
        before = originals.get((*(row[key] for key in keys), row["repeat_of"]))
        if before is not None:
            first.append(before)
            second.append(row["answer"])
            people.append(row["participant"])
    return np.array(first, dtype=int), np.array(second, dtype=int), np.array(people, dtype=object)


def _retest(trials: Trials, first: np.ndarray, second: np.ndarray, people: np.ndarray) -> Retest:
    table = trials.main
    return retest(
        first, second, people, table["answer"].to_numpy(int), table["participant"].to_numpy(), len(trials.scale)
    )
