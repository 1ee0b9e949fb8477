"""The one command, ``robopatient``: each verb names the function that does the work and imports it only then.

Nothing here imports anything heavier than the CLI library, so that ``robopatient --help`` answers at once. Exit status:
0 done, 1 failed (one line says what, where, and the next command), 2 wrong usage.
"""

from __future__ import annotations

from typing import Annotated

import typer

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


def _print_version(asked: bool) -> None:
    if asked:
        import robopatient

        print(f"robopatient {robopatient.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the console script."""
    app()
