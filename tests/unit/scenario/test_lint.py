from __future__ import annotations

import msgspec
import pytest

from robopatient.config import asset_names
from robopatient.errors import ConfigError
from robopatient.scenario import Script, load_script
from robopatient.scenario.lint import check, problems

GOOD = {
    "title": "t",
    "brief": "b",
    "start": "a",
    "events": {"x": {"tell": "t"}},
    "triggers": {"go": "g"},
    "states": [
        {"name": "a", "rules": [{"press": {}, "event": "x", "goto": "b"}, {"trigger": "go", "goto": "b"}]},
        {"name": "b", "rules": [{"pain_at_least": 5, "goto": "a"}]},
    ],
}


def found(**changes: object) -> list[str]:
    return list(problems(msgspec.convert({**GOOD, **changes}, Script)))


def states(*rules: dict, **first: object) -> list[dict]:
    return [{"name": "a", "rules": [{"trigger": "go", "event": "x", "goto": "b"}, *rules], **first}, {"name": "b"}]


@pytest.mark.parametrize("name", asset_names("scenarios"))
def test_every_scenario_that_is_shipped_is_clean(name):
    assert list(problems(load_script(name)[0])) == []


def test_a_circle_that_a_press_opens_is_fine():
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"start": "moon"}, "start", "moon"),
        ({"patients": ["nobody"]}, "patients", "nobody"),
        ({"states": states({"press": {}, "event": "boom"})}, "states.a.rules[1].event", "boom"),
        ({"states": states({"press": {}, "goto": "moon"})}, "states.a.rules[1].goto", "moon"),
        ({"states": states({"trigger": "stop", "goto": "b"})}, "states.a.rules[1].trigger", "stop"),
        ({"states": states({"press": {"region": "elbow"}, "goto": "b"})}, "states.a.rules[1].press.region", "elbow"),
        ({"states": states({"goto": "b"})}, "states.a.rules[1]", "waits for nothing"),
        ({"states": states({"press": {}})}, "states.a.rules[1]", "does nothing"),
        ({"states": states({"pain_at_least": 6, "pain_at_most": 3, "goto": "b"})}, "states.a.rules[1]", "above"),
        ({"states": states({"after_s": 9, "goto": "b"}, time_limit_s=5, then="b")}, "states.a.rules[1].after_s", "9 s"),
        ({"states": states(time_limit_s=5)}, "states.a", "time_limit_s"),
        ({"states": [*states(), {"name": "c"}]}, "states.c", "never reached"),
        ({"states": [*states(), {"name": "b"}]}, "states", "twice"),
        ({"timeline": [{"at_s": 99, "event": "x"}], "time_limit_s": 50}, "timeline[0].at_s", "99 s"),
        ({"events": {"x": {}}}, "events.x", "does nothing"),
        ({"events": {"x": {"ask": "age"}}}, "events.x.ask", "age"),
        ({"events": {"x": {"tell": "t"}, "y": {"tell": "t"}}}, "events.y", "nothing makes it happen"),
        ({"triggers": {"go": "g", "no": "n"}}, "triggers.no", "no rule"),
    ],
)
def test_each_fault_is_named_with_its_key(changes, key, words):
    assert any(line.startswith(f"{key}:") and words in line for line in found(**changes)), found(**changes)


def test_a_circle_without_time_is_shown_as_a_path():
    circle = [
        {"name": "a", "rules": [{"trigger": "go", "event": "x", "goto": "b"}, {"pain_at_least": 1, "goto": "b"}]},
        {"name": "b", "rules": [{"pain_at_least": 1, "goto": "a"}]},
    ]
    assert [line for line in found(states=circle) if "a -> b -> a" in line and "takes no time" in line]


def test_a_faulty_file_is_refused_with_its_path(tmp_path):
    script = msgspec.convert({**GOOD, "start": "moon"}, Script)
    with pytest.raises(ConfigError, match=r"faulty\.toml: start.*moon"):
        check(script, tmp_path / "faulty.toml")
