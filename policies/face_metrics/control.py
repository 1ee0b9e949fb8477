"""Do the controls do what their names say: one condition is swapped at the same seed, a statistic must follow.

Each test changes one thing in otherwise equal conditions and compares pairs with equal seeds; conditions are rebuilt
from traits and pain, so both sides are ones that can occur. Directions are those of the corpus' recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from policies.face_generators import Generator
from policies.face_metrics.generation import generate_many
from policies.statistics.resampling import sign_flip_p
from robopatient.face.generator.condition import TOLD, Traits, condition_of, index
from robopatient.face.generator.motion import MOTION_HZ, column, pspi_no_au43, sided
from robopatient.simulation.presses import course

__all__ = ["SWAPS", "ConditionedPerson", "Swap", "SwapResult", "slots_matter", "swap_test"]

CLIP_S = 7.0
PRESS_S, RISE_S, HOLD_S = 1.5, 0.4, 2.5
"""When the press of the tests begins, how long it rises and is held."""

PAIN_NRS = 7.0
"""Pain of the press where something else is swapped: enough for nearly everyone to react."""


class ConditionedPerson(NamedTuple):
    """Who is asked; ``site_mm`` and ``emotion`` of the trial."""

    traits: Traits
    site_mm: tuple[float, float] = (0.0, 0.0)
    emotion: tuple[float, float] = (0.0, 0.0)


class Swap(NamedTuple):
    """One control: low and high conditions of a person, and what must grow (+1), shrink (-1) or stay (0)."""

    condition: str
    question: str
    direction: int
    low: Callable[[ConditionedPerson], np.ndarray]
    high: Callable[[ConditionedPerson], np.ndarray]
    statistic: Callable[[np.ndarray], float]


class SwapResult(NamedTuple):
    """Means of the statistic, mean difference, one-sided p (two-sided where nothing should happen), pairs."""

    condition: str
    question: str
    direction: int
    low: float
    high: float
    p: float
    n: int

    @property
    def passed(self) -> bool:
        """In the right direction with p below 0.01; where none is expected, no difference with p below 0.01."""
        return self.p >= 0.01 if self.direction == 0 else self.p < 0.01


def press(peak: float, rise_s: float = RISE_S, hold_s: float = HOLD_S, start_s: float = PRESS_S) -> np.ndarray:
    """Pain 0-10 of one press, shape (n,)."""
    t = np.arange(round(CLIP_S * MOTION_HZ)) / MOTION_HZ
    return course(t - start_s, peak=peak, rise_s=rise_s, hold_s=hold_s, fall_s=0.5, shape="linear")


def _row(person: ConditionedPerson, pain: np.ndarray | None = None, **changes: Any) -> np.ndarray:
    """Conditions of a person whose traits are changed; contact, site, loudness and emotion by their own names."""
    pain = press(PAIN_NRS) if pain is None else pain
    extra: dict[str, Any] = {"site_mm": person.site_mm, "emotion": person.emotion}
    extra |= {name: changes.pop(name) for name in TOLD if name in changes}
    return condition_of(
        pain,
        MOTION_HZ,
        msgspec.structs.replace(person.traits, **changes),
        **extra,
    )


def _frames(begin_s: float, end_s: float) -> slice:
    return slice(round(begin_s * MOTION_HZ), round(end_s * MOTION_HZ))


PRESSED = _frames(PRESS_S, PRESS_S + RISE_S + HOLD_S + 0.5)
"""The press and the half second after it, in which most faces are at their strongest."""


def _peak_pspi(motion: np.ndarray) -> float:
    return float(np.asarray(pspi_no_au43(motion[PRESSED])).max())


def _mean_of(*units: str, part: slice = PRESSED) -> Callable[[np.ndarray], float]:
    return lambda motion: float(np.mean([sided(motion[part], unit) for unit in units]))


def _channel(name: str, part: slice = PRESSED) -> Callable[[np.ndarray], float]:
    return lambda motion: float(motion[part, column(name)].mean())


def _centre_of_rise_s(motion: np.ndarray) -> float:
    """When the face has done half of its rise, seconds after the press; the clip's length when it never rises."""
    shown = np.asarray(pspi_no_au43(motion))
    begin = round(PRESS_S * MOTION_HZ)
    rest, top = shown[:begin].mean(), shown[PRESSED].max()
    if top - rest < 0.5:
        return CLIP_S
    return float(np.argmax(shown[begin:] >= rest + 0.5 * (top - rest))) / MOTION_HZ


def _left_minus_right(motion: np.ndarray) -> float:
    return float(
        np.mean([motion[PRESSED, column(f"{u}L")] - motion[PRESSED, column(f"{u}R")] for u in ("AU6", "AU7", "AU10")])
    )


def _fierce_minus_sad(motion: np.ndarray) -> float:
    return float((motion[:, column("AU5")] - motion[:, column("AU15")]).mean())


def _reaches(level: float, gap_s: float) -> Callable[[np.ndarray], float]:
    """Mean PSPI in the half second that begins ``gap_s`` after the press."""
    start = PRESS_S + RISE_S + HOLD_S + 0.5 + gap_s
    part = _frames(start, start + level)
    return lambda motion: float(np.asarray(pspi_no_au43(motion[part])).mean())


def _touch(hurts: float) -> np.ndarray:
    return (press(1.0) > 0.0).astype(float) * hurts


def _cry(loudest: float) -> np.ndarray:
    return press(loudest, rise_s=0.3, start_s=PRESS_S + 0.2)


_TOUCHED = _frames(PRESS_S, PRESS_S + 0.6)
_QUIET = press(0.0)

SWAPS: tuple[Swap, ...] = (
    Swap(
        "pain",
        "peak PSPI, pain 8 against 3",
        1,
        lambda p: _row(p, press(3.0)),
        lambda p: _row(p, press(8.0)),
        _peak_pspi,
    ),
    Swap(
        "pain_rate_per_s",
        "time to half of the rise, a sudden against a slow press",
        -1,
        lambda p: _row(p, press(PAIN_NRS, rise_s=2.0, hold_s=0.9)),
        lambda p: _row(p, press(PAIN_NRS, rise_s=0.15, hold_s=2.75)),
        _centre_of_rise_s,
    ),
    Swap(
        "pain_0.3s, pain_1s",
        "PSPI in the half second after a press is over, against no press",
        1,
        lambda p: _row(p, _QUIET),
        _row,
        _reaches(0.5, 0.1),
    ),
    Swap(
        "pain_3s, pain_10s",
        "PSPI from one second after a press is over, against no press",
        1,
        lambda p: _row(p, _QUIET),
        _row,
        _reaches(0.5, 1.0),
    ),
    Swap(
        "contact",
        "AU7 in the first 0.6 s of a painless touch, against none",
        1,
        lambda p: _row(p, _QUIET, contact=_touch(0.0)),
        lambda p: _row(p, _QUIET, contact=_touch(1.0)),
        _mean_of("AU7", part=_TOUCHED),
    ),
    Swap(
        "site_left_mm",
        "head yaw, pressed 90 mm left against right",
        1,
        lambda p: _row(p, site_mm=(-90.0, 0.0)),
        lambda p: _row(p, site_mm=(90.0, 0.0)),
        _channel("head_yaw_deg"),
    ),
    Swap(
        "site_head_mm",
        "peak PSPI, pressed 90 mm high against low: no difference in the corpus",
        0,
        lambda p: _row(p, site_mm=(0.0, -90.0)),
        lambda p: _row(p, site_mm=(0.0, 90.0)),
        _peak_pspi,
    ),
    Swap(
        "expressiveness",
        "peak PSPI, trait 1.8 against 0.4",
        1,
        lambda p: _row(p, expressiveness=0.4),
        lambda p: _row(p, expressiveness=1.8),
        _peak_pspi,
    ),
    Swap(
        "asymmetry",
        "left minus right of the paired units, +0.7 against -0.7",
        1,
        lambda p: _row(p, asymmetry=-0.7),
        lambda p: _row(p, asymmetry=0.7),
        _left_minus_right,
    ),
    Swap(
        "tempo",
        "time to half of the rise, quick against slow",
        -1,
        lambda p: _row(p, tempo=-0.7),
        lambda p: _row(p, tempo=0.7),
        _centre_of_rise_s,
    ),
    Swap(
        "narrowed",
        "AU9, narrowed against opened",
        1,
        lambda p: _row(p, archetype="opened"),
        lambda p: _row(p, archetype="narrowed"),
        _mean_of("AU9"),
    ),
    Swap(
        "opened",
        "AU25, opened against furrowed",
        1,
        lambda p: _row(p, archetype="furrowed"),
        lambda p: _row(p, archetype="opened"),
        _mean_of("AU25"),
    ),
    Swap(
        "raised",
        "AU1 and AU2, raised against narrowed",
        1,
        lambda p: _row(p, archetype="narrowed"),
        lambda p: _row(p, archetype="raised"),
        _mean_of("AU1", "AU2"),
    ),
    Swap(
        "furrowed",
        "AU4, furrowed against opened",
        1,
        lambda p: _row(p, archetype="opened"),
        lambda p: _row(p, archetype="furrowed"),
        _mean_of("AU4"),
    ),
    Swap(
        "stoic",
        "peak PSPI, stoic against narrowed",
        -1,
        lambda p: _row(p, archetype="narrowed"),
        lambda p: _row(p, archetype="stoic"),
        _peak_pspi,
    ),
    Swap(
        "sex",
        "peak PSPI, male against female",
        -1,
        lambda p: _row(p, sex=0.0),
        lambda p: _row(p, sex=1.0),
        _peak_pspi,
    ),
    Swap(
        "age_years",
        "peak PSPI, 80 against 25 years: no difference in the corpus",
        0,
        lambda p: _row(p, age_years=25.0),
        lambda p: _row(p, age_years=80.0),
        _peak_pspi,
    ),
    Swap(
        "valence",
        "AU12, pleasant against unpleasant",
        1,
        lambda p: _row(p, emotion=(-0.7, 0.0)),
        lambda p: _row(p, emotion=(0.7, 0.0)),
        _mean_of("AU12", part=slice(None)),
    ),
    Swap(
        "arousal",
        "AU5 minus AU15, distressed against sad",
        1,
        lambda p: _row(p, emotion=(-0.7, -0.7)),
        lambda p: _row(p, emotion=(-0.7, 0.7)),
        _fierce_minus_sad,
    ),
    Swap(
        "loudness",
        "jaw opening, a loud cry against a silent one",
        1,
        lambda p: _row(p, loudness=_cry(0.0)),
        lambda p: _row(p, loudness=_cry(0.7)),
        _channel("jaw_mm"),
    ),
)
"""Every column of the conditions in at least one test; the two that mean nothing in the corpus must do nothing."""


def swap_test(generator: Generator, people: Sequence[ConditionedPerson], swap: Swap, seed: int = 0) -> SwapResult:
    """One control of one generator, a pair a person with the same seed on both sides."""
    seeds = [seed + i for i in range(len(people))]
    low = np.array([swap.statistic(m) for m in generate_many(generator, [swap.low(p) for p in people], seeds)])
    high = np.array([swap.statistic(m) for m in generate_many(generator, [swap.high(p) for p in people], seeds)])
    difference = high - low
    if swap.direction:
        p = sign_flip_p(swap.direction * difference)
    else:
        p = min(1.0, 2.0 * min(sign_flip_p(difference), sign_flip_p(-difference)))
    return SwapResult(
        swap.condition, swap.question, swap.direction, float(low.mean()), float(high.mean()), p, len(people)
    )


def slots_matter(generator: Generator, person: ConditionedPerson, seed: int = 0) -> float:
    """Root-mean-square change of the motion when pain and expressiveness are put into each other's slots.

    The public demos of PainDiffusion feed the stimulus into the emotion's slot without a warning. 0: nothing reacts.
    """
    condition = _row(person)
    crossed = condition.copy()
    a, b = index("pain"), index("expressiveness")
    crossed[:, [a, b]] = condition[:, [b, a]]
    straight, wrong = generate_many(generator, [condition, crossed], [seed, seed])
    return float(np.sqrt(((straight - wrong) ** 2).mean()))
