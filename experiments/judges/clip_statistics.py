"""Plain judges on statistics of a clip: what any network must beat to be worth its name."""

from __future__ import annotations

import numpy as np

from experiments.judges.clips import GRADES_NRS, Clip
from robopatient.errors import require

__all__ = ["Forest", "Logistic", "Ridge", "apex", "statistics_of"]

CALM_FRAMES = 9
"""The first 0.3 s of a clip are its neutral face."""
RIDGE = 1.0
MAX_STEPS = 2000
NEVER = -1e9
TREES, DEPTH, LEAF = 120, 7, 4


def apex(clip: Clip) -> np.ndarray:
    """Units at the strongest moment minus those of the neutral face, shape (12,)."""
    neutral = clip.au[:CALM_FRAMES].mean(axis=0)
    moved = clip.au - neutral
    strongest: np.ndarray = moved[moved.sum(axis=1).argmax()]
    return strongest


def statistics_of(clip: Clip) -> np.ndarray:
    """Mean, SD, maximum and time above half of the maximum of every unit, shape (48,)."""
    top = clip.au.max(axis=0)
    share = (clip.au > np.maximum(top / 2.0, 0.1)).mean(axis=0)
    return np.concatenate([clip.au.mean(axis=0), clip.au.std(axis=0), top, share])


class Ridge:
    """Ridge regression on the apex."""

    kind = "ridge"
    sense = "face"
    task = "pain"

    def __init__(self) -> None:
        self._coefficients = np.zeros(13)

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Closed form."""
        x = np.array([[*apex(clip), 1.0] for clip in clips])
        y = np.array([clip.nrs for clip in clips])
        penalty = RIDGE * np.diag([1.0] * 12 + [0.0])
        self._coefficients = np.linalg.solve(x.T @ x + penalty, x.T @ y)

    def predict(self, clips: list[Clip]) -> np.ndarray:
        """Shape (clips,)."""
        x = np.array([[*apex(clip), 1.0] for clip in clips])
        return np.clip(x @ self._coefficients, 0.0, 10.0)

    def weights(self) -> dict[str, np.ndarray]:
        """Coefficients."""
        return {"coefficients": self._coefficients}

    def restore(self, weights: dict[str, np.ndarray]) -> None:
        """Coefficients."""
        self._coefficients = weights["coefficients"]


class Logistic:
    """Logistic regression on the apex: five grades, predicted as their mean."""

    kind = "logistic"
    sense = "face"
    task = "pain"

    def __init__(self) -> None:
        self._weights = {"coefficients": np.zeros((len(GRADES_NRS), 12)), "intercept": np.zeros(len(GRADES_NRS))}

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Maximum likelihood, slightly penalised."""
        linear = require("sklearn.linear_model", "study")
        grade = np.abs(np.subtract.outer([clip.nrs for clip in clips], GRADES_NRS)).argmin(axis=1)
        fitted = linear.LogisticRegression(C=1.0 / RIDGE, max_iter=MAX_STEPS)
        fitted.fit(np.array([apex(clip) for clip in clips]), grade)
        coefficients, intercept = self._weights["coefficients"], self._weights["intercept"]
        coefficients[:], intercept[:] = 0.0, NEVER  # grades that were not there are never predicted
        found, offset = fitted.coef_, fitted.intercept_
        if len(fitted.classes_) == 2:  # given as one row, for the second grade against the first
            found, offset = np.concatenate([-found, found]) / 2.0, np.concatenate([-offset, offset]) / 2.0
        coefficients[fitted.classes_], intercept[fitted.classes_] = found, offset

    def predict(self, clips: list[Clip]) -> np.ndarray:
        """Mean grade, NRS, shape (clips,)."""
        x = np.array([apex(clip) for clip in clips])
        score = x @ self._weights["coefficients"].T + self._weights["intercept"]
        belief = np.exp(score - score.max(axis=1, keepdims=True))
        nrs: np.ndarray = belief @ np.array(GRADES_NRS) / belief.sum(axis=1)
        return nrs

    def weights(self) -> dict[str, np.ndarray]:
        """Coefficients and intercepts of the grades."""
        return self._weights

    def restore(self, weights: dict[str, np.ndarray]) -> None:
        """Coefficients and intercepts of the grades."""
        self._weights = dict(weights)


class Forest:
    """Random forest on clip statistics; its trees are stored as arrays, so nothing is ever unpickled."""

    kind = "forest"
    sense = "face"
    task = "pain"

    def _describe(self, clip: Clip) -> np.ndarray:
        return statistics_of(clip)

    def __init__(self) -> None:
        self._trees: list[dict[str, np.ndarray]] = []

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Grow the trees."""
        self._grow(clips, np.array([clip.nrs for clip in clips]), seed)

    def _grow(self, clips: list[Clip], target: np.ndarray, seed: int, weight: np.ndarray | None = None) -> None:
        ensemble = require("sklearn.ensemble", "study")
        x = np.array([self._describe(clip) for clip in clips])
        grown = ensemble.RandomForestRegressor(TREES, max_depth=DEPTH, min_samples_leaf=LEAF, random_state=seed)
        grown.fit(x, target, sample_weight=weight)
        self._trees = [
            {
                "left": tree.tree_.children_left,
                "right": tree.tree_.children_right,
                "feature": tree.tree_.feature,
                "threshold": tree.tree_.threshold,
                "value": tree.tree_.value[:, 0, 0],
            }
            for tree in grown.estimators_
        ]

    def predict(self, clips: list[Clip]) -> np.ndarray:
        """Mean over trees, shape (clips,)."""
        x = np.array([self._describe(clip) for clip in clips], np.float32)
        total = np.zeros(len(x))
        for tree in self._trees:
            node = np.zeros(len(x), int)
            for _ in range(DEPTH + 1):
                inner = tree["left"][node] >= 0
                lower = x[np.arange(len(x)), tree["feature"][node]] <= tree["threshold"][node]
                node = np.where(inner, np.where(lower, tree["left"][node], tree["right"][node]), node)
            total += tree["value"][node]
        return total / max(1, len(self._trees))

    def weights(self) -> dict[str, np.ndarray]:
        """Every array of every tree."""
        return {f"{number}.{name}": value for number, tree in enumerate(self._trees) for name, value in tree.items()}

    def restore(self, weights: dict[str, np.ndarray]) -> None:
        """Every array of every tree."""
        count = len({name.partition(".")[0] for name in weights})
        names = ("left", "right", "feature", "threshold", "value")
        self._trees = [{name: weights[f"{number}.{name}"] for name in names} for number in range(count)]
