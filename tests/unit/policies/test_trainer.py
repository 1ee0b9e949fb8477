from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from policies.checkpoint import write_checkpoint
from policies.plan import TrainingPlan
from policies.spaces import TASKS
from policies.train_ppo import Weights
from policies.trainer import (
    BeginTraining,
    Closed,
    FinishTraining,
    NextTrial,
    PressDone,
    Progress,
    Rated,
    Refused,
    Skipped,
    TrainerClient,
    Undo,
)
from policies.training_session import TrainingSession
from robopatient.errors import SessionError


@pytest.fixture
def begin(tmp_path: Path, start: Weights, fast_plan: TrainingPlan) -> BeginTraining:
    write_checkpoint(tmp_path / "start", TASKS["pain-to-voice"], start, title="test", data="none", training={})
    return BeginTraining(str(tmp_path / "lesson"), plan=fast_plan, start=str(tmp_path / "start"))


def test_a_lesson_by_messages_refuses_nonsense_and_leaves_a_checkpoint(begin: BeginTraining) -> None:
    with TrainerClient() as trainer:
        assert isinstance(trainer.ask(PressDone((5.0,))), Refused)
        progress = trainer.ask(begin)
        assert isinstance(progress, Progress)
        assert (progress.answers, progress.resumed, progress.frozen) == (0, False, "")
        assert trainer.receive(0.0) is None

        asked = trainer.ask(PressDone((6.25,)))
        assert isinstance(asked, NextTrial)
        assert set(asked.action) == {"level_db", "f0_ratio"}
        assert -28.7 <= asked.action["level_db"] <= 0.0

        for nonsense, word in (
            (Rated(0, 9.0), "not on the scale"),
            (Rated(0, float("nan")), "not on the scale"),
            (Rated(7, 4.0), "no answer to trial 7"),
            (PressDone((float("nan"),)), "finite number"),
            (PressDone((5.0, 5.0)), r"nrs \(NRS\)"),
            (Undo(), "no rating to take back"),
        ):
            reply = trainer.ask(nonsense)
            assert isinstance(reply, Refused)
            assert word.replace("\\", "") in reply.reason
        assert isinstance(trainer.ask(PressDone((6.25,))), NextTrial)
        skipped = trainer.ask(Skipped(0))
        assert isinstance(skipped, Progress)
        assert skipped.answers == 0
        assert isinstance(trainer.ask(PressDone((8.0,))), NextTrial)
        rated = trainer.ask(Rated(0, 4.0))
        assert isinstance(rated, Progress)
        assert rated.answers == 1
        again = trainer.ask(Rated(0, 4.0))
        assert isinstance(again, Refused), "each trial is answered once"
        assert "no answer to trial 0" in again.reason
        assert isinstance(trainer.ask(PressDone((8.0,))), NextTrial)
        unheard = trainer.ask(Rated(1, 4.0, presented=(float("nan"), 1.0)))
        assert isinstance(unheard, Refused)
        assert "level_db (dB)" in unheard.reason
        assert len(rated.observed) == len(rated.shown["f0_ratio"]) > 10
        closed = trainer.ask(FinishTraining("nobody"))
        assert isinstance(closed, Closed)
        assert (Path(closed.checkpoint) / "card.toml").is_file()


def test_a_killed_trainer_has_lost_no_confirmed_rating(begin: BeginTraining) -> None:
    trainer = TrainerClient()
    trainer.ask(begin)
    for index in range(7):
        trainer.ask(PressDone((3.0 + index,)))
        trainer.ask(Rated(index, 1.0 + index))
    assert trainer.pid
    os.kill(trainer.pid, signal.SIGKILL)
    with pytest.raises(SessionError, match="every rating is kept"):
        trainer.ask(PressDone((5.0,)))
    trainer.close()
    resumed = TrainingSession(Path(begin.folder))
    assert [e.rating for e in resumed.log.events()] == [1, 2, 3, 4, 5, 6, 7]

    straight = TrainingSession(Path(begin.folder).with_name("straight"), plan=begin.plan, start=begin.start)
    for event in resumed.log.events():
        assert event.trial is not None
        trial = straight.suggest(event.trial.state)
        assert np.array_equal(trial.action, event.trial.action)
        straight.answer(trial, event.rating)
    press = np.array([0.4])
    assert np.array_equal(straight.suggest(press).action, resumed.suggest(press).action)
    assert all(
        np.array_equal(straight.learner.weights[k], resumed.learner.weights[k]) for k in straight.learner.weights
    )
