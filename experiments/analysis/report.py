"""One page for a psychophysicist to read alone: what was asked, what was found, how sure that is, what it is not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import pandas as pd
from markupsafe import Markup

import robopatient
from experiments.analysis.labels import factor_text, level_text, term_text
from experiments.analysis.reference import PEOPLE, REFERENCES, TRIALS, applies
from experiments.analysis.results import Results
from experiments.analysis.words import in_short, published_steps
from robopatient.report.figures import inline_svg
from robopatient.report.numbers import number, percent, tiny
from robopatient.report.page import PageCell, PageColumn, PageSection, columns, figure, render, table
from robopatient.study.questions import QUESTIONS

__all__ = ["page"]

Cells = Sequence[str]


def page(results: Results, figures: dict[str, Any]) -> str:
    """The report as one self-contained HTML document.

    Parameters
    ----------
    figures
        From ``charts.draw``.
    """
    parts = {
        "Which was chosen": _choice,
        "Answers": _answers,
        "Agreement": _agreement,
        "What matches what": _matching,
        "Psychometric functions": _psychometric,
        "Magnitudes": _magnitudes,
        "Models of the answers": _models,
        "Do people agree, with others and with themselves?": _reliability,
        "Timing": _timing,
        "The published analysis beside it": _published,
        "All 20 people of the published study": _references,
        "What was left out, and what these numbers are not": _caveats,
    }
    sections = [PageSection(title, Markup(make(results, figures))) for title, make in parts.items()]
    trials = results.trials
    asked = QUESTIONS.get(trials.question)
    question = f"“{asked.prompt}”" if asked else trials.question or "not named"
    answers = f", answered {asked.labels[0]} … {asked.labels[-1]}" if asked and asked.labels else ""
    dropped = "; ".join(f"{count} {reason}" for reason, count in trials.dropped.items())
    varied = ", ".join(f"{factor_text(f.name).lower()} ({len(f.levels)})" for f in trials.factors) or "nothing"
    return render(
        "sections.html",
        title=f"Analysis of {trials.study or 'rated trials'}",
        kind="Robopatient · study",
        facts=(
            f"{len(trials.participants)} people · {len(trials.main)} rated trials"
            + (f" (left out: {dropped})" if dropped else ""),
            f"Question: {question}{answers}",
            f"Varied (levels): {varied}",
        ),
        remarks=trials.remarks,
        lead=Markup(_short(results)),
        sections=[section for section in sections if section.body],
        footer=f"Made by robopatient {robopatient.__version__} from {trials.source}. All numbers are in analysis.json "
        "and tables/, all figures in figures/ beside this page. Again: robopatient study analyse "
        f"{trials.source} --out DIR",
    )


def _short(results: Results) -> str:
    lines = in_short(results)
    return f'<ul class="short">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>' if lines else ""


def _answers(results: Results, figures: dict[str, Any]) -> str:
    return _figure(
        figures, "answers",
        "Everybody's answers as shares of their trials, sorted by how often they gave a higher answer. Bars start at "
        "the middle of "
        "the "
        "scale: higher answers lie to the right.",
    )  # fmt: skip


def _agreement(results: Results, figures: dict[str, Any]) -> str:
    if not results.levels:
        return ""
    heats = "".join(_heat(shares, *names) for names, shares in results.pairs.items())
    return (
        _figure(
            figures, "levels",
            "Share at each level, over all other factors. Bars: 95 % intervals over people; dashed: all trials. A flat "
            "row does not mean that a factor is unimportant: congruence is a "
            "matter "
            "of pairs of levels, below.",
        )
        + (f'<div class="pair">{heats}</div><p class="quiet">Stronger colour: agreed more often. Small: 95 % interval '
           "over people.</p>" if heats else "")
    )  # fmt: skip


def _heat(shares: pd.DataFrame, first: str, other: str) -> str:
    low, high = shares["share"].min(), shares["share"].max()
    rows = []
    for level, part in shares.groupby(first):
        cells: list[PageCell] = [level_text(first, level)]
        for _, one in part.sort_values(other).iterrows():
            depth = 8 + 62 * (one["share"] - low) / max(high - low, 1e-9)
            known = math.isfinite(one["low"])
            limits = f"{number(100 * one['low'])}–{percent(one['high'])}" if known else ""
            cell = Markup('<span class="heat" style="--depth:{:.0f}%">{}<small>{}</small></span>')
            cells.append(cell.format(depth, percent(one["share"], 1), limits))
        rows.append(cells)
    title = f"{factor_text(first)} with {factor_text(other).lower()}"
    heads = columns(f":{factor_text(first)}", *(level_text(other, level) for level in sorted(shares[other].unique())))
    return f'<div class="half"><h3>{escape(title)}</h3>{_table(title, heads, rows)}</div>'


def _matching(results: Results, figures: dict[str, Any]) -> str:
    if not results.pairs:
        return ""
    text = _figure(
        figures, "curves",
        "Share agreed over each factor, one line a level of the first. "
        + ("Triangles on the axis: where agreement peaks by a quadratic logit." if results.matches else ""),
    )  # fmt: skip
    rows = []
    for other, by_level in results.matches.items():
        factor = results.trials.factor(other)
        assert factor is not None
        for level, match in by_level.items():
            place = "no peak: agreement does not fall towards both ends"
            if math.isfinite(match.place):
                last = len(factor.levels) - 1
                nearest = level_text(other, factor.levels[round(min(max(match.place, 0), last))])
                outside = ", beyond what was presented" if match.clipped else ""
                limits = (
                    f"{number(match.interval[0] + 1, 1)} to {number(match.interval[1] + 1, 1)}"
                    if math.isfinite(match.interval[0])
                    else "too few people, or no peak without one of them"
                )
                place = f"level {number(match.place + 1, 1)} ({limits}), near {nearest}{outside}"
            rows.append((factor_text(other), level_text(next(iter(results.pairs))[0], level), place))
    if rows:
        text += (
            '<details><summary>Best-matching levels with 95 % intervals over people</summary>'
            + _table("Best-matching levels", columns(":factor", ":at", "::agreement peaks at"), rows)
            + "</details>"
        )  # fmt: skip
    return text + _figure(
        figures, "distance",
        "Left: how often people agreed when two factors lay so many levels apart; a line that falls says that matching "
        "levels are wanted, one that rises that opposite ones are. Right: each person's gain from matching.",
    )  # fmt: skip


def _psychometric(results: Results, figures: dict[str, Any]) -> str:
    if not results.psychometric:
        return ""
    first = results.psychometric_by or results.stimulus
    rows = [
        (
            level_text(first, level) if level != "" else "all",
            number(f.pse, 3), f"{number(f.pse_interval[0], 3)} to {number(f.pse_interval[1], 3)}",
            number(abs(f.jnd), 3), "{} to {}".format(*(number(end, 3) for end in sorted(map(abs, f.jnd_interval)))),
            percent(f.lapse, 1),
        )
        for level, f in results.psychometric.items()
    ]  # fmt: skip
    return (
        _figure(
            figures, "psychometric",
            "Cumulative normal with a lapse rate, maximum likelihood; places and "
            "widths differ between people, and the curve is that of all answers. The point of subjective equality "
            "(PSE) is where both answers are as frequent, the just noticeable difference (JND) the step from there to "
            "75 %.",
        )
        + _table(
            "Points of subjective equality and just noticeable differences",
            columns(f":{factor_text(first)}", "PSE", "95 % interval", "JND", "95 % interval", "lapses"),
            rows,
        )
    )  # fmt: skip


def _magnitudes(results: Results, figures: dict[str, Any]) -> str:
    if not results.power_laws:
        return ""
    left_out = sum(law.left_out for law in results.power_laws.values())
    zeros = f" {left_out} answers of zero have no logarithm and were left out." if left_out else ""
    rows = [
        (part or "all", number(law.exponent, 3), f"{number(law.interval[0], 3)} to {number(law.interval[1], 3)}",
         str(len(law.by_person)))
        for part, law in results.power_laws.items()
    ]  # fmt: skip
    return _figure(
        figures, "power",
        "Magnitude estimates over intensity, both logarithmic, each person's own scale taken out. The exponent is the "
        "mean "
        f"of everybody's own slope.{zeros} For comparison, Stevens: loudness 0.67, pressure on the palm 1.1, muscle "
        "force 1.7.",
    ) + _table("Exponents", columns(":part", "exponent", "95 % interval", "people"), rows)  # fmt: skip


def _choice(results: Results, figures: dict[str, Any]) -> str:
    return _figure(
        figures, "choice",
        "Each person's share, the mean with its 95 % interval over people (band), and what chance gives (50 %). "
        "Dashed: "
        "how often clinicians took a face of PainDiffusion for the more real one (31.2 %, arXiv 2409.11635).",
    )  # fmt: skip


def _models(results: Results, figures: dict[str, Any]) -> str:
    if results.pooled is None:
        return ""
    text = (
        "<p>A cumulative-link (ordered logit) model: the log odds of a higher answer are a weighted sum of the "
        "factors' "
        "ranks, their products and squares. A positive product says that the best level of one factor rises with the "
        "other's: that is what congruence means here. Three versions differ in what they let differ between people; "
        "the one with own products is quoted. All intervals are Student's t over people: they hold for other "
        "people, not for other trials of these.</p>"
        + _figure(
            figures, "weights",
            "Weights with 95 % intervals. Circles: one model for all trials, intervals by leaving out each person. "
            "Squares: "
            "everybody has an own place on the scale and own main effects. Triangles: own products as well, which is "
            "what a statement about people other than these needs (Barr et al. 2013).",
        )
        + _figure(
            figures, "personal",
            "Everybody's own weight of the products (shrunk towards the mean by the model). Line and band: mean and "
            "95 % "
            "interval.",
        )
    )  # fmt: skip
    tables = [
        ("Cumulative link, all trials, intervals over people", results.pooled),
        ("Cumulative-link mixed model, own main effects", results.own_main),
        ("Cumulative-link mixed model, own products", results.own_products),
        ("Mixed linear model of the answers as numbers, own main effects", results.linear),
        ("Mixed linear model, own products", results.linear_products),
    ]
    details = "".join(f"<h3>{title}</h3>{_model_table(title, model)}" for title, model in tables if model is not None)
    return f"{text}<details><summary>All weights as tables</summary>{details}</details>"


def _model_table(title: str, model: pd.DataFrame) -> str:
    heads = {
        "weight": "weight",
        "low": "2.5 %",
        "high": "97.5 %",
        "z": "z, as if trials were independent",
        "t": "t",
        "p": "p",
        "spread": "SD over people",
    }
    shown = [name for name in heads if name in model]
    decimals = {"z": 1, "t": 1, "p": 3}
    rows = [
        (term_text(row["term"]), *(tiny(row[name], decimals.get(name, 3)) if name == "p" else
                                   number(row[name], decimals.get(name, 3)) for name in shown))
        for _, row in model.iterrows()
    ]  # fmt: skip
    note = (
        '<p class="quiet">A spread over people is estimated as none: the fit lies on its boundary.</p>'
        if model.attrs.get("boundary")
        else ""
    )
    return _table(title, columns(":term", *(heads[name] for name in shown)), rows) + note


def _reliability(results: Results, _: dict[str, Any]) -> str:
    rows: list[Cells] = []
    for name, one in (("hidden repeats", results.hidden), ("any stimulus that came again", results.retest)):
        if one is not None:
            rows += [
                (f"same answer, {name}", percent(one.same, 1), percent(one.chance_same, 1), f"{one.pairs} pairs"),
                (f"same side of the scale, {name}", percent(one.same_side, 1), percent(one.chance_same_side, 1), ""),
                (f"mean difference, steps, {name}", f"{one.difference:.2f}", f"{one.chance_difference:.2f}", ""),
            ]
    if results.alpha is not None:
        rows.append(("Krippendorff's alpha (ordinal), same stimulus", number(results.alpha, 3), "0", "1 is perfect"))
    if results.icc_one is not None:
        rows.append(("ICC(1,1), same stimulus", number(results.icc_one, 3), "0", "one answer of one person"))
    if results.icc is not None:
        over = " × ".join(factor_text(name).lower() for name in results.icc_over)
        rows += [
            (f"ICC(A,1), mean answers by {over}", number(results.icc.agreement_one, 3), "0", "one person's mean"),
            (f"ICC(A,k), mean answers by {over}", number(results.icc.agreement_mean, 3), "0",
             f"mean of {results.icc.raters} people"),
        ]  # fmt: skip
    if not rows:
        return ""
    return _table("Agreement", columns(":measure", "found", "by chance", "::of"), rows) + (
        '<p class="quiet">How often a person repeats an answer bounds what any model of the stimuli can predict. Alpha '
        "and "
        "ICC(1,1) are about single answers; ICC(A,k) says how well the mean of these people would return with "
        "others.</p>"
    )


def _timing(results: Results, figures: dict[str, Any]) -> str:
    if not results.timing:
        return ""
    rows = [
        (one.name, *(f"{ms:.1f}" for ms in (one.lag_ms, one.sd_ms, one.p50_ms, one.p99_ms)), str(len(one.values_ms)))
        for one in results.timing
    ]  # fmt: skip
    return _figure(
        figures, "timing", "From the trigger to what left this computer, all trials; line: median."
    ) + _table("Timing, ms", columns(":ms", "lag (mean)", "SD", "median", "99 %", "n"), rows)


def _published(results: Results, figures: dict[str, Any]) -> str:
    steps = published_steps(results)
    if not steps:
        return ""
    rows = [(step.name, step.found, step.shows, step.does_not) for step in steps]
    heads = columns(":step", "::here", "::shows", "::does not show")
    return (
        "<p>What the study of arXiv 2506.11827 was published with, run on this table. That pitch weighs more than "
        "amplitude, "
        f"as its abstract says, is the outcome of the last step. {_weightier(results)}</p>"
        + _table("The published analysis, step by step", heads, rows)
        + _figure(
            figures, "importances",
            "The same forest with two questions: which factor predicts the k-means cluster (published), and which "
            "predicts "
            "whether the person agreed.",
        )
    )  # fmt: skip


def _weightier(results: Results) -> str:
    """What the models of the answers say about the two cues."""
    if results.own_products is None:
        return "Compare it with the models of the answers, above."
    weights = results.own_products.set_index("term")["weight"].abs()
    loudness, pitch = (weights.get(f"force_newton x {name}", math.nan) for name in ("amplitude", "pitch"))
    more, less = ("amplitude", "pitch") if loudness > pitch else ("pitch", "amplitude")
    return (
        f"In the models of the answers, above, the product of force with {more} has the larger weight "
        f"({max(loudness, pitch):.2f} against {min(loudness, pitch):.2f} of {less})."
    )


def _references(results: Results, _: dict[str, Any]) -> str:
    if not applies(results) or results.linear is None or results.published is None or results.retest is None:
        return ""
    whole = len(results.trials.main) == TRIALS and len(results.trials.participants) == PEOPLE
    rows = [
        (one.name, number(one.published, one.decimals), number(one.of(results), one.decimals)) for one in REFERENCES
    ]
    lead = (
        "This is the whole published table: the two columns must agree."
        if whole
        else f"This table has {len(results.trials.participants)} people and {len(results.trials.main)} trials, the "
        "published "
        f"study {PEOPLE} and {TRIALS}: the columns differ by who was drawn."
    )
    return (
        f"<p>An independent re-analysis of the study's public raw data beside the same figures of this table. "
        f"{lead}</p>"
        "<details><summary>"
        f"{len(rows)} figures</summary>{_table('Published figures', columns(':figure', 'published', 'here'), rows)}"
        "</details>"
    )


def _caveats(results: Results, _: dict[str, Any]) -> str:
    points = [f"{escape(name)}: {escape(why)}." for name, why in results.skipped.items()]
    points += [
        "Ranks stand for levels: a weight per level says nothing about decibels or newtons in between.",
        "Intervals are about people like these. Sounds, faces and the phantom are taken as they are: nothing here "
        "says that "
        "other sounds would give the same.",
        "Agreement that something fits is not realism, and not pain.",
        "Terms were fixed beforehand by the factors; nothing was selected by looking. Squares and products are many: "
        "single "
        "intervals that just miss zero mean little.",
    ]
    if results.own_products is not None:
        points.append(
            "The mixed cumulative-link model estimates its spreads by the Laplace approximation; R's ordinal::clmm "
            "with "
            "the exported table is a second opinion."
        )
    return "<ul>" + "".join(f'<li class="quiet">{point}</li>' for point in points) + "</ul>"


def _figure(figures: dict[str, Any], name: str, caption: str) -> str:
    if name not in figures:
        return ""
    return str(figure(inline_svg(figures[name], caption.partition(". ")[0]), caption))


def _table(caption: str, heads: Sequence[PageColumn], rows: Iterable[Sequence[PageCell]]) -> str:
    return str(table(caption, heads, rows))
