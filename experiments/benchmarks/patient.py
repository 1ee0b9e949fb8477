"""Does the virtual patient show what was published of people, and what does a step cost?

Each protocol presses a patient that has one effect and nothing else; the published interval stands beside the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.benchmarks.figures import Figure, distribution, machine, new_result, show
from robopatient.config import asset_names
from robopatient.messages import PainState
from robopatient.patient import PatientProfile, TenderSite, load_patient
from robopatient.patient.cues import Cues
from robopatient.patient.expectation import Expectation, KalmanBelief
from robopatient.patient.guarding import Guarding
from robopatient.patient.offset import OffsetAnalgesia
from robopatient.patient.report import ReportStyle, report_sd
from robopatient.patient.summation import Summation
from robopatient.simulation.hand import GuidedHand

__all__ = ["bench_patient", "published"]

SITE = TenderSite(name="site", region="right iliac", left_mm=-72.0, head_mm=-51.0)
AT_MM = (SITE.left_mm, SITE.head_mm)
STEP_LIMIT_US = 200.0
SECONDS = 20.0
"""Of presses for each patient's cost."""


def bench_patient(as_json: bool = False, seed: int = 1) -> None:
    """The verb ``bench patient``."""
    figures = [*published(), distribution("step_us", _costs_us(seed), target={"p99": STEP_LIMIT_US})]
    show(new_result("patient", figures, [], machine(), seed), as_json)


def published() -> list[Figure]:
    """Every published number that the patient is held to, with its interval."""
    phasic, tonic = _repeated(), _held()
    healthy, chronic = _offset("healthy"), _offset("chronic")
    expectation = Expectation()
    leaned = _expecting(9.0) - _expecting(1.0)
    learned = _second_press() / leaned * 8.0
    kalman = KalmanBelief(Expectation(form="kalman"))
    aware, unaware = (_warned(Cues(aware=aware)) for aware in (True, False))
    return [
        _within("summation_ten_presses_nrs", phasic, 2.73, (1.17, 4.29), "Granot 2006, n = 27; SD 1.17 and 1.55"),
        _within("summation_held_press_nrs", tonic, 3.73, (1.5, 6.7), "Granot 2006; Suzan 2015: 3.1 or 4.1, SD 2.6"),
        _within("offset_analgesia_nrs", healthy, -0.46, (-0.75, -0.17), "Szikszay 2019, meta-analysis"),
        _within("offset_chronic_ratio", chronic / healthy, 0.701, (0.68, 0.72), "Szikszay 2019: 29.9 % less"),
        _within("expectation_gamma", leaned / 8.0, expectation.gamma, (0.186, 0.273), "Onysk, eLife 90634, RL"),
        _within("expectation_alpha", learned, expectation.alpha, (0.732, 0.863), "Onysk, eLife 90634, RL"),
        _within("kalman_gamma", kalman.gamma, 0.247, (0.22, 0.28), "Onysk, eLife 90634, Kalman"),
        _within("kalman_gain", kalman.gain, 0.70, (0.65, 0.74), "Onysk, eLife 90634, Kalman"),
        _within(
            "report_sd_nrs", report_sd(ReportStyle()), 0.33, (0.30, 0.35), "Onysk, eLife 90634: eta 3.0 to 3.5 of 100"
        ),
        _within("cue_without_awareness_nrs", unaware, 0.0, (0.0, 0.0), "arXiv 2603.16288: explicit learners only"),
        _within("cue_with_awareness_nrs", aware, aware, (1e-6, 10.0), "arXiv 2603.16288: direction only"),
        _within("tenderness_sigma_mm", _sigma_mm(), 25.0, (24.0, 26.0), "Protpagorn 2023"),
    ]


def _within(name: str, number: float, aim: float, interval: tuple[float, float], source: str) -> Figure:
    low, high = interval
    number = round(number, 4)
    remark = f"published {aim:.4g} ({low:g} to {high:g}); {source}"
    return Figure(name, value=number, target={"low": low, "high": high}, met=low <= number <= high, remark=remark)


def _hand(**sections: Any) -> GuidedHand:
    given: dict[str, Any] = {"guarding": Guarding(gain=0.0), "sites": (SITE,)} | sections
    profile = PatientProfile(
        name="nobody", age_years=40, sex="male", complaint="", history="", voice="david", face="david", **given
    )
    return GuidedHand(profile)


def _worst(felt: list[PainState]) -> float:
    return max(pain.nrs for pain in felt)


def _force_for(nrs: float, press: Callable[[GuidedHand, float], float], **sections: Any) -> float:
    low, high = 0.0, 120.0
    for _ in range(20):
        middle = (low + high) / 2.0
        low, high = (middle, high) if press(_hand(**sections), middle) < nrs else (low, middle)
    return high


def _repeated() -> float:
    """Ten 1 s presses at 0.5 Hz that start at 52.9 of 100."""
    summation = Summation()
    newton = _force_for(5.29, lambda hand, force: _worst(hand.press(force, AT_MM)), summation=summation)
    hand, peaks = _hand(summation=summation), []
    for _ in range(10):
        peaks.append(_worst(hand.press(newton, AT_MM)))
        hand.wait(1.0)
    return peaks[-1] - peaks[0]


def _held() -> float:
    """A press held for a minute that starts at 38.5 of 100."""
    summation = Summation()

    def begin(hand: GuidedHand, force: float) -> float:
        hand.lead(force, AT_MM, 0.2)
        return hand.lead(force, AT_MM, 1.0)[-1].nrs

    hand, newton = _hand(summation=summation), _force_for(3.85, begin, summation=summation)
    first = begin(hand, newton)
    return hand.lead(newton, AT_MM, 60.0)[-1].nrs - first


def _offset(kind: str) -> float:
    """Lowest pain after a step from 5 to 6 and back, less that of a constant press."""

    def held(hand: GuidedHand, force: float) -> float:
        hand.lead(force, AT_MM, 0.2)
        return hand.lead(force, AT_MM, 1.0)[-1].nrs

    five, six = _force_for(5.0, held), _force_for(6.0, held)
    hand = _hand(kind=kind, offset=OffsetAnalgesia())
    held(hand, five)
    hand.lead(six, AT_MM, 0.2)
    hand.lead(six, AT_MM, 10.0)
    hand.lead(five, AT_MM, 0.05)
    return min(pain.nrs for pain in hand.lead(five, AT_MM, 10.0)) - held(_hand(kind=kind), five)


def _expecting(nrs: float) -> float:
    return _worst(_hand(expectation=Expectation(initial_nrs=nrs)).press(20.0, AT_MM))


def _second_press() -> float:
    """How much more the second press hurts than the first, a share of what expecting its pain would add."""
    hand = _hand(expectation=Expectation(initial_nrs=0.0))
    first = _worst(hand.press(20.0, AT_MM))
    hand.wait(20.0)
    return (_worst(hand.press(20.0, AT_MM)) - first) / first


def _warned(cues: Cues) -> float:
    """What "this may hurt" adds to a press."""
    pains = []
    for words in ("this may hurt", ""):
        hand = _hand(expectation=Expectation(initial_nrs=4.0), cues=cues)
        if words:
            hand.patient.cue(words)
        pains.append(_worst(hand.press(20.0, AT_MM)))
    return pains[0] - pains[1]


def _sigma_mm() -> float:
    """Distance from the site at which a light press drives 61 % of its tenderness, for small pain."""
    u = [_drive(distance) for distance in range(60)]
    return float(np.interp(-np.exp(-0.5), -np.asarray(u) / u[0], range(60)))


def _drive(distance_mm: float) -> float:
    from robopatient.patient.tenderness import Psychophysics, nociception

    psychophysics = Psychophysics(baseline_tenderness=0.0)
    nrs, _ = nociception((SITE,), psychophysics, (AT_MM[0] + distance_mm, AT_MM[1]), 5.0)
    return -float(np.log1p(-nrs / 10.0))


def _costs_us(seed: int) -> np.ndarray:
    """Processor time of every step of all shipped patients under presses, shape (n,)."""
    costs: list[float] = []
    for name in asset_names("patients"):
        hand = GuidedHand(load_patient(name), seed)
        patient = hand.patient
        step = patient.step

        def timed(force: Any, step: Callable[[Any], PainState] = step) -> PainState:
            begin_ns = time.thread_time_ns()
            pain = step(force)
            costs.append((time.thread_time_ns() - begin_ns) * 1e-3)
            return pain

        patient.step = timed  # type: ignore[method-assign]
        site = patient.profile.sites[0] if patient.profile.sites else None
        at_mm = (site.left_mm, site.head_mm) if site else (0.0, 0.0)
        patient.cue("this may hurt")
        while hand.t_ns < SECONDS * 1e9:
            hand.press(25.0, at_mm)
            hand.wait(0.5)
    return np.asarray(costs)
