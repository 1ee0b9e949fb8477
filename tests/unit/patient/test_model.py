from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robopatient.config import asset_names
from robopatient.messages import ForceFrame, PainState
from robopatient.patient import Patient, load_patient
from robopatient.patient.tenderness import tenderness

PROFILE = load_patient("appendicitis")
HERE = Patient(PROFILE).phantom.plate_mm(PROFILE.sites[0].left_mm, PROFILE.sites[0].head_mm)
AWAY = (HERE[0] - 100.0, HERE[1])
LOOP_HZ = 250.0
RELIEVING = {"habituation", "expectation", "offset"}


def touch(t_s: float, newton: float, site_mm: tuple[float, float], rate: float = 0.0, flags=()) -> ForceFrame:
    t_ns = round(t_s * 1e9)
    contact = site_mm if newton >= 2.0 else None
    return ForceFrame(t_ns, t_ns, round(t_s * LOOP_HZ), (newton,), contact, rate, flags)


def bell(peak_newton: float, duration_s: float = 1.0) -> np.ndarray:
    return peak_newton * np.sin(np.linspace(0, np.pi, round(duration_s * LOOP_HZ))) ** 2


def feel(newtons: np.ndarray, site_mm: tuple[float, float] = HERE, patient: Patient | None = None) -> list[PainState]:
    patient = patient or Patient(PROFILE)
    rates = np.gradient(newtons) * LOOP_HZ
    return [
        patient.step(touch(i / LOOP_HZ, float(newton), site_mm, float(rate)))
        for i, (newton, rate) in enumerate(zip(newtons, rates, strict=True))
    ]


def peak(pains: list[PainState]) -> float:
    return max(pain.nrs for pain in pains)


def test_an_untouched_patient_feels_nothing() -> None:
    assert all(pain.nrs == 0.0 and pain.phase == "rest" and pain.site == "" for pain in feel(np.zeros(250)))


def test_a_touch_below_the_threshold_does_not_hurt() -> None:
    assert peak(feel(bell(PROFILE.psychophysics.threshold_newton))) == 0.0


def test_the_median_published_press_on_the_site_hurts_seven_to_eight() -> None:
    assert 7.0 < peak(feel(bell(34.5))) < 8.0


def test_a_held_press_settles_on_the_power_law() -> None:
    pains = feel(np.full(500, 20.0))
    psychophysics = PROFILE.psychophysics
    drive = ((20.0 - psychophysics.threshold_newton) / psychophysics.reference_newton) ** psychophysics.exponent
    assert pains[-1].components["nociception"] == pytest.approx(10 * (1 - math.exp(-drive)), rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 120), st.floats(0, 120))
def test_more_force_is_never_less_pain_at_any_moment_of_the_press(one: float, other: float) -> None:
    soft, hard = sorted((one, other))
    for less, more in zip(feel(bell(soft, 0.4)), feel(bell(hard, 0.4)), strict=True):
        assert more.nrs >= less.nrs - 1e-9


def test_harder_presses_hurt_strictly_more_up_to_the_published_maximum() -> None:
    peaks = [peak(feel(bell(newton))) for newton in (5, 10, 15, 20, 35, 50, 75, 100)]
    assert all(a < b - 0.02 for a, b in pairwise(peaks))
    assert peaks[-1] < 10.0


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 150), st.floats(0, 150))
def test_farther_from_the_site_is_never_more_tender(one: float, other: float) -> None:
    near, far = sorted((one, other))
    site = PROFILE.sites[0]
    base = PROFILE.psychophysics.baseline_tenderness
    close, _ = tenderness(PROFILE.sites, base, site.left_mm + near, site.head_mm)
    distant, _ = tenderness(PROFILE.sites, base, site.left_mm + far, site.head_mm)
    assert base <= distant <= close <= 1.0


def test_a_press_away_from_the_site_hurts_less_than_2() -> None:
    pains = feel(bell(34.5), AWAY)
    assert peak(pains) < 2.0 < 5.0 < peak(feel(bell(34.5)))
    assert {pain.site for pain in pains} == {""}


def test_the_site_that_hurts_is_named() -> None:
    assert feel(bell(20.0))[125].site == "McBurney's point"


def test_a_firm_press_on_a_healthy_abdomen_stays_below_2() -> None:
    assert peak(feel(bell(50.0), patient=Patient(load_patient("healthy")))) < 2.0


def test_phases_follow_the_press_in_order() -> None:
    newtons = np.concatenate(
        [np.zeros(20), np.linspace(0, 30, 75), np.full(125, 30.0), np.linspace(30, 0, 75), np.zeros(9)]
    )
    phases = [pain.phase for pain in feel(newtons)]
    order = [phase for i, phase in enumerate(phases) if i == 0 or phase != phases[i - 1]]
    assert order == ["rest", "onset", "hold", "release", "rest"]


def test_pain_answers_within_one_frame_and_rises_with_its_time_constant() -> None:
    newtons = np.concatenate([np.zeros(10), np.full(100, 30.0)])
    pains = feel(newtons)
    assert pains[10].nrs > 0.0
    reached = pains[10 + round(0.04 * LOOP_HZ)].components["nociception"] / pains[-1].components["nociception"]
    assert reached == pytest.approx(1 - math.exp(-1), abs=0.05)


def test_repeated_painful_presses_are_guarded_and_hurt_more() -> None:
    train = np.concatenate([np.concatenate([bell(25.0), np.zeros(100)]) for _ in range(4)])
    pains = feel(train)
    peaks = [peak(pains[i * 350 : i * 350 + 300]) for i in range(4)]
    assert peaks[0] < peaks[1] <= peaks[2] <= peaks[3]
    assert max(pain.components["guarding"] for pain in pains) > 0.1


def test_mild_presses_are_not_guarded() -> None:
    pains = feel(np.concatenate([bell(7.0)] * 4))
    assert max(pain.components["guarding"] for pain in pains) == 0.0


def test_letting_go_fast_hurts_more_than_letting_go_slowly() -> None:
    def release(seconds: float) -> float:
        fall = np.linspace(25, 0, round(seconds * LOOP_HZ))
        return max(p.components["release"] for p in feel(np.concatenate([np.full(100, 25.0), fall, np.zeros(50)])))

    assert release(0.1) > 2 * release(1.0) > 0.0


def test_rebound_belongs_to_peritonitis_only() -> None:
    pains = feel(bell(30.0, 0.3), HERE, Patient(load_patient("gastritis")))
    assert {pain.components["release"] for pain in pains} == {0.0}


@pytest.mark.parametrize("flag", ["stale", "paused"])
def test_pain_is_gone_within_the_fail_quiet_time_and_never_rises_meanwhile(flag: str) -> None:
    patient = Patient(PROFILE, fail_quiet_ms=300.0)
    before = feel(np.full(100, 40.0), patient=patient)[-1]
    fading = [patient.step(touch(0.4 + i / LOOP_HZ, 0.0, HERE, flags=(flag,))) for i in range(100)]
    levels = [before.nrs, *(pain.nrs for pain in fading)]
    assert all(a >= b for a, b in pairwise(levels))
    assert fading[round(0.15 * LOOP_HZ)].nrs == pytest.approx(before.nrs / 2, rel=0.1)
    assert fading[round(0.3 * LOOP_HZ)].nrs == 0.0
    assert {pain.phase for pain in fading} == {"rest"}


def test_pain_returns_when_the_frames_do() -> None:
    patient = Patient(PROFILE)
    feel(np.full(50, 30.0), patient=patient)
    for i in range(100):
        patient.step(touch(0.2 + i / LOOP_HZ, 0.0, HERE, flags=("stale",)))
    for i in range(50):
        pain = patient.step(touch(0.6 + i / LOOP_HZ, 30.0, HERE))
    assert pain.nrs > 6.0


def test_a_frame_told_twice_changes_nothing() -> None:
    once, twice = Patient(PROFILE), Patient(PROFILE)
    for i, newton in enumerate(bell(30.0)):
        frame = touch(i / LOOP_HZ, float(newton), HERE)
        a = once.step(frame)
        twice.step(frame)
        b = twice.step(frame)
        assert a.nrs == pytest.approx(b.nrs, abs=1e-12)


def test_a_dead_cell_leaves_the_last_known_place() -> None:
    patient = Patient(PROFILE)
    feel(np.full(100, 20.0), patient=patient)
    blind = ForceFrame(410_000_000, 410_000_000, 103, (15.0,), None, 0.0, ("dead_cell",))
    assert patient.step(blind).nrs > 3.0


FORCES = st.tuples(
    st.integers(0, 200_000_000),
    st.floats(-50, 300),
    st.floats(0, 290),
    st.floats(0, 290),
    st.floats(-1e5, 1e5),
    st.booleans(),
)


PROFILES = {name: load_patient(name) for name in asset_names("patients")}


@settings(max_examples=60, deadline=None)
@given(st.lists(FORCES, max_size=60), st.sampled_from(asset_names("patients")))
def test_pain_is_finite_and_within_the_scale_whatever_is_felt(rows, name: str) -> None:
    patient, again = Patient(PROFILES[name]), Patient(PROFILES[name])
    t_ns = 0
    for step_ns, newton, x, y, rate, stale in rows:
        t_ns += step_ns
        frame = ForceFrame(t_ns, t_ns, 0, (newton,), (x, y), rate, ("stale",) if stale else ())
        pain = patient.step(frame)
        assert 0.0 <= pain.nrs <= 10.0
        for part, value in pain.components.items():
            assert math.isfinite(value)
            assert value >= 0.0 or part in RELIEVING
        assert sum(pain.components.values()) == pytest.approx(pain.nrs, abs=1e-9)
        assert all(0.0 <= shown <= 10.0 for shown in (pain.report_nrs, pain.face_nrs, pain.voice_nrs))
        assert again.step(frame) == pain
