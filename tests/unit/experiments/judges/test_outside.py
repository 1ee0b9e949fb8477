"""Judges of pictures in environments of their own: what they are asked, and what they say when they are not there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.judges.pictures import make_picture_judge
from robopatient.errors import SessionError

ROWS: list[dict[str, Any]] = [
    {"split": "test", "file_name": "files/p1/pain.jpg", "neutral": "files/p1/calm.jpg"},
    {"split": "test", "file_name": "files/p1/calm.jpg", "neutral": "files/p1/calm.jpg"},
    {"split": "test", "file_name": "files/p2/nobody.jpg", "neutral": "files/p1/calm.jpg"},
]

FEAT = """
import pandas as pd
class Found:
    def __init__(self, rows): self.aus = pd.DataFrame(rows)
    def __len__(self): return len(self.aus)
class Detector:
    def __init__(self, **options): pass
    def detect_image(self, paths):
        if "nobody" in paths[0]:
            return Found([])
        level = 0.8 if "pain" in paths[0] else 0.1
        return Found([{f"AU{n:02d}": level for n in (4, 6, 7, 9, 10, 43)}])
"""

OPENFACE = """#!{python}
import pathlib, sys
picture, folder = sys.argv[sys.argv.index("-f") + 1], sys.argv[sys.argv.index("-out_dir") + 1]
if "nobody" not in picture:
    level = "3.00" if "pain" in picture else "0.00"
    names = [f"AU{{n:02d}}_r" for n in (4, 6, 7, 9, 10, 45)]
    rows = ", ".join(["confidence", *names]) + "\\n" + ", ".join(["0.98"] + [level] * 6)
    (pathlib.Path(folder) / "one.csv").write_text(rows)
"""


def program(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_py_feat_is_asked_in_its_own_python_and_neutral_is_taken_off(tmp_path) -> None:
    (tmp_path / "feat.py").write_text(FEAT)
    python = program(tmp_path / "python", f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    told = make_picture_judge(f"py-feat:{python}").predict(tmp_path, ROWS)
    assert told[0] == pytest.approx((5 * 0.7 * 3 + 1) * 10 / 16)
    assert told[1] == 0.0
    assert np.isnan(told[2])


def test_openface_is_run_once_a_picture_and_its_table_is_read(tmp_path) -> None:
    told = make_picture_judge(
        f"openface:{program(tmp_path / 'FaceLandmarkImg', OPENFACE.format(python=sys.executable))}"
    ).predict(tmp_path, ROWS)
    assert told[0] == pytest.approx(10 * 10 / 16)
    assert told[1] == 0.0
    assert np.isnan(told[2])


@pytest.mark.parametrize(
    ("judge", "told"),
    [
        (f"face-mesh:{sys.executable}", "has no mediapipe.*pip install mediapipe==0.10.21"),
        (f"py-feat:{sys.executable}", "has no py-feat.*pip install py-feat"),
        ("openface:/nowhere/FaceLandmarkImg", "is not OpenFace's FaceLandmarkImg; build OpenFace 2.2"),
        ("face-mesh:/nowhere/python", "No such file.*nowhere/python"),
        ("oracle:x", "give pixels, face-mesh:PYTHON"),
    ],
)
def test_a_tool_that_is_not_there_is_named_with_what_to_do(judge: str, told: str, tmp_path) -> None:
    with pytest.raises(SessionError, match=told):
        make_picture_judge(judge).predict(tmp_path, ROWS)
