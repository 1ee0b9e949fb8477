"""Every import of the product that the golden sessions need, in one place: a renamed module touches this file alone.

What can be asked of the command line is asked there, in this process; the rest is what no command prints.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import logging
import lzma
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np

from experiments.datasets.design import load_design
from experiments.judges.clips import UNITS, Clip
from experiments.judges.judge import load_judge
from policies import live
from policies.train_face import read_training
from policies.training_session import TrainingSession
from robopatient import messages
from robopatient.bus import ActorPort
from robopatient.cli import main
from robopatient.clock import HostClock
from robopatient.config import load_session
from robopatient.expression.ppo import Ppo, read_checkpoint
from robopatient.expression.prior import load_preset
from robopatient.face.display.profile import load_profile
from robopatient.face.generator.checkpoint import read_stream
from robopatient.face.identity import load_identity as load_face
from robopatient.patient import load_patient
from robopatient.phantom import load_phantom
from robopatient.record.reader import Record
from robopatient.scenario import load_script
from robopatient.sensing.calibration import load_calibration
from robopatient.session import run as session_run
from robopatient.session import study_run
from robopatient.session.supervisor import Row
from robopatient.study.study import load_study
from robopatient.voice.calibration import load_calibration as load_loudness
from robopatient.voice.identity import load_identity as load_voice

__all__ = [
    "GOLDEN",
    "LOADERS",
    "ActorPort",
    "HostClock",
    "analysis",
    "calibration_gains",
    "command",
    "debrief",
    "face_of",
    "generator_output",
    "judgement",
    "lesson_worth",
    "library",
    "loaded",
    "messages",
    "pack_session",
    "policy_actions",
    "presses",
    "recorded",
    "replayed",
    "rows",
    "sb3_actions",
    "sound",
    "trials",
    "unpack",
    "with_person",
]

GOLDEN = Path(__file__).with_name("golden")
NOT_PINNED = ("pspi", "scales", "ratings", "shown", "eased_ms", "pressed_on")
"""Columns whose name holds one of these are not compared: all follow from PSPI, which 0.1 takes wrongly where the two
sides of a face differ."""

LOADERS: dict[str, Callable[[str], Any]] = {
    "session": lambda path: load_session(Path(path)),
    "patient": load_patient,
    "phantom": load_phantom,
    "calibration": load_calibration,
    "matrix": load_calibration,
    "loudness": lambda path: load_loudness(Path(path)),
    "voice": load_voice,
    "face": load_face,
    "expression": load_preset,
    "scenario": lambda path: load_script(path)[0],
    "display": load_profile,
    "dataset": load_design,
    "face_training": lambda path: read_training(Path(path)),
    "study": lambda path: load_study(path).file,
}


def command(*arguments: str | Path) -> str:
    """What a command of ``robopatient`` prints on stdout; AssertionError with all that it said when it fails."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["robopatient", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            status: Any = 0
        except SystemExit as ended:
            status = ended.code
    assert status in (0, None), f"robopatient {' '.join(map(str, arguments))}: {out.getvalue()}{err.getvalue()}"
    return out.getvalue()


def unpack(to: Path) -> Path:
    """A copy of the golden folder with everything as it was written, to work in."""
    shutil.copytree(GOLDEN, to, dirs_exist_ok=True)
    for path in sorted(to.rglob("*.xz")):
        plain = path.with_suffix("")
        if plain.suffix == ".tar":
            with tarfile.open(path, "r:xz") as archive:
                archive.extractall(plain.with_suffix(""), filter="data")
        else:
            plain.write_bytes(lzma.decompress(path.read_bytes()))
        path.unlink()
    return to


def pack_session(folder: Path, to: Path) -> None:
    """Keep a session's record, its log folded in and the computer's name taken out, and its journal."""
    import sqlite3

    to.mkdir(parents=True, exist_ok=True)
    plain = folder / "packed.sqlite"
    with contextlib.closing(sqlite3.connect(folder / "record.sqlite")) as base:
        base.execute("UPDATE start SET machine = json_set(machine, '$.host', 'golden')")
        base.commit()
        base.execute("VACUUM INTO ?", (str(plain),))
    for path, name in ((plain, "record.sqlite"), (folder / "inputs.journal", "inputs.journal")):
        if path.exists():
            (to / f"{name}.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    plain.unlink()


@contextlib.contextmanager
def with_person(entry: str) -> Iterator[None]:
    """Sessions that begin meanwhile have one more process: somebody who acts (``module:function``)."""
    person = Row("person", entry, lambda config: True, restart=False)
    begun = session_run.run_session

    def begin(config: Any, folder: Path, extra: tuple[Row, ...] = ()) -> int:
        return begun(config, folder, extra=(*extra, person))

    with contextlib.ExitStack() as stack:
        for module in (session_run, study_run, live):
            stack.enter_context(patch.object(module, "run_session", begin))
        yield


def rows(path: Path) -> list[dict[str, Any]]:
    """A CSV, numbers as numbers, without what is not pinned."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: _number(text) for name, text in row.items() if _pinned(name)} for row in csv.DictReader(file)]


def replayed(session: str) -> dict[str, int]:
    """Rows of each topic that ``replay`` computes again bit for bit; AssertionError when one differs."""
    told = command("replay", session)
    assert "equal bit for bit" in told, told
    pairs = told.rpartition("(")[2].partition(" rows)")[0].split(", ")
    return {topic: int(count) for topic, count in (pair.rsplit(" ", 1) for pair in pairs)}


def presses(session: str, folder: Path) -> list[dict[str, Any]]:
    """What ``report`` writes of a session's presses."""
    command("report", session, "--no-film")
    assert (folder / session / "report.html").stat().st_size > 10_000
    return rows(folder / session / "presses.csv")


def debrief(session: str, folder: Path) -> dict[str, Any]:
    """The figures of ``debrief``."""
    command("debrief", session, "--no-pdf")
    assert (folder / session / "debrief.html").stat().st_size > 10_000
    return _kept(json.loads((folder / session / "debrief.json").read_text(encoding="utf-8")))


def library(sessions: str) -> list[dict[str, Any]]:
    """What ``sessions list`` knows of a folder of sessions."""
    return _kept(json.loads(command("sessions", "list", "--folder", sessions, "--json")))


def trials(source: str, out: Path, bids: bool = False) -> list[dict[str, Any]]:
    """The tidy table that ``study export`` makes of sessions, alone or beside a BIDS data set."""
    command("study", "export", source, "--out", out, "--bids" if bids else "--no-bids")
    return rows(out / "trials.csv")


def analysis(source: str, out: Path) -> dict[str, Any]:
    """The numbers of ``study analyse``."""
    command("study", "analyse", source, "--out", out)
    found = _kept(json.loads((out / "analysis.json").read_text(encoding="utf-8")))
    found.pop("source", None)
    return found


def sound(session: str, out: Path) -> dict[str, Any]:
    """Length, loudness and hash of a session's sound, rendered again from its record by ``voice rerender``."""
    command("voice", "rerender", session, "--out", out)
    import soundfile

    samples, rate_hz = soundfile.read(out, dtype="float32")
    fifths = np.array_split(samples.astype(np.float64), 5)
    return {
        "seconds": len(samples) / rate_hz,
        "rms": [float(np.sqrt(np.mean(part**2))) for part in fifths],
        "sha256": hashlib.sha256(samples.tobytes()).hexdigest(),
    }


def face_of(trace: str, face: str, out: Path) -> list[dict[str, Any]]:
    """Action units, blinks aside, that ``face generate`` shows of a course of pain with the blend engine."""
    command(
        "face", "generate", "--pain", trace, "--face", face, "--engine", "blend", "--size", "128",
        "--renderer", "numba", "--fps", "10", "--out", out,
    )  # fmt: skip
    [table] = [*out.parent.glob(f"{out.stem}*.csv"), *out.glob("*.csv")]
    kept = ("frame", "t_s", "nrs", "AU")
    return [{k: v for k, v in row.items() if k.startswith(kept) and k != "AU45"} for row in rows(table)]


def loaded(kind: str, path: str) -> Any:
    """Every value that a file of a kind gives, as JSON knows it."""
    return json.loads(msgspec.json.encode(LOADERS[kind](path)))


def calibration_gains(path: str) -> list[list[float]]:
    """Newtons per count, shape (cells, cells)."""
    return [list(row) for row in load_calibration(path).matrix]


def policy_actions(folder: str) -> list[dict[str, float]]:
    """What a checkpoint's policy does at six pains."""
    policy = Ppo(folder)
    return [policy.acting({"nrs": nrs, "nrs_per_s": 4.0 * nrs}) for nrs in (1.0, 2.5, 4.0, 6.0, 8.0, 10.0)]


def sb3_actions(folder: str) -> tuple[list[list[float]], list[list[float]]]:
    """Normalised actions of the stable-baselines3 zip, and of the weights beside it, at five states."""
    from stable_baselines3 import PPO

    from robopatient.expression.ppo import Network

    card, weights = read_checkpoint(Path(folder))
    state = np.linspace(-0.9, 0.9, 5)[:, None] * np.ones((1, len(card.observation)))
    zipped, _ = PPO.load(Path(folder) / "sb3.zip", device="cpu").predict(state.astype(np.float32), deterministic=True)
    return zipped.tolist(), Network.of(weights)(state).tolist()


def generator_output(folder: str) -> dict[str, Any]:
    """What the streaming step of a face generator makes of its own start, three steps on, and what its network is."""
    import onnxruntime

    from robopatient.face.generator.pipeline import PainDiffusionPipeline

    logging.getLogger("diffusers").setLevel(logging.ERROR)
    card, step, start = read_stream(Path(folder))
    session = onnxruntime.InferenceSession(str(step), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(5)
    fed = {}
    for one in session.get_inputs():
        shape = [size if isinstance(size, int) else 1 for size in one.shape]
        kind = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": bool}[one.type]
        known = start.get(one.name)
        fed[one.name] = known if known is not None else (0.3 * rng.standard_normal(shape)).astype(kind)
    made = session.run(None, fed)
    pipeline = PainDiffusionPipeline.from_pretrained(folder)
    network = next(part for part in pipeline.components.values() if hasattr(part, "parameters"))
    return {
        "parameters": card.parameters,
        "of_network": sum(one.numel() for one in network.parameters()),
        "sums": {
            one.name: float(np.asarray(value, np.float64).sum())
            for one, value in zip(session.get_outputs(), made, strict=True)
        },
    }


def judgement(folder: str) -> dict[str, Any]:
    """What a frozen judge makes of three clips of a made-up course of action units and of a swelling tone."""
    judge, card = load_judge(Path(folder))
    t_s = np.arange(240) / 30.0
    clips = []
    for index, most in enumerate((1.0, 4.0, 9.0)):
        pain = (most * np.sin(np.pi * t_s / 8.0) ** 2).astype(np.float32)
        au = (pain[:, None] * np.linspace(0.1, 0.5, len(UNITS))).astype(np.float32)
        rate_hz = 16_000
        tone_s = np.arange(8 * rate_hz) / rate_hz
        swell = 0.05 * most * np.sin(np.pi * tone_s / 8.0) ** 2 * np.sin(2.0 * np.pi * 220.0 * tone_s)
        name = f"golden{index}"
        clips.append(Clip(name, name, ("golden",), au, pain, swell.astype(np.float32), rate_hz))
    return {"kind": card.kind, "lineage": list(card.lineage), "told": np.asarray(judge.predict(clips), float).tolist()}


def lesson_worth(folder: Path) -> dict[str, Any]:
    """What a lesson knows when its log is read back: answers, worth of its policy, and what it would do and ask."""
    lesson = TrainingSession(folder)
    try:
        learner = lesson.learner
        state = np.zeros(lesson.plan.n_state)
        return {
            "answers": list(learner.answers),
            "sources": [trial.source for trial in learner.trials],
            "model": learner.model.name,
            "worth": list(learner.expected_worth()),
            "acts": learner.act(state[None])[0].tolist(),
            "asks": lesson.suggest(state).action.tolist(),
        }
    finally:
        lesson.close()


def recorded(session: str) -> dict[str, int]:
    """Rows of every topic of a record."""
    from robopatient.topics import TOPICS

    with Record(Path(session)) as record:
        return {topic: len(record.messages(topic)) for topic in TOPICS if topic in _tables(record)}


def _tables(record: Record) -> set[str]:
    return {row[0] for row in record.cells("topics")[1]}


def _pinned(name: str) -> bool:
    return not any(word in name.lower() for word in NOT_PINNED)


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _kept(item) for key, item in value.items() if _pinned(key)}
    return [_kept(item) for item in value] if isinstance(value, list) else value


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
