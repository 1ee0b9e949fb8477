"""What an independent re-analysis of the published congruence study found in all its 7,680 trials of 20 people.

Figures only, no data: recomputed from the study's public raw files (repository nsaitarun-git/Submission_Codes, the data
of arXiv 2506.11827). The report shows them beside those of the table at hand; a test asserts them when the table is the
whole published one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.analysis.agreement import agreed
from experiments.analysis.models import DesignMatrix, design_of
from experiments.analysis.published import NEEDED
from experiments.analysis.results import Results, answers_by_cell, ratings_by_cell
from policies.statistics.ordinal import cell_counts, fit_counts
from policies.statistics.reliability import icc_one_way, krippendorff_alpha

__all__ = ["PEOPLE", "REFERENCES", "TRIALS", "PublishedFigure", "applies"]

TRIALS, PEOPLE = 7680, 20

TERMS = (
    "force_newton", "amplitude", "pitch", "force_newton x amplitude", "force_newton x pitch", "amplitude x pitch",
    "amplitude^2", "pitch^2",
)  # fmt: skip
"""Terms of the re-analysis's models."""


class PublishedFigure(NamedTuple):
    """One figure.

    Attributes
    ----------
    name
        In words.
    published
        From all 20 people.
    decimals
        To which it was printed.
    of
        The same figure of a table at hand.
    exact
        Whether the figure is a count or a share, which every implementation must give; fits may differ in the last
        digit by terms and optimiser.
    """

    name: str
    published: float
    decimals: int
    of: Callable[[Results], float]
    exact: bool = True


def applies(results: Results) -> bool:
    """Whether the table has the published study's question and factors."""
    return results.trials.question == "agree" and all(results.trials.factor(name) is not None for name in NEEDED)


def _share(factor: str, index: int) -> Callable[[Results], float]:
    return lambda results: float(results.levels[factor]["share"].iloc[index])


def _cell(other: str, row: int, column: int) -> Callable[[Results], float]:
    def of(results: Results) -> float:
        table = results.pairs["force_newton", other]
        return float(table.pivot(index="force_newton", columns=other, values="share").iloc[row, column])

    return of


def _distance(factor: str, apart: int) -> Callable[[Results], float]:
    return lambda results: float(results.distances[factor]["share"].iloc[apart])


def _answer(level: int) -> Callable[[Results], float]:
    return lambda results: float((results.trials.main["answer"] == level).mean())


def _agreement(results: Results) -> float:
    return float(agreed(results.trials, results.trials.main).mean())


def _people(act: Callable[[pd.Series], float]) -> Callable[[Results], float]:
    return lambda results: float(act(results.people["share"]))


def _logit(term: str) -> Callable[[Results], float]:
    return lambda results: _fit(_design(results, binary=True))[term]


def _ordinal(term: str) -> Callable[[Results], float]:
    return lambda results: _fit(_design(results, binary=False))[term]


def _linear(term: str) -> Callable[[Results], float]:
    def of(results: Results) -> float:
        assert results.linear is not None
        return float(results.linear.set_index("term")["weight"][term])

    return of


def _design(results: Results, binary: bool) -> DesignMatrix:
    trials = results.trials
    return design_of(trials, nominal=False, binary=agreed(trials, trials.main) if binary else None)


def _fit(design: DesignMatrix) -> dict[str, float]:
    cells, counts = cell_counts(design.only(TERMS), design.answers, np.zeros(len(design.answers), dtype=int))
    return dict(zip(TERMS, map(float, fit_counts(cells, counts[0]).weights), strict=True))


def _anova(factor: str) -> Callable[[Results], float]:
    def of(results: Results) -> float:
        assert results.published is not None
        return results.published.by_choice[factor].f

    return of


def _retest(field: str) -> Callable[[Results], float]:
    return lambda results: float(getattr(results.retest, field))


def _icc(results: Results) -> float:
    return icc_one_way(ratings_by_cell(results.trials, CELLS))


def _alpha(results: Results) -> float:
    return krippendorff_alpha(answers_by_cell(results.trials, CELLS))


def _forest(factor: str) -> Callable[[Results], float]:
    def of(results: Results) -> float:
        assert results.published is not None
        return results.published.importance_of_answer[factor]

    return of


def _pca(component: int) -> Callable[[Results], float]:
    def of(results: Results) -> float:
        assert results.published is not None
        return results.published.pca_shares[component]

    return of


CELLS = ("force_newton", "amplitude", "pitch")
"""What the re-analysis took for one stimulus, whichever sound and voice it had."""
AMPLITUDE_CELLS = (
    (0.556, 0.594, 0.470, 0.267),
    (0.507, 0.631, 0.560, 0.421),
    (0.422, 0.550, 0.645, 0.536),
    (0.401, 0.519, 0.613, 0.633),
)
"""Agreed at force (rows) and amplitude (columns)."""
PITCH_CELLS = (
    (0.394, 0.481, 0.498, 0.513),
    (0.454, 0.550, 0.541, 0.563),
    (0.510, 0.588, 0.553, 0.488),
    (0.609, 0.573, 0.512, 0.471),
)
"""Agreed at force (rows) and playback rate (columns)."""
FORCES = ("5 N", "10 N", "15 N", "20 N")
GAINS = ("−28.6 dB", "−19.1 dB", "−9.5 dB", "0 dB")
RATES = ("0.7", "0.9", "1.1", "1.3")


def _cells(other: str, names: tuple[str, ...], shares: tuple[tuple[float, ...], ...]) -> tuple[PublishedFigure, ...]:
    """One figure a cell of a table of force by another factor."""
    return tuple(
        PublishedFigure(f"agreed at {FORCES[row]}, {names[column]}", shares[row][column], 3, _cell(other, row, column))
        for row in range(4)
        for column in range(4)
    )


REFERENCES: tuple[PublishedFigure, ...] = (
    PublishedFigure("agreed, all trials", 0.5181, 4, _agreement),
    *(PublishedFigure(f"answer {name}", share, 3, _answer(level)) for name, share, level in (
        ("strongly agree", 902 / TRIALS, 3), ("agree", 3077 / TRIALS, 2), ("disagree", 1174 / TRIALS, 1),
        ("strongly disagree", 2527 / TRIALS, 0),
    )),
    *(PublishedFigure(f"agreed, voice {name}", share, 3, _share("voice", index)) for index, (name, share) in enumerate(
        (("female", 0.527), ("male", 0.509))
    )),
    *(PublishedFigure(f"agreed at {name}", share, 3, _share("force_newton", index))
      for index, (name, share) in enumerate(
        zip(FORCES, (0.472, 0.526, 0.535, 0.539), strict=True)
    )),
    *(PublishedFigure(f"agreed at {name}", share, 3, _share("amplitude", index)) for index, (name, share) in enumerate(
        zip(GAINS, (0.467, 0.572, 0.572, 0.461), strict=True)
    )),
    *(PublishedFigure(f"agreed at rate {name}", share, 3, _share("pitch", index)) for index, (name, share) in enumerate(
        zip(RATES, (0.490, 0.549, 0.526, 0.508), strict=True)
    )),
    *(PublishedFigure(f"agreed, sound {index + 1}", share, 3, _share("sound", index)) for index, share in enumerate(
        (0.525, 0.511, 0.519)
    )),
    *_cells("amplitude", GAINS, AMPLITUDE_CELLS),
    *_cells("pitch", tuple(f"rate {rate}" for rate in RATES), PITCH_CELLS),
    *(PublishedFigure(f"agreed, amplitude {apart} levels from force", share, 3, _distance("amplitude", apart))
      for apart, share in enumerate((0.617, 0.560, 0.457, 0.335))),
    *(PublishedFigure(f"agreed, rate {apart} levels from force", share, 3, _distance("pitch", apart))
      for apart, share in enumerate((0.490, 0.512, 0.536, 0.558))),
    PublishedFigure("person who agreed least", 0.307, 3, _people(pd.Series.min)),
    PublishedFigure("person who agreed most", 0.716, 3, _people(pd.Series.max)),
    PublishedFigure("SD of agreement over people", 0.115, 3, _people(pd.Series.std)),
    PublishedFigure("same answer to the same stimulus", 0.457, 3, _retest("same")),
    PublishedFigure("… by chance", 0.31, 2, _retest("pooled_chance_same")),
    PublishedFigure("same side (agree or not)", 0.637, 3, _retest("same_side")),
    PublishedFigure("… by chance", 0.50, 2, _retest("pooled_chance_same_side")),
    PublishedFigure("mean difference of the two, steps", 0.89, 2, _retest("difference")),
    PublishedFigure("one-way ANOVA of force over answers, F", 30.24, 2, _anova("force_newton")),
    PublishedFigure("one-way ANOVA of amplitude, F", 29.6, 1, _anova("amplitude")),
    PublishedFigure("one-way ANOVA of playback rate, F", 3.9, 1, _anova("pitch")),
    PublishedFigure("logit of agreed: force × amplitude", 0.257, 3, _logit("force_newton x amplitude"), exact=False),
    PublishedFigure("logit: force × playback rate", -0.124, 3, _logit("force_newton x pitch"), exact=False),
    PublishedFigure("logit: amplitude × playback rate", 0.111, 3, _logit("amplitude x pitch"), exact=False),
    PublishedFigure("logit: amplitude squared", -0.217, 3, _logit("amplitude^2"), exact=False),
    PublishedFigure("logit: playback rate squared", -0.077, 3, _logit("pitch^2"), exact=False),
    PublishedFigure("logit: force", 0.10, 2, _logit("force_newton"), exact=False),
    PublishedFigure("ordinal: force × amplitude", 0.191, 3, _ordinal("force_newton x amplitude"), exact=False),
    PublishedFigure("ordinal: force × playback rate", -0.090, 3, _ordinal("force_newton x pitch"), exact=False),
    PublishedFigure("ordinal: amplitude squared", -0.110, 3, _ordinal("amplitude^2"), exact=False),
    PublishedFigure("ordinal: force", 0.120, 3, _ordinal("force_newton"), exact=False),
    PublishedFigure("ordinal: amplitude", 0.051, 3, _ordinal("amplitude"), exact=False),
    PublishedFigure("ordinal: playback rate", -0.016, 3, _ordinal("pitch"), exact=False),
    PublishedFigure("mixed linear: force × amplitude", 0.108, 3, _linear("force_newton x amplitude"), exact=False),
    PublishedFigure("mixed linear: force × playback rate", -0.048, 3, _linear("force_newton x pitch"), exact=False),
    PublishedFigure("mixed linear: amplitude squared", -0.062, 3, _linear("amplitude^2"), exact=False),
    PublishedFigure("mixed linear: playback rate squared", -0.027, 3, _linear("pitch^2"), exact=False),
    PublishedFigure("forest of the answer: amplitude", 0.36, 2, _forest("amplitude"), exact=False),
    PublishedFigure("forest of the answer: force", 0.32, 2, _forest("force_newton"), exact=False),
    PublishedFigure("forest of the answer: playback rate", 0.17, 2, _forest("pitch"), exact=False),
    PublishedFigure("PCA, first component", 0.260, 3, _pca(0), exact=False),
    PublishedFigure("PCA, second component", 0.253, 3, _pca(1), exact=False),
    PublishedFigure("ICC(1,1) between people, 64 cells", 0.065, 3, _icc, exact=False),
    PublishedFigure("Krippendorff's alpha, ordinal, 64 cells", 0.047, 3, _alpha, exact=False),
)  # fmt: skip
"""Every figure of the re-analysis that a table of trials alone can give."""
