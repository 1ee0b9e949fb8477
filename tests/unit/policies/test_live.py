from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from policies.errors import PolicyError
from policies.live import Trainer, train_live
from policies.spaces import TASKS, named, physical
from policies.standard_presses import PressOutcomes
from policies.training_session import TrainingSession
from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.config import ExpressionConfig, LessonConfig, SessionConfig
from robopatient.expression.ppo import Ppo, read_checkpoint
from robopatient.patient import load_patient
from robopatient.study.chooser import Suggestion
from robopatient.study.lesson import lesson_study
from robopatient.study.machine import Machine
from robopatient.study.trials import Person


@pytest.fixture(autouse=True)
def _quick_presses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What presses lead to, without pressing a patient: ``standard_presses`` has a test of its own."""
    made = PressOutcomes(np.linspace(4.0, 35.0, 12), np.linspace(1.0, 9.0, 12), np.linspace(5.0, 15.0, 12))
    monkeypatch.setattr("policies.live.standard_presses", lambda *_: made)
    monkeypatch.setattr("policies.train_ppo.warm_up", lambda: None)


class Bus:
    """A bus of paper: what was told, and what will be heard."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.heard: list[Any] = []

    def tell(self, message: m.Message) -> None:
        self.told.append(message)

    def receive(self, _timeout_ms: float) -> list[Any]:
        heard, self.heard = self.heard, []
        return heard

    def close(self) -> None:
        pass

    def all(self, kind: type) -> list[Any]:
        return [message for message in self.told if isinstance(message, kind)]

    def said(self, action: str) -> list[str]:
        """Arguments of the trainer's actions of a name."""
        return [one.argument for one in self.all(m.OperatorAction) if one.action == action]


class Sitting:
    """A trainer that has begun, the trial machine it serves, and a hand on the patient."""

    def __init__(self, folder: Path, task: str, preset: str, question: str = "signed", ratings: int = 5) -> None:
        lesson = LessonConfig(folder=str(folder), task=task, question=question, start=preset, ratings=ratings)
        config = SessionConfig(lesson=lesson, expression=ExpressionConfig(kind="ppo", preset=preset))
        self.bus = Bus()
        self.trainer = Trainer(config, self.bus, FakeClock(10**9))  # type: ignore[arg-type]
        self.trainer.begin()
        study = lesson_study(lesson)
        self.machine = Machine(study, study.plan(Person("P01")))
        self.policy = Ppo(preset, load_patient(config.patient))
        self.now_ns = self._passed = 0
        self.newton = self.nrs = 0.0
        self._actions: list[m.OperatorAction] = []

    def say(self, action: str, argument: str = "") -> None:
        self._actions.append(m.OperatorAction(self.now_ns, action, argument))

    def turn(self) -> None:
        """20 ms of the machine and of the trainer, each told what the other said."""
        self.now_ns += 20_000_000
        heard = [one for one in self.bus.told[self._passed :] if isinstance(one, m.OperatorAction)]
        self._passed = len(self.bus.told)
        actions, self._actions = [*heard, *self._actions], []
        force = m.ForceFrame(self.now_ns, self.now_ns, 0, (self.newton,))
        outputs = self.machine.step(self.now_ns, force, actions)
        pain = m.PainState(self.now_ns, 0, self.nrs, "", "hold")
        self.machine.hurt(self.policy.admitted(pain))
        for draft in outputs.drafts:
            self._actions.append(m.OperatorAction(self.now_ns, "saved", str(draft.serial), "record"))
        state = [outputs.state] if outputs.state is not None else []
        self.bus.heard = [pain, *(draft.row for draft in outputs.drafts), *state]
        self.trainer.turn(1)

    def until(self, phase: str) -> None:
        for _ in range(2000):
            if self.machine.phase == phase:
                return
            self.turn()
        raise AssertionError(f"{self.machine.phase} and not {phase}")

    def begin(self) -> None:
        self.turn()
        for _ in range(3):
            self.say("next")
            self.turn()

    def trial(self, answer: str, nrs: float = 6.4) -> None:
        self.until("press")
        self.newton, self.nrs = 15.0, nrs
        for _ in range(20):
            self.turn()
        self.newton = self.nrs = 0.0
        self.until("question")
        self.say("answer", answer)
        self.turn()

    @property
    def session(self) -> TrainingSession:
        assert self.trainer._session is not None
        return self.trainer._session

    def shown(self) -> m.LessonState:
        return self.bus.all(m.LessonState)[-1]


def test_the_map_is_told_over_the_force_of_the_press_with_the_face_beside_the_voice(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "pain-to-voice-and-face", "psychophysical-3d")
    sitting.begin()
    told = sitting.shown()
    assert list(told.units) == ["force_newton", "nrs", "level_db", "f0_ratio", "face_gain"]
    assert (told.observed[0], told.observed[-1]) == (4.0, 35.0)
    assert set(told.shown) == {"level_db", "f0_ratio", "face_gain"}
    assert told.shown["level_db"][-1] > told.shown["level_db"][0]
    assert told.curve == ((0.0, *told.worth),)


def test_a_suggestion_reaches_the_patient_in_full_and_the_screen_says_with_which_force(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "pain-to-expression", "psychophysical-6d")
    sitting.begin()
    sitting.until("press")
    (suggested,) = sitting.bus.said("suggest")
    told = msgspec.json.decode(suggested, type=Suggestion)
    assert (told.label, told.trial, told.least_nrs) == ("trial0", 0, 0.5)
    assert set(told.observed) == {"nrs", "nrs_per_s"}
    assert set(told.action) == {axis.name for axis in TASKS["pain-to-expression"].action}
    assert sitting.machine.factors == told.factors
    assert told.factors["question"] == "signed"
    presented = sitting.shown().presented
    assert 4.0 <= presented["force_newton"] == told.factors["force_newton"] <= 35.0
    assert presented["face_gain"] == told.action["face_gain"]


def test_what_is_learnt_from_is_what_the_press_came_to(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "pain-to-expression", "psychophysical-6d")
    sitting.begin()
    sitting.trial("-2")
    (event,) = sitting.session.log.events()
    assert event.trial is not None
    nrs, nrs_per_s = physical(sitting.session.task.observation, event.trial.state)
    assert event.rating == -2
    assert nrs == pytest.approx(sitting.policy.admitted(m.PainState(0, 0, 6.4, "", "hold")))
    assert nrs_per_s > 15.0, "the pain of this press began at once"
    told = msgspec.json.decode(sitting.bus.said("suggest")[0], type=Suggestion)
    sitting.policy.suggest(told.label, told.observed, told.action)
    acted = sitting.policy.acting({"nrs": nrs, "nrs_per_s": nrs_per_s})
    assert named(sitting.session.task.action, event.trial.action) == pytest.approx(acted, rel=1e-6, abs=1e-6)


def test_the_learning_curve_and_the_rows_follow_every_answer_undo_and_pause(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "pain-to-voice", "psychophysical", ratings=3)
    sitting.begin()
    sitting.trial("1")
    sitting.trial("0")
    sitting.until("press")
    sitting.say("undo")
    sitting.until("feedback")
    sitting.until("press")
    sitting.say("pause")
    sitting.until("paused")
    sitting.say("resume")
    sitting.trial("2")
    sitting.until("press")
    assert [event.kind for event in sitting.session.log.events()] == [
        "rating", "rating", "unanswered", "undo", "unanswered", "rating",
    ]  # fmt: skip
    assert sitting.session.learner.answers == [4, 5], "places on the scale from -3 to 3"
    assert [point[0] for point in sitting.shown().curve] == [0.0, 1.0, 2.0]


def test_the_last_rating_writes_the_policy_and_the_folder_goes_on_later(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "pain-to-voice", "psychophysical", ratings=2)
    sitting.begin()
    sitting.trial("1")
    sitting.trial("0")
    sitting.until("done")
    assert read_checkpoint(tmp_path / "policy")[0].training["answers"] == 2
    assert sitting.shown().checkpoint == str(tmp_path / "policy")
    sitting.trainer.close()
    again = Sitting(tmp_path, "pain-to-voice", "psychophysical", ratings=3)
    assert again.bus.said("begun") == ["2"]
    again.turn()
    again.say("next")
    again.trial("0")
    again.until("done")
    assert len(again.session.learner.answers) == 3


@pytest.mark.parametrize("answers", [0, 1])
def test_an_early_end_keeps_what_was_learnt(tmp_path: Path, answers: int) -> None:
    sitting = Sitting(tmp_path, "pain-to-voice", "psychophysical")
    sitting.begin()
    for _ in range(answers):
        sitting.trial("1")
    sitting.until("press")
    sitting.say("abort")
    sitting.until("aborted")
    sitting.turn()
    assert (tmp_path / "policy").exists() is bool(answers)


def test_a_trainer_that_is_killed_and_started_again_chooses_the_trial_in_hand_anew(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "pain-to-voice", "psychophysical")
    sitting.begin()
    sitting.trial("1")
    sitting.until("press")
    killed = sitting.trainer
    sitting.trainer = Trainer(
        SessionConfig(
            lesson=LessonConfig(folder=str(tmp_path), start="psychophysical", ratings=5),
            expression=ExpressionConfig(kind="ppo", preset="psychophysical"),
        ),
        sitting.bus,  # type: ignore[arg-type]
        FakeClock(10**9),
    )
    sitting.trainer.begin()
    sitting.turn()
    assert sitting.machine.phase == "feedback"
    sitting.trial("0")
    killed.close()
    assert [event.rating for event in sitting.session.log.events() if event.kind == "rating"] == [1, 0]


@pytest.mark.parametrize(("question", "population"), [("agree", "congruence"), ("signed", "")])
def test_the_published_question_starts_from_the_people_who_were_asked_it(
    tmp_path: Path, question: str, population: str
) -> None:
    sitting = Sitting(tmp_path, "pain-to-voice", "congruence", question)
    assert sitting.session.description["population"] == population
    assert question in sitting.session.plan.questions


def test_what_the_training_session_refuses_is_told_and_noted(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "pain-to-voice", "psychophysical")
    sitting.begin()
    sitting.until("press")
    row = sitting.machine._make(3, {}).row(sitting.machine.plan, "done", "signed", 0, "fits", 0.0, 0)
    sitting.bus.heard = [row]
    sitting.trainer.turn(1)
    assert sitting.shown().refused == "no answer to trial 3 is expected; it is asked again"
    assert sitting.bus.all(m.Note)[-1].text == sitting.shown().refused
    assert sitting.bus.said("begun") == ["0", "0"]
    assert not sitting.session.log.events()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"task": "force-to-voice"}, r"--task force-to-voice: .* pain-to-voice, pain-to-voice-and-face"),
        ({"question_name": "mood"}, "no question 'mood'"),
    ],
)
def test_what_cannot_be_taught_live_is_refused_before_anything_starts(
    tmp_path: Path, wrong: dict[str, str], message: str
) -> None:
    told = {"task": "pain-to-voice", "question_name": "", "ratings": 5, "start": "", "seed": 1} | wrong
    with pytest.raises(PolicyError, match=message):
        train_live(session=Path("assets/sessions/demo.toml"), out=tmp_path / "x", **told)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()
