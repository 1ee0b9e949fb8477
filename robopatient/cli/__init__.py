"""The one command, ``robopatient``: each verb names the function that does the work and imports it only then.

Nothing here imports anything heavier than the CLI library, so that ``robopatient --help`` answers at once. Exit status:
0 done, 1 failed (one line says what, where, and the next command), 2 wrong usage.
"""

from __future__ import annotations

from robopatient.cli import (  # noqa: F401  (each adds its verbs)
    benches,
    boards,
    datasets,
    face,
    library,
    patients,
    policies,
    scenarios,
    session,
    studies,
    voice,
)
from robopatient.cli.common import app

__all__ = ["app", "main"]


def main() -> None:
    """Entry point of the console script."""
    app()
