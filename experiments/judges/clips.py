"""What is judged: clips of action units with the pain behind them, and the lineage of what moved the face.

A lineage names a source and everything that it learnt from, so that no judge scores its own teacher.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from experiments.datasets.draw import AU_COLUMNS
from experiments.datasets.layout import table_of
from experiments.datasets.tables import rows_in
from experiments.datasets.verify import open_dataset
from policies.corpus.simulator import Design, simulate
from robopatient.config import FaceConfig
from robopatient.errors import ConfigError, RecordError
from robopatient.face.generator import Engine, make_engine
from robopatient.face.generator.motion import MOTION_HZ, sided
from robopatient.facs import PAIN_ACTION_UNITS, pspi
from robopatient.messages import FaceAsk, FaceCommand, Phase
from robopatient.record.reader import Record

__all__ = ["CONTROLS", "SOURCES", "UNITS", "Clip", "control", "load_clips", "pspi_of"]

UNITS: tuple[str, ...] = (*PAIN_ACTION_UNITS, "AU1", "AU2")
"""Columns of every clip: the ten units seen in pain and the raised brows of the third archetype."""
CLIP_COLUMNS = ("person", "shot", "view", "light", "stimulus_nrs", *AU_COLUMNS)
CLIP_S = 8.0
ENGINE_PEOPLE, ENGINE_CLIPS = 12, 10
CORPUS_PEOPLE = 40


class Clip(msgspec.Struct, frozen=True):
    """One stretch of one face.

    Attributes
    ----------
    lineage
        Source first, then everything that it learnt from.
    au
        Intensities 0 to 5 at 30 frames a second, shape (frames, 12), columns ``UNITS``, the stronger side
        as in FACS scoring.
    pain
        Pain behind it, NRS 0 to 10, shape (frames,).
    """

    person: str
    name: str
    lineage: tuple[str, ...]
    au: np.ndarray
    pain: np.ndarray

    @property
    def nrs(self) -> float:
        """Label: the largest pain of the clip."""
        return float(self.pain.max())


def pspi_of(au: np.ndarray) -> np.ndarray:
    """PSPI of every frame, shape (frames,)."""
    return np.array([pspi(dict(zip(UNITS, row, strict=True))) for row in au.tolist()])


def load_clips(source: str, seed: int = 1) -> list[Clip]:
    """Clips of a source: ``corpus``, ``engine:NAME``, ``dataset:FOLDER``, ``session:FOLDER`` or ``table:FILE.csv``.

    Raises
    ------
    RobopatientError
        Naming a source that is unknown, or what is wrong with it.
    """
    kind, _, where = source.partition(":")
    if kind not in SOURCES:
        raise ConfigError(f"source {source!r} is none of {', '.join(SOURCES)}; try --help")
    clips = SOURCES[kind](where, seed)
    if not clips:
        raise RecordError(f"source {source}: holds no clip of a face")
    return clips


def _of_corpus(_: str, seed: int) -> list[Clip]:
    """Made-up faces of the simulator that the generator learns from."""
    made = simulate(Design(subjects=CORPUS_PEOPLE, palpation_trials=10, thermal_trials=0, trial_s=CLIP_S), seed)
    clips: list[Clip] = []
    for one in made.sequences:
        columns = [np.asarray(sided(one.motion, unit), np.float32) for unit in UNITS]
        clips.append(Clip(one.subject, one.trial, ("corpus",), np.stack(columns, axis=1), one.pain))
    return clips


def _of_engine(name: str, seed: int) -> list[Clip]:
    """A session's face engine, pressed by different hands: rise, height and length vary."""
    ancestors = {"blend": (), "diffusion": ("corpus",)}
    clips: list[Clip] = []
    for person in range(ENGINE_PEOPLE):
        rng = np.random.default_rng([seed, person])
        expressiveness = float(rng.uniform(0.5, 1.5))
        for number in range(ENGINE_CLIPS):
            pain = _press(rng)
            au = _shown(make_engine(FaceConfig(engine=name), int(rng.integers(2**31))), pain, expressiveness)
            lineage = (f"engine/{name}", *ancestors.get(name, ("unknown",)))
            clips.append(Clip(f"e{person:02d}", f"e{person:02d}-{number}", lineage, au, pain))
    return clips


def _press(rng: np.random.Generator) -> np.ndarray:
    """Pain of a clip, shape (frames,): none in a quarter of them, else up to 10."""
    peak = 0.0 if rng.random() < 0.25 else rng.uniform(1.0, 10.0)
    start, rise, hold, fall = rng.uniform([0.8, 0.15, 0.5, 0.3], [2.0, 1.2, 2.5, 1.2])
    knots = np.cumsum([0.0, start, rise, hold, fall])
    t_s = np.arange(round(CLIP_S * MOTION_HZ)) / MOTION_HZ
    levels = [0.0, 0.0, peak, peak * rng.uniform(0.7, 1.0), 0.0, 0.0]
    return np.interp(t_s, [*knots, CLIP_S + 9.0], levels).astype(np.float32)


def _shown(engine: Engine, pain: np.ndarray, expressiveness: float) -> np.ndarray:
    """Units that a face engine shows of a course of pain, shape (frames, 12)."""
    rows = []
    for frame, nrs in enumerate(pain.tolist()):
        t_ns = round(frame / MOTION_HZ * 1e9)
        slope = nrs - (pain[frame - 1] if frame else 0.0)
        phase: Phase = "rest" if nrs < 0.05 else "onset" if slope > 0.0 else "release" if slope < 0.0 else "hold"
        ask = FaceAsk(nrs, expressiveness)
        pose = engine.step(FaceCommand(t_ns, frame, t_ns, nrs, phase, ask, contact=nrs > 0.0), t_ns)
        rows.append([_stronger(pose.au, unit) for unit in UNITS])
    return np.array(rows, np.float32)


def _stronger(au: dict[str, float], unit: str) -> float:
    plain = au.get(unit, 0.0)
    return max(au.get(f"{unit}L", plain), au.get(f"{unit}R", plain))


def _of_dataset(where: str, _: int) -> list[Clip]:
    """Sequences of a generated data set."""
    folder = Path(where)
    facts, design = open_dataset(folder)
    if design.picture.form != "sequences":
        raise RecordError(f"{folder}: holds stills; judges of this kind need sequences (picture.form)")
    engine = design.picture.engine
    lineage = (facts["lineage"], f"engine/{engine}", *(("corpus",) if engine == "diffusion" else ()))
    clips: list[Clip] = []
    for split in facts["frames"]:
        takes: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for row in rows_in(table_of(folder, design, split), CLIP_COLUMNS):
            if (row["view"], row["light"]) == (design.picture.views[0], design.picture.lights[0]):
                takes.setdefault((row["person"], row["shot"]), []).append(row)
        for (person, shot), rows in takes.items():
            au = [[max(row[f"{u.lower()}_left"], row[f"{u.lower()}_right"]) for u in UNITS] for row in rows]
            pain = np.array([row["stimulus_nrs"] for row in rows], np.float32)
            clips.append(Clip(person, f"{person}-{shot:03d}", lineage, np.array(au, np.float32), pain))
    return clips


def _of_session(where: str, _: int) -> list[Clip]:
    """Clips of a recorded session, cut to ``CLIP_S``: what was seen, and the pain felt at each frame."""
    with Record(Path(where)) as record:
        seen = record.messages("seen")
        engine = json.loads(record.start.config_json)["face"]["engine"]
        felt_pain = record.table("pain", "t_ns", "nrs")
    per = round(CLIP_S * MOTION_HZ)
    clips: list[Clip] = []
    for start in range(0, len(seen) - per + 1, per):
        part = seen[start : start + per]
        au = np.array([[_stronger(row.au, unit) for unit in UNITS] for row in part], np.float32)
        felt_nrs = np.interp([row.t_ns for row in part], felt_pain["t_ns"], felt_pain["nrs"]).astype(np.float32)
        name = f"{Path(where).name}-{len(clips)}"
        lineage = (f"engine/{engine}", *(("corpus",) if engine == "diffusion" else ()))
        clips.append(Clip(Path(where).name, name, lineage, au, felt_nrs))
    return clips


def _of_table(where: str, _: int) -> list[Clip]:
    """A CSV of one's own: person, clip, pain, and a column for each unit, 30 rows a second."""
    path = Path(where)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: cannot be read ({error})") from error
    wanted = ("person", "clip", "pain", *UNITS)
    missing = [name for name in wanted if not rows or name not in rows[0]]
    if missing:
        raise RecordError(f"{path}: no column {', '.join(missing)}; needed are {', '.join(wanted)}")
    takes: dict[tuple[str, str], list[list[float]]] = {}
    for line, row in enumerate(rows, start=2):
        try:
            takes.setdefault((row["person"], row["clip"]), []).append([float(row[n]) for n in ("pain", *UNITS)])
        except ValueError as error:
            raise RecordError(f"{path}, line {line}: {error}") from error
    lineage = (f"table/{path.stem}",)
    return [
        Clip(person, name, lineage, np.array(take, np.float32)[:, 1:], np.array(take, np.float32)[:, 0])
        for (person, name), take in takes.items()
    ]


SOURCES: dict[str, Callable[[str, int], list[Clip]]] = {
    "corpus": _of_corpus,
    "engine": _of_engine,
    "dataset": _of_dataset,
    "session": _of_session,
    "table": _of_table,
}


class _Company(NamedTuple):
    """What the clips have in common: their mean face and the strongest face of all, shape (12,) each."""

    mean: np.ndarray
    strongest: np.ndarray


def _company(clips: list[Clip]) -> _Company:
    peaks = [(course.max(), clip.au[course.argmax()]) for clip in clips for course in [pspi_of(clip.au)]]
    return _Company(np.mean([clip.au.mean(axis=0) for clip in clips], axis=0), max(peaks, key=lambda peak: peak[0])[1])


def _shuffled_time(clip: Clip, company: _Company, rng: np.random.Generator) -> np.ndarray:
    return clip.au[rng.permutation(len(clip.au))]


def _mean_face(clip: Clip, company: _Company, rng: np.random.Generator) -> np.ndarray:
    return np.tile(company.mean, (len(clip.au), 1)).astype(np.float32)


def _constant_grimace(clip: Clip, company: _Company, rng: np.random.Generator) -> np.ndarray:
    return np.tile(company.strongest, (len(clip.au), 1))


def _amplitude_only(clip: Clip, company: _Company, rng: np.random.Generator) -> np.ndarray:
    """The right sum of intensities at every frame, spread evenly over all units: size without shape."""
    return np.repeat(clip.au.mean(axis=1, keepdims=True), clip.au.shape[1], axis=1)


CONTROLS: dict[str, Callable[[Clip, _Company, np.random.Generator], np.ndarray]] = {
    "shuffled time": _shuffled_time,
    "mean face": _mean_face,
    "constant grimace": _constant_grimace,
    "amplitude only": _amplitude_only,
}


def control(name: str, clips: list[Clip], seed: int) -> list[Clip]:
    """The same clips with their faces spoilt in one way; the pain behind them stays."""
    rng, company = np.random.default_rng(seed), _company(clips)
    return [msgspec.structs.replace(clip, au=CONTROLS[name](clip, company, rng)) for clip in clips]
