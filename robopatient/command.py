"""What the commands of all packages share: options that several take, and one JSON object on stdout.

A package's ``cli.py`` declares its verbs on a ``typer.Typer`` named ``app``, or after the group that they join. The
table in ``robopatient.cli`` loads it when its group is named. A verb imports what does its work: so help is quick.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "Board",
    "FixedSeed",
    "Folder",
    "Force",
    "Headless",
    "Json",
    "Keep",
    "Nrs",
    "Out",
    "Overrides",
    "Ray",
    "Renders",
    "SessionBoard",
    "StudyName",
    "Workers",
    "Yes",
    "print_json",
]

_BOARDS = "virtual, replay:FILE or replay:FILE#NAME, a device path such as /dev/ttyUSB0, or module:Class"

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Board = Annotated[str, typer.Option("--board", help=f"{_BOARDS}.")]
SessionBoard = Annotated[str | None, typer.Option("--board", help=f"{_BOARDS}; the session's own when not given.")]
StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="Name under experiments/studies, or a folder.")]
Headless = Annotated[bool, typer.Option("--headless", help="No windows.")]
Folder = Annotated[Path, typer.Option("--folder", help="Folder that holds the sessions.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder to write into; a new one when not given.")]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]
Yes = Annotated[bool, typer.Option("--yes", help="Really remove it.")]
FixedSeed = Annotated[int, typer.Option("--seed", min=0, help="Random seed: the same gives the same result.")]
Nrs = Annotated[float, typer.Option(min=0, max=10, help="Pain (NRS), 0 to 10.")]
Renders = Annotated[int, typer.Option(min=1, max=100, help="Renders of each level of pain.")]
Workers = Annotated[int, typer.Option("--workers", min=0, help="Processes; 0: as many as cores.")]
Ray = Annotated[str, typer.Option("--ray", metavar="local|ADDRESS", help="local, or the address of a Ray head.")]
Keep = Annotated[Path | None, typer.Option("--keep", help="Folder for finished training sessions; resumes from it.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="section.key=value, repeatable.")]


def print_json(value: Any) -> None:
    """Print one JSON object."""
    print(json.dumps(value))
