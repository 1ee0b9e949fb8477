"""Simulated participants: how they press, how long they think, and how they answer each question.

Answers about sound and force come from the listeners of ``policies``; the other questions have laws of their own, each
with its source. A person is drawn from a seed: the same seed, the same person.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from policies.answer_scales import QUESTIONS as LISTENED
from policies.fitted_people import fit_people
from policies.listeners import FittedListener, Habits, SimulatedRater, draw_listener
from policies.populations import population_names, read_population
from policies.rated_trials import read_rated_trials
from policies.simulated_raters import SIMULATED, simulated_rater
from policies.spaces import TASKS, normalised
from robopatient.errors import ConfigError
from robopatient.levels import gain_to_db
from robopatient.simulation.presses import STUDY_TREMOR, PressProfile
from robopatient.study.questions import Question
from robopatient.study.study import Study
from robopatient.study.trials import Factors, Level, Person, Stimulus

__all__ = ["PRESETS", "SimulatedPerson", "factors_without_effect", "people_of", "read_effects"]

TASK = TASKS["force-to-voice"]
PRESETS = (*population_names(), *(name for name in SIMULATED if name != "FILE.csv"))

START_S = (0.85, 0.15)
"""From the open window to the first contact: onset about 0.9 s (published presses); mean and SD."""
LEAST_START_S = 0.6
"""The board computes half a second of conversions ahead: an earlier press would be lost in it."""
RISE_S, HOLD_S, FALL_S = 0.55, 0.35, 0.4
"""Published presses: contact 1.1 to 1.5 s, peak after 0.54 of it."""
AT_MM = (-21.0, -45.0)
"""The middle of the plate, from the navel."""
OVERSHOOT_LOG_SD = 0.12
"""Of a press towards a band that the participant sees (assumption)."""
FREE_OVERSHOOT_NEWTON, FREE_LOG_SD = 14.4, 0.55
"""Of a press towards a bare threshold: the median peak exceeds it by 14.4 N (published presses)."""
WEAK_SHARE = 0.02
"""Presses that stay too light: 1.8 % of the published ones."""
THINK_S, THINK_LOG_SD = 1.1, 0.45
"""Time to answer (assumption: no published response times)."""
DELAY_THRESHOLD_MS, DELAY_THRESHOLD_LOG_SD, DELAY_SLOPE = 180.0, 0.35, 0.35
"""Delay noticed half the time, its spread over people, and the SD of one person's judgement relative to it
(assumption, of the order of audio-visual asynchrony thresholds of 100 to 250 ms)."""
STEVENS = {"voice": 0.67, "force": 1.1, "face": 1.0}
"""Exponents: loudness and pressure on the palm (Stevens); of a face's pain none is known (assumption)."""
STEVENS_LOG_SD, MAGNITUDE_LOG_SD = 0.12, 0.2
"""Spread of the exponent over people, and of one person's repeated estimates (assumption)."""
INTENSITY = "intensity"
HEEDED = {"force_newton", "pitch", "modality", INTENSITY, "first"}
"""Factors that a law of this file reads by their name."""
LEAST_PAIN = 0.1
"""Pain of a stimulus that shows none, NRS: a magnitude has no logarithm at zero."""
PREFERS_GENERATED = 0.312
"""Share of comparisons in which clinicians took a generated face for the real one (PainDiffusion, arXiv 2409.11635)."""


class SimulatedPerson:
    """One participant.

    Parameters
    ----------
    rater
        Who judges what is heard.

    Attributes
    ----------
    effects
        Declared effects of factors that no law knows, by factor: levels, and SDs of one answer from the first level to
        the last.
    """

    def __init__(self, rater: SimulatedRater, seed: int) -> None:
        self.rater = rater
        self.effects: dict[str, tuple[tuple[Level, ...], float]] = {}
        self._seed = seed
        self._rng = np.random.default_rng([seed, 0x57])
        person = np.random.default_rng([seed, 0x58])
        self._delay_ms = DELAY_THRESHOLD_MS * math.exp(DELAY_THRESHOLD_LOG_SD * person.standard_normal())
        self._exponents = {
            name: value * math.exp(STEVENS_LOG_SD * person.standard_normal()) for name, value in STEVENS.items()
        }
        self._unit = math.exp(0.5 * person.standard_normal())
        self._answers = 0

    def begin(self, session: int) -> None:
        """Come to a session: habits stay, chance is drawn anew."""
        self._rng = np.random.default_rng([self._seed, 0x57, session])
        self._answers = 0

    def think_s(self) -> float:
        """How long an answer takes."""
        return THINK_S * math.exp(THINK_LOG_SD * self._rng.standard_normal())

    def press(self, now_s: float, stimulus: Stimulus) -> PressProfile:
        """The next press, told when the window opens at ``now_s``."""
        rng = self._rng
        onset_s = now_s + max(LEAST_START_S, START_S[0] + START_S[1] * rng.standard_normal())
        low, high = stimulus.target_low_newton, stimulus.target_high_newton
        if high > 0.0:
            peak = 0.5 * (low + high) * math.exp(OVERSHOOT_LOG_SD * rng.standard_normal())
        else:
            excess = FREE_OVERSHOOT_NEWTON * math.exp(FREE_LOG_SD * rng.standard_normal())
            peak = stimulus.trigger_newton + excess
        if rng.random() < WEAK_SHARE:
            peak = 0.6 * max(stimulus.trigger_newton, low)
        return PressProfile(
            peak_newton=peak,
            at_mm=AT_MM,
            rise_s=RISE_S,
            hold_s=HOLD_S,
            fall_s=FALL_S,
            shape="sine",
            onset_s=onset_s,
            tremor=STUDY_TREMOR,
        )

    def answer(self, question: Question, factors: Factors, stimulus: Stimulus) -> str:
        """Answer to a question about a trial, as text."""
        text = self._by_law(question, factors, stimulus)
        shift = sum(
            size * (levels.index(factors[name]) / (len(levels) - 1) - 0.5)
            for name, (levels, size) in self.effects.items()
            if factors.get(name) in levels and len(levels) > 1
        )
        if not shift:
            return text
        if not question.labels:
            return f"{min(9999.0, max(0.01, float(text) * math.exp(shift * MAGNITUDE_LOG_SD))):.3g}"
        # A part of a step is answered as a whole one so often.
        moved = math.floor(float(text) + shift * question.noise_steps + self._rng.random())
        return str(min(question.values[-1], max(question.first, moved)))

    def _by_law(self, question: Question, factors: Factors, stimulus: Stimulus) -> str:
        self._answers += 1
        if question.latent == "delay":
            return str(int(self._notices(max(stimulus.voice_delay_ms, stimulus.face_delay_ms))))
        if question.latent == "magnitude":
            return f"{self._magnitude(factors, stimulus):.3g}"
        if question.latent == "realism":
            generated_first = str(factors.get("first", "")) == "generated"
            picks_generated = self._rng.random() < PREFERS_GENERATED
            return str(int(picks_generated != generated_first))
        if question.latent == "pain":
            shown = max(stimulus.voice.nrs, stimulus.face.nrs) + 0.9 * self._rng.standard_normal()
            return str(int(min(10, max(0, round(shown)))))
        return str(self._heard(question, factors, stimulus))

    def _heard(self, question: Question, factors: Factors, stimulus: Stimulus) -> int:
        """By the listener: force, level and f0 ratio of the trial."""
        newton = float(factors.get("force_newton", stimulus.voice.full_newton))
        voice, face = stimulus.voice, stimulus.face
        level_db = voice.level_db + gain_to_db(stimulus.voice_gain)
        if voice.mode == "silent":  # a face alone is taken as a sound of that strength
            level_db = -28.6 * (1.0 - min(1.0, stimulus.face_gain * face.nrs / 10.0))
        ratio = float(factors.get("pitch", 1.0))
        state = normalised(TASK.observation, np.array([[newton]]))
        action = normalised(TASK.action, np.array([[level_db, ratio]]))
        asked = LISTENED[question.name]
        listener = self.rater.listener
        if isinstance(listener, FittedListener) and asked.levels != len(listener.cuts) + 1:
            # A person known by four grades of agreement answers a finer scale by the chance of agreeing.
            place = float(listener.merit(state, action)[0]) * (asked.levels - 1)
            noisy = round(place + asked.noise_steps * self._rng.standard_normal())
            return asked.first + min(asked.levels - 1, max(0, noisy))
        return int(self.rater.answer(asked, state, action, self._rng, self._answers)[0])

    def _notices(self, delay_ms: float) -> bool:
        away = (delay_ms - self._delay_ms) / (DELAY_SLOPE * self._delay_ms)
        chance = 0.02 + 0.95 * 0.5 * (1.0 + math.erf(away / math.sqrt(2.0)))
        return bool(self._rng.random() < chance)

    def _magnitude(self, factors: Factors, stimulus: Stimulus) -> float:
        """A power law of the factor intensity, or else of the pain that the stimulus shows or sounds."""
        exponent = self._exponents.get(str(factors.get("modality", "force")), 1.0)
        intensity = factors.get(INTENSITY)
        if not isinstance(intensity, int | float):
            exponent = self._exponents["face"]
            voice = stimulus.voice.nrs if stimulus.voice.mode != "silent" else 0.0
            face = stimulus.face.nrs if stimulus.face.mode != "neutral" else 0.0
            intensity = max(LEAST_PAIN, voice, face) / 10.0
        noise = math.exp(MAGNITUDE_LOG_SD * self._rng.standard_normal())
        return float(min(9999.0, max(0.01, 10.0 * self._unit * float(intensity) ** exponent * noise)))


def factors_without_effect(study: Study, person: Person) -> list[str]:
    """Factors that change nothing that a simulated person heeds: neither a law of this file nor the stimulus."""
    first = next((trial for part in study.plan(person).blocks for trial in part.trials), None)
    if first is None:
        return []
    deaf = []
    for name, levels in study.file.factors.items():
        if name in HEEDED or name not in first.factors or len(levels) < 2:
            continue
        shown = {_heeded(study.stimulus(person, first.factors | {name: level})) for level in levels}
        if len(shown) == 1:
            deaf.append(name)
    return deaf


def _heeded(stimulus: Stimulus) -> tuple[object, ...]:
    """What the laws of this file read of a stimulus."""
    voice, face = stimulus.voice, stimulus.face
    return (
        voice.mode, voice.level_db, voice.nrs, voice.full_newton, stimulus.voice_gain, stimulus.voice_delay_ms,
        face.mode, face.nrs, stimulus.face_gain, stimulus.face_delay_ms,
    )  # fmt: skip


def read_effects(text: str, study: Study) -> dict[str, float]:
    """Declared effects, ``age=1.5,side=-1``: by factor, SDs of one answer from its first level to its last.

    Raises
    ------
    ConfigError
        For a factor that the study does not have, or an effect that is no number.
    """
    effects: dict[str, float] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (part.strip() for part in pair.partition("="))
        if name not in study.file.factors:
            raise ConfigError(
                f'--effects "{pair}": {study.name} has no factor {name!r}; it has '
                f"{', '.join(study.file.factors) or 'none'}"
            )
        try:
            effects[name] = float(value)
        except ValueError:
            raise ConfigError(f'--effects "{pair}": write FACTOR=NUMBER, for example {name}=1.5') from None
    return effects


def people_of(listeners: str, count: int, seed: int) -> list[SimulatedPerson]:
    """Simulated participants.

    Parameters
    ----------
    listeners
        A file of rated trials (its people, in order, over again when more are wanted), the name of a population, or
        of a simulated rater of ``policies``.

    Raises
    ------
    ConfigError
        Naming what may be given.
    """
    rng = np.random.default_rng([seed, 0x59])
    if listeners.endswith(".csv"):
        people = fit_people(read_rated_trials(Path(listeners)))
        raters = [
            SimulatedRater(
                people.listener(index % len(people.names)), Habits(lapse=0.0), people.names[index % len(people.names)]
            )
            for index in range(count)
        ]
    elif listeners in population_names():
        prior = read_population(listeners)
        root = np.linalg.cholesky(np.linalg.inv(prior.precision))
        raters = []
        for index in range(count):
            drawn = prior.mean + root @ rng.standard_normal(len(prior.mean))
            raters.append(SimulatedRater(FittedListener(drawn[:-3], np.sort(drawn[-3:]), name=f"{listeners}:{index}")))
    elif listeners == "psychophysical":
        raters = [SimulatedRater(draw_listener(rng), name=f"psychophysical:{index}") for index in range(count)]
    elif listeners in PRESETS:
        raters = [simulated_rater(f"{listeners}:{index}", TASK).rater for index in range(count)]
    else:
        raise ConfigError(f'--listeners "{listeners}": give a CSV of rated trials or one of {", ".join(PRESETS)}')
    return [SimulatedPerson(rater, seed * 10_007 + index) for index, rater in enumerate(raters)]
