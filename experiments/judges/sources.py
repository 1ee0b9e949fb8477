"""Where clips come from: the corpus, the engines of face and voice, data sets, recorded sessions, and tables.

Each source names its lineage. New ones of people go through a session's record or a table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from experiments.datasets.draw import AU_COLUMNS
from experiments.datasets.layout import table_of
from experiments.datasets.tables import rows_in
from experiments.datasets.verify import open_dataset
from experiments.judges.clips import UNITS, Clip
from experiments.judges.voices import clips_of_voice, press, sound_of
from firmware_bridge.inputs import one_spelling, read_table
from policies.corpus.simulator import CorpusDesign, simulate
from robopatient.config import SensingConfig, VoiceConfig
from robopatient.errors import ConfigError, RecordError
from robopatient.face.generator.motion import MOTION_HZ, sided
from robopatient.facs import intensity
from robopatient.record.info import read_info
from robopatient.record.reader import Record
from robopatient.record.visibility import load_visibility
from robopatient.simulation.episode import simulation_config, somebody
from robopatient.simulation.rig import Rig, given_pain

__all__ = ["SOURCES", "load_clips"]

CLIP_COLUMNS = ("file_name", "person", "shot", "view", "light", "stimulus_nrs", *AU_COLUMNS)
CLIP_S = 8.0
TOUCH_NEWTON, NO_TOUCH_NEWTON = (1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.0)
"""On the cells: a hand in the middle of the plate, or none. The pain is given, so only the contact counts."""
ENGINE_PEOPLE, ENGINE_CLIPS = 12, 10
CORPUS_PEOPLE = 40


def load_clips(source: str, seed: int = 1) -> list[Clip]:
    """Clips of a source: ``corpus``, ``engine:NAME``, ``dataset:FOLDER``, ``session:FOLDER``,
    ``table:FILE.csv`` or ``voice:NAME``.

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
    """Simulated faces of the simulator that the generator learns from."""
    made = simulate(CorpusDesign(subjects=CORPUS_PEOPLE, palpation_trials=10, thermal_trials=0, trial_s=CLIP_S), seed)
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
            pain = press(rng, CLIP_S)
            au = _shown(name, int(rng.integers(2**31)), pain, expressiveness)
            lineage = (f"engine/{name}", *ancestors.get(name, ("unknown",)))
            clips.append(Clip(f"e{person:02d}", f"e{person:02d}-{number}", lineage, au, pain))
    return clips


def _shown(engine: str, seed: int, pain: np.ndarray, expressiveness: float) -> np.ndarray:
    """Units that a face engine shows of a course of pain under a hand that lies there meanwhile, shape (frames, 12)."""
    config = msgspec.structs.replace(
        simulation_config(seed, engine=engine, fps=MOTION_HZ),
        voice=VoiceConfig(enabled=False),
        sensing=SensingConfig(tare_at_start=False),
    )
    rig = Rig(config, somebody("female", "rosa", expressiveness), tick_s=1.0 / MOTION_HZ)
    if rig.note:
        raise ConfigError(f"source engine:{engine}: {rig.note}")
    rows = []
    for frame, given in enumerate(given_pain(pain.tolist(), rig.tick_s)):
        cells_newton = TOUCH_NEWTON if given.nrs > 0.0 else NO_TOUCH_NEWTON
        t_ns, until_s = round(frame / MOTION_HZ * 1e9), (frame + 0.5) / MOTION_HZ
        [shown] = rig.turn(t_ns, cells_newton=cells_newton, given=given, until_s=until_s).frames
        rows.append([intensity(shown.seen.pose.au, unit) for unit in UNITS])
    return np.array(rows, np.float32)


def _of_dataset(where: str, _: int) -> list[Clip]:
    """Sequences of a generated data set."""
    folder = Path(where)
    facts, design = open_dataset(folder)
    if design.picture.form != "sequences":
        raise RecordError(f"{folder}: holds stills; judges of this kind need sequences (picture.form)")
    engine = design.picture.engine
    lineage = (facts["lineage"], f"engine/{engine}", *(("corpus",) if engine == "diffusion" else ()), "voice/synth")
    clips: list[Clip] = []
    for split in facts["frames"]:
        takes: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for row in rows_in(table_of(folder, design, split), CLIP_COLUMNS):
            if (row["view"], row["light"]) == (design.picture.views[0], design.picture.lights[0]):
                takes.setdefault((row["person"], row["shot"]), []).append(row)
        for (person, shot), rows in takes.items():
            au = [[max(row[f"{u.lower()}_left"], row[f"{u.lower()}_right"]) for u in UNITS] for row in rows]
            pain = np.array([row["stimulus_nrs"] for row in rows], np.float32)
            heard = sound_of(folder / split / rows[0]["file_name"])
            clips.append(Clip(person, f"{person}-{shot:03d}", lineage, np.array(au, np.float32), pain, *heard))
    return clips


def _of_session(where: str, _: int) -> list[Clip]:
    """Clips of a recorded session, cut to ``CLIP_S``: what was seen, and the pain felt at each frame."""
    with Record(Path(where)) as record:
        visible = load_visibility(record)
        seen = visible.messages()
        engine = read_info(record.start).face.engine
        felt_pain = record.table("pain", "t_ns", "nrs")
    per = round(CLIP_S * MOTION_HZ)
    clips: list[Clip] = []
    for start in range(0, len(seen) - per + 1, per):
        part = seen[start : start + per]
        if visible.lacks(part[0].t_ns, part[-1].t_ns):
            continue  # the face was not shown for a part of it
        au = np.array([[intensity(row.pose.au, unit) for unit in UNITS] for row in part], np.float32)
        felt_nrs = np.interp([row.t_ns for row in part], felt_pain["t_ns"], felt_pain["nrs"]).astype(np.float32)
        name = f"{Path(where).name}-{len(clips)}"
        lineage = (f"engine/{engine}", *(("corpus",) if engine == "diffusion" else ()))
        clips.append(Clip(Path(where).name, name, lineage, au, felt_nrs))
    return clips


def _of_table(where: str, _: int) -> list[Clip]:
    """A CSV of one's own: person, clip, pain, a column for each unit, 30 rows a second; also session and its rating."""
    path = Path(where)
    table = read_table(path, RecordError)
    table.need("person", "clip", "pain", *UNITS, hint="30 rows a second, action units 0 to 5")
    numbers = np.stack([table.numbers(name) for name in ("pain", *UNITS)], axis=1)
    ratings = table.numbers("rating") if "rating" in table.header else np.full(len(numbers), np.nan)
    spelling, remarks = one_spelling(table.column("person"))
    whole = np.isfinite(numbers).all(axis=1)
    if not whole.all():
        line = table.rows[int(np.argmin(whole))].line
        remarks.append(f"{path.name}: {(~whole).sum()} rows with a missing number left out, the first is line {line}.")
    for remark in (*table.remarks, *remarks):
        print(remark, file=sys.stderr)
    takes: dict[tuple[str, str], list[np.ndarray]] = {}
    rated: dict[tuple[str, str], tuple[str, float]] = {}
    for i in np.flatnonzero(whole):
        row = table.rows[i].cells
        key = (spelling[row["person"]], row["clip"])
        takes.setdefault(key, []).append(numbers[i])
        rated[key] = (row.get("session", ""), float(ratings[i]))
    clips: list[Clip] = []
    for (person, name), take in takes.items():
        values, (session, rating) = np.array(take, np.float32), rated[person, name]
        lineage = (f"table/{path.stem}",)
        clips.append(Clip(person, name, lineage, values[:, 1:], values[:, 0], session=session, rating=rating))
    return clips


SOURCES: dict[str, Callable[[str, int], list[Clip]]] = {
    "corpus": _of_corpus,
    "engine": _of_engine,
    "dataset": _of_dataset,
    "session": _of_session,
    "table": _of_table,
    "voice": clips_of_voice,
}
