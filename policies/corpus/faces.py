"""How simulated faces respond to pain: seven parameters a unit and stimulus, stepped through time, trials side by side.

The seven are those of perception studies (Chen et al. 2018): onset latency, acceleration, peak amplitude, peak latency,
sustainment, deceleration and offset latency. Here the stimulus goes on acting meanwhile: each unit follows delayed
pain through two equal poles (acceleration, peak latency), holds for a while (sustainment, offset latency) and decays
exponentially (deceleration).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from policies.corpus.idle_motion import IdleMotion
from policies.corpus.recipe import CorpusRecipe
from policies.corpus.stimuli import EVENTS, Stimuli
from robopatient.face.generator.condition import ARCHETYPES, Conditioner, Traits
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ, clamp, column

__all__ = ["UNITS", "act"]

DT_S = 1.0 / MOTION_HZ
UNITS = (
    "AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9", "AU10", "AU12", "AU15", "AU17", "AU20", "AU24", "AU25", "AU43",
    "jaw", "head",
)  # fmt: skip
"""What has a time course of its own: units without sides, the jaw and the head's withdrawal."""
LOWER = ("AU10", "AU12", "AU15", "AU17", "AU20", "AU24", "AU25", "jaw")
TEN_TO_NINETY = 3.36
"""Time from 10 to 90 % of two equal poles, in their time constant."""
JAW_MM_PER_INTENSITY = 4.0
FALL_SMOOTHING_S = 0.1
STEADY_NRS = 0.2
"""Rise of pain in a frame that is no surprise: the hand trembles."""

_AT = {unit: at for at, unit in enumerate(UNITS)}
_OUT = {unit: [column(name) for name in CHANNELS if name.rstrip("LR") == unit] for unit in UNITS[:-2]}


def act(
    recipe: CorpusRecipe,
    traits: Sequence[Traits],
    stimuli: Stimuli,
    palpated: np.ndarray,
    rng: np.random.Generator,
    emotion: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Motion and conditions of every trial, shapes (rows, frames, D) and (rows, frames, C).

    Parameters
    ----------
    palpated
        Which rows are pressed by a hand (the others feel heat), bool, shape (rows,).
    emotion
        Valence and arousal of every trial in place of drawn ones, shape (rows, 2): for further takes of a trial.
    """
    rows, frames = stimuli.pain.shape
    people = _People(recipe, traits, rng, emotion)
    answers = _Answers(recipe, people, stimuli, palpated, rng)
    course = _Course(rows)
    living = IdleMotion(recipe, rows, rng)
    conditioner = Conditioner(traits)
    motion = np.empty((rows, frames, len(CHANNELS)))
    condition: list[np.ndarray] = []
    reflex = np.zeros(rows)
    loudness = np.zeros(rows)
    everyone = np.arange(rows)
    steepness = np.full(len(UNITS), recipe("response.gamma"))
    steepness[_AT["AU43"]] = recipe("response.lid_gamma")
    before = np.zeros(rows)
    touched = np.zeros(rows)
    for frame in range(frames):
        pain, contact = stimuli.pain[:, frame], stimuli.contact[:, frame]
        event = np.maximum(stimuli.event[:, frame], 0)
        lag = answers.lag[everyone, event]
        delayed = stimuli.pain[everyone[:, None], np.maximum(frame - lag, 0)]
        drive = np.clip((delayed - people.threshold[:, None]) / (10.0 - people.threshold[:, None]), 0.0, 1.0)
        wanted = answers.gain[everyone, event] * drive**steepness
        level = course.step(
            wanted, answers.rise_s[everyone, event], answers.hold_s[everyone, event], answers.decay_s[everyone, event]
        )
        kick = recipe("reflex.lids") * people.lids * np.clip((pain - before - STEADY_NRS) / 2.0, 0.0, 1.0)
        kick += recipe("reflex.touch") * people.lids * np.maximum(contact - touched, 0.0)
        reflex = np.minimum(reflex + kick * palpated, recipe("reflex.lids") * people.lids)
        loudness += (answers.voiced[everyone, event] * _loudness(recipe, answers, delayed, event) - loudness) * 0.35
        before, touched = pain, contact
        shown = level * (1.0 + recipe("course.waver") * living.waver(len(UNITS)))
        shown[:, _AT["AU25"]] += recipe("voice.lips") * loudness
        shown[:, _AT["jaw"]] += recipe("voice.jaw_mm") / JAW_MM_PER_INTENSITY * loudness
        shown[:, _AT["AU7"]] += reflex
        shown[:, _AT["AU6"]] += 0.4 * reflex
        shown[:, :-1] += people.mood
        motion[:, frame] = _frame(recipe, people, answers, shown, event, reflex, living)
        living.step(motion[:, frame], pain, contact, level[:, _AT["head"]])
        reflex = reflex * np.exp(-DT_S / recipe("reflex.decay_s"))
        rows_now = conditioner.step(
            pain, contact=contact, site_mm=stimuli.site_mm, loudness=loudness, emotion=people.emotion
        )
        condition.append(rows_now)
    return clamp(motion), np.stack(condition, axis=1)


class _People:
    """Traits as arrays, and the mood of the trial."""

    def __init__(
        self, recipe: CorpusRecipe, traits: Sequence[Traits], rng: np.random.Generator, emotion: np.ndarray | None
    ) -> None:
        rows = len(traits)
        expressiveness = np.array([one.expressiveness for one in traits])
        sex = np.array([one.sex for one in traits])
        self.archetype = np.array([ARCHETYPES.index(one.archetype) for one in traits])
        self.asymmetry = np.array([one.asymmetry for one in traits])
        self.pace = 2.0 ** np.array([one.tempo for one in traits])
        octaves = np.log2(np.maximum(expressiveness, 0.05))
        self.threshold = np.clip(
            recipe("people.threshold_nrs") - recipe("people.threshold_per_octave_nrs") * octaves, 0.3, 6.0
        )
        moved = rng.random(rows) >= recipe("emotion.neutral_share")
        drawn = np.clip(recipe("emotion.sd") * rng.standard_normal((rows, 2)), -1.0, 1.0) * moved[:, None]
        emotion = drawn if emotion is None else emotion
        self.emotion = emotion
        valence, arousal = emotion.T
        self.gain = (
            expressiveness
            * (1.0 + (1.0 - sex) * (recipe("people.female_gain") - 1.0))
            * (1.0 + recipe("emotion.gain_per_valence") * valence)
        )
        self.octaves = octaves
        stoic = self.archetype == ARCHETYPES.index("stoic")
        self.lids = np.minimum(expressiveness, 1.5) * np.where(stoic, 0.3, 1.0)
        self.mood = np.zeros((rows, len(UNITS) - 1))
        full = recipe("emotion.pattern")
        distress = full * np.maximum(-valence, 0.0) * np.maximum(arousal, 0.0)
        sadness = full * np.maximum(-valence, 0.0) * np.maximum(-arousal, 0.0)
        pleasure = full * np.maximum(valence, 0.0)
        for unit, amount in (
            ("AU1", distress + 0.7 * sadness), ("AU5", distress), ("AU15", sadness), ("AU17", 0.7 * sadness),
            ("AU12", pleasure), ("AU6", 0.6 * pleasure),
        ):  # fmt: skip
            self.mood[:, _AT[unit]] += amount


class _Answers:
    """What is drawn anew for every stimulus; shapes (rows, EVENTS, units) unless said."""

    def __init__(
        self, recipe: CorpusRecipe, people: _People, stimuli: Stimuli, palpated: np.ndarray, rng: np.random.Generator
    ) -> None:
        rows = len(palpated)
        events, shape = (rows, EVENTS), (rows, EVENTS, len(UNITS))
        occurrence, weight = _tables(recipe)
        half = recipe("response.half_nrs") - people.octaves
        chance = 1.0 / (1.0 + np.exp(-(stimuli.peak - half[:, None]) / recipe("response.slope_nrs")))
        answered = rng.random(events) < chance
        trial = np.exp(recipe("response.trial_log_sd") * np.clip(rng.standard_normal(events), -2.0, 2.0))
        trial *= np.where(answered, 1.0, recipe("response.unanswered_gain")) * people.gain[:, None]
        unit = np.exp(recipe("response.unit_log_sd") * np.clip(rng.standard_normal(shape), -2.0, 2.0))
        occurs = rng.random(shape) < occurrence[people.archetype][:, None, :]
        self.gain = recipe("response.full") * trial[..., None] * unit * occurs * weight[people.archetype][:, None, :]
        pace = people.pace[:, None, None]
        median = np.where(palpated, recipe("course.latency_palpation_s"), recipe("course.latency_thermal_s"))
        floor_s, ceiling_s = recipe.pair("course.latency_limits_s")
        floor = np.where(palpated, floor_s, 0.15)[:, None]
        common = np.clip(
            median[:, None] * np.exp(recipe("course.latency_log_sd") * rng.standard_normal(events)), floor, ceiling_s
        )
        own = rng.uniform(0.0, 0.08, shape)
        lower = np.array([name in LOWER for name in UNITS])
        own += lower * rng.uniform(*recipe.pair("course.lower_face_delay_s"), shape)
        self.lag = np.rint((common[..., None] + own) / pace / DT_S).astype(int)
        mild = rng.uniform(*recipe.pair("course.rise_mild_s"), shape)
        sudden = rng.uniform(*recipe.pair("course.rise_sudden_s"), shape)
        share = stimuli.sudden[..., None]
        self.rise_s = (mild + share * (sudden - mild)) / pace / TEN_TO_NINETY
        self.hold_s = rng.uniform(*recipe.pair("course.after_hold_s"), shape) / pace
        self.decay_s = rng.uniform(*recipe.pair("course.decay_s"), shape) / pace
        voice = 1.0 / (1.0 + np.exp(-(stimuli.peak - recipe("voice.half_nrs")) / recipe("voice.slope_nrs")))
        self.voiced = answered & (rng.random(events) < voice)
        self.level_db = recipe("voice.level_sd_db") * rng.standard_normal(events)
        spread = recipe("head.spread_deg") * rng.standard_normal((*events, 3))
        left = np.clip(stimuli.site_mm[:, 0] / 100.0, -1.2, 1.2)[:, None]
        towards = np.broadcast_to(left, events) * np.where(palpated, 1.0, 0.0)[:, None]
        reach = (
            np.full(events, recipe("head.pitch_deg")), recipe("head.yaw_deg") * towards,
            recipe("head.roll_deg") * towards,
        )  # fmt: skip
        self.head_deg = np.stack(reach, axis=-1) + spread
        self.side = 0.06 * rng.standard_normal((*events, 1))


class _Course:
    """Two poles up, hold, exponential decay."""

    def __init__(self, rows: int) -> None:
        shape = (rows, len(UNITS))
        self._held, self._held_s, self._lead, self._level = (np.zeros(shape) for _ in range(4))

    def step(self, wanted: np.ndarray, rise_s: np.ndarray, hold_s: np.ndarray, decay_s: np.ndarray) -> np.ndarray:
        """Intensity of every unit before saturation, shape (rows, units)."""
        rising = wanted >= self._held
        self._held_s = np.where(rising, 0.0, self._held_s + DT_S)
        self._held = np.where(rising | (self._held_s > hold_s), wanted, self._held)
        share = 1.0 - np.exp(-DT_S / np.where(self._held > self._lead, rise_s, decay_s))
        self._lead = self._lead + (self._held - self._lead) * share
        share = 1.0 - np.exp(-DT_S / np.where(self._lead > self._level, rise_s, FALL_SMOOTHING_S))
        self._level = self._level + (self._lead - self._level) * share
        return self._level


def _frame(
    recipe: CorpusRecipe,
    people: _People,
    answers: _Answers,
    shown: np.ndarray,
    event: np.ndarray,
    reflex: np.ndarray,
    living: IdleMotion,
) -> np.ndarray:
    """Channels of one frame, shape (rows, D)."""
    rows = np.arange(len(event))
    frame = np.zeros((len(event), len(CHANNELS)))
    shown = np.maximum(shown, 0.0)
    soft = shown / (1.0 + (shown / 5.0) ** 4) ** 0.25  # saturates at 5 without an edge
    lean = np.clip(0.5 * people.asymmetry + answers.side[rows, event, 0], -0.6, 0.6)
    for unit, columns in _OUT.items():
        value = soft[:, _AT[unit]]
        if len(columns) == 1:
            frame[:, columns[0]] = value
        else:
            frame[:, columns[0]] = value * np.minimum(1.0 + lean, 1.0)
            frame[:, columns[1]] = value * np.minimum(1.0 - lean, 1.0)
    frame[:, column("jaw_mm")] = JAW_MM_PER_INTENSITY * shown[:, _AT["jaw"]]
    head = np.clip(soft[:, _AT["head"]] / 5.0, 0.0, 1.0)[:, None] * answers.head_deg[rows, event]
    head[:, 0] -= recipe("head.recoil_deg") * reflex / max(recipe("reflex.lids"), 1e-6)
    at = column("head_pitch_deg")
    frame[:, at : at + 3] = head + recipe("head.sway_deg") * living.waver(3)
    living.show(frame)
    return frame


def _loudness(recipe: CorpusRecipe, answers: _Answers, delayed: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Loudness relative to the loudest cry: it doubles every 10 dB (Stevens' sone). Shape (rows,)."""
    pain = delayed[:, _AT["AU7"]]
    low, high = recipe.pair("voice.level_db")
    level_db = low + (high - low) * pain / 10.0 + answers.level_db[np.arange(len(pain)), event]
    return np.where(pain > 0.5, 2.0 ** (np.minimum(level_db, 0.0) / 10.0), 0.0)


def _tables(recipe: CorpusRecipe) -> tuple[np.ndarray, np.ndarray]:
    """Occurrence and weight, shapes (archetypes, units)."""
    occurrence = np.zeros((len(ARCHETYPES), len(UNITS)))
    weight = np.zeros_like(occurrence)
    for row, archetype in enumerate(ARCHETYPES):
        for unit, (share, apex) in recipe.units(archetype).items():
            occurrence[row, _AT[unit]], weight[row, _AT[unit]] = share, apex
        occurrence[row, _AT["head"]] = recipe("head.answers") * (0.3 if archetype == "stoic" else 1.0)
        weight[row, _AT["head"]] = 0.9
    return occurrence, weight
