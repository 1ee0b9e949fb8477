"""How well the voice distinguishes pain and people, compared with published sounds."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.benchmarks.figures import Figure, machine, new_result, remarked, say, show, value
from firmware_bridge.outputs import new_files
from robopatient.simulation.voice_evaluation import Evaluation, evaluate, write_voice_page

__all__ = ["evaluate_voice", "evaluation_figures"]


def evaluate_voice(
    identities: Sequence[str], seeds: int, out: Path | None = None, force: bool = False, as_json: bool = False
) -> None:
    """Measure, print the figures, write the page.

    Parameters
    ----------
    identities
        Names under ``assets/voices``; all when empty.
    seeds
        Renders of each level of pain.
    out
        HTML file; None: no page.
    """
    with contextlib.ExitStack() as kept:
        page = kept.enter_context(new_files(out, force=force))[0] if out is not None else None
        evaluation = evaluate(identities, seeds, say)
        if page is not None:
            write_voice_page(evaluation, page)
    if out is not None:
        say(f"page {out}")
    show(new_result("voice evaluate", evaluation_figures(evaluation), [], machine(), 0), as_json)


def evaluation_figures(e: Evaluation) -> list[Figure]:
    """How well pain is heard, the worst of all people and features, with targets."""
    row, column = np.unravel_index(int(np.argmin(e.spearman)), e.spearman.shape)
    feature = ("f0", "loudness", "roughness", "-HNR")[int(column)]
    least = ", ".join(
        f"{name} {e.spearman[:, k].min():.3f}" for k, name in enumerate(("f0", "loudness", "roughness", "-HNR"))
    )
    worst = f"least: {e.identities[int(row)]}, {feature}; of each over all people: {least}"
    cells = [inside for _, inside in e.f0_cells.values()]
    shares = ", ".join(f"{name} {share:.3f}" for name, share in e.in_range.items())
    count = int(np.prod(e.table.shape[:3]))
    return [
        remarked(value("nrs_spearman_min", round(float(e.spearman.min()), 4), at_least=0.9, n=count), worst),
        value("f0_in_band_fraction", float(np.mean(cells)) if cells else float("nan"), at_least=1.0, n=len(cells)),
        remarked(value("features_in_band_fraction", round(min(e.in_range.values()), 4), at_least=0.9, n=count), shares),
    ]
