from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.benchmarks.policy import _people, bench_policy
from experiments.evaluation.policy import evaluate, start_against_prior
from policies.env import published_table
from policies.errors import PolicyError, TrialsError
from policies.fitted_people import fit_people
from policies.rated_trials import read_rated_trials
from policies.spaces import TASKS, physical

HEADER = "participant,force_threshold_n,amplitude,pitch,"


def table(path: Path, answer: str, n: int = 320) -> Path:
    """Three people, uniformly random published sounds, agreement where level suits force."""
    rng = np.random.default_rng(0)
    sounds = physical(TASKS["force-to-voice"].action, published_table())
    lines = [HEADER + answer + "\n"]
    for person in range(3):
        for _ in range(n):
            level_db, ratio = sounds[rng.integers(16)]
            force = rng.choice([5, 10, 15, 20])
            far = abs((level_db + 28.63) / 9.54 - (force - 5) / 5)
            grade = int(np.clip(round(3 - far + rng.normal(0, 0.8)), 0, 3))
            given = "dcba"[grade] if answer == "choice" else str(int(grade >= 2))
            lines.append(f"R{person},{force},{10 ** (level_db / 20):.5f},{ratio:.2f},{given}\n")
    path.write_text("".join(lines))
    return path


def figures(text: str) -> dict[str, dict]:
    result = json.loads(text)
    assert result["bench"] == "policy"
    return {figure["name"]: figure for figure in result["figures"]}


def test_raters_of_a_table_and_a_log_are_evaluated_in_the_one_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(
        listeners=table(tmp_path / "rated.csv", "choice"),
        bandit=table(tmp_path / "random.csv", "answer"),
        methods=("constant centre", "table bandit"),
        ratings=20,
        seeds=1,
        workers=1,
        as_json=True,
    )
    out = capsys.readouterr().out
    found = figures(out)
    assert found["p_agree_of_checkpoint_congruence"]["met"] in (True, False)
    assert found["p_agree_of_constant_centre"]["n"] == 3
    assert found["p_agree_of_hand_made_prior_to_logged_raters"]["n"] == 3
    for estimate in ("ips", "snips", "doubly_robust"):
        assert found[f"{estimate}_of_hand_made_prior"]["n"] == 960
    bandit = next(b for b in json.loads(out)["baselines"] if b["name"] == "table bandit")
    scores = {f["name"]: f for f in bandit["figures"]}
    assert scores["score_20"]["n"] == 3
    assert len(scores["p_agree_20"]["quartiles"]) == 3
    assert "95 % interval" in scores["p_agree_20"]["remark"]


def test_what_cannot_be_evaluated_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"give --listeners FILE\.csv"):
        evaluate()
    with pytest.raises(PolicyError, match="no method 'magic'"):
        evaluate(listeners=tmp_path / "x.csv", methods=("magic",))
    with pytest.raises(TrialsError, match="use --bandit"):
        evaluate(listeners=table(tmp_path / "random.csv", "answer"), methods=("constant centre",), ratings=1)


@pytest.mark.parametrize("trials", ["congruence_trials.csv", "bandit_trials.csv"])
def test_the_shipped_policy_suits_people_at_least_as_well_as_the_hand_made_prior(
    shared_data: Path, trials: str
) -> None:
    taught, prior, _ = start_against_prior(
        fit_people(read_rated_trials(shared_data / trials), shrinkage=0.4), "congruence"
    )
    assert taught.value >= prior.value


def test_without_a_table_people_are_drawn_from_the_shipped_population_and_it_is_said() -> None:
    people, remark = _people(None, 5, 1)
    assert remark
    assert "--listeners" in remark
    assert len(people.names) == 5
    assert np.all(np.diff(people.parameters[:, -3:], axis=1) > 0)


def test_a_single_figure_can_be_measured(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.benchmarks.policy_timing.REFITS", 2)
    bench_policy(n=1, only=("refit_s",), as_json=True)
    found = figures(capsys.readouterr().out)
    assert found["refit_s"]["n"] == 2
    assert found["refit_s"]["target"] == {"max": 2.0}
