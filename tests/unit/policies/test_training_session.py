from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import numpy as np
import pytest

from policies.checkpoint import write_checkpoint
from policies.errors import PolicyError, RatingError
from policies.listeners import SimulatedRater, draw_listener
from policies.plan import TrainingPlan, keyed
from policies.spaces import TASKS, named, physical
from policies.train_ppo import Weights
from policies.training_session import TrainingSession
from robopatient.clock import FakeClock
from robopatient.errors import RobopatientError
from robopatient.expression.ppo import read_checkpoint

RATER = SimulatedRater(draw_listener(np.random.default_rng(1001)))


@pytest.fixture
def checkpoint(tmp_path: Path, start: Weights) -> str:
    folder = tmp_path / "start"
    write_checkpoint(folder, TASKS["pain-to-voice"], start, title="test", data="none", training={})
    return str(folder)


def teach(lesson: TrainingSession, ratings: int) -> None:
    seed = lesson.plan.seed
    while (index := len(lesson.learner.answers)) < ratings:
        trial = lesson.suggest(keyed(seed, index, "press").uniform(-1, 1, 1))
        sound = (trial.state[None], trial.action[None])
        lesson.answer(trial, int(RATER.answer(trial.question, *sound, keyed(seed, index, "answer"))[0]))


def same(a: TrainingSession, b: TrainingSession) -> bool:
    """Next action and weights equal to the last bit."""
    press = np.array([0.3])
    return np.array_equal(a.suggest(press).action, b.suggest(press).action) and all(
        np.array_equal(a.learner.weights[k], b.learner.weights[k]) for k in a.learner.weights
    )


def test_a_lesson_left_without_farewell_goes_on_bit_for_bit(
    tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan
) -> None:
    whole = TrainingSession(tmp_path / "a", plan=fast_plan, start=checkpoint)
    teach(whole, 18)
    for stop in (4, 5, 12, 18):  # before, at and after refits; the object is dropped, nothing is closed
        teach(TrainingSession(tmp_path / "b", plan=fast_plan, start=checkpoint), stop)
    resumed = TrainingSession(tmp_path / "b")
    assert resumed.resumed
    assert len(resumed.learner.answers) == 18
    assert same(whole, resumed)


def test_a_refit_lost_between_rating_and_snapshot_is_made_again(
    tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan
) -> None:
    whole = TrainingSession(tmp_path / "a", plan=fast_plan, start=checkpoint)
    teach(whole, 12)
    with sqlite3.connect(tmp_path / "a" / "ratings.sqlite") as database:
        database.execute("DELETE FROM snapshots")
    assert same(whole, TrainingSession(tmp_path / "a"))


def test_every_rating_is_on_the_disk_before_it_is_learnt_from(
    tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = TrainingSession(tmp_path / "a", plan=fast_plan, start=checkpoint, clock=FakeClock(7))
    trial = lesson.suggest(np.zeros(1))
    monkeypatch.setattr(lesson.learner, "take", lambda *_: (_ for _ in ()).throw(RuntimeError("power cut")))
    with pytest.raises(RuntimeError):
        lesson.answer(trial, 5)
    (event,) = TrainingSession(tmp_path / "a").log.events()
    assert (event.kind, event.rating, event.t_ns) == ("rating", 5, 7)
    with sqlite3.connect(tmp_path / "a" / "ratings.sqlite") as database:
        assert database.execute("SELECT rating, question FROM events").fetchall() == [(5, "congruence7")]


def test_an_undo_is_a_correcting_row_and_leads_back_exactly(
    tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan
) -> None:
    before, corrected = (TrainingSession(tmp_path / n, plan=fast_plan, start=checkpoint) for n in "ab")
    teach(before, 9)
    teach(corrected, 9)
    trial = corrected.suggest(np.array([0.9]))
    corrected.answer(trial, 1)  # the tenth: a refit
    assert corrected.undo()
    assert [e.kind for e in corrected.log.events()] == ["rating"] * 10 + ["undo"]
    assert same(before, corrected)
    teach(before, 12)
    teach(corrected, 12)
    assert same(before, corrected)
    assert same(before, TrainingSession(tmp_path / "b"))


def test_there_is_nothing_to_undo_at_the_start(tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan) -> None:
    assert not TrainingSession(tmp_path / "a", plan=fast_plan, start=checkpoint).undo()


def test_a_refused_rating_leaves_no_row(tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan) -> None:
    lesson = TrainingSession(tmp_path / "a", plan=fast_plan, start=checkpoint)
    trial = lesson.suggest(np.zeros(1))
    with pytest.raises(RatingError):
        lesson.answer(trial, 9)
    assert lesson.log.events() == []
    lesson.unanswered(trial)
    assert [e.kind for e in lesson.log.events()] == ["unanswered"]
    assert TrainingSession(tmp_path / "a").learner.answers == []


def test_a_lesson_refuses_another_plan_or_a_changed_start(
    tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan, start: Weights
) -> None:
    TrainingSession(tmp_path / "a", plan=fast_plan, start=checkpoint)
    with pytest.raises(PolicyError, match="begun with another plan"):
        TrainingSession(tmp_path / "a", plan=msgspec.structs.replace(fast_plan, seed=99), start=checkpoint)
    other = {name: value + 1 for name, value in start.items()}
    write_checkpoint(Path(checkpoint), TASKS["pain-to-voice"], other, title="test", data="none", training={})
    with pytest.raises(PolicyError, match="has changed since this training session began"):
        TrainingSession(tmp_path / "a")


def test_a_file_that_is_no_log_is_named(tmp_path: Path, checkpoint: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "ratings.sqlite").write_text("not a database, but long enough to be taken for one" * 40)
    with pytest.raises(PolicyError, match=r"ratings\.sqlite: is no ratings log"):
        TrainingSession(tmp_path / "a", start=checkpoint)


def test_a_start_of_another_space_is_refused(tmp_path: Path, checkpoint: str) -> None:
    with pytest.raises(PolicyError, match="pain-to-expression has nrs"):
        TrainingSession(tmp_path / "a", task="pain-to-expression", start=checkpoint)


def test_the_taught_policy_is_saved_as_a_checkpoint(tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan) -> None:
    lesson = TrainingSession(tmp_path / "a", plan=fast_plan, start=checkpoint)
    teach(lesson, 5)
    card = lesson.save("somebody")
    read, weights = read_checkpoint(tmp_path / "a" / "policy")
    assert read == card
    assert read.training["answers"] == 5
    assert all(np.array_equal(weights[k], lesson.learner.weights[k]) for k in weights)


def test_a_training_session_refuses_nonsense_and_nothing_of_it_is_logged(
    tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan
) -> None:
    lesson = TrainingSession(tmp_path / "a", plan=fast_plan, start=checkpoint)
    trial = lesson.press((6.25,))
    assert np.all(np.abs(trial.action) <= 1.0)
    later = msgspec.structs.replace(trial, index=7)
    for wrong, word in (
        (lambda: lesson.rated(trial, 9.0), "not on the scale"),
        (lambda: lesson.rated(trial, float("nan")), "not on the scale"),
        (lambda: lesson.rated(later, 4.0), "trial 7 came, but trial 0 is waiting"),
        (lambda: lesson.press((float("nan"),)), "finite number"),
        (lambda: lesson.press((5.0, 5.0)), r"nrs \(NRS\)"),
        (lambda: lesson.rated(trial, 4.0, presented=(float("nan"), 1.0)), r"level_db \(dB\)"),
    ):
        with pytest.raises(RobopatientError, match=word):
            wrong()
    assert lesson.log.events() == []
    rated = lesson.rated(trial, 4.0)
    with pytest.raises(RatingError, match="none is waiting"):
        lesson.rated(trial, 4.0)
    assert (rated.answers, rated.frozen) == (1, "")
    assert len(rated.observed) == len(rated.shown["f0_ratio"]) > 10
    assert lesson.log.points()[1]["median"] == rated.worth[0]


def test_what_the_press_and_the_expression_came_to_is_what_is_logged(
    tmp_path: Path, checkpoint: str, fast_plan: TrainingPlan
) -> None:
    lesson = TrainingSession(tmp_path / "a", plan=fast_plan, start=checkpoint)
    lesson.rated(lesson.press((6.25,)), 4.0, observed=(8.0,), presented=(-12.0, 1.1))
    (event,) = lesson.log.events()
    assert event.trial is not None
    assert physical(lesson.task.observation, event.trial.state) == pytest.approx([8.0])
    assert named(lesson.task.action, event.trial.action) == pytest.approx({"level_db": -12.0, "f0_ratio": 1.1})
