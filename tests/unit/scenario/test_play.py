from __future__ import annotations

import pytest


def two(*rules: dict, **more: object) -> dict:
    return {"states": [{"name": "a", "rules": list(rules)}, {"name": "b"}], **more}


def test_the_start_state_is_entered_in_the_first_turn(stage):
    assert stage(**two({"after_s": 9.0, "goto": "b"})).wait(0.1).states == ["a"]


def test_a_time_limit_leads_on_and_pauses_do_not_count(stage):
    limited = {"states": [{"name": "a", "time_limit_s": 2.0, "then": "b"}, {"name": "b"}]}
    s = stage(**limited).wait(1.5).wait(5.0, paused=True)
    assert s.states == ["a"]
    assert s.wait(0.6).states == ["a", "b"]


@pytest.mark.parametrize(
    ("rule", "pressed", "met"),
    [
        ({"region": "umbilical"}, {"region": "umbilical"}, True),
        ({"region": "umbilical"}, {"region": "epigastric"}, False),
        ({"at_least_newton": 20}, {"newton": 21}, True),
        ({"at_least_newton": 20}, {"newton": 19}, False),
        ({"at_most_newton": 20}, {"newton": 21}, False),
        ({"at_least_newton_per_s": 100}, {"rise": 120}, True),
        ({"at_least_newton_per_s": 100}, {"rise": 80}, False),
        ({"hurting_nrs": 5}, {"nrs": 6}, True),
        ({"hurting_nrs": 5}, {"nrs": 4}, False),
    ],
)
def test_a_rule_takes_only_the_presses_that_it_describes(stage, rule, pressed, met):
    s = stage(**two({"press": rule, "goto": "b"})).wait(0.2).press(**pressed)
    assert (s.states[-1] == "b") is met


def test_the_pain_of_the_press_before_does_not_count(stage):
    s = stage(**two({"press": {"region": "epigastric", "hurting_nrs": 5}, "goto": "b"}))
    s.press("umbilical", nrs=9).wait(0.5).press("epigastric", nrs=1)
    assert s.states == ["a"]


def test_repetition_counts_only_within_its_time(stage):
    rule = {"press": {"count": 3, "within_s": 4.0}, "goto": "b"}
    slow = stage(**two(rule)).press().wait(3).press().wait(3).press()
    assert slow.states == ["a"]
    assert slow.wait(0.3).press().wait(0.2).press().states == ["a", "b"]


def test_pain_must_last_without_a_break(stage):
    s = stage(**two({"pain_at_least": 6, "for_s": 1.0, "goto": "b"}))
    s.wait(0.8, nrs=7).wait(0.2, nrs=2).wait(0.8, nrs=7)
    assert s.states == ["a"]
    assert s.wait(0.4, nrs=7).states == ["a", "b"]


def test_events_act_on_the_patient_and_on_the_session(stage):
    events = {
        "x": {"cue": "this may hurt", "ask": "nrs", "stress": 0.4, "relief": 0.0, "tell": "t"},
        "y": {"end": True},
    }
    s = stage(
        **two({"trigger": "go", "event": "x"}, {"trigger": "over", "event": "y"}, triggers={"go": "", "over": ""}),
        events=events,
    )
    s.wish("trigger", "go").wish("trigger", "go")
    assert s.events == ["x"]
    assert s.actions == [("cue", "this may hurt"), ("ask", "nrs"), ("stress", "0.4"), ("relief", "0")]
    assert s.wish("trigger", "over").actions[-1] == ("quit", "")
    assert all(action.source == "scenario" for step in s.said for action in step.actions)


def test_a_rule_that_may_come_again_counts_anew(stage):
    rule = {"press": {"count": 2}, "event": "x", "again": True}
    s = stage(**two(rule, {"after_s": 99, "goto": "b"}), events={"x": {"tell": "t"}})
    for _ in range(5):
        s.press().wait(0.1)
    assert s.events == ["x", "x"]


def test_the_timeline_runs_through_changes_of_state(stage):
    s = stage(**two({"after_s": 1.0, "goto": "b"}), timeline=[{"at_s": 2.0, "event": "x"}], events={"x": {"tell": "t"}})
    s.wait(2.5)
    assert (s.states, s.events) == (["a", "b"], ["x"])


def test_the_time_limit_ends_the_session_once(stage):
    s = stage(**two({"after_s": 99, "goto": "b"}), time_limit_s=1.0).wait(3)
    assert s.actions == [("quit", "")]


def test_the_instructor_overrides_on_the_fly(stage):
    s = stage(**two({"after_s": 1.0, "goto": "b"}), events={"x": {"ask": "where"}})
    s.wish("scenario", "hold").wait(3)
    assert s.states[-1] == "a"
    s.wish("scenario", "event x")
    assert s.actions == [("ask", "where")]
    assert s.wish("scenario", "go on").wait(0.1).states[-1] == "b"
    assert s.wish("scenario", "goto a").scenario.state == "a"


@pytest.mark.parametrize(
    ("action", "argument"), [("scenario", "goto moon"), ("scenario", "dance"), ("trigger", "moon")]
)
def test_an_override_that_makes_no_sense_is_refused_and_the_rest_goes_on(stage, action, argument):
    s = stage(**two({"after_s": 1.0, "goto": "b"})).wish(action, argument)
    refused = [change for step in s.said for change in step.changes if change.why == "refused"]
    assert len(refused) == 1
    assert argument.removeprefix("goto ") in refused[0].text
    assert s.wait(1.2).states[-1] == "b"


def test_at_most_one_state_is_entered_by_rules_in_a_turn(stage):
    s = stage(
        states=[
            {"name": "a", "rules": [{"pain_at_least": 1, "goto": "b"}]},
            {"name": "b", "rules": [{"pain_at_least": 1, "goto": "c"}]},
            {"name": "c"},
        ]
    )
    s.turn(nrs=5)
    assert s.states == ["a", "b"]
