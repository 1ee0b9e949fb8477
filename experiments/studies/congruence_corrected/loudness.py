"""Measures how loud each call of the study is at one commanded level, and prints the trims that make them alike.

Run as ``python -m experiments.studies.congruence_corrected.loudness``; the table goes into ``study.toml``.
"""

from __future__ import annotations

import statistics
import sys

import numpy as np

from robopatient.config import VoiceConfig
from robopatient.levels import hz_to_semitones
from robopatient.messages import VoiceAsk
from robopatient.session.pipeline import Given
from robopatient.simulation.voices import BLOCK_S, voiced
from robopatient.study.study import load_study
from robopatient.voice.loudness import loudness_lufs

__all__ = ["loudness_of", "main"]

LEVEL_DB = -9.5
SECONDS = 1.4
SEEDS = range(4)


def loudness_of(identity: str, call: str, f0_semitones: float, nrs: float, seed: int) -> float:
    """Integrated loudness of one call that a press holds for ``SECONDS``, LUFS."""
    ask = VoiceAsk(LEVEL_DB, f0_semitones, 0.2, 0.1, call)
    pains = [
        Given(nrs, "onset" if index * BLOCK_S < 0.3 else "hold", voice=ask) for index in range(round(SECONDS / BLOCK_S))
    ]
    samples = np.concatenate([block.samples for block in voiced(identity, seed, pains)])
    return float(loudness_lufs(samples.astype(np.float64), VoiceConfig().sample_rate_hz))


def main() -> int:
    """Print ``[constants.loudness_db.VOICE]`` tables: what is to be added to each call's level, dB, never above 0."""
    study = load_study("congruence_corrected").file
    for voice, identity in study.constants["voices"].items():
        loudness = {
            str(call): statistics.fmean(
                loudness_of(
                    identity,
                    str(call),
                    study.constants["f0_semitones"] + hz_to_semitones(float(ratio), 1.0),
                    study.constants["nrs"],
                    seed,
                )
                for ratio in study.factors["pitch"]
                for seed in SEEDS
            )
            for call in study.factors["sound"]
        }
        print(f"[constants.loudness_db.{voice}]  # {', '.join(f'{c} {v:.1f} LUFS' for c, v in loudness.items())}")
        for call, lufs in loudness.items():
            print(f"{call} = {min(loudness.values()) - lufs:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
