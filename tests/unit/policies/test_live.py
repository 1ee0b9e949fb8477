from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from policies.errors import PolicyError
from policies.live import Client, train_live
from policies.rater_check import Consistency
from policies.spaces import TASKS
from policies.standard_presses import PressOutcomes
from policies.trainer import (
    BeginTraining,
    FinishTraining,
    NextTrial,
    PressDone,
    Progress,
    Rated,
    Refused,
    Skipped,
    Undo,
)
from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.config import ExpressionConfig, LessonConfig, SessionConfig
from robopatient.expression.ppo import Ppo
from robopatient.patient import load_patient
from robopatient.study.chooser import Suggestion
from robopatient.study.lesson import lesson_study
from robopatient.study.machine import Machine
from robopatient.study.trials import Person

NRS = (2.5, 6.0, 10.0)
SHOWN = {"level_db": (-24.0, -10.0, 0.0), "f0_ratio": (1.1, 1.0, 0.9), "face_gain": (0.8, 1.0, 1.2)}


@pytest.fixture(autouse=True)
def _quick_presses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What presses lead to, without pressing a patient: ``standard_presses`` has a test of its own."""
    made = PressOutcomes(np.linspace(4.0, 35.0, 12), np.linspace(1.0, 9.0, 12), np.linspace(5.0, 15.0, 12))
    monkeypatch.setattr("policies.live.standard_presses", lambda *_: made)


class Ends:
    """A bus and a trainer of paper: what was told and sent, and the replies to come."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.sent: list[Any] = []
        self.replies: list[Any] = []
        self.heard: list[Any] = []

    def tell(self, message: m.Message) -> None:
        self.told.append(message)

    def send(self, order: Any) -> None:
        self.sent.append(order)

    def receive(self, timeout: float) -> Any:
        """What was said on the bus (asked in ms, at least 1), or the next reply from the trainer."""
        if timeout:
            heard, self.heard = self.heard, []
            return heard
        return self.replies.pop(0) if self.replies else None

    def last(self, kind: type) -> Any:
        return [message for message in self.told if isinstance(message, kind)][-1]


def client(tmp_path: Path, ends: Ends, task: str, preset: str, question: str = "signed") -> Client:
    config = SessionConfig(
        lesson=LessonConfig(folder=str(tmp_path), task=task, question=question, start=preset),
        expression=ExpressionConfig(kind="ppo", preset=preset),
    )
    return Client(config, ends, ends, FakeClock(10**9))  # type: ignore[arg-type]


def state(phase: m.StudyPhase, trial: int = 0) -> m.StudyState:
    return m.StudyState(0, "lesson", "P01", phase, 0, 1, trial, 5, False, "", 0.0, 0.0, 0.0, -1.0, "")


def row(status: str, value: float = 0.0, flags: tuple[str, ...] = (), trial: int = 0) -> m.TrialRecord:
    """What the trial machine records of a trial."""
    study = lesson_study(LessonConfig(folder="x", ratings=5))
    machine = Machine(study, study.plan(Person("P01")))
    made = machine._make(trial, {}).row(machine.plan, status, "signed", 0, "", value, 0)
    return msgspec.structs.replace(made, flags=flags)


def progress(answers: int) -> Progress:
    return Progress(answers, (0.6, 0.4, 0.8), "parametric", "", Consistency(), NRS, SHOWN)


def test_the_map_is_told_over_the_force_of_the_press_with_the_face_beside_the_voice(tmp_path: Path) -> None:
    ends = Ends()
    taught = client(tmp_path, ends, "pain-to-voice-and-face", "psychophysical-3d")
    ends.replies = [progress(0)]
    taught.turn(1)
    told = ends.last(m.LessonState)
    assert list(told.units) == ["force_newton", "nrs", "level_db", "f0_ratio", "face_gain"]
    assert (told.observed[0], told.observed[-1]) == (4.0, 35.0)
    assert set(told.shown) == set(SHOWN)
    assert list(told.shown["level_db"]) == sorted(told.shown["level_db"])
    assert told.curve == ((0.0, 0.6, 0.4, 0.8),)


def test_a_suggestion_reaches_the_patient_in_full_and_the_screen_says_with_which_force(tmp_path: Path) -> None:
    ends = Ends()
    taught = client(tmp_path, ends, "pain-to-expression", "psychophysical-6d")
    action = {"level_db": -9.0, "f0_ratio": 1.05, "face_gain": 1.3, "expressiveness": 0.8}
    ends.replies = [progress(0)]
    taught.turn(1)
    ends.heard = [state("waiting")]
    taught.turn(1)
    ends.heard, ends.replies = [state("waiting")], [NextTrial(0, action, "signed", "probe", (0.0,) * 6)]
    taught.turn(1)
    (pressed,) = [order for order in ends.sent if isinstance(order, PressDone)]
    aimed = dict(zip(("nrs", "nrs_per_s"), pressed.observation, strict=True))
    (suggested,) = [one for one in ends.told if isinstance(one, m.OperatorAction) and one.action == "suggest"]
    suggestion = msgspec.json.decode(suggested.argument, type=Suggestion)
    assert (suggestion.label, suggestion.observed, suggestion.action, suggestion.trial) == ("trial0", aimed, action, 0)
    assert suggestion.factors["question"] == "signed"
    assert suggestion.least_nrs == 0.5
    presented = ends.last(m.LessonState).presented
    assert 4.0 <= presented["force_newton"] == suggestion.factors["force_newton"] <= 35.0
    assert presented["face_gain"] == 1.3


def test_what_is_learnt_from_is_what_the_press_came_to(tmp_path: Path) -> None:
    ends = Ends()
    taught = client(tmp_path, ends, "pain-to-expression", "psychophysical-6d")
    ends.replies = [progress(0)]
    taught.turn(1)
    pains = [m.PainState(at_ms * 1_000_000, 0, nrs, "", "hold") for at_ms, nrs in ((20, 0.0), (40, 6.4), (60, 2.0))]
    for heard in ([state("press")], pains, [state("question")], [m.PainState(80_000_000, 0, 9.0, "", "hold")]):
        ends.heard = heard
        taught.turn(1)
    ends.heard = [row("done", -2.0)]
    taught.turn(1)
    (rated,) = [order for order in ends.sent if isinstance(order, Rated)]
    policy = Ppo("psychophysical-6d", load_patient(SessionConfig().patient))
    shown = policy.shown(pains[1])
    acted = policy.acting({"nrs": shown, "nrs_per_s": rated.observed[1]})
    assert rated.rating == -2.0
    assert rated.observed[0] == pytest.approx(shown)
    assert rated.observed[1] > 20.0, "the pain of this press began at once"
    assert rated.presented == pytest.approx(tuple(acted[d.name] for d in TASKS["pain-to-expression"].action))


def test_every_row_becomes_an_order_to_the_trainer_and_the_end_writes_the_policy(tmp_path: Path) -> None:
    ends = Ends()
    taught = client(tmp_path, ends, "pain-to-voice", "psychophysical")
    ends.replies = [progress(1)]
    taught.turn(1)
    begun = ends.last(m.OperatorAction)
    assert (begun.action, begun.argument, begun.source) == ("begun", "1", "trainer")
    ends.heard = [
        state("press", 1), row("aborted", trial=1), row("missed", trial=1), row("aborted", flags=("undone",)),
        state("aborted", 1), state("aborted", 1),
    ]  # fmt: skip
    ends.sent.clear()
    taught.turn(1)
    assert ends.sent == [Skipped(1), Undo(), FinishTraining()]


def test_where_nothing_was_rated_an_early_end_writes_no_policy(tmp_path: Path) -> None:
    ends = Ends()
    taught = client(tmp_path, ends, "pain-to-voice", "psychophysical")
    ends.replies, ends.heard = [progress(0)], [state("aborted")]
    ends.sent.clear()
    taught.turn(1)
    assert not ends.sent


@pytest.mark.parametrize(("question", "population"), [("agree", "congruence"), ("signed", "")])
def test_the_published_question_starts_from_the_people_who_were_asked_it(
    tmp_path: Path, question: str, population: str
) -> None:
    ends = Ends()
    client(tmp_path, ends, "pain-to-voice", "congruence", question)
    (begin,) = ends.sent
    assert isinstance(begin, BeginTraining)
    assert begin.population == population
    assert begin.plan is not None
    assert question in begin.plan.questions


def test_what_the_trainer_refuses_is_told_and_noted(tmp_path: Path) -> None:
    ends = Ends()
    taught = client(tmp_path, ends, "pain-to-voice", "psychophysical")
    ends.replies = [progress(3), Refused("there is no rating to take back")]
    taught.turn(1)
    assert ends.last(m.LessonState).refused == "there is no rating to take back"
    assert ends.last(m.Note).text == "there is no rating to take back"
    assert (ends.last(m.OperatorAction).action, ends.last(m.OperatorAction).argument) == ("begun", "3")
    assert not [order for order in ends.sent if isinstance(order, Rated)]


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
