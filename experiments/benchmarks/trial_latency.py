"""Lag and spread of the reaction over single presses, as a perceptual study counts them: one press, one reaction.

A press counts when the total force reaches the threshold. Its lag runs from the receipt of the first force frame, from
then on, that changed what was asked for and was answered, to the first sound (or picture) made from that frame or a
newer one: the patient's own thresholds and the rise of the hand are not included. Laboratories compare the SD over
trials (0.2 to 5 ms for pictures in the usual packages, Bridges et al. 2020), not the lag, which can be subtracted.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from experiments.benchmarks.figures import Figure, ReferenceLateness
from robopatient.levels import HAND_OFF_NEWTON
from robopatient.record.latency import Answers

__all__ = ["THRESHOLD_NEWTON", "TrialLags", "lag_figures", "trial_lags"]

THRESHOLD_NEWTON = 5.0
"""Lowest of the published thresholds (facts on the RoboPatient systems, 1.2)."""
RELEASED_NEWTON = HAND_OFF_NEWTON
"""A press has ended below it, as in the published press counter."""
LONGEST_MS = 2000.0
"""A change later than this belongs to another press."""


class TrialLags(msgspec.Struct, frozen=True):
    """Force frames that were answered, one a press, and when: host ns, shapes (n,)."""

    received_ns: np.ndarray
    answered_ns: np.ndarray

    @property
    def lag_ms(self) -> np.ndarray:
        """Time from the one to the other, ms, shape (n,)."""
        return (self.answered_ns - self.received_ns) * 1e-6


def trial_lags(force: Mapping[str, np.ndarray], answers: Answers) -> TrialLags:
    """First answer to each press.

    Parameters
    ----------
    force
        Columns received_ns and total_newton of the record's force frames.
    answers
        From ``touch_to_sound`` or ``touch_to_face``.
    """
    triggers = _triggers(force["received_ns"], force["total_newton"])
    order = np.argsort(answers.received_ns, kind="stable")
    received_ns, answered_ns = answers.received_ns[order], answers.answered_ns[order]
    first = np.searchsorted(received_ns, triggers)
    known = first < len(received_ns)
    triggers, first = triggers[known], first[known]
    near = (received_ns[first] - triggers) * 1e-6 <= LONGEST_MS
    return TrialLags(received_ns[first][near], answered_ns[first][near])


def lag_figures(name: str, lags: list[TrialLags], references: list[ReferenceLateness], wanted: int) -> list[Figure]:
    """Mean and SD over the calm trials, over all of them as ``raw``."""
    values = np.concatenate([one.lag_ms for one in lags])
    calm = np.concatenate(
        [ref.calm(one.received_ns, one.answered_ns) for one, ref in zip(lags, references, strict=True)]
    )
    if calm.sum() < 2:
        remark = f"{len(values)} trials, {int(calm.sum())} calm: too few for an SD"
        return [Figure(f"{name}_lag_ms", n=0, remark=remark), Figure(f"{name}_sd_ms", n=0, remark=remark)]
    short = None if len(values) >= wanted else f"{len(values)} of the {wanted} trials asked for"
    share = round(float(calm.mean()), 3)
    chosen = values[calm]
    return [
        Figure(f"{name}_lag_ms", value=round(float(chosen.mean()), 3), n=len(chosen), calm_share=share, remark=short),
        Figure(
            f"{name}_sd_ms",
            value=round(float(chosen.std(ddof=1)), 3),
            n=len(chosen),
            calm_share=share,
            remark=f"over all {len(values)} trials, calm or not: {values.std(ddof=1):.3f}",
        ),
    ]


def _triggers(received_ns: np.ndarray, total_newton: np.ndarray) -> np.ndarray:
    """When the force first reached the threshold in each press, ns, shape (presses,)."""
    found = []
    pressed = False
    above = total_newton >= THRESHOLD_NEWTON
    below = total_newton < RELEASED_NEWTON
    for index in np.flatnonzero(above | below):
        if above[index] and not pressed:
            found.append(received_ns[index])
        pressed = bool(above[index])
    return np.array(found, dtype=np.int64)
