"""What may go wrong when a patient is taught; every message names the thing, the place, the value and the next step."""

from __future__ import annotations

from robopatient.errors import RobopatientError

__all__ = ["PolicyError", "RatingError", "TrialsError"]


class PolicyError(RobopatientError):
    """A learner, task or checkpoint cannot do what was asked."""


class RatingError(PolicyError):
    """An answer that is off its scale, doubled or out of order; the learner's state is as before."""


class TrialsError(PolicyError):
    """A table of rated trials with wrong columns or levels, or too few trials to fit a listener."""
