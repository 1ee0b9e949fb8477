"""The wheel alone, without a checkout: all data that a session needs is in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.needs import HEAD, module

pytestmark = [pytest.mark.system, pytest.mark.timeout(280), HEAD]

ROOT = Path(__file__).parent.parent.parent
SOURCES = ("robopatient", "firmware_bridge", "policies", "experiments", "assets")

LINES = """
import json
import robopatient as rp

patient = rp.load_patient("appendicitis")
episode = rp.simulate(patient, rp.press(newton=20, region="right iliac", hold_s=1.0), seed=1)
film = episode.film("press.mp4", size_px=128)
with rp.Live("demo", ["voice.enabled=false", "face.enabled=false"], headless=True) as live:
    live.note("from the wheel")
session = rp.read_session(live.folder)
print(json.dumps([rp.__file__, episode.note, len(episode.frame()), len(session.force()), len(session.events())]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Folder with what the wheel holds."""
    for name in ("build", "setuptools"):
        module(name, "test")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


def test_six_lines_of_python_work_from_an_empty_folder_and_leave_a_film(installed, tmp_path):
    av = module("av", "face")
    module("pandas", "study")
    done = subprocess.run(
        [sys.executable, "-c", LINES],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    where, note, frames, forces, events = json.loads(done.stdout)
    assert Path(where).is_relative_to(installed)
    assert note == "", "the face is moved by the shipped generator"
    assert frames > 90
    assert forces > 0
    assert events > 0
    with av.open(str(tmp_path / "press.mp4")) as film:
        assert film.streams.video[0].frames == frames


def test_python_m_is_the_command(installed, tmp_path):
    command = [sys.executable, "-m", "robopatient", "patient", "list"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "appendicitis" in done.stdout
