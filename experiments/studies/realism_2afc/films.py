"""Makes the films of the realism study: the same pains by two engines, the same face, silent.

Run as ``python -m experiments.studies.realism_2afc.films [--out FOLDER] [--size PIXELS]``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from experiments.studies.realism_2afc.study import KINDS, films_folder
from robopatient.config import FaceConfig
from robopatient.face.film import write_film
from robopatient.face.identity import load_identity
from robopatient.face.light import make_look
from robopatient.face.render import make_renderer
from robopatient.patient import load_patient
from robopatient.simulation.episode import of_pain, simulation_config
from robopatient.simulation.presses import course
from robopatient.simulation.rig import TICK_S
from robopatient.study.study import load_study

__all__ = ["main", "pains"]

FPS = 30.0
ENGINES = {"generated": FaceConfig().engine, "reference": "blend"}
FACES = ("rosa", "jonas", "mei", "david")


def pains(number: int, seconds: float) -> list[float]:
    """Pain of a clip at every tick, NRS: one or two presses of different strength, quarter sines (assumption)."""
    rng = np.random.default_rng([312, number])
    t_s = np.arange(round(seconds / TICK_S)) * TICK_S
    level = np.zeros(len(t_s))
    onset_s = 0.5
    while onset_s < seconds - 2.0:
        rise_s, fall_s = rng.uniform(0.4, 0.9), rng.uniform(0.5, 1.1)
        peak_nrs = rng.uniform(3.0, 9.5)
        press = course(t_s - onset_s, peak=peak_nrs, rise_s=rise_s, hold_s=0.0, fall_s=fall_s, shape="sine")
        level = np.maximum(level, press)
        onset_s += rise_s + fall_s + rng.uniform(0.4, 1.5)
    return [float(one) for one in level]


def main(arguments: list[str] | None = None) -> int:
    """Film every clip that is not there yet."""
    study = load_study("realism_2afc").file
    parser = argparse.ArgumentParser(description="Films of the realism study.")
    parser.add_argument("--out", type=Path, default=films_folder(study), help="folder for generated/ and reference/")
    parser.add_argument("--size", type=int, default=512, help="pixels")
    given = parser.parse_args(arguments)
    for number, clip in enumerate(study.factors["clip"]):
        for kind in KINDS:
            path = given.out / kind / f"{clip}.mp4"
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            _film(path, number, ENGINES[kind], given.size, study.constants["clip_s"])
            print(path, file=sys.stderr)
    return 0


def _film(path: Path, number: int, engine: str, size_px: int, seconds: float) -> None:
    """One clip, whole or not at all."""
    face = FACES[number % len(FACES)]
    patient = load_patient("healthy")
    episode = of_pain(pains(number, seconds), simulation_config(number, voice="rosa", engine=engine, fps=FPS), patient)
    drawer = make_renderer("auto", load_identity(face), size_px, make_look("frontal", "window", "wall"))
    new = path.with_name(f".{path.name}")
    try:
        poses = ((moment.t_s, moment.pose) for moment in episode.moments)
        write_film(new, poses, drawer, FPS, np.zeros_like(episode.sound), episode.sample_rate_hz)
    finally:
        drawer.close()
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main())
