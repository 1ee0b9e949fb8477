"""How often the intervals of an analysis hold the truth: answers are drawn from known weights and analysed again.

The draws know nothing of the models' code: an ordinal logit with normal effects over people, in numpy alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd

from experiments.analysis.models import DesignMatrix, design_of, ordinal_mixed, ordinal_pooled, person_weights_of
from experiments.analysis.psychometric import JND_OF_SIGMA, psychometric_of_people
from experiments.analysis.trials import Trials
from policies.errors import AnalysisError
from policies.statistics.ordinal import cell_counts, fit_counts
from robopatient.errors import require

__all__ = ["SETTINGS", "Held", "SimulatedSetting", "Truth", "check_design", "repeat_setting", "summary"]

MODELS: dict[str, Callable[[DesignMatrix, Sequence[str]], pd.DataFrame]] = {
    "own products": ordinal_mixed,
    "all trials": lambda design, _: ordinal_pooled(design),
}
"""The model that is quoted, and the one that takes its place where that does not settle."""


class Truth(NamedTuple):
    """Weights by term, their SD over people, SD of the intercepts, and the cuts between answers, all in logits."""

    weights: dict[str, float]
    spreads: dict[str, float]
    place_spread: float
    cuts: np.ndarray


class Held(msgspec.Struct, frozen=True):
    """One interval of one set of answers; without limits when the model was not quoted."""

    model: str
    term: str
    truth: float
    low: float | None = None
    high: float | None = None


class SimulatedSetting(msgspec.Struct, frozen=True):
    """People and truth of a setting: how far people's products and main effects differ, or how far their places do."""

    name: str
    people: int
    product_spread: float = 0.0
    main_spread: float = 0.0
    places_ms: float | None = None


SETTINGS = (
    *(SimulatedSetting(f"{n} people who differ in the products", n, 0.1) for n in (4, 6, 10, 14, 20)),
    SimulatedSetting("14 people alike but in their place on the scale", 14),
    SimulatedSetting("10 people who differ much in everything", 10, 0.2, 0.2),
    *(SimulatedSetting(f"JND of 12 people, places {ms:g} ms apart", 12, places_ms=ms) for ms in (0.0, 40.0, 80.0)),
)
"""Trials as in the published study (4 forces, amplitudes and pitches, 384 trials a person); delays as in one's own."""
FORCE, OTHERS = "force_newton", ("amplitude", "pitch")
CUTS = np.array([-0.9, -0.25, 1.9])
WEIGHTS = {"force_newton": 0.12, "amplitude": 0.05, "force_newton x amplitude": 0.2, "amplitude^2": -0.1}
"""About those of the published table; the product with pitch is none, so that its interval shows false alarms."""
TRIALS, JND_MS, PSE_MS, DELAYS_MS, DELAY_TRIALS = 384, 40.0, 200.0, (0, 50, 100, 150, 200, 250, 300, 400), 12


def repeat_setting(setting: SimulatedSetting, seed: int) -> list[Held]:
    """One set of answers in this setting, analysed."""
    rng = np.random.default_rng([seed, SETTINGS.index(setting)])
    if setting.places_ms is not None:
        return _delays(setting, rng)
    ranks = np.array(list(itertools.product(np.arange(4) - 1.5, repeat=3)))
    cells = np.concatenate([np.concatenate([rng.permutation(64) for _ in range(6)]) for _ in range(setting.people)])
    force, amplitude, pitch = ranks[cells].T
    columns = {
        FORCE: force, "amplitude": amplitude, "pitch": pitch, f"{FORCE} x amplitude": force * amplitude,
        f"{FORCE} x pitch": force * pitch, "amplitude x pitch": amplitude * pitch, f"{FORCE}^2": force**2,
        "amplitude^2": amplitude**2, "pitch^2": pitch**2,
    }  # fmt: skip
    people = tuple(f"P{number:02d}" for number in range(1, setting.people + 1))
    groups = np.repeat(np.arange(setting.people), TRIALS)
    empty = np.zeros(len(groups))
    design = DesignMatrix(
        tuple(columns), np.column_stack(list(columns.values())), empty.astype(int), empty, groups, people
    )
    products = [f"{FORCE} x {other}" for other in OTHERS]
    spreads = dict.fromkeys(products, setting.product_spread) | dict.fromkeys((FORCE, *OTHERS), setting.main_spread)
    truth = Truth({name: WEIGHTS.get(name, 0.0) for name in columns}, spreads, 0.5, CUTS)
    return _analysed(design, truth, [FORCE, *OTHERS, *products], products, rng)


def check_design(trials: Trials, sets: int, seed: int = 1) -> Iterator[list[Held]]:
    """Answers drawn for the very trials and people of a study, from what was found there, each set analysed again.

    Raises
    ------
    AnalysisError
        When the study's answers carry no model of ordered answers.
    """
    design = design_of(trials)
    ordered = [factor.name for factor in trials.factors if factor.ordered]
    first = next((name for name in ordered if "newton" in name), ordered[0] if ordered else "")
    _, personal = person_weights_of(trials.factors, design, first)
    found = ordinal_mixed(design, personal).set_index("term")
    cells, counts = cell_counts(design.columns, design.answers, np.zeros(len(design.answers), dtype=int))
    spreads = {name: float(found["spread"][name]) for name in personal}
    truth = Truth(
        {name: float(found["weight"][name]) for name in design.names},
        spreads,
        float(found["spread"]["own place on the scale"]),
        fit_counts(cells, counts[0]).cuts,
    )
    told = [name for name in personal if " x " in name] or personal
    with require("threadpoolctl", "study").threadpool_limits(1):
        for number in range(sets):
            yield _analysed(design, truth, personal, told, np.random.default_rng([seed, number]))


def summary(held: Sequence[Held]) -> list[dict[str, Any]]:
    """By model and term: sets, how many were quoted, the share whose interval holds the truth or leaves out zero."""
    rows = []
    for model, term in dict.fromkeys((one.model, one.term) for one in held):
        own = [one for one in held if (one.model, one.term) == (model, term)]
        quoted = [(one.low, one.high, one.truth) for one in own if one.low is not None and one.high is not None]
        rows.append(
            {
                "model": model,
                "term": term,
                "truth": round(own[0].truth, 3),
                "sets": len(own),
                "quoted": len(quoted),
                "holds_truth": round(float(np.mean([low <= truth <= high for low, high, truth in quoted])), 3),
                "leaves_out_zero": round(float(np.mean([low > 0 or high < 0 for low, high, _ in quoted])), 3),
            }
        )
    return rows


def _analysed(
    design: DesignMatrix, truth: Truth, personal: Sequence[str], told: Sequence[str], rng: np.random.Generator
) -> list[Held]:
    answers = _drawn(design, truth, rng)
    made = design._replace(answers=answers, values=answers.astype(float))
    held = []
    for name, model in MODELS.items():
        try:
            table = model(made, personal).set_index("term")
            found = [
                Held(name, term, truth.weights[term], *map(float, table.loc[term, ["low", "high"]])) for term in told
            ]
        except AnalysisError:
            found = [Held(name, term, truth.weights[term]) for term in told]
        held += found
    return held


def _drawn(design: DesignMatrix, truth: Truth, rng: np.random.Generator) -> np.ndarray:
    """Answers of people drawn anew, shape (n,)."""
    people = len(design.people)
    eta = rng.normal(0.0, truth.place_spread, people)[design.groups]
    for name, column in zip(design.names, design.columns.T, strict=True):
        own = truth.weights[name] + rng.normal(0.0, truth.spreads.get(name, 0.0), people)
        eta = eta + own[design.groups] * column
    return np.searchsorted(truth.cuts, eta + rng.logistic(size=len(eta)))


def _delays(setting: SimulatedSetting, rng: np.random.Generator) -> list[Held]:
    """Whether a delay was noticed, by people with places and widths of their own."""
    levels = np.array(DELAYS_MS, dtype=float)
    place = rng.normal(PSE_MS, setting.places_ms or 0.0, (setting.people, 1))
    width = JND_MS / JND_OF_SIGMA * np.exp(rng.normal(0.0, 0.2, (setting.people, 1)))
    noise = rng.normal(size=(setting.people, len(levels), DELAY_TRIALS))
    yes = ((levels - place)[..., None] + width[..., None] * noise > 0).sum(axis=2).astype(float)
    fit = psychometric_of_people(levels, yes, np.full(yes.shape, float(DELAY_TRIALS)))
    return [
        Held("psychometric function", "JND, ms", JND_MS, *fit.jnd_interval),
        Held("psychometric function", "PSE, ms", PSE_MS, *fit.pse_interval),
    ]
