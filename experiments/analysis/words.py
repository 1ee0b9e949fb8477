"""The report's sentences: what was found, said so that it can be quoted, and no stronger than the interval allows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.analysis.labels import factor_text, level_text
from experiments.analysis.results import Results
from policies.statistics.over_people import detectable, mean_interval
from robopatient.report.numbers import number, percent, tiny
from robopatient.study.questions import QUESTIONS

__all__ = ["AnalysisStep", "in_short", "published_steps", "settled"]


class AnalysisStep(NamedTuple):
    """One step of the published analysis: what it gives here, what it shows and what it does not."""

    name: str
    found: str
    shows: str
    does_not: str


def in_short(results: Results) -> list[str]:
    """A handful of sentences, the most important first."""
    trials = results.trials
    lines = []
    if results.levels and results.choice is None and not results.psychometric:
        first = next(iter(results.levels.values()))
        share = float(np.average(first["share"], weights=first["n"]))
        spread = results.people["share"]
        lines.append(
            f"{_people(len(trials.participants))} judged {len(trials.main)} trials and {_agreed(results)} in "
            f"{percent(share, 1)} of them; from person to person that ranged from {percent(spread.min())} to "
            f"{percent(spread.max())}."
        )
    if results.own_products is not None:
        lines += [_product(results.own_products, term, _latent(results)) for term in _products(results.own_products)]
    elif results.pooled is not None:
        lines += [_product(results.pooled, term, _latent(results)) for term in _products(results.pooled)]
    if results.matched is not None and results.matched_pair is not None:
        lines.append(_matched(results))
    for level, function in results.psychometric.items():
        where = f" at {level_text(results.psychometric_by, level)}" if level != "" else ""
        what = "Neither too weak nor too strong" if trials.scale[0] < 0 else "Both answers are as frequent"
        lines.append(
            f"{what}{where}: {factor_text(results.stimulus).lower()} {number(function.pse)} "
            f"{_interval(function.pse_interval)}; the just noticeable difference is {number(abs(function.jnd))} "
            f"{_interval(_positive(function.jnd_interval))}."
        )
    for part, law in results.power_laws.items():
        lines.append(
            f"Magnitude grows as the intensity{f' of the {part}' if part else ''} to the power of {law.exponent:.2f} "
            f"{_interval(law.interval)}; exponents of {len(law.by_person)} people range from "
            f"{law.by_person.min():.2f} to {law.by_person.max():.2f}."
        )
    if results.choice is not None:
        choice = results.choice
        lines.insert(
            0,
            f"{_people(len(choice.by_person))} chose {choice.option} over {choice.other} in "
            f"{percent(choice.share, 1)} of "
            f"the comparisons {_interval(choice.interval, 3)}, and whatever came first in "
            f"{percent(choice.first_share)}.",
        )
    again = results.hidden or results.retest
    if again is not None:
        lines.append(
            f"Asked the same thing twice, people gave the same answer in {percent(again.same)} of {again.pairs} pairs "
            f"(two of their own answers at random: {percent(again.chance_same)})."
        )
    if results.alpha is not None:
        lines.append(
            f"Between people, agreement beyond chance is {_alpha_word(results.alpha)}: alpha {results.alpha:.3f}."
        )
    return lines


def settled(results: Results) -> list[str]:
    """A line for each mixed model that settled; one that did not is left out, and ``results.skipped`` says why."""
    models = {
        "Cumulative-link mixed model, own main effects": results.own_main,
        "Cumulative-link mixed model, own products": results.own_products,
        "Mixed linear model, own main effects": results.linear,
        "Mixed linear model, own products": results.linear_products,
    }
    edge = ", at the boundary: a spread over people is estimated as none"
    return [
        f"{name}: settled{edge if table['boundary'].any() else ''}."
        for name, table in models.items()
        if table is not None
    ]


def _codes(levels: tuple[str, ...]) -> str:
    return ", ".join(f"{code} {level}" for code, level in enumerate(levels))


def published_steps(results: Results) -> list[AnalysisStep]:
    """The published analysis on this table, step by step."""
    found = results.published
    if found is None:
        return []
    force = found.by_choice["force_newton"]
    different = found.tukey[found.tukey["p"] < 0.05]
    strongly = sorted({int(row) for row in different["first"]} | {int(row) for row in different["second"]})
    largest = max(found.importance_of_cluster, key=lambda name: found.importance_of_cluster[name])
    answer = max(found.importance_of_answer, key=lambda name: found.importance_of_answer[name])
    coded = "".join(f", {factor_text(name).lower()} as {_codes(levels)}" for name, levels in found.words.items())
    cuts = ", ".join(f"{factor_text(name).lower()} {count}" for name, count in found.cut_by_seed.items())
    steps = [
        AnalysisStep(
            "One-way ANOVA of the force over the four answers, Tukey's test",
            f"F({force.between}, {force.within}) = {force.f:.1f}, p = {tiny(force.p)}; "
            + (f"{len(different)} of {len(found.tukey)} pairs differ" if strongly else "no pair differs"),
            "that answers and force are related somewhere",
            "that people matched anything: force was chosen by the computer, the answer by the person; the test has "
            "the "
            "two the wrong way round, looks at one factor at a time, and takes trials of one person as independent",
        ),
        AnalysisStep(
            "The same for amplitude and playback rate",
            ", ".join(
                f"{factor_text(name).lower()} F = {one.f:.1f}"
                for name, one in found.by_choice.items()
                if name != "force_newton"
            ),
            "that the means of these factors differ between answers",
            "congruence, which is a product of force and sound and cancels in such means",
        ),
        AnalysisStep(
            f"Principal components of the four factors{coded}",
            f"{percent(found.pca_shares[0], 1)} and {percent(found.pca_shares[1], 1)} of the variance",
            "that the design is balanced: four unrelated factors give 25 % each",
            "anything about people: their answers do not enter",
        ),
        AnalysisStep(
            f"k-means of the factors, best k = {found.best_k} by silhouette "
            f"({found.silhouettes.get(found.best_k, math.nan):.3f})",
            f"with {sum(found.cut_by_seed.values())} random seeds the table was cut along: {cuts}",
            "how a computer halves a regular grid",
            "groups of people or of sounds: which factor is cut is decided by the random seed",
        ),
        AnalysisStep(
            "Random forest that predicts the cluster",
            f"most important: {factor_text(largest).lower()} ({found.importance_of_cluster[largest]:.2f})",
            "along which factor k-means happened to cut",
            "which cue people used: that is what a forest of the answers asks, and there the most important one is "
            f"{factor_text(answer).lower()} ({found.importance_of_answer[answer]:.2f})",
        ),
    ]
    if found.peak_by_target is not None:
        peak = found.peak_by_target
        steps.insert(
            0,
            AnalysisStep(
                "One-way ANOVA of the largest force by target",
                f"F({peak.between}, {peak.within}) = {peak.f:.1f}, p = {tiny(peak.p)}",
                "that people pressed harder for higher targets",
                "that they kept to the target: look at the overshoot",
            ),
        )
    return steps


def _products(table: pd.DataFrame) -> list[str]:
    """Products that have personal weights, or the first one."""
    if "spread" in table:
        return [row["term"] for _, row in table.iterrows() if " x " in row["term"] and math.isfinite(row["spread"])]
    return [term for term in table["term"] if " x " in term][:1]


def _product(table: pd.DataFrame, term: str, latent: str) -> str:
    row = table.set_index("term").loc[term]
    weight, low, high = float(row["weight"]), float(row["low"]), float(row["high"])
    one, two = (factor_text(name).lower() for name in term.split(" x "))
    known = math.isfinite(low)
    sure = known and (low > 0) == (high > 0)
    direction = "a higher" if weight > 0 else "a lower"
    limits = f" (weight {number(weight, 3)}, 95 % interval {number(low, 3)} to {number(high, 3)})" if known else ""
    limits = limits or f" (weight {number(weight, 3)})"
    if latent not in ("congruence", "mismatch", "naturalness", "preference"):  # a rating, not whether things fit
        if sure:
            return f"The effect of {two} on the answers {'grows' if weight > 0 else 'shrinks'} with {one}{limits}."
        return f"Whether the effect of {two} on the answers changes with {one} is open{limits}."
    if sure:
        return f"More {one} goes with {direction} {two} in the answers{limits}."
    return f"Whether {two} should follow {one} is open{limits}."


def _matched(results: Results) -> str:
    assert results.matched is not None
    assert results.matched_pair is not None
    gain = results.matched.dropna()
    first, other = (factor_text(name).lower() for name in results.matched_pair)
    low, high = mean_interval(gain.to_numpy())
    limits = f" (95 % interval {number(100 * low, 0)} to {_points(high)})" if math.isfinite(low) else ""
    needed = detectable(float(gain.std()), len(gain))
    power = (
        f" A study of this size finds a difference of {_points(needed)} or more with 80 % power."
        if math.isfinite(needed)
        else ""
    )
    return (
        f"With {other} on the level of the {first}, people {_agreed(results)} in {_points(gain.mean())} more trials "
        f"than with it farthest off{limits}; {int((gain > 0).sum())} of {len(gain)} people did so.{power}"
    )


def _points(share: float) -> str:
    """A difference of shares: percentage points, not percent."""
    return f"{100 * share:.0f} percentage points".replace("-", "−")


AGREED = {
    "congruence": "agreed",
    "mismatch": "said that it fits",
    "naturalness": "found it natural",
    "pain": "rated it in the upper half of the scale",
    "preference": "preferred the second",
    "delay": "said that it came late",
    "realism": "gave the second answer",
}
"""What an answer in the upper half of a question's scale (of a signed one: in its middle) says."""


def _latent(results: Results) -> str:
    asked = QUESTIONS.get(results.trials.question)
    if asked is not None:
        return asked.latent
    return "mismatch" if results.trials.scale[0] < 0 < results.trials.scale[-1] else "congruence"


def _agreed(results: Results) -> str:
    return AGREED.get(_latent(results), "gave an answer in the upper half of the scale")


def _people(count: int) -> str:
    return "One person" if count == 1 else f"{count} people"


def _positive(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = sorted(map(abs, limits))
    return low, high


def _interval(limits: tuple[float, float], decimals: int = 2) -> str:
    low, high = limits
    return (
        f"(95 % interval {number(low, decimals)} to {number(high, decimals)})"
        if math.isfinite(low)
        else "(no interval: too few people)"
    )


def _alpha_word(alpha: float) -> str:
    if not math.isfinite(alpha):
        return "undefined, because all answers are alike"
    for limit, word in ((0.8, "strong"), (0.667, "fair"), (0.2, "weak")):
        if alpha >= limit:
            return word
    return "close to none"
