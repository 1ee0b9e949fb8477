"""The error of this package; each message names the table, the row or column, the value and what to do."""

from __future__ import annotations

from robopatient.errors import RobopatientError

__all__ = ["AnalysisError"]


class AnalysisError(RobopatientError):
    """A table of trials that cannot be read, or an analysis that its trials cannot carry."""
