"""Source distribution and wheel alone, without a checkout: all that the commands and the Python API need is in them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from pathlib import Path

import pytest
from support.needs import HEAD, module

pytestmark = [pytest.mark.system, pytest.mark.timeout(280), HEAD]

ROOT = Path(__file__).parent.parent.parent
SOURCES = ("robopatient", "firmware_bridge", "policies", "experiments", "assets")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools_scm"][
    "fallback_version"
]

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


TINY = """
title = "Two people"
seed = 3
[balance]
people = 2
sex = ["female", "male"]
[split]
train = 1
[show]
pain_nrs = [7.0]
archetypes = ["furrowed"]
other = []
[picture]
views = ["frontal"]
size_px = 64
label_px = 16
renderer = "numba"
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Folder with the source distribution, made from a tree without .git, and the wheel that is made from it."""
    for name in ("build", "setuptools", "setuptools_scm"):
        module(name, "test")
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return folder


@pytest.fixture(scope="module")
def installed(built) -> Path:
    """Folder with what the wheel holds."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(built / "installed")
    return built / "installed"


def robopatient(installed: Path, *arguments: str) -> list[str]:
    """The command of the wheel: the environment's packages, and none of the checkout."""
    return ["env", f"PYTHONPATH={installed}", sys.executable, "-m", "robopatient", *arguments]


def rows(record: Path, table: str) -> int:
    """Rows of a table of a record that may be in the making."""
    try:
        with sqlite3.connect(f"file:{record}?mode=ro", uri=True) as database:
            return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    except sqlite3.OperationalError:  # the table is not there yet
        return 0


def test_source_distribution_and_wheel_hold_the_same_packages_and_the_version(built, installed):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    wheel = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert {name for name in wheel if ".dist-info/" not in name} <= sources
    assert (installed / f"robopatient-{VERSION}.dist-info").is_dir(), "the fallback of a tree without .git"
    elsewhere = built.parent  # in the checkout, Python would find the version of the checkout first
    done = subprocess.run(
        robopatient(installed, "--version"), cwd=elsewhere, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"robopatient {VERSION}\n"


@pytest.mark.timeout(600)
def test_a_session_a_study_and_a_data_set_are_made_in_an_empty_folder(installed, tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    # Voice and face compile for minutes in a folder that numba has not seen; the test above hears and sees them.
    quiet = ["--headless", "--set", "voice.enabled=false", "--set", "face.enabled=false"]

    run = robopatient(installed, "run", "demo", "--duration", "2", "--out", "session", *quiet)
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    record = tmp_path / "session" / "record.sqlite"
    assert rows(record, "force") > 100
    with sqlite3.connect(record) as database:
        assert database.execute("SELECT version FROM start").fetchone() == (VERSION,)

    study = robopatient(installed, "study", "run", "congruence_corrected", "--participant", "P01", *quiet)
    process = subprocess.Popen(study, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 120
        while not any(rows(path, "study") for path in tmp_path.glob("sessions/*/record.sqlite")):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.5)
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=100)
    assert process.returncode == 0, said

    dataset = robopatient(installed, "dataset", "generate", "tiny.toml", "--out", "SET", "--workers", "1")
    done = subprocess.run(dataset, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(tmp_path.glob("SET/train/files/*/*.jpg"))) == 4


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
