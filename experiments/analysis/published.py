"""The analysis that the congruence study was published with, step by step, and what each step can and cannot show.

Re-implemented from the description of its public scripts (repository nsaitarun-git/Submission_Codes, arXiv 2506.11827);
one-way ANOVA with Tukey's test, PCA, k-means, and a random forest that predicts the cluster. A forest that predicts the
answer stands beside it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import f_oneway, tukey_hsd

from experiments.analysis.agreement import agreed
from experiments.analysis.trials import NOMINAL, Trials
from policies.errors import AnalysisError
from robopatient.errors import require

__all__ = ["NEEDED", "OneWay", "Published", "published_pipeline"]

NEEDED = ("amplitude", "pitch", "sound", "force_newton")
"""Factors that the published scripts work on, in their order."""
SEED = 42
TREES = 100
SEEDS = 20
"""Random seeds tried to see how much of the clusters is chance."""
CLUSTERS = range(2, 7)
"""Numbers of clusters tried (assumption: the published best is 2; on a grid the silhouette rises again from 8)."""


class OneWay(NamedTuple):
    """A one-way analysis of variance."""

    f: float
    p: float
    between: int
    within: int


class Published(NamedTuple):
    """What the published scripts print.

    Attributes
    ----------
    by_choice
        ANOVA of each factor's level over the answers.
    tukey
        Honest significant differences of force between answers: columns first, second, difference, p.
    peak_by_target
        ANOVA of the largest force by target; None without recorded forces.
    pca_shares
        Variance explained by the two components.
    silhouettes
        By number of clusters.
    best_k
        Number of clusters with the largest silhouette.
    importance_of_cluster
        Forest's importances for predicting the k-means cluster: the published figure.
    importance_of_answer
        The same for predicting agreed or not: the question that was meant.
    cut_by_seed
        How often k-means with another random seed cuts the table along each factor, of ``SEEDS`` times.
    typical
        Median amplitude and pitch among agreed trials by force.
    words
        Factors that are words in the table, with the levels that were coded 0, 1, 2 … in this order.
    """

    by_choice: dict[str, OneWay]
    tukey: pd.DataFrame
    peak_by_target: OneWay | None
    pca_shares: tuple[float, float]
    silhouettes: dict[int, float]
    best_k: int
    importance_of_cluster: dict[str, float]
    importance_of_answer: dict[str, float]
    cut_by_seed: dict[str, int]
    typical: pd.DataFrame
    words: dict[str, tuple[str, ...]]


def published_pipeline(trials: Trials, silhouettes: bool = True) -> Published:
    """Run the published analysis on a table that has the published factors.

    Parameters
    ----------
    silhouettes
        Whether to search the number of clusters; without, the published 2 is taken.

    Raises
    ------
    AnalysisError
        Naming the factors that are not there.
    """
    missing = [name for name in NEEDED if name not in trials.table]
    if missing or trials.question != "agree":
        raise AnalysisError(
            f"{trials.source}: the published analysis needs the question agree and the factors {', '.join(NEEDED)}; "
            f"here is question {trials.question or '(none)'} without {', '.join(missing) or 'none of them'}"
        )
    table = trials.main
    coded = _codes(trials, table)
    features = np.column_stack([coded[name] if name in coded else table[name].to_numpy(float) for name in NEEDED])
    spread = features.std(axis=0)
    if (spread == 0).any():
        raise AnalysisError(f"{trials.source}: {NEEDED[int(np.argmin(spread))]} never changes: nothing to standardise")
    scaled = (features - features.mean(axis=0)) / spread
    decomposition = require("sklearn.decomposition", "study")
    cluster = require("sklearn.cluster", "study")
    metrics = require("sklearn.metrics", "study")
    shares = decomposition.PCA(2).fit(scaled).explained_variance_ratio_
    found: dict[int, float] = {}
    for k in CLUSTERS if silhouettes else ():
        labels = cluster.KMeans(k, random_state=SEED).fit_predict(scaled)
        found[k] = float(metrics.silhouette_score(scaled, labels, sample_size=2000, random_state=SEED))
    best = max(found, key=lambda k: found[k]) if found else 2
    clusters = cluster.KMeans(best, random_state=SEED).fit_predict(scaled)
    return Published(
        by_choice={name: _one_way(table, name, "answer") for name in ("force_newton", "amplitude", "pitch")},
        tukey=_tukey(table),
        peak_by_target=_peaks(table),
        pca_shares=(float(shares[0]), float(shares[1])),
        silhouettes=found,
        best_k=best,
        importance_of_cluster=_importance(features, clusters),
        importance_of_answer=_importance(features, agreed(trials, table)),
        cut_by_seed=_cuts(scaled, cluster.KMeans, best),
        typical=_typical(trials, table),
        words={name: tuple(map(str, trials.levels_of(name))) for name in coded},
    )


def _codes(trials: Trials, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Ranks 0, 1, 2 … for factors whose levels are words, as the published table codes its sounds.

    Only a factor without an order may have words: ranks of the words for a force or a gain would be made up.
    """
    words = [name for name in NEEDED if not pd.api.types.is_numeric_dtype(table[name])]
    for name in words:
        if name not in NOMINAL:
            raise AnalysisError(
                f"{trials.source}: the levels of {name} are words ({', '.join(map(str, trials.levels_of(name)))}); the "
                "published analysis needs numbers there"
            )
    return {name: np.searchsorted(np.array(trials.levels_of(name)), table[name].to_numpy(str)) for name in words}


def _cuts(scaled: np.ndarray, k_means: Any, k: int) -> dict[str, int]:
    """Factor whose means differ most between the clusters, counted over random seeds."""
    counts = dict.fromkeys(NEEDED, 0)
    for seed in range(SEEDS):
        labels = k_means(k, random_state=seed).fit_predict(scaled)
        means = np.stack([scaled[labels == label].mean(axis=0) for label in range(k)])
        counts[NEEDED[int(np.argmax(means.var(axis=0)))]] += 1
    return counts


def _importance(features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    forest = require("sklearn.ensemble", "study").RandomForestClassifier(TREES, random_state=SEED)
    return dict(zip(NEEDED, map(float, forest.fit(features, labels).feature_importances_), strict=True))


def _one_way(table: pd.DataFrame, column: str, group: str) -> OneWay:
    parts = [part[column].to_numpy(float) for _, part in table.groupby(group)]
    if len(parts) < 2:
        raise AnalysisError(f"one-way ANOVA of {column}: there is only one {group}")
    result = f_oneway(*parts)
    return OneWay(float(result.statistic), float(result.pvalue), len(parts) - 1, len(table) - len(parts))


def _tukey(table: pd.DataFrame) -> pd.DataFrame:
    groups = {int(level): part["force_newton"].to_numpy(float) for level, part in table.groupby("answer")}
    levels = sorted(groups, reverse=True)
    result = tukey_hsd(*(groups[level] for level in levels))
    rows = [
        (levels[i], levels[j], float(result.statistic[i, j]), float(result.pvalue[i, j]))
        for i in range(len(levels))
        for j in range(i + 1, len(levels))
    ]
    return pd.DataFrame(rows, columns=["first", "second", "difference", "p"])


def _peaks(table: pd.DataFrame) -> OneWay | None:
    if "peak_newton" not in table or table["peak_newton"].isna().all():
        return None
    known = table.assign(peak_newton=pd.to_numeric(table["peak_newton"], errors="coerce")).dropna(subset="peak_newton")
    return _one_way(known, "peak_newton", "force_newton")


def _typical(trials: Trials, table: pd.DataFrame) -> pd.DataFrame:
    chosen = table[agreed(trials, table)]
    grouped = chosen.groupby("force_newton")
    return grouped[["amplitude", "pitch"]].median().assign(n=grouped.size()).reset_index()
