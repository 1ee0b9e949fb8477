from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.datasets.audit import audit, gaps
from experiments.datasets.cli import audit_dataset
from experiments.datasets.generate import generate
from experiments.judges.pictures import make_picture_judge
from robopatient.errors import SessionError

DESIGN = """
title = "Audited"
seed = 3
[balance]
people = 8
sex = ["female", "male"]
[split]
train = 1
test = 1
[show]
pain_nrs = [4.0, 8.0]
other = ["happy"]
[picture]
views = ["frontal"]
size_px = 96
label_px = 24
renderer = "numba"
"""

OUTSIDE = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    shot = int(asked["picture"].rsplit("-", 3)[1])
    print(json.dumps({"id": asked["id"], "pain": None if shot == 3 else 9.0 if shot in (1, 2) else 0.0}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("audited")
    (folder / "design.toml").write_text(DESIGN)
    generate(str(folder / "design.toml"), folder / "set", workers=1, say=lambda text: None)
    return folder / "set"


def test_an_unfair_judge_is_found_and_a_fair_one_is_not() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{k:02d}" for k in range(60)], 20)
    group = np.repeat(["a", "b"], 600)
    pain = np.tile([True, False], 600)
    chance = np.where(pain, np.where(group == "a", 0.9, 0.6), 0.1)
    unfair = gaps(rng.random(1200) < chance, pain, group, people, rng)
    assert unfair["gaps"]["tpr"]["gap"] == pytest.approx(0.3, abs=0.08)
    assert unfair["gaps"]["tpr"]["p"] < 0.01
    assert unfair["gaps"]["fpr"]["p"] > 0.01
    assert unfair["groups"]["a"]["people"] == 30
    fair = gaps(rng.random(1200) < np.where(pain, 0.9, 0.1), pain, group, people, rng)
    assert fair["gaps"]["tpr"]["gap"] <= 1.5 * fair["gaps"]["tpr"]["null_95"]


def test_the_judge_of_pixels_is_audited_over_every_group(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit_dataset(made, "pixels", json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["tpr"] > report["fpr"]
    assert set(report["attributes"]["sex"]["groups"]) == {"female", "male"}
    assert report["found_face"] == 1.0


def test_an_outside_program_is_asked_and_may_find_no_face(made: Path, tmp_path: Path) -> None:
    program = tmp_path / "judge.py"
    program.write_text(OUTSIDE)
    report = audit(made, make_picture_judge(f"command:{sys.executable} {program}"))
    assert (report["tpr"], report["fpr"]) == (1.0, 0.0)
    assert report["found_face"] == pytest.approx(0.75)
    program.write_text("print('hello')")
    with pytest.raises(SessionError, match="answered 'hello', which is no answer"):
        audit(made, make_picture_judge(f"command:{sys.executable} {program}"))
    program.write_text("raise SystemExit('no model here')")
    with pytest.raises(SessionError, match="no model here"):
        audit(made, make_picture_judge(f"command:{sys.executable} {program}"))


def test_judges_of_action_units_are_not_applicable(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit_dataset(made, "au-graph")
    assert "not applicable" in capsys.readouterr().out
    with pytest.raises(SessionError, match="give pixels, face-mesh:PYTHON"):
        make_picture_judge("oracle")
