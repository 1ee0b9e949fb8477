"""What hurts: presses of a hand and ramps of a thermode, many trials side by side.

A trial is a row. Frames before ``Design.trial_s`` begins (the run-in) let every face be in the middle of its life when
the recording starts.
"""

from __future__ import annotations

import msgspec
import numpy as np

from policies.corpus.recipe import CorpusRecipe
from robopatient.face.generator.motion import MOTION_HZ
from robopatient.simulation.presses import course

__all__ = ["Stimuli", "palpation", "thermal"]

DT_S = 1.0 / MOTION_HZ
EVENTS = 10
"""Stimuli in a trial at most; later ones of a busy hand are left out."""


class Stimuli(msgspec.Struct, frozen=True):
    """Trials side by side.

    Attributes
    ----------
    pain
        0 to 10, shape (rows, frames).
    contact
        0 or 1, same shape.
    event
        Number of the newest stimulus, -1 before the first, same shape.
    peak
        Strongest pain of each stimulus, shape (rows, EVENTS).
    sudden
        How suddenly each one rises, 0 to 1, same shape.
    site_mm
        Pressed place, left and head of the navel, shape (rows, 2).
    """

    pain: np.ndarray
    contact: np.ndarray
    event: np.ndarray
    peak: np.ndarray
    sudden: np.ndarray
    site_mm: np.ndarray


def palpation(recipe: CorpusRecipe, painful: np.ndarray, frames: int, rng: np.random.Generator) -> Stimuli:
    """Presses, one after the other on one place; ``painful`` says of each row whether they hurt."""
    rows = len(painful)
    shape = (rows, EVENTS)
    level = 10.0 * rng.beta(*recipe.pair("stimulus.pain_beta"), rows) * painful
    peak = np.clip(level[:, None] * np.exp(0.12 * rng.standard_normal(shape)), 0.0, 10.0)
    quickest_s, slowest_s = recipe.pair("stimulus.press_rise_s")
    rise_s = np.exp(rng.uniform(np.log(quickest_s), np.log(slowest_s), shape))
    fall_s = rng.uniform(*recipe.pair("stimulus.press_fall_s"), shape)
    hold_s = rng.uniform(*recipe.pair("stimulus.press_s"), shape)
    pause_s = rng.uniform(*recipe.pair("stimulus.pause_s"), shape)
    end_s = np.cumsum(pause_s + rise_s + hold_s + fall_s, axis=1)
    start_s = end_s - (rise_s + hold_s + fall_s)
    pain, contact, event = _courses(start_s, rise_s, hold_s, fall_s, peak, frames)
    pain *= 1.0 + recipe("stimulus.press_tremor") * _slow_noise(rows, frames, 0.4, rng)
    always = (rng.random(rows) < recipe("stimulus.baseline_share")) & painful
    baseline = rng.uniform(*recipe.pair("stimulus.baseline_nrs"), rows) * always
    pain = np.maximum(pain, baseline[:, None] * (1.0 + 0.2 * _slow_noise(rows, frames, 3.0, rng)))
    site_mm = recipe("stimulus.site_sd_mm") * rng.standard_normal((rows, 2))
    sudden = np.clip(peak * np.minimum(1.0, 0.3 / rise_s) / recipe("course.sudden_nrs"), 0.0, 1.0)
    return Stimuli(np.clip(pain, 0.0, 10.0), contact, event, peak, sudden, np.clip(site_mm, -150.0, 150.0))


def thermal(recipe: CorpusRecipe, rows: int, frames: int, rng: np.random.Generator) -> Stimuli:
    """Plateaus of heat at one of four levels a trial, as in BioVid; the thermode is on the skin all the time."""
    shape = (rows, EVENTS)
    level = rng.choice(recipe.row("stimulus.thermal_nrs"), shape)
    peak = np.clip(level + rng.normal(0.0, 0.7, shape), 0.5, 10.0)
    ramp_s = rng.uniform(*recipe.pair("stimulus.thermal_ramp_s"), shape)
    pause_s = rng.uniform(*recipe.pair("stimulus.thermal_pause_s"), shape)
    pause_s[:, 0] = rng.uniform(0.0, 12.0, rows)
    hold_s = np.full(shape, recipe("stimulus.thermal_plateau_s"))
    end_s = np.cumsum(pause_s + 2.0 * ramp_s + hold_s, axis=1)
    start_s = end_s - (2.0 * ramp_s + hold_s)
    pain, _, event = _courses(start_s, ramp_s, hold_s, ramp_s, peak, frames)
    sudden = np.clip(peak * np.minimum(1.0, 0.3 / ramp_s) / recipe("course.sudden_nrs"), 0.0, 1.0)
    return Stimuli(pain, np.ones((rows, frames)), event, peak, sudden, np.zeros((rows, 2)))


def _courses(
    start_s: np.ndarray, rise_s: np.ndarray, hold_s: np.ndarray, fall_s: np.ndarray, peak: np.ndarray, frames: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pain, contact and newest event of stimuli that never overlap, shapes (rows, frames)."""
    t_s = np.arange(frames) * DT_S
    pain = np.zeros((len(start_s), frames))
    contact = np.zeros_like(pain)
    event = np.full(pain.shape, -1)
    for k in range(start_s.shape[1]):
        age_s = t_s - start_s[:, k, None]
        parts = {"rise_s": rise_s[:, k, None], "hold_s": hold_s[:, k, None], "fall_s": fall_s[:, k, None]}
        left = (age_s - parts["rise_s"] - parts["hold_s"]) / parts["fall_s"]
        pain += course(age_s, peak=peak[:, k, None], **parts, shape="smooth")
        contact += (age_s >= 0.0) & (left < 1.0)
        event += age_s >= 0.0
    return pain, contact, event


def _slow_noise(rows: int, frames: int, tau_s: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of unit variance, shape (rows, frames)."""
    keep = np.exp(-DT_S / tau_s)
    kick = np.sqrt(1.0 - keep * keep)
    noise = np.empty((rows, frames))
    state = rng.standard_normal(rows)
    for frame in range(frames):
        state = keep * state + kick * rng.standard_normal(rows)
        noise[:, frame] = state
    return noise
