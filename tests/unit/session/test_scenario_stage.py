from __future__ import annotations

import pytest

from robopatient.config import load_session
from robopatient.errors import ConfigError
from robopatient.messages import OperatorAction
from robopatient.patient import load_patient
from robopatient.session.control import open_board
from robopatient.session.pipeline import Pipeline
from robopatient.session.scenario_stage import make_scenario
from robopatient.simulation.scenario_preview import play

MS = 1_000_000


def pipeline(*overrides: str) -> Pipeline:
    config = load_session(None, ['scenario="first_examination"', *overrides])
    return Pipeline(config, open_board(config), load_patient(config.patient))


def test_a_trigger_reaches_the_scenario_and_its_question_the_patient():
    whole = pipeline()
    whole.act(OperatorAction(0, "trigger", "history taken"))
    outputs = whole.tick(4 * MS)
    assert [change.event for change in outputs.changes] == ["", "asked"]
    assert [(action.action, action.source) for action in outputs.actions] == [("ask", "scenario")]
    assert [said.question for said in outputs.said] == ["where"]


def test_the_same_inputs_play_the_same_scenario():
    def played() -> list[object]:
        whole = pipeline()
        whole.act(OperatorAction(0, "scenario", "goto closing"))
        return [outputs for turn in range(800) if (outputs := whole.tick(turn * 20 * MS)).changes]

    assert played() == played()
    assert played()[-1].actions[-1].action == "quit"


def test_without_a_scenario_nothing_is_played():
    assert pipeline('scenario=""').tick(4 * MS).changes == ()


def test_a_scenario_for_another_patient_is_refused_with_the_key_and_the_way_out():
    with pytest.raises(ConfigError, match=r"first_examination\.toml: patients: .*--set patient=appendicitis"):
        make_scenario(load_session(None, ['scenario="first_examination"', 'patient="gastritis"']))


def test_the_preview_reaches_every_state_that_needs_no_instructor():
    states = {change.state for _, change in play("first_examination", "appendicitis", repeats=3)}
    assert {"before", "examined", "wary"} <= states


def test_the_preview_of_a_trigger_happens_at_its_time():
    changes = list(play("first_examination", "appendicitis", {1.0: "history taken"}))
    [t_s] = [t_s for t_s, change in changes if change.event == "asked"]
    assert t_s == pytest.approx(1.0, abs=0.03)
