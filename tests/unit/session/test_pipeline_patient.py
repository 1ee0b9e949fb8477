"""What the operator says to the patient, through the pipeline: answers come once, and a replay gives the same."""

from __future__ import annotations

import msgspec
import pytest

from robopatient.config import ExpressionConfig, SessionConfig, StudyConfig
from robopatient.expression.prior import Prior
from robopatient.levels import UNTOLD
from robopatient.messages import ForceFrame, OperatorAction, PainState
from robopatient.patient import load_patient
from robopatient.session.control import open_board
from robopatient.session.pipeline import Pipeline

TURN_NS = 4_000_000


class PolicyOfOnesOwn(Prior):
    """No subclass of a policy that is taught, and it takes suggestions."""

    def suggest(self, label: str, observed: dict[str, float], action: dict[str, float]) -> None:
        self.name = f"{label} {observed} {action}"

    def admitted(self, pain: PainState) -> float:
        return pain.voice_nrs


class Session:
    """A pipeline whose abdomen is pressed at McBurney's point without a board."""

    def __init__(self, patient: str = "appendicitis-adolescent", seed: int = 1, policy: str = "ppo") -> None:
        expression = ExpressionConfig(kind=policy, preset="congruence")
        config = SessionConfig(patient=patient, seed=seed, expression=expression)
        self.pipeline = Pipeline(config, open_board(config), load_patient(patient))
        self.t_ns = 1_000_000_000
        self.outputs = []

    def press(self, newton: float, turns: int) -> None:
        contact = self.pipeline.sensing.phantom.plate_mm(-72.0, -51.0)
        for _ in range(turns):
            self.t_ns += TURN_NS
            self.pipeline._newest = ForceFrame(self.t_ns, self.t_ns, self.t_ns // TURN_NS, (newton,), contact)
            self.outputs.append(self.pipeline.tick(self.t_ns))

    def act(self, action: str, argument: str = "") -> None:
        self.pipeline.act(OperatorAction(self.t_ns, action, argument))

    @property
    def said(self):
        return [said for outputs in self.outputs for said in outputs.said]


def play(seed: int = 1) -> Session:
    session = Session(seed=seed)
    session.act("cue", "this may hurt")
    session.press(20.0, 100)
    session.act("ask", "nrs")
    session.act("ask", "where")
    session.press(0.0, 50)
    session.act("stress", "1.0")
    session.press(20.0, 50)
    session.act("ask", "what is it like")
    session.press(20.0, 2)
    return session


def test_answers_are_told_once_at_the_next_turn_with_the_truth_beside_them() -> None:
    session = play()
    assert [said.question for said in session.said] == ["nrs", "where", "quality"]
    assert len(session.outputs[100].said) == 2
    number = session.said[0]
    assert 0 <= number.nrs <= 10
    assert number.felt_nrs == session.outputs[99].pain.nrs
    assert number.cause_seq == session.outputs[99].pain.cause_seq


def test_the_same_actions_and_frames_give_the_same_bits() -> None:
    first, second = play(), play()
    assert [msgspec.msgpack.encode(turn) for turn in first.outputs] == [
        msgspec.msgpack.encode(turn) for turn in second.outputs
    ]


def test_stress_and_relief_are_levels_between_0_and_1() -> None:
    session = Session()
    before = session.pipeline.patient.stress
    for text, level in (("0.25", 0.25), ("7", 1.0), ("-1", 0.0)):
        session.act("stress", text)
        session.act("relief", text)
        assert session.pipeline.patient.stress == session.pipeline.patient.relief == level
    session.act("stress", "0.5")
    for text in ("", "much", "nan", "inf"):
        session.act("stress", text)
        assert session.pipeline.patient.stress == 0.5
    assert before == 0.6


def test_full_relief_takes_the_pain_away() -> None:
    session = Session("appendicitis")
    session.press(25.0, 100)
    session.act("relief", "1")
    session.press(25.0, 500)
    assert session.outputs[99].pain.nrs > 5.0
    assert session.outputs[-1].pain.nrs == pytest.approx(0.0, abs=0.05)


def test_unknown_actions_leave_the_patient_alone() -> None:
    session = Session("appendicitis")
    session.act("sing", "loudly")
    session.press(25.0, 10)
    assert session.said == []


STUDY = """
title = "Small"
version = "1"
question = "agree"
[factors]
force_newton = [5.0, 10.0]
"""
STIMULUS = """
from robopatient.study.trials import FaceStimulus, Stimulus, VoiceStimulus
def stimulus(study, person, factors):
    return Stimulus(voice=VoiceStimulus(mode="{voice}"), face=FaceStimulus(mode="{face}"))
"""


@pytest.mark.parametrize(("voice", "face"), [("patient", "patient"), ("patient", "once"), ("once", "patient")])
def test_in_a_study_the_breath_is_told_where_both_channels_are_the_patient_s(tmp_path, voice, face) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "study.toml").write_text(STUDY)
    (tmp_path / "small" / "study.py").write_text(STIMULUS.format(voice=voice, face=face))
    config = SessionConfig(study=StudyConfig(name=str(tmp_path / "small"), participant="P01"))
    pipeline = Pipeline(config, open_board(config), load_patient("appendicitis"))
    told: dict[str, set[bool]] = {}
    for turn in range(1, 2500):
        t_ns = turn * TURN_NS
        if turn % 250 == 0:
            pipeline.act(OperatorAction(t_ns, "next", source="participant"))
        pipeline._newest = ForceFrame(t_ns, t_ns, turn, (0.0,), None)
        outputs = pipeline.tick(t_ns)
        assert outputs.voice.breath == outputs.face.breath == outputs.pain.breath
        told.setdefault(pipeline.study.machine.phase, set()).add(outputs.pain.breath != UNTOLD)
    assert told["press"] == {voice == face}
    assert told["instructions"] == {False}


def test_any_policy_that_takes_suggestions_gets_them_and_no_other() -> None:
    told = '{"label": "a", "observed": {"nrs": 5.0}, "action": {"level_db": -3.0}}'
    names = {}
    for policy in (f"{__name__}:PolicyOfOnesOwn", "prior", "ppo"):
        session = Session(policy=policy)
        session.act("suggest", told)
        session.act("suggest", "nonsense")
        session.press(0.0, 1)
        names[policy] = session.outputs[-1].expression.policy
    mine, prior, taught = names.values()
    assert mine == "a {'nrs': 5.0} {'level_db': -3.0}"
    assert prior == "prior:congruence"
    assert taught.endswith("+a")
