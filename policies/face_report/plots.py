"""The plots of the page: the same colours for the same generator in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from policies.face_evaluate import AGAIN, TO_BEAT, FaceEvaluation
from policies.face_metrics.cases import pspi_of
from policies.face_metrics.events import COURSE
from robopatient.errors import require
from robopatient.face.generator.motion import MOTION_HZ
from robopatient.report.figures import inline_svg, new_figure, styled

__all__ = ["colours", "plot_ahead", "plot_courses", "plot_dose", "plot_drift", "plot_traces"]

OURS, HELD_OUT, CEILING = "#c04a12", "#1f2328", "#62686f"
OTHERS = ("#2a6f97", "#3c8d5a", "#8e6c1f", "#6a4c93", "#1b998b", "#9c4f76", "#5c6f82")

LABELS = {
    "pain_sim": "PainSim, corrected",
    "pain_dist": "PainDist, kernel",
    "pain_corr": "PainCorr, mean",
    "FRCorr": "FRCorr",
    "FRDist": "FRDist",
    "lag_error_s": "lag error",
}


def colours(result: FaceEvaluation) -> dict[str, str]:
    """Colour of every generator."""
    rest = [name for name in result.names if name not in (result.ours, AGAIN)]
    chosen = {result.ours: OURS, AGAIN: CEILING, "held-out": HELD_OUT}
    return chosen | {name: OTHERS[i % len(OTHERS)] for i, name in enumerate(rest)}


@styled()
def plot_ahead(result: FaceEvaluation) -> Markup:
    """How far ahead of each baseline, in units of the baseline's own value, with intervals over people."""
    colour = colours(result)
    baselines = list(result.ahead)
    figure, axes = _figure(3.0 + 0.1 * len(baselines), len(TO_BEAT))
    for axis, metric in zip(axes, TO_BEAT, strict=True):
        for row, name in enumerate(baselines):
            gain, against = result.ahead[name][metric], abs(result.summary[name][metric].value)
            if not np.isfinite(gain.value) or against < 1e-9:
                continue
            low, mid, high = (100.0 * v / against for v in (gain.low, gain.value, gain.high))
            sure = low > 0.0 or high < 0.0
            axis.plot([low, high], [row, row], color=colour[name], linewidth=2.5, solid_capstyle="butt")
            axis.plot(mid, row, "o", color=colour[name], markersize=6, markerfacecolor=colour[name] if sure else "w")
        axis.axvline(0.0, color=CEILING, linewidth=0.8)
        axis.set_title(LABELS[metric], fontsize=9)
        axis.set_ylim(len(baselines) - 0.5, -0.5)
        axis.set_yticks(range(len(baselines)), baselines if axis is axes[0] else [""] * len(baselines), fontsize=8)
        axis.tick_params(axis="x", labelsize=7)
        axis.set_xscale("symlog", linthresh=20.0)
        axis.set_xticks([-100, 0, 100], ["−100", "0", "100"])
    figure.supxlabel(
        "better than the baseline by … % of its value (above 0: better; filled: the interval excludes 0)", fontsize=8
    )
    return inline_svg(figure, "How far ahead of each baseline, in percent of the baseline's own value")


@styled()
def plot_courses(result: FaceEvaluation, chosen: Sequence[str]) -> Markup:
    """Distributions of latency, rise, hold, decay and peak, cumulative."""
    colour = colours(result)
    titles = ("onset latency (s)", "rise (s)", "hold (s)", "decay (s)", "peak PSPI")
    figure, axes = _figure(2.6, len(COURSE))
    for axis, key, title in zip(axes, COURSE, titles, strict=True):
        limit = 0.0
        for name in ("held-out", *chosen):
            values = np.sort([getattr(one, key) for r in result.readings[name] for one in r.courses])
            values = values[np.isfinite(values)]
            if not len(values):
                continue
            width = 2.4 if name in ("held-out", result.ours) else 1.3
            axis.step(
                values, (np.arange(len(values)) + 1) / len(values), color=colour[name], label=name, linewidth=width
            )
            limit = max(limit, float(np.quantile(values, 0.97)))
        axis.set(title=title, ylim=(0, 1.02), xlim=(0, limit * 1.05 or 1.0))
        axis.title.set_fontsize(9)
        axis.tick_params(labelsize=7)
        if axis is not axes[0]:
            axis.set_yticklabels([])
    axes[0].set_ylabel("share of episodes", fontsize=8)
    handles, names = axes[-1].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return inline_svg(figure, "Distributions of onset latency, rise, hold, decay and peak PSPI")


@styled()
def plot_dose(result: FaceEvaluation, chosen: Sequence[str]) -> Markup:
    """Peak PSPI against the stimulus' peak, every episode a dot, means by level as a line."""
    colour = colours(result)
    names = ["held-out", *chosen]
    figure, axes = _figure(2.7, len(names))
    for axis, name in zip(axes, names, strict=True):
        found = [(c.stimulus_peak, c.peak) for r in result.readings[name] for c in r.courses]
        if found:
            felt, shown = np.array(found).T
            axis.plot(felt, shown, ".", color=colour[name], markersize=2.5, alpha=0.35)
            edges = np.arange(2.0, 10.5, 1.0)
            place = np.digitize(felt, edges)
            for i in range(1, len(edges)):
                if (place == i).sum() >= 3:
                    q = np.percentile(shown[place == i], [25, 50, 75])
                    axis.plot([edges[i - 1] + 0.5] * 2, q[[0, 2]], color=colour[name], linewidth=1.6)
                    axis.plot(edges[i - 1] + 0.5, q[1], "o", color=colour[name], markersize=4.5)
        value = f"{result.dose[name].value:.2f}" if name in result.dose else "not asked"
        axis.set(title=f"{name}\nSpearman over trials {value}", xlim=(1.5, 10.2), ylim=(-0.3, 15.5))
        axis.title.set_fontsize(8)
        axis.tick_params(labelsize=7)
        if axis is not axes[0]:
            axis.set_yticklabels([])
    axes[0].set_ylabel("peak PSPI (without AU43)", fontsize=8)
    figure.supxlabel("pain of the episode, 0-10 (bars: quartiles)", fontsize=8)
    return inline_svg(figure, "Peak PSPI over the strongest pain of a clip")


@styled()
def plot_drift(result: FaceEvaluation) -> Markup:
    """Variance and mean PSPI of each minute, relative to the first."""
    colour = colours(result)
    figure, axes = _figure(2.6, 2, width=3.6)
    for name, drift in result.drift.items():
        minutes = np.arange(1, len(drift.variance) + 1)
        width = 2.4 if name == result.ours else 1.3
        for axis, values in zip(axes, (drift.variance, drift.mean_pspi), strict=True):
            if values[0] > 1e-9:
                axis.plot(
                    minutes, values / values[0], "o-", color=colour[name], label=name, linewidth=width, markersize=3
                )
    for axis, title, band in zip(axes, ("variance", "mean PSPI"), (0.1, 0.05), strict=True):
        axis.axhspan(1.0 - band, 1.0 + band, color="#000000", alpha=0.07, linewidth=0)
        axis.xaxis.set_major_locator(require("matplotlib.ticker", "study").MaxNLocator(integer=True))
        axis.set(xlabel="minute", title=f"{title} over that of minute 1")
        axis.title.set_fontsize(9)
        axis.tick_params(labelsize=7)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return inline_svg(figure, "Variance and mean PSPI over the minutes")


@styled()
def plot_traces(result: FaceEvaluation, at: int, chosen: Sequence[str]) -> Markup:
    """One clip: the stimulus, and PSPI of held-out and generated faces, all tries."""
    colour = colours(result)
    case = result.cases[at]
    seconds = np.arange(len(case.stimulus)) / MOTION_HZ
    rows: list[tuple[str, np.ndarray]] = [("held-out", case.appropriate)]
    for name in chosen:
        place = np.flatnonzero(result.answers[name].rows == at)
        if len(place):
            rows.append((name, result.answers[name].tries[int(place[0])]))
    figure, axes = _figure(1.0 * len(rows), 1, width=8.6, rows=len(rows))
    for axis, (name, motions) in zip(axes, rows, strict=True):
        axis.fill_between(seconds, case.stimulus * 1.6, color="#dddddd", linewidth=0, step="mid")
        for i, shown in enumerate(pspi_of(motions)):
            axis.plot(
                seconds, shown, color=colour[name], linewidth=1.6 if i == 0 else 0.8, alpha=1.0 if i == 0 else 0.5
            )
        axis.set(ylim=(0, 16), xlim=(0, seconds[-1]), yticks=(0, 8, 16))
        axis.set_ylabel(name.replace(" ", "\n", 1), fontsize=8, rotation=0, ha="right", va="center")
        axis.tick_params(labelsize=7)
        if axis is not axes[-1]:
            axis.set_xticklabels([])
    axes[-1].set_xlabel(
        "s (grey: pain 0-10, scaled to 0-16; lines: PSPI, the first try or the recorded face bold)", fontsize=8
    )
    return inline_svg(figure, "Pain and PSPI over one clip, a row a generator")


def _figure(height: float, columns: int, width: float = 1.75, rows: int = 1) -> tuple[Any, list[Any]]:
    figure = new_figure(0.9 + width * columns, height + 0.9, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False).ravel().tolist()
