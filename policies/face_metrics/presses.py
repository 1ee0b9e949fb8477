"""Short presses, as trainees make them: how strong a face they bring out, beside people of the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from policies.corpus.faces import act
from policies.corpus.recipe import CorpusRecipe
from policies.corpus.stimuli import EVENTS, Stimuli
from policies.face_generators import Generator
from policies.face_metrics.cases import pspi_of
from policies.face_metrics.generation import generate_many
from robopatient.face.generator.condition import Traits
from robopatient.face.generator.motion import MOTION_HZ
from robopatient.simulation.presses import course

__all__ = ["PRESSES_NRS", "PressResponses", "peaks_of", "press_people"]

PRESSES_NRS = (3.0, 6.5, 8.5)
REST_S, RISE_S, HOLD_S, FALL_S, AFTER_S = 2.0, 0.25, 0.5, 0.2, 2.0


class PressResponses(NamedTuple):
    """The corpus' people under a press of each strength.

    Attributes
    ----------
    conditions
        Of each press and person, shape (presses, people, n, C): what a generator is told, their voices included.
    peaks
        Their largest PSPI, shape (presses, people).
    """

    conditions: np.ndarray
    peaks: np.ndarray


def press_people(recipe: CorpusRecipe, people: Sequence[Traits], seed: int) -> PressResponses:
    """Press each person once at each of ``PRESSES_NRS``."""
    t_s = np.arange(round((REST_S + RISE_S + HOLD_S + FALL_S + AFTER_S) * MOTION_HZ)) / MOTION_HZ - REST_S
    level = course(t_s, rise_s=RISE_S, hold_s=HOLD_S, fall_s=FALL_S, shape="linear")
    shape = (len(people), len(level))
    conditions, peaks = [], []
    for at, nrs in enumerate(PRESSES_NRS):
        strongest, sudden = np.zeros((2, len(people), EVENTS))
        strongest[:, 0] = nrs
        sudden[:, 0] = np.clip(nrs / recipe("course.sudden_nrs"), 0.0, 1.0)
        stimuli = Stimuli(
            pain=np.broadcast_to(nrs * level, shape),
            contact=np.broadcast_to((level > 0.0).astype(float), shape),
            event=np.broadcast_to(np.where(t_s >= 0.0, 0, -1), shape),
            peak=strongest,
            sudden=sudden,
            site_mm=np.zeros((len(people), 2)),
        )
        rng = np.random.default_rng([seed, 79, at])
        motion, condition = act(recipe, people, stimuli, np.ones(len(people), bool), rng)
        conditions.append(condition)
        peaks.append(pspi_of(motion).max(axis=1))
    return PressResponses(np.array(conditions), np.array(peaks))


def peaks_of(generator: Generator, pressed: PressResponses, seed: int) -> np.ndarray:
    """Largest PSPI of the generator's face for each press and person, shape (presses, people)."""
    asked = [one for press in pressed.conditions for one in press]
    motions = generate_many(generator, asked, [seed + i for i in range(len(asked))])
    found: np.ndarray = pspi_of(np.stack(motions)).max(axis=1).reshape(pressed.peaks.shape)
    return found
