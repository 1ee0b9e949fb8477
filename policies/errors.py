"""Errors of training and of analysis; every message names the thing, the place, the value and the next step."""

from __future__ import annotations

from robopatient.errors import RobopatientError

__all__ = ["AnalysisError", "PolicyError", "RatingError", "TrialsError"]


class PolicyError(RobopatientError):
    """A learner, task or checkpoint cannot do what was asked."""


class RatingError(PolicyError):
    """An answer that is off its scale, doubled or out of order; the learner's state is as before."""


class AnalysisError(RobopatientError):
    """A table of trials that cannot be read, or an analysis that its trials cannot carry."""


class TrialsError(AnalysisError, PolicyError):
    """A table of rated trials with wrong columns or levels, or too few trials to fit a listener."""
