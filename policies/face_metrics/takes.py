"""Reactions that suit a held-out clip: the same simulated person feels the same again, with another seed.

For corpora of real people there is no second take; there the most similar clips of the same split stand in, which is
what the REACT challenge calls appropriate.
"""

from __future__ import annotations

from collections.abc import Sequence as Many

import numpy as np

from policies.corpus.faces import act
from policies.corpus.recipe import CorpusRecipe
from policies.corpus.stimuli import EVENTS, Stimuli
from policies.corpus.store import Sequence
from policies.face_metrics.events import episodes
from robopatient.face.generator.condition import index
from robopatient.face.generator.motion import MOTION_HZ

__all__ = ["similar", "stimuli_of", "takes"]

CANDIDATES = 8
"""Takes drawn for each one kept: those are kept whose voice is most like the clip's, because generators are told how
loud the patient is, and who cries out has reacted."""

RUN_IN_S = 6.0
"""Rest before the clip, so that faces do not all begin at the same moment of their lives."""

_LOUDNESS, _VALENCE, _CONTACT, _SITE = (
    index("loudness"),
    index("valence"),
    index("contact"),
    index("site_left_mm"),
)


def takes(recipe: CorpusRecipe, sequences: Many[Sequence], count: int, seed: int) -> list[np.ndarray]:
    """Further reactions to each sequence, (count, n, D) each; all sequences of equal length.

    Parameters
    ----------
    recipe
        Constants of the simulator that made the sequences.
    """
    run_in = round(RUN_IN_S * MOTION_HZ)
    drawn = count * CANDIDATES
    stimuli = stimuli_of(recipe, [one for one in sequences for _ in range(drawn)], run_in)
    felt = np.stack([one.condition[0, _VALENCE : _VALENCE + 2] for one in sequences])
    motion, condition = act(
        recipe,
        [one.traits for one in sequences for _ in range(drawn)],
        stimuli,
        np.array([one.kind != "thermal" for one in sequences for _ in range(drawn)]),
        np.random.default_rng([seed, 77]),
        emotion=felt.repeat(drawn, axis=0).astype(float),
    )
    result = []
    rng = np.random.default_rng([seed, 78])  # the caller may split them: no part is nearer than another
    for i, one in enumerate(sequences):
        rows = slice(i * drawn, (i + 1) * drawn)
        apart = ((condition[rows, run_in:, _LOUDNESS] - one.condition[:, _LOUDNESS]) ** 2).sum(1)
        nearest = rng.permutation(np.argsort(apart, kind="stable")[:count])
        result.append(motion[rows, run_in:][nearest])
    return result


def stimuli_of(recipe: CorpusRecipe, sequences: Many[Sequence], run_in: int) -> Stimuli:
    """Stimuli of recorded sequences, with so many frames of rest before; events are found where pain rises."""
    rows, frames = len(sequences), run_in + len(sequences[0].pain)
    pain, contact = np.zeros((rows, frames)), np.zeros((rows, frames))
    event = np.full((rows, frames), -1)
    peak, sudden = np.zeros((rows, EVENTS)), np.zeros((rows, EVENTS))
    for i, one in enumerate(sequences):
        pain[i, run_in:], contact[i, run_in:] = one.pain, one.condition[:, _CONTACT]
        pain[i, :run_in], contact[i, :run_in] = one.pain[0], one.condition[0, _CONTACT]
        for k, (begin, end) in enumerate(_events(pain[i])[:EVENTS]):
            event[i, begin:] = k
            peak[i, k] = pain[i, begin:end].max()
            rise_s = max(int(pain[i, begin:end].argmax()), 1) / MOTION_HZ
            sudden[i, k] = np.clip(peak[i, k] * min(1.0, 0.3 / rise_s) / recipe("course.sudden_nrs"), 0.0, 1.0)
    site = np.stack([one.condition[0, _SITE : _SITE + 2] for one in sequences]).astype(float)
    return Stimuli(pain, contact, event, peak, sudden, site)


def similar(sequence: Sequence, others: Many[Sequence], count: int) -> np.ndarray:
    """Motions of the sequences of the same kind whose pain is nearest, shape (count, n, D); for real recordings."""
    n = len(sequence.pain)
    fit = [one for one in others if one.kind == sequence.kind and len(one.pain) >= n and one is not sequence]
    fit.sort(key=lambda one: float(((one.pain[:n] - sequence.pain) ** 2).sum()))
    return np.stack([one.motion[:n] for one in fit[:count]]) if fit else np.zeros((0, *sequence.motion.shape))


def _events(pain: np.ndarray) -> list[tuple[int, int]]:
    """Begin and end of each rise of pain; below the painful ones, what is felt at all counts."""
    found = episodes(pain, painful=0.5, quiet=0.25, gap_s=0.0)
    return found or [(0, len(pain))]
