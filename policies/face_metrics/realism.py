"""Do generated faces move like people: distributions of time courses, co-occurrence, jerk, and a random feature space.

Compared with held-out subjects (same clips) and with the few summaries that have been published. Each clip is boiled
down once (``MotionFeatures``), so that subjects can be drawn again cheaply.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.stats import wasserstein_distance

from policies.face_metrics.events import COURSE, ReactionCourse, courses
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ, column, pspi, pspi_no_au43, sided

__all__ = [
    "PUBLISHED",
    "REALISM",
    "UNITS",
    "MotionFeatures",
    "co_occurrence",
    "features_of",
    "frechet",
    "jerk",
    "published_of",
    "read_motion",
    "realism_of",
]

REALISM: dict[str, str] = {
    "W latency (s)": "onset latency of PSPI",
    "W rise (s)": "10 to 90 % rise",
    "W hold (s)": "time above 80 %",
    "W decay (s)": "80 to 20 % decay",
    "W peak (PSPI)": "peak of an episode, the ones without reaction included",
    "W jerk (log10)": "root-mean-square jerk of the action units of a clip",
    "co-occurrence": "mean difference of the Jaccard index of pairs of action units",
    "Frechet": "distance in a fixed random feature space of 2-second windows",
}
"""Name and what it compares, generated against held-out; W: first Wasserstein distance; all: lower is better."""

UNITS = ("AU1", "AU2", "AU4", "AU6", "AU7", "AU9", "AU10", "AU12", "AU20", "AU25", "AU26", "AU43")
"""Action units whose joint presence is looked at."""

PRESENT = 1.0
"""Intensity from which a unit is there (FACS A)."""

JERK_FLOOR = 1e-3
"""Least jerk on the logarithmic axis, intensity per s³: a still face."""

WINDOW, STRIDE = 60, 30
"""Frames of a window of the feature space, and between windows."""

SUMMARY_WINDOW = 32
"""Frames of the windows in which one published summary counts PSPI."""

_AU_COLUMNS = [i for i, name in enumerate(CHANNELS) if name.startswith("AU")]


class MotionFeatures(NamedTuple):
    """What is kept of one motion.

    Attributes
    ----------
    both, either
        Frames in which two units are present together, and in which at least one is, shape (units, units).
    features
        Random features of its windows, shape (n_windows, n_features).
    windows_one, windows_five
        Share of 32-frame windows whose PSPI reaches 1 and 5.
    shown
        Which units were present in each painful episode with a reaction, shape (n_episodes, units).
    blinks_per_min
        Closures of the lids by the blink channel.
    """

    courses: list[ReactionCourse]
    both: np.ndarray
    either: np.ndarray
    log_jerk: float
    features: np.ndarray
    windows_one: float
    windows_five: float
    shown: np.ndarray
    blinks_per_min: float


def read_motion(stimulus: np.ndarray, motion: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> MotionFeatures:
    """Boil one clip down; ``mean`` and ``scale`` of the columns in training, shape (D,)."""
    present = np.stack([sided(motion, unit) >= PRESENT for unit in UNITS], axis=1)
    counted = present.astype(np.float64)
    both = counted.T @ counted
    each = np.diag(both)
    scale_pspi = np.asarray(pspi(motion))
    peaks = _windowed_max(scale_pspi)
    found = courses(stimulus, np.asarray(pspi_no_au43(motion)))
    blink = motion[:, column("blink")] > 0.5
    closures = int((blink[1:] & ~blink[:-1]).sum())
    return MotionFeatures(
        found,
        both,
        each[:, None] + each[None, :] - both,
        float(np.log10(max(jerk(motion), JERK_FLOOR))),
        features_of((motion - mean) / scale),
        float((peaks >= 1.0).mean()),
        float((peaks >= 5.0).mean()),
        _units_by_episode(stimulus, present, found),
        closures * 60.0 * MOTION_HZ / len(motion),
    )


def realism_of(
    made: Sequence[MotionFeatures], held_out: Sequence[MotionFeatures], frechet_too: bool = True
) -> dict[str, float]:
    """Every distance of ``REALISM``; NaN where one side has nothing to measure."""
    result = {}
    for name, key in zip(COURSE, list(REALISM)[: len(COURSE)], strict=True):
        result[key] = _wasserstein(_pooled(made, name), _pooled(held_out, name))
    result["W jerk (log10)"] = _wasserstein([r.log_jerk for r in made], [r.log_jerk for r in held_out])
    result["co-occurrence"] = float(np.abs(co_occurrence(made) - co_occurrence(held_out)).mean())
    if frechet_too:
        result["Frechet"] = frechet(
            np.concatenate([r.features for r in made]), np.concatenate([r.features for r in held_out])
        )
    return result


def jerk(motion: np.ndarray) -> float:
    """Root-mean-square third derivative of the action units of (n, D), intensity per s³."""
    third = np.diff(np.asarray(motion, dtype=np.float64)[:, _AU_COLUMNS], n=3, axis=0) * MOTION_HZ**3
    return float(np.sqrt((third**2).mean())) if len(third) else 0.0


def co_occurrence(readings: Sequence[MotionFeatures]) -> np.ndarray:
    """Jaccard index of every pair of ``UNITS``: frames with both over frames with either, shape (pairs,)."""
    both, either = sum(r.both for r in readings), sum(r.either for r in readings)
    index = np.where(np.asarray(either) > 0, np.asarray(both) / np.maximum(either, 1.0), 0.0)
    result: np.ndarray = index[np.triu_indices(len(UNITS), 1)]
    return result


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of the normal distributions of two samples, (n, f) and (m, f): |m|² + tr(A + B - 2 (AB)^½)."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    ca, cb = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    roots = np.sqrt(np.maximum(np.linalg.eigvals(ca @ cb).real, 0.0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2.0 * roots)


def features_of(latent: np.ndarray) -> np.ndarray:
    """Features of every window of a standardised motion (n, D), shape (n_windows, 64).

    Two layers of fixed random convolutions over time with rectifiers, pooled to mean and spread. Random features keep
    the order of distances well enough to compare generators, and no judge had to be trained for them.
    """
    first, second = _random_layers()
    rows = []
    for start in range(0, max(1, len(latent) - WINDOW + 1), STRIDE):
        window = np.asarray(latent[start : start + WINDOW], dtype=np.float64)
        window = np.pad(window, ((0, WINDOW - len(window)), (0, 0)), mode="edge")
        h = np.maximum(_unfolded(window, 6, 2) @ first, 0.0)
        h = np.maximum(_unfolded(h, 5, 2) @ second, 0.0)
        rows.append(np.concatenate((h.mean(0), h.std(0))))
    return np.array(rows)


PUBLISHED: dict[str, tuple[float, float, str]] = {
    "rise in frames, median": (20.0, 40.0, "UNBC, six strongest sequences (notes of one project)"),
    "share of 32-frame windows with PSPI 1 or more": (0.15, 0.35, "UNBC, about 0.25 (notes of one project)"),
    "share of 32-frame windows with PSPI 5 or more": (0.0, 0.05, "UNBC, below 0.05 (notes of one project)"),
    "pain to peak PSPI over all trials, Pearson r": (0.5, 0.65, "UNBC, 0.59 against self-report (notes)"),
    "occurrence of AU4 in reactions": (0.1, 0.6, "book chapter citing Kunz 2011, 2014"),
    "occurrence of AU6 or AU7 in reactions": (0.1, 0.6, "book chapter citing Kunz 2011, 2014"),
    "occurrence of AU9 or AU10 in reactions": (0.1, 0.6, "book chapter citing Kunz 2011, 2014"),
    "occurrence of AU25 or AU26 in reactions": (0.1, 0.6, "book chapter citing Kunz 2011, 2014"),
    "onset latency, 5th percentile (s)": (0.2, 0.5, "facial EMG of mimicry, Svegzda 2021: a lower bound"),
    "blinks a minute": (15.0, 20.0, "usual at rest; background"),
}
"""Published summaries as bands, and where they come from (facts sheet, section 3): the only pain-specific checks that
need no licence. They come from other stimuli and other cameras: bands, not targets of training."""


def published_of(readings: Sequence[MotionFeatures]) -> dict[str, float]:
    """The same summaries of these motions."""
    found = [one for r in readings for one in r.courses]
    reacted = [one for one in found if one.reacted]
    shown = np.concatenate([r.shown for r in readings]) if readings else np.zeros((0, len(UNITS)))
    occurs = dict(zip(UNITS, shown.mean(0) if len(shown) else np.full(len(UNITS), np.nan), strict=True))
    joint = {pair: _either(shown, *pair) for pair in (("AU6", "AU7"), ("AU9", "AU10"), ("AU25", "AU26"))}
    felt, peaks = np.array([c.stimulus_peak for c in found]), np.array([c.peak for c in found])
    related = len(found) > 2 and peaks.std() > 0 and felt.std() > 0
    return {
        "rise in frames, median": _quantile([c.rise_s * MOTION_HZ for c in reacted], 0.5),
        "share of 32-frame windows with PSPI 1 or more": float(np.mean([r.windows_one for r in readings])),
        "share of 32-frame windows with PSPI 5 or more": float(np.mean([r.windows_five for r in readings])),
        "pain to peak PSPI over all trials, Pearson r": float(np.corrcoef(felt, peaks)[0, 1]) if related else np.nan,
        "occurrence of AU4 in reactions": float(occurs["AU4"]),
        "occurrence of AU6 or AU7 in reactions": joint["AU6", "AU7"],
        "occurrence of AU9 or AU10 in reactions": joint["AU9", "AU10"],
        "occurrence of AU25 or AU26 in reactions": joint["AU25", "AU26"],
        "onset latency, 5th percentile (s)": _quantile([c.latency_s for c in reacted], 0.05),
        "blinks a minute": float(np.mean([r.blinks_per_min for r in readings])),
    }


def _either(shown: np.ndarray, a: str, b: str) -> float:
    if not len(shown):
        return float("nan")
    return float((shown[:, UNITS.index(a)] | shown[:, UNITS.index(b)]).mean())


def _units_by_episode(stimulus: np.ndarray, present: np.ndarray, found: Sequence[ReactionCourse]) -> np.ndarray:
    from policies.face_metrics.events import AFTERWARDS_S, episodes

    rows = [
        present[begin : end + round(AFTERWARDS_S * MOTION_HZ / 2)].any(0)
        for (begin, end), course in zip(episodes(stimulus), found, strict=True)
        if course.reacted
    ]
    return np.array(rows, dtype=bool).reshape(-1, len(UNITS))


def _windowed_max(values: np.ndarray) -> np.ndarray:
    whole = len(values) // SUMMARY_WINDOW
    if whole == 0:
        return np.array([values.max()])
    result: np.ndarray = values[: whole * SUMMARY_WINDOW].reshape(whole, SUMMARY_WINDOW).max(1)
    return result


def _pooled(readings: Sequence[MotionFeatures], name: str) -> list[float]:
    return [getattr(one, name) for r in readings for one in r.courses]


def _wasserstein(a: Sequence[float], b: Sequence[float]) -> float:
    first, second = (np.asarray(x, dtype=np.float64) for x in (a, b))
    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    if not len(first) or not len(second):
        return float("nan")
    return float(wasserstein_distance(first, second))


def _quantile(values: Sequence[float], share: float) -> float:
    finite = [v for v in values if np.isfinite(v)]
    return float(np.quantile(finite, share)) if finite else float("nan")


def _unfolded(x: np.ndarray, width: int, stride: int) -> np.ndarray:
    """Patches of ``width`` rows, (n, c) to (m, width * c)."""
    views = np.lib.stride_tricks.sliding_window_view(x, width, axis=0)[::stride]
    return views.reshape(len(views), -1)


@cache
def _random_layers() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2409_11635)
    first = rng.standard_normal((6 * len(CHANNELS), 48)) * np.sqrt(2.0 / (6 * len(CHANNELS)))
    second = rng.standard_normal((5 * 48, 32)) * np.sqrt(2.0 / (5 * 48))
    return first, second
