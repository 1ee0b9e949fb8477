"""A study's trials as markers: one a moment, at its own time."""

import json

from experiments.benchmarks.simulated_study import simulated_trials
from robopatient import messages as m
from robopatient.interop.markers import Markers


def state(phase: str, t_ns: int) -> m.StudyState:
    return m.StudyState(t_ns, "made_up", "P1", phase, 0, 3, 7, 192, False, "agree", 5.0, 7.0, 0.0, -1.0, "")


def test_a_finished_trial_is_told_moment_by_moment() -> None:
    row = next(row for row in simulated_trials("P1", 1, 8, 1) if row.status == "done")
    marks = {json.loads(mark.text)["event"]: mark for mark in Markers().every(row)}
    assert list(marks) == ["trigger", "sound", "picture", "response", "trial"]
    assert marks["trigger"].t_ns == row.trigger_ns
    assert marks["sound"].t_ns == row.sound_ns
    assert marks["picture"].t_ns == row.frame_ns
    answer = json.loads(marks["response"].text)
    assert (answer["trial"], answer["response"], answer["value"]) == (row.trial, row.response, row.response_value)
    assert json.loads(marks["trial"].text)["factors"] == row.factors


def test_a_missed_trial_has_no_moments_that_never_came() -> None:
    row = next(row for row in simulated_trials("P1", 1, 192, 1) if row.status == "missed")
    (only,) = Markers().every(row)
    told = json.loads(only.text)
    assert (told["event"], told["status"], told["flags"]) == ("trial", "missed", ["unanswered"])


def test_a_phase_of_the_study_is_told_once() -> None:
    markers = Markers()
    told = [markers.every(state(phase, t)) for t, phase in enumerate(("ready", "ready", "press", "press", "question"))]
    assert [len(marks) for marks in told] == [1, 0, 1, 0, 1]
    assert json.loads(told[2][0].text) == {
        "event": "phase", "phase": "press", "study": "made_up", "participant": "P1", "block": 0, "trial": 7,
    }  # fmt: skip
