"""The data card: what a corpus holds, how it compares with published figures, and what every constant rests on."""

from __future__ import annotations

import numpy as np

from policies.corpus.recipe import CorpusRecipe
from policies.corpus.store import Corpus
from robopatient.face.generator.motion import MOTION_HZ, pspi

__all__ = ["WINDOW", "card", "pain_peak_correlation", "window_shares"]

WINDOW = 32
"""Frames of the windows that the published count is about (sheet on the face generator, 3.4)."""


def window_shares(corpus: Corpus) -> tuple[float, float]:
    """Shares of the 32-frame windows whose strongest PSPI is at least 1 and at least 5."""
    peaks = [
        peak
        for one in corpus.sequences
        for shown in [pspi(one.motion)]
        for peak in shown[: len(shown) // WINDOW * WINDOW].reshape(-1, WINDOW).max(axis=1).tolist()
    ]
    return float(np.mean(np.array(peaks) >= 1.0)), float(np.mean(np.array(peaks) >= 5.0))


def pain_peak_correlation(corpus: Corpus) -> float:
    """Pearson correlation of a trial's strongest pain and strongest PSPI over all painful trials of all people."""
    painful = [one for one in corpus.sequences if one.kind != "control"]
    pain = np.array([one.pain.max() for one in painful])
    peak = np.array([pspi(one.motion).max() for one in painful])
    return float(np.corrcoef(pain, peak)[0, 1])


def card(corpus: Corpus, recipe: CorpusRecipe) -> str:
    """Markdown."""
    some, strong = window_shares(corpus)
    frames = sum(len(one.pain) for one in corpus.sequences)
    lines = [
        "# Corpus of simulated faces in pain",
        "",
        f"{corpus.origin}. No recording of a person is in it. It repeats its recipe, and cannot show that the recipe "
        "is right: most of its numbers are assumptions.",
        "",
        f"{len(corpus.sequences)} trials, {frames / MOTION_HZ / 60.0:.0f} min at {MOTION_HZ:g} Hz; people: "
        + ", ".join(f"{split} {len(corpus.subjects(split))}" for split in ("train", "validation", "test"))
        + "; no person is in two splits.",
        "",
        "| quantity | here | published |",
        "| --- | --- | --- |",
        f"| 32-frame windows that reach PSPI 1 | {100.0 * some:.0f} % | about 25 % (UNBC, third-party count) |",
        f"| 32-frame windows that reach PSPI 5 | {100.0 * strong:.1f} % | fewer than 5 % (same) |",
        f"| pain and peak PSPI over trials | {pain_peak_correlation(corpus):.2f} | 0.59 (same) |",
        "",
        "| constant | value | basis | source or reason |",
        "| --- | --- | --- | --- |",
    ]
    for name, constant in recipe.constants.items():
        value = constant.value if isinstance(constant.value, float) else ", ".join(f"{v:g}" for v in constant.value)
        lines.append(f"| {name} | {value} | {constant.basis} | {constant.source or 'our choice'} |")
    return "\n".join(lines) + "\n"
