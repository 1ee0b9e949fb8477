"""A study machine on a clock turned by hand: force is set, actions are said, time passes in turns of 4 ms."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from robopatient.messages import ForceFrame, OperatorAction, TrialRecord
from robopatient.study.machine import Machine
from robopatient.study.study import Study, load_study
from robopatient.study.trials import Person

TICK_NS = 4_000_000

TOML = """
title = "A study for tests"
version = "1"
question = "agree"
[factors]
sound = ["ah", "moan"]
force_newton = [5.0, 10.0]
[design]
break_every = 3
break_s = 10.0
[press]
replays = 1
answer_s = {answer_s}
"""
PYTHON = """
from robopatient.study.trials import Stimulus, VoiceStimulus

def stimulus(study, person, factors):
    newton = factors["force_newton"]
    return Stimulus(
        trigger_newton=newton,
        target_low_newton=newton,
        target_high_newton=newton * 3.0,
        voice=VoiceStimulus(mode="once", level_db=-10.0, duration_s=0.5, call=factors["sound"]),
        react_s=0.6,
    )
"""


def write_study(folder: Path, toml: str = TOML, python: str = PYTHON, answer_s: float = 0.0) -> Study:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(toml.replace("{answer_s}", str(answer_s)))
    (folder / "study.py").write_text(python)
    return load_study(str(folder))


class Desk:
    """Drives a machine and saves its rows, as control does."""

    def __init__(self, study: Study, earlier=(), person: Person | None = None) -> None:
        self.study = study
        self.plan = study.plan(person or Person("P01"))
        self.machine = Machine(study, self.plan, earlier)
        self.now_ns = 0
        self.newton = 0.0
        self.seq = 0
        self.flags: tuple[str, ...] = ()
        self.rows: list[TrialRecord] = list(earlier)
        self.serials: list[int] = []
        self.states = []
        self.shown = []
        self.notes = []
        self.saves = True
        self._waiting: list[OperatorAction] = []

    def say(self, action: str, argument: str = "", source: str = "participant") -> None:
        self._waiting.append(OperatorAction(self.now_ns, action, argument, source))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 250)):
            self.turn()

    def turn(self, dt_ns: int = TICK_NS) -> None:
        self.now_ns += dt_ns
        self.seq += 1
        force = ForceFrame(self.now_ns, self.now_ns, self.seq, (self.newton,), flags=self.flags)
        actions, self._waiting = self._waiting, []
        told = self.machine.step(self.now_ns, force, actions)
        self.shown.append(self.machine.shown(self.now_ns))
        self.machine.commanded(self.now_ns)
        if told.state is not None:
            self.states.append(told.state)
        self.notes += told.notes
        for draft in told.drafts:
            self.rows.append(draft.row)
            self.serials.append(draft.serial)
            if self.saves:
                self.say("saved", str(draft.serial), "record")

    def until(self, phase: str, limit_s: float = 20.0) -> None:
        for _ in range(round(limit_s * 250)):
            if self.machine.phase == phase:
                return
            self.turn()
        raise AssertionError(f"{self.machine.phase} and not {phase} after {limit_s} s")

    def begin(self) -> None:
        """Through consent and instructions to the first trial."""
        for phase in ("consent", "instructions", "ready"):
            self.say("next")
            self.until(phase)

    def press(self, newton: float, hold_s: float = 0.3) -> None:
        """A press as soon as the window is open."""
        self.until("press")
        self.run(0.3)
        self.newton = newton
        self.run(hold_s)
        self.newton = 0.0

    def trial(self, answer: str = "3", newton: float = 12.0) -> None:
        """One whole trial."""
        self.press(newton)
        self.until("question")
        self.run(0.5)
        self.say("answer", answer)
        self.turn()

    @property
    def done(self) -> list[TrialRecord]:
        return [row for row in self.rows if row.status == "done"]


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path / "small")


@pytest.fixture
def desk(study):
    desk = Desk(study)
    desk.begin()
    return desk


@pytest.fixture
def lab():
    """The means of this file, for tests that make a study of their own."""
    return SimpleNamespace(Desk=Desk, write_study=write_study, TOML=TOML, PYTHON=PYTHON)
