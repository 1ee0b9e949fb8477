"""Pictures of a training session: the learning curve with its interval, and what the policy does for which press."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from policies.spaces import Dimension
from robopatient.errors import require

__all__ = ["draw_training"]


def draw_training(
    path: Path,
    points: Mapping[int, Mapping[str, float]],
    observed: Sequence[float],
    shown: Mapping[str, Sequence[float]],
    axis: Dimension,
    actions: Sequence[Dimension],
    title: str = "",
) -> None:
    """Write a PNG: left the learning curve, right one small map for each action dimension."""
    require("matplotlib", "study")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 1.2 + 1.5 * max(2, len(actions))), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(actions), 2, width_ratios=(3, 2))
    curve = figure.add_subplot(grid[:, 0])
    answers = sorted(points)
    curve.fill_between(
        answers,
        [points[n]["low"] for n in answers],
        [points[n]["high"] for n in answers],
        color="#9ecae1",
        label="90 % interval of the belief",
        linewidth=0,
    )
    curve.plot(answers, [points[n]["median"] for n in answers], color="#08519c", label="expected by the listener model")
    true = [n for n in answers if "merit" in points[n]]
    if true:
        curve.plot(
            true, [points[n]["merit"] for n in true], marker=".", color="#d94801", label="true worth (simulated rater)"
        )
    curve.set(xlabel="ratings", ylabel="worth of the policy (0 to 1)", ylim=(0.0, 1.02), title=title)
    curve.legend(loc="lower right", frameon=False)
    curve.spines[["top", "right"]].set_visible(False)
    for row, action in enumerate(actions):
        small = figure.add_subplot(grid[row, 1])
        small.plot(observed, shown[action.name], color="#08519c")
        margin = 0.04 * (action.high - action.low)
        small.set_ylim(action.low - margin, action.high + margin)
        small.set_ylabel(_title(action), fontsize=8)
        small.spines[["top", "right"]].set_visible(False)
        if row == len(actions) - 1:
            small.set_xlabel(f"{axis.name} ({axis.unit})")
        else:
            small.set_xticklabels([])
    figure.savefig(path, dpi=110)


def _title(dimension: Dimension) -> str:
    unit = "" if dimension.unit == "1" else f"\n({dimension.unit})"
    return dimension.name.replace("_", " ").replace(" db", "") + unit
