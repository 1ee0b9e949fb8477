"""The tutorials run as they are written: as a script, from an empty folder, and what they print is plausible."""

from __future__ import annotations

import csv
import lzma
import re
import subprocess
import sys
from pathlib import Path

from support.needs import HEAD, module

ROOT = Path(__file__).parent.parent.parent
TUTORIALS = ROOT / "docs" / "tutorials"
GOLDEN = ROOT / "tests" / "replay" / "golden" / "sessions" / "virtual" / "record.sqlite.xz"


def run(name: str, folder: Path, *arguments: str | Path) -> str:
    """Output of a tutorial that is run in a folder."""
    done = subprocess.run(
        [sys.executable, TUTORIALS / name, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def number_after(words: str, text: str) -> float:
    """The number that follows these words."""
    found = re.search(re.escape(words) + r"\D*?(\d+(\.\d+)?)", text)
    assert found, text
    return float(found[1])


@HEAD
def test_a_press_becomes_a_film(tmp_path):
    av = module("av", "face")
    said = run("press_to_film.py", tmp_path)
    assert 5.0 < number_after("NRS 0 to 10:", said) < 7.0
    assert number_after("PSPI 0 to 16:", said) > 2.0
    with av.open(str(tmp_path / "press.mp4")) as film:
        assert {stream.type for stream in film.streams} == {"video", "audio"}


def test_a_session_of_version_0_1_becomes_tables(tmp_path):
    module("pandas", "study")
    folder = tmp_path / "session"
    folder.mkdir()
    (folder / "record.sqlite").write_bytes(lzma.decompress(GOLDEN.read_bytes()))
    said = run("session_to_pandas.py", tmp_path, folder)
    assert "mean PSPI while the face was seen" in said
    with (tmp_path / "presses_of_session.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(float(row["peak_newton"]) > 3.0 for row in rows)


def test_a_patient_of_ones_own_shows_pain_in_the_way_of_ones_own(tmp_path):
    module("numba", "audio")
    module("pandas", "study")
    said = run("own_patient.py", tmp_path)
    assert number_after("nrs", said) > 6.0
    assert number_after("pspi", said) > 2.0


def test_a_study_of_ones_own_is_answered(tmp_path):
    module("numba", "audio")
    module("pandas", "study")
    said = run("own_study.py", tmp_path)
    assert said.count("'force_newton'") == 8
    assert re.search(r"0\.6 +5\.0", said), said


def test_ratings_in_a_loop_teach_a_policy_that_a_session_can_use(tmp_path):
    module("stable_baselines3", "train")
    said = run("teach_policy.py", tmp_path, "10")
    assert 0.0 < number_after("worth of the taught policy to this rater, 0 to 1:", said) <= 1.0
    assert number_after("20 N:", said) > 0.02
    assert (tmp_path / "lesson" / "policy" / "card.toml").is_file()


@HEAD
def test_a_batch_of_faces_has_a_label_a_picture(tmp_path):
    module("PIL", "face")
    run("batch_of_faces.py", tmp_path, "1")
    with (tmp_path / "faces" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {path.name for path in (tmp_path / "faces").glob("*.png")}
    levels = [float(row["pspi"]) for row in rows]
    assert levels[0] == 0.0
    assert levels == sorted(levels)
    assert levels[-1] > 6.0


def test_each_tutorial_fits_on_a_screen_and_is_listed():
    listed = (TUTORIALS / "README.md").read_text()
    for path in TUTORIALS.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 40, path
        assert f"]({path.name})" in listed, path
