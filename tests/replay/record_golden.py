"""Record the golden sessions again with the code at hand: ``python -m replay.record_golden [PART …]`` in ``tests``.

PARTs: virtual replayed training study simulated lesson taught calibration dataset generator judges expected; none: all.
What is named replaces what is there: golden/README.md says when.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from replay import reading
from replay.expected import expected

WORK = Path("/tmp/robopatient-golden")
GOLDEN = reading.GOLDEN
JUDGES = {"ridge": "engine:blend", "lstm": "engine:blend", "course-gru": "engine:blend", "voice": "voice:synth"}


def recording(path: Path) -> None:
    """Presses of our own making at the tender site, columns as in the published four-cell files, 1 kHz."""
    made = {}
    for name, length_s, hands in (
        ("two_presses", 3.6, ((0.7, 14.0), (2.1, 27.0))),
        ("one_press", 1.8, ((0.8, 18.0),)),
    ):
        t_s = np.arange(round(length_s * 1000)) / 1000.0
        cells = np.zeros((len(t_s), 4))
        x, y = 196.0 / 290.0, 151.0 / 290.0
        f4 = min(x, y) / 2
        share = np.array([y - f4, x - f4, 1.0 - x - y + f4, f4])
        for begin_s, peak_newton in hands:
            cells += peak_newton * np.sin(np.pi * np.clip((t_s - begin_s) / 0.8, 0, 1))[:, None] ** 2 * share
        total = cells.sum(axis=1)
        touched = total > 0.5
        x_mm, y_mm = np.where(touched, 196.0, 0.0), np.where(touched, 151.0, 0.0)
        made[name] = np.column_stack([cells, np.maximum(total, 1.0), x_mm, y_mm]).astype(np.float32)
    np.savez_compressed(path, **made)


def session(name: str) -> None:
    shutil.rmtree(WORK / "sessions" / name, ignore_errors=True)
    reading.command("run", f"inputs/{name}.toml", "--headless", "--out", f"sessions/{name}")
    reading.pack_session(WORK / "sessions" / name, GOLDEN / "sessions" / name)


def training() -> None:
    with reading.with_person("replay.people:trainee"):
        session("training")


def study() -> None:
    shutil.rmtree(WORK / "studies", ignore_errors=True)
    given = (
        "inputs/study", "--participant", "P01", "--headless", "--folder", "studies",
        "--set", "study.name=inputs/study", "--set", "record.film=false",
    )  # fmt: skip
    with reading.with_person("replay.people:participant"):
        os.environ["GOLDEN_KILL_AFTER"] = "4"
        try:
            reading.command("study", "run", *given)
        except AssertionError as killed:
            print(killed, file=sys.stderr)
        finally:
            del os.environ["GOLDEN_KILL_AFTER"]
        reading.command("study", "run", *given, "--resume", "--set", "study.resume=studies/study_P01_s1")
    for part in ("study_P01_s1", "study_P01_s1_2"):
        reading.pack_session(WORK / "studies" / part, GOLDEN / "studies" / part)


def simulated() -> None:
    shutil.rmtree(WORK / "simulated", ignore_errors=True)
    reading.command("study", "simulate", "inputs/study", "--participants", "6", "--out", "simulated", "--workers", "1")
    for folder in sorted((WORK / "simulated").glob("study_*")):
        reading.pack_session(folder, GOLDEN / "simulated" / folder.name)


def lesson() -> None:
    shutil.rmtree(WORK / "lesson", ignore_errors=True)
    with reading.with_person("replay.people:participant"):
        reading.command(
            "policy", "train", "--live", "inputs/lesson.toml", "--out", "lesson", "--ratings", "2",
            "--start", "inputs/policy", "--headless",
        )  # fmt: skip
    reading.pack_session(WORK / "lesson/sessions/001", GOLDEN / "lesson/sessions/001")
    _keep_lesson("lesson")


def taught() -> None:
    shutil.rmtree(WORK / "taught", ignore_errors=True)
    reading.command(
        "policy", "train", "--simulate", "psychophysical:3", "--out", "taught", "--ratings", "10",
        "--start", "inputs/policy",
    )  # fmt: skip
    _keep_lesson("taught")


def _keep_lesson(name: str) -> None:
    shutil.copytree(WORK / name / "policy", GOLDEN / name / "policy", dirs_exist_ok=True)
    log = GOLDEN / name / "ratings.sqlite"
    log.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(WORK / name / "ratings.sqlite")) as base:
        base.execute("VACUUM INTO ?", (str(log),))


def calibration() -> None:
    shutil.rmtree(WORK / "calibration", ignore_errors=True)
    (WORK / "calibration").mkdir()
    reading.command(
        "board", "calibrate", "--out", "calibration/plate.toml", "--phantom", "inputs/phantom.toml", "--newton",
        "10,20,40,80", "--places", "9", "--exercises", "1", "--seconds", "0.3", "--author", "golden",
    )  # fmt: skip
    (GOLDEN / "calibration").mkdir(exist_ok=True)
    for path in (WORK / "calibration").glob("*.[tc][os][mv]*"):
        shutil.copy(path, GOLDEN / "calibration")


def dataset() -> None:
    reading.command("dataset", "generate", "inputs/dataset.toml", "--out", "dataset", "--workers", "1")
    shutil.rmtree(WORK / "dataset/work", ignore_errors=True)
    with tarfile.open(GOLDEN / "dataset.tar.xz", "w:xz") as archive:
        for path in sorted((WORK / "dataset").rglob("*")):
            if path.is_file() and path.name != "lock":
                archive.add(path, path.relative_to(WORK / "dataset"), filter=_nobody)


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def generator() -> None:
    reading.command("face", "train", "inputs/face_training.toml", "--out", "face-training")
    shutil.copytree(WORK / "face-training/checkpoint", GOLDEN / "checkpoints/generator", dirs_exist_ok=True)


def judges() -> None:
    for kind, source in JUDGES.items():
        reading.command("judge", "train", kind, source, "--out", f"judges/{kind}")
        shutil.copytree(WORK / "judges" / kind, GOLDEN / "checkpoints" / kind, dirs_exist_ok=True)


def figures() -> None:
    shutil.rmtree(WORK / "unpacked", ignore_errors=True)
    text = json.dumps(expected(reading.unpack(WORK / "unpacked")), indent=1, ensure_ascii=False)
    (GOLDEN / "expected.json").write_text(text + "\n", encoding="utf-8")


PARTS: dict[str, Callable[[], None]] = {
    "virtual": lambda: session("virtual"),
    "replayed": lambda: session("replayed"),
    "training": training,
    "study": study,
    "simulated": simulated,
    "lesson": lesson,
    "taught": taught,
    "calibration": calibration,
    "dataset": dataset,
    "generator": generator,
    "judges": judges,
    "expected": figures,
}


def main(names: list[str]) -> None:
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    WORK.mkdir(exist_ok=True)
    recording(GOLDEN / "inputs/presses.npz")
    shutil.copytree(GOLDEN / "inputs", WORK / "inputs", dirs_exist_ok=True)
    os.chdir(WORK)
    for name in names or PARTS:
        print(f"golden: {name}", file=sys.stderr, flush=True)
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
