"""The report's figures: one function a figure, distinguished by lightness and shape as well as by colour.

``report.figures`` puts them into the page and writes the same figure for a paper or a slide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.analysis.choice import GENERATED_PREFERRED
from experiments.analysis.labels import answer_text, factor_text, level_text, term_text
from experiments.analysis.results import Results
from robopatient.errors import require
from robopatient.report.figures import ACCENTS, INK, QUIET, RAMP, WIDTH_IN, new_figure, styled
from robopatient.study.questions import QUESTIONS

__all__ = ["FIGURES", "draw"]

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
AGREE_COLOURS = ("#a6611a", "#dfc27d", "#80cdc1", "#018571")
"""ColorBrewer BrBG, safe for colour-blind readers."""


def draw(results: Results) -> dict[str, Any]:
    """Every figure that the results can fill, by name."""
    figures = {}
    with styled():
        for name, function in FIGURES.items():
            figure = function(results)
            if figure is not None:
                figure.draw_without_rendering()
                figure.set_layout_engine("none")  # laid out once, not again for every file
                figures[name] = figure
    return figures


def _new(columns: int, height_in: float, **options: Any) -> tuple[Any, list[Any]]:
    figure = new_figure(WIDTH_IN, height_in, layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, columns, **options)))


def _percent_axis(axes: Any, axis: str = "y") -> None:
    formatter = require("matplotlib.ticker", "study").PercentFormatter(1.0, decimals=0, symbol=" %")
    getattr(axes, f"{axis}axis").set_major_formatter(formatter)


def answers(results: Results) -> Any:
    """Everybody's answers as a row of shares around the middle of the scale."""
    trials = results.trials
    if len(trials.scale) > 7 or not results.levels:
        return None
    table = trials.main
    shares = table.groupby("participant")["answer"].value_counts(normalize=True).unstack(fill_value=0.0)
    shares = shares.reindex(columns=range(len(trials.scale)), fill_value=0.0)
    shares = shares.loc[results.people["participant"]]
    asked = QUESTIONS.get(trials.question)
    labels = asked.labels if asked else ()
    levels = len(trials.scale)
    figure, (axes,) = _new(1, 0.9 + 0.235 * len(shares))
    colours = _diverging(levels)
    below = shares.iloc[:, : levels // 2].sum(axis=1)
    middle = shares.iloc[:, levels // 2] / 2 if levels % 2 else 0.0
    left = -(below + middle)
    for level in range(levels):
        axes.barh(
            np.arange(len(shares)), shares[level], left=left, height=0.74, color=colours[level],
            label=answer_text(labels, trials.scale, level),
        )  # fmt: skip
        left = left + shares[level]
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_yticks(np.arange(len(shares)), shares.index)
    axes.grid(visible=False, axis="y")
    reach = max(abs(axes.get_xlim()[0]), abs(axes.get_xlim()[1]))
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value) * 100:.0f} %")
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(levels, 4), handlelength=1.0, columnspacing=1.6
    )
    return figure


def levels(results: Results) -> Any:
    """Share agreed at each level of each factor, with intervals over people."""
    if not results.levels:
        return None
    widths = [max(2, len(table)) for table in results.levels.values()]
    figure, all_axes = _new(len(widths), 2.75, sharey=True, width_ratios=widths)
    overall = _overall(results)
    for axes, (name, table) in zip(all_axes, results.levels.items(), strict=True):
        place = np.arange(len(table))
        axes.axhline(overall, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.vlines(place, table["low"], table["high"], color=ACCENTS[0], linewidth=2.2, alpha=0.45)
        factor = results.trials.factor(name)
        joined = factor is not None and factor.ordered
        axes.plot(place, table["share"], "o-" if joined else "o", color=ACCENTS[0], markersize=6, linewidth=1.4)
        axes.set_xticks(place, [level_text(name, level).replace(" ", "\n", 1) for level in table[name]])
        axes.set_xlim(-0.6, len(table) - 0.4)
        axes.set_title(factor_text(name))
        axes.grid(visible=False, axis="x")
    _percent_axis(all_axes[0])
    all_axes[0].set_ylabel(_agreed_word(results))
    return figure


def curves(results: Results) -> Any:
    """Share agreed over each other factor, one line a level of the first."""
    if not results.pairs:
        return None
    figure, all_axes = _new(len(results.pairs), 3.5, sharey=True)
    for index, (axes, ((first, other), table)) in enumerate(zip(all_axes, results.pairs.items(), strict=True)):
        firsts = sorted(table[first].unique())
        for number, level in enumerate(firsts):
            part = table[table[first] == level]
            place = np.arange(len(part))
            colour = _ramp(number, len(firsts))
            axes.plot(
                place, part["share"], marker=MARKERS[number % len(MARKERS)], color=colour, linewidth=1.8, markersize=6,
                label=level_text(first, level),
            )  # fmt: skip
            match = results.matches.get(other, {}).get(level)
            if match is not None and np.isfinite(match.place) and 0 <= match.place <= len(part) - 1:
                axes.plot(
                    match.place, -0.03, marker="^", color=colour, markersize=7, clip_on=False,
                    transform=axes.get_xaxis_transform(), zorder=5,
                )  # fmt: skip
        axes.set_xticks(np.arange(len(part)), [level_text(other, level) for level in part[other]])
        axes.tick_params(axis="x", pad=12)
        axes.set_title(f"{factor_text(first)} with {factor_text(other).lower()}")
        if index == len(all_axes) - 1:
            axes.legend(title=factor_text(first), loc="center left", bbox_to_anchor=(1.0, 0.5), alignment="left")
    _percent_axis(all_axes[0])
    all_axes[0].set_ylabel(_agreed_word(results))
    return figure


def distance(results: Results) -> Any:
    """Share agreed by how far two factors are from matching, and everybody's matched minus worst."""
    if not results.distances:
        return None
    with_people = results.matched is not None and results.matched_pair is not None
    figure, all_axes = _new(2 if with_people else 1, 2.9, width_ratios=(1.25, 1) if with_people else None)
    axes = all_axes[0]
    first = next(iter(results.pairs))[0]
    for index, (name, table) in enumerate(results.distances.items()):
        shift = (index - (len(results.distances) - 1) / 2) * 0.12
        place = table["distance"] + shift
        axes.vlines(place, table["low"], table["high"], color=ACCENTS[index], linewidth=2.2, alpha=0.4)
        axes.plot(
            place, table["share"], marker=MARKERS[index], color=ACCENTS[index], linewidth=1.6, markersize=6,
            label=factor_text(name),
        )  # fmt: skip
    axes.set_xticks(sorted({int(d) for table in results.distances.values() for d in table["distance"]}))
    axes.set_xlabel(f"levels apart from {factor_text(first).lower()}")
    axes.set_title("The farther from matching, the less agreed?")
    axes.legend(loc="lower left")
    axes.set_ylabel(_agreed_word(results))
    _percent_axis(axes)
    if with_people:
        assert results.matched is not None
        assert results.matched_pair is not None
        axes = all_axes[1]
        ordered = results.matched.sort_values()
        colours = [ACCENTS[0] if value > 0 else ACCENTS[1] for value in ordered]
        axes.hlines(np.arange(len(ordered)), 0, ordered, color=colours, linewidth=2.2, alpha=0.45)
        for sign, marker in ((1, "o"), (-1, "s")):
            chosen = np.sign(ordered.to_numpy()) == sign
            axes.scatter(
                ordered[chosen], np.arange(len(ordered))[chosen], s=30, marker=marker, zorder=3,
                color=ACCENTS[0] if sign > 0 else ACCENTS[1],
            )  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.set_yticks(np.arange(len(ordered)), ordered.index, fontsize=8 if len(ordered) > 16 else None)
        axes.grid(visible=False, axis="y")
        axes.set_title(f"{factor_text(results.matched_pair[1])}: matched − worst, by person")
        _percent_axis(axes, "x")
    return figure


def weights(results: Results) -> Any:
    """Weights of the three ordinal models side by side."""
    models = [
        ("all trials", results.pooled),
        ("own main effects", results.own_main),
        ("own products too", results.own_products),
    ]
    known = [(name, table) for name, table in models if table is not None]
    if not known:
        return None
    terms = [term for term in known[0][1]["term"] if ": " not in term]
    figure, (axes,) = _new(1, 0.9 + 0.4 * len(terms))
    place = np.arange(len(terms))[::-1]
    for index, (name, table) in enumerate(known):
        rows = table.set_index("term").loc[terms]
        offset = 0.24 * ((len(known) - 1) / 2 - index)
        colour = ACCENTS[index]
        axes.hlines(place + offset, rows["low"], rows["high"], color=colour, linewidth=2.2, alpha=0.5)
        axes.plot(rows["weight"], place + offset, MARKERS[index], color=colour, markersize=5.5, label=name)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_yticks(place, [term_text(term) for term in terms], color=INK)
    axes.set_ylim(-0.6, len(terms) - 0.4)
    axes.set_xlabel("log odds of a higher answer, per level (per level² of products and squares)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=3, columnspacing=2.0)
    axes.grid(visible=False, axis="y")
    return figure


def personal(results: Results) -> Any:
    """Everybody's own weights of the products."""
    if results.own_products is None:
        return None
    own: pd.DataFrame = results.own_products.attrs["personal"]
    terms = [term for term in own.columns if " x " in term]
    if not terms:
        return None
    figure, all_axes = _new(len(terms), 0.9 + 0.19 * len(own), sharey=True)
    order = own[terms[0]].sort_values().index
    for axes, term in zip(all_axes, terms, strict=True):
        mean = float(results.own_products.set_index("term")["weight"][term])
        axes.axvspan(*_limits(results.own_products, term), color=ACCENTS[2], alpha=0.13, linewidth=0)
        axes.axvline(mean, color=ACCENTS[2], linewidth=1.4)
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.plot(own.loc[order, term], np.arange(len(order)), "o", color=ACCENTS[0], markersize=5.5)
        axes.set_title(term_text(term))
        axes.set_yticks(np.arange(len(order)), order)
        axes.set_xlabel("own weight, log odds per level²")
    return figure


def psychometric(results: Results) -> Any:
    """Psychometric functions with the shares that they were fitted to."""
    if not results.psychometric:
        return None
    figure, (axes,) = _new(1, 3.5)
    first = results.psychometric_by or results.stimulus
    for index, (level, function) in enumerate(results.psychometric.items()):
        x, yes, n = results.psychometric_counts[level]
        colour = _ramp(index, len(results.psychometric)) if len(results.psychometric) > 1 else ACCENTS[0]
        fine = np.linspace(x.min(), x.max(), 200)
        axes.plot(fine, function.probability(fine), color=colour, linewidth=1.8)
        axes.scatter(
            x, yes.sum(axis=0) / np.maximum(n.sum(axis=0), 1), s=36, marker=MARKERS[index % len(MARKERS)], color=colour,
            label=level_text(first, level) if level != "" else None, zorder=3,
        )  # fmt: skip
    axes.axhline(0.5, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(_axis_name(results.stimulus))
    axes.set_ylabel("“too strong”" if min(results.trials.scale) < 0 else _agreed_word(results))
    _percent_axis(axes)
    if len(results.psychometric) > 1:
        axes.legend(title=factor_text(first), loc="center left", bbox_to_anchor=(1.0, 0.5), alignment="left")
    return figure


def power(results: Results) -> Any:
    """Magnitudes over intensity on logarithmic axes, one panel a law, with everybody's exponents below."""
    if not results.power_laws:
        return None
    ticker = require("matplotlib.ticker", "study")
    count = len(results.power_laws)
    figure = new_figure(WIDTH_IN, 5.0, layout="constrained")
    sharing = "row" if count == 1 else False
    all_axes = figure.subplots(2, count, squeeze=False, height_ratios=(3, 1), sharex=sharing)
    low = min(law.by_person.min() for law in results.power_laws.values())
    high = max(law.by_person.max() for law in results.power_laws.values())
    for index, (part, law) in enumerate(results.power_laws.items()):
        colour, axes = ACCENTS[index % len(ACCENTS)], all_axes[0][index]
        x, y = law.points["intensity"].to_numpy(), law.points["magnitude"].to_numpy()
        centre = np.exp(np.log(x).mean()), np.exp(np.log(y).mean())
        axes.loglog(x, centre[1] * (x / centre[0]) ** law.exponent, color=colour, linewidth=1.6)
        axes.loglog(x, y, MARKERS[index % len(MARKERS)], color=colour, markersize=7)
        axes.set_title(f"{part.capitalize()}: exponent {law.exponent:.2f}" if part else f"Exponent {law.exponent:.2f}")
        axes.set_xlabel("intensity")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ticker.FormatStrFormatter("%.3g"))
            axis.set_minor_formatter(ticker.NullFormatter())
        axes.set_xticks(x[:: 1 + len(x) // 6])
        axes = all_axes[1][index]
        ordered = law.by_person.sort_values()
        axes.axvline(law.exponent, color=colour, linewidth=1.4)
        axes.plot(ordered, np.linspace(0, 1, len(ordered) + 2)[1:-1], "o", color=colour, markersize=5, alpha=0.8)
        axes.set_xlim(low - 0.1, high + 0.1)
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("everybody's exponent")
    all_axes[0][0].set_ylabel("magnitude, geometric mean")
    return figure


def choice(results: Results) -> Any:
    """How often each person chose an option, with the mean and the published reference."""
    if results.choice is None:
        return None
    ordered = results.choice.by_person.sort_values()
    figure, (axes,) = _new(1, 1.1 + 0.2 * len(ordered))
    axes.axvspan(*results.choice.interval, color=ACCENTS[0], alpha=0.13, linewidth=0)
    axes.axvline(results.choice.share, color=ACCENTS[0], linewidth=1.6)
    axes.axvline(0.5, color=INK, linewidth=0.9)
    axes.plot(ordered, np.arange(len(ordered)), "o", color=ACCENTS[0], markersize=5.5)
    if results.choice.option == "generated":
        axes.axvline(GENERATED_PREFERRED, color=ACCENTS[1], linewidth=1.4, linestyle=(0, (4, 3)))
        axes.annotate("PainDiffusion", (GENERATED_PREFERRED, len(ordered) - 0.4), color=ACCENTS[1], ha="center")
    axes.set_yticks(np.arange(len(ordered)), ordered.index)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"chose {results.choice.option} over {results.choice.other}")
    _percent_axis(axes, "x")
    return figure


def timing(results: Results) -> Any:
    """Distributions of the latencies from the trigger."""
    if not results.timing:
        return None
    figure, all_axes = _new(len(results.timing), 2.5)
    for axes, one, colour in zip(all_axes, results.timing, ACCENTS, strict=False):
        shown = one.values_ms[one.values_ms <= np.percentile(one.values_ms, 99.5)]
        axes.hist(shown, bins=40, color=colour, alpha=0.75)
        axes.axvline(one.p50_ms, color=INK, linewidth=1.0)
        axes.set_title(one.name.capitalize())
        axes.set_xlabel("ms")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
    return figure


def importances(results: Results) -> Any:
    """The published forest's importances beside those of a forest that predicts the answer."""
    if results.published is None:
        return None
    figure, (axes,) = _new(1, 2.6)
    names = list(results.published.importance_of_cluster)[::-1]
    place = np.arange(len(names))
    sets = (
        ("of the k-means cluster (as published)", results.published.importance_of_cluster, QUIET),
        ("of the human answer", results.published.importance_of_answer, ACCENTS[0]),
    )
    for index, (label, values, colour) in enumerate(sets):
        axes.barh(place + 0.2 - 0.4 * index, [values[n] for n in names], height=0.36, color=colour, label=label)
    axes.set_yticks(place, [factor_text(name) for name in names], color=INK)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("importance in a random forest (shares of 1)")
    axes.legend(loc="lower right")
    return figure


FIGURES = {
    "answers": answers,
    "levels": levels,
    "curves": curves,
    "distance": distance,
    "weights": weights,
    "personal": personal,
    "psychometric": psychometric,
    "power": power,
    "choice": choice,
    "timing": timing,
    "importances": importances,
}


def _overall(results: Results) -> float:
    table = next(iter(results.levels.values()))
    return float(np.average(table["share"], weights=table["n"]))


def _agreed_word(results: Results) -> str:
    low, high = results.trials.scale[0], results.trials.scale[-1]
    if low < 0 < high:
        return "“fits”"
    asked = QUESTIONS.get(results.trials.question)
    return f"“{asked.labels[-1]}”" if asked is not None and len(asked.labels) == 2 else "agreed"


def _axis_name(name: str) -> str:
    unit = level_text(name, 1).partition(" ")[2] if name != "amplitude" else "gain"
    return f"{factor_text(name)}, {unit}" if unit else factor_text(name)


def _limits(table: pd.DataFrame, term: str) -> tuple[float, float]:
    row = table.set_index("term").loc[term]
    return float(row["low"]), float(row["high"])


def _ramp(index: int, count: int) -> Any:
    """Colour of one of ``count`` ordered levels; up to four are the page's own."""
    if count <= len(RAMP):
        return RAMP[round(index * (len(RAMP) - 1) / max(1, count - 1))]
    colours = require("matplotlib.colors", "study").LinearSegmentedColormap.from_list("ramp", RAMP)
    return colours(index / (count - 1))


def _diverging(levels: int) -> Sequence[Any]:
    if levels == len(AGREE_COLOURS):
        return AGREE_COLOURS
    middle = (*AGREE_COLOURS[:2], "#dcdcdc", *AGREE_COLOURS[2:])
    colours = require("matplotlib.colors", "study").LinearSegmentedColormap.from_list("brbg", middle)
    return [colours(level / max(1, levels - 1)) for level in range(levels)]
