from __future__ import annotations

import json
from pathlib import Path

import pytest

from policies.cli import list_policies, train_policy
from policies.errors import PolicyError
from policies.simulated_raters import simulated_rater
from policies.spaces import TASKS
from robopatient.expression.ppo import read_checkpoint


def test_a_simulated_lesson_leaves_log_curve_and_checkpoint_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "lesson"
    train_policy(simulate="psychophysical:3", out=folder, ratings=4)
    out = capsys.readouterr().out
    assert "   4 / 4 ratings: worth 0." in out
    assert "--set expression.preset=" in out
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert read_checkpoint(folder / "policy")[0].training["answers"] == 4
    train_policy(simulate="psychophysical:3", out=folder, ratings=5, json=True)
    summary = json.loads(capsys.readouterr().out)
    assert summary["answers"] == 5
    assert 0.0 < summary["merit"] <= 1.0


@pytest.mark.parametrize("wrong", ["martian", "psychophysical:x", ""])
def test_an_unknown_listener_is_refused_with_the_known_ones(wrong: str) -> None:
    with pytest.raises(PolicyError, match="reversed"):
        simulated_rater(wrong, TASKS["pain-to-voice"])


def test_wrong_options_are_refused_before_anything_starts(tmp_path: Path) -> None:
    for wrong, message in (
        ({"task": "smell"}, "no task 'smell'"),
        ({"ratings": 0}, "at least 1"),
        ({"question": "mood"}, "no question 'mood'"),
        ({"question": "signed", "start": "nobody"}, "nobody"),
    ):
        with pytest.raises(Exception, match=message):
            train_policy(simulate="psychophysical", out=tmp_path / "x", **wrong)


def test_shipped_policies_are_listed_with_what_they_map(capsys: pytest.CaptureFixture[str]) -> None:
    list_policies(json=True)
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["policies"]}
    assert rows["congruence"]["observation"] == ["nrs"]
    assert rows["congruence"]["action"] == ["level_db", "f0_ratio"]
    assert len(rows["psychophysical-6d"]["action"]) == 6
    list_policies()
    assert "congruence" in capsys.readouterr().out
