"""Judges of dynamics: is this the face of this press, or one as large that runs otherwise in time?

The pain of a clip can be read from its size alone, so no judge of pain needs time. This question needs it: genuine
clips stand beside spoilt ones of the same amplitude, reversed, late, in another order, of another press, or held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from experiments.judges.clip_statistics import Forest, statistics_of
from experiments.judges.clips import UNITS, Clip, pspi_of
from experiments.judges.coupling import couple
from experiments.judges.networks import Trained, optimise, split_people
from policies.statistics.resampling import SubjectBootstrap
from robopatient.errors import SessionError
from robopatient.face.generator.motion import MOTION_HZ

__all__ = ["KEEP_SIZE", "SPOILT", "CourseCoupling", "CourseForest", "CourseGru", "score_course", "shown", "spoilt"]

FRAMES, EVERY = 240, 3
"""Eight seconds, read ten times a second."""
HIDDEN = 24
PIECE_S, LATE_S = 0.5, 1.5
LEAST_NRS, LEAST_PSPI = 2.0, 1.0
"""A press that hardly hurts, or hardly shows, has no course to judge."""
RESAMPLES, PERMUTATIONS = 500, 500
MIN_CLIPS, MIN_PEOPLE = 20, 4

Spoil = Callable[[Clip, list[Clip], np.random.Generator], np.ndarray]


def _reversed(clip: Clip, company: list[Clip], rng: np.random.Generator) -> np.ndarray:
    """Backwards, its peak where it was: a slow rise and a quick fall."""
    back = clip.au[::-1]
    return np.roll(back, int(pspi_of(clip.au).argmax()) - int(pspi_of(back).argmax()), axis=0)


def _shuffled(clip: Clip, company: list[Clip], rng: np.random.Generator) -> np.ndarray:
    """Pieces of half a second in another order."""
    size = round(PIECE_S * MOTION_HZ)
    pieces = np.array_split(clip.au, max(2, len(clip.au) // size))
    return np.concatenate([pieces[k] for k in rng.permutation(len(pieces))])


def _late(clip: Clip, company: list[Clip], rng: np.random.Generator) -> np.ndarray:
    return np.roll(clip.au, round(LATE_S * MOTION_HZ), axis=0)


def _of_another(clip: Clip, company: list[Clip], rng: np.random.Generator) -> np.ndarray:
    """The face of the press of another person that hurt most alike."""
    others = [one for one in company if one.person != clip.person] or company
    other = min(others, key=lambda one: abs(one.nrs - clip.nrs)).au
    return other[np.minimum(np.arange(len(clip.au)), len(other) - 1)]


def _constant(clip: Clip, company: list[Clip], rng: np.random.Generator) -> np.ndarray:
    """The clip's own mean face, held."""
    return np.tile(clip.au.mean(axis=0), (len(clip.au), 1)).astype(np.float32)


SPOILT: dict[str, Spoil] = {
    "reversed": _reversed,
    "shuffled": _shuffled,
    "late": _late,
    "of another press": _of_another,
    "constant": _constant,
}
KEEP_SIZE = ("reversed", "shuffled", "late")
"""Those that keep every frame of the clip: statistics that know no order are the same."""


def shown(clips: list[Clip]) -> list[Clip]:
    """Clips with a course to judge."""
    return [clip for clip in clips if clip.nrs >= LEAST_NRS and pspi_of(clip.au).max() >= LEAST_PSPI]


def spoilt(name: str, clips: list[Clip], rng: np.random.Generator) -> list[Clip]:
    """The clips with faces of the same amplitude that run otherwise; the pain stays."""
    return [msgspec.structs.replace(clip, au=SPOILT[name](clip, clips, rng)) for clip in clips]


def _with_spoilt(clips: list[Clip], seed: int) -> tuple[list[Clip], np.ndarray]:
    """Genuine clips and all spoilt ones, and 1 for each that is genuine."""
    rng = np.random.default_rng(seed)
    genuine = shown(clips)
    others = [clip for name in SPOILT for clip in spoilt(name, genuine, rng)]
    return [*genuine, *others], np.array([1.0] * len(genuine) + [0.0] * len(others))


class _CourseNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(1 + len(UNITS), HIDDEN, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * HIDDEN, 1))

    def forward(self, course: Tensor) -> Tensor:
        """How genuine, before the sigmoid (clips,), of pain and units in time (clips, steps, 13)."""
        states = self.gru(course)[0]
        logits: Tensor = self.head(torch.cat([states.mean(1), states.amax(1)], dim=-1))[:, 0]
        return logits


class CourseGru(Trained):
    """Reads pain and face side by side in time; distinguished from spoilt faces."""

    kind = "course-gru"
    task = "course"

    def _build(self) -> nn.Module:
        return _CourseNetwork()

    def _input(self, clips: list[Clip]) -> Tensor:
        rows = []
        for clip in clips:
            at = np.minimum(np.arange(0, FRAMES, EVERY), len(clip.au) - 1)
            rows.append(np.column_stack([clip.pain[at] / 10.0, clip.au[at] / 5.0]))
        return torch.tensor(np.array(rows), dtype=torch.float32)

    def _logits(self, course: Tensor, index: Tensor) -> Tensor:
        logits: Tensor = self._net(course[index])
        return logits

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Distinguish genuine from spoilt; both weigh alike."""
        self._reset(seed)
        everything, genuine = _with_spoilt(clips, seed)
        course, target = self._input(everything), torch.tensor(genuine, dtype=torch.float32)
        weight = torch.where(target > 0.5, float(len(SPOILT)), 1.0)

        def loss(batch: Tensor) -> Tensor:
            logits = self._logits(course, batch)
            return nn.functional.binary_cross_entropy_with_logits(logits, target[batch], weight[batch])

        optimise(self._net, loss, *split_people([clip.person for clip in everything], seed))

    def predict(self, clips: list[Clip]) -> np.ndarray:
        """How genuine, 0 to 1, shape (clips,)."""
        with torch.no_grad():
            predicted: np.ndarray = self._logits(self._input(clips), torch.arange(len(clips))).sigmoid().numpy()
        return predicted


class CourseForest(Forest):
    """Forest on statistics that know no order: what it finds needs no time."""

    kind = "course-forest"
    task = "course"

    def _describe(self, clip: Clip) -> np.ndarray:
        return np.concatenate([statistics_of(clip), [clip.pain.mean(), clip.pain.std(), clip.pain.max()]])

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Distinguish genuine from spoilt; both weigh alike."""
        everything, genuine = _with_spoilt(clips, seed)
        self._grow(everything, genuine, seed, np.where(genuine > 0.5, float(len(SPOILT)), 1.0))


class CourseCoupling:
    """Correlation of face and pain at the best lag; nothing is learnt."""

    kind = "course-coupling"
    sense = "face"
    task = "course"

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Nothing to learn."""

    def predict(self, clips: list[Clip]) -> np.ndarray:
        """Correlation, less for a face that comes before the pain or long after, shape (clips,)."""
        found = [couple(clip.pain, pspi_of(clip.au)) for clip in clips]
        return np.array([one.correlation * (0.0 <= one.lag_s <= LATE_S) for one in found])

    def weights(self) -> dict[str, np.ndarray]:
        """None."""
        return {}

    def restore(self, weights: dict[str, np.ndarray]) -> None:
        """Nothing to restore."""


def score_course(judge: Any, clips: list[Clip], seed: int) -> dict[str, Any]:
    """Area under the curve of genuine against each kind of spoilt, with intervals over people and a permutation p.

    Raises
    ------
    SessionError
        When too few clips have a course.
    """
    genuine = shown(clips)
    people = [clip.person for clip in genuine]
    if len(genuine) < MIN_CLIPS or len(set(people)) < MIN_PEOPLE:
        raise SessionError(
            f"{len(genuine)} clips of {len(set(people))} people show pain of {LEAST_NRS:g} and more: too few to judge "
            f"its course; give at least {MIN_CLIPS} clips of {MIN_PEOPLE} people"
        )
    rng = np.random.default_rng(seed)
    predicted = judge.predict(genuine)
    table = {}
    for name in SPOILT:
        table[name] = _auc_of(predicted, judge.predict(spoilt(name, genuine, rng)), people, rng)
    return {"clips": len(genuine), "people": len(set(people)), "auc": table}


def _auc(genuine: np.ndarray, other: np.ndarray) -> float:
    """Chance that a genuine clip is taken for more genuine than another; ties count half."""
    ranked = np.sort(other)
    below, upto = (np.searchsorted(ranked, genuine, side).sum() for side in ("left", "right"))
    return float((below + upto) / 2.0 / (len(genuine) * len(other)))


def _auc_of(genuine: np.ndarray, other: np.ndarray, people: list[str], rng: np.random.Generator) -> dict[str, float]:
    """Area, 95 % interval over people, and p of exchanging genuine and spoilt within clips."""
    boot = SubjectBootstrap(people, RESAMPLES, rng, names=sorted(set(people)))
    value, low, high, _ = boot.of(lambda rows: _auc(genuine[rows], other[rows]))
    beaten = 0
    for _ in range(PERMUTATIONS):
        swap = rng.random(len(genuine)) < 0.5
        beaten += _auc(np.where(swap, other, genuine), np.where(swap, genuine, other)) >= value
    return {"value": value, "low": low, "high": high, "p": (beaten + 1.0) / (PERMUTATIONS + 1.0)}
