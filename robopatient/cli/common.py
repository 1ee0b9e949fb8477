"""The command itself: its groups, the options that verbs share, and how a verb is done."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "Board",
    "FixedSeed",
    "Folder",
    "Force",
    "Json",
    "Keep",
    "OfPatient",
    "OfScenario",
    "Out",
    "Overrides",
    "Ray",
    "Search",
    "Seed",
    "SessionName",
    "Since",
    "StudyName",
    "Tag",
    "Trainee",
    "Workers",
    "app",
    "bench",
    "board",
    "dataset",
    "do",
    "face",
    "judge",
    "patient",
    "policy",
    "scenario",
    "sessions",
    "study",
    "voice",
]

app = typer.Typer(
    name="robopatient",
    help="Expression controller for robotic patients: a press becomes vocal and facial expression, recorded.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def group(name: str, text: str) -> typer.Typer:
    made = typer.Typer(name=name, help=text, no_args_is_help=True)
    app.add_typer(made)
    return made


board = group("board", "Sensor boards: list, monitor, tare, calibrate, record, self-test, flash.")
patient = group("patient", "Patients: list, show, make one from a few wishes.")
voice = group("voice", "The voice: render, say, evaluate, calibrate.")
policy = group("policy", "Palpation-to-pain policies: train with ratings, evaluate, list.")
face = group("face", "The face: stills, films, displays, and the generator that moves it.")
dataset = group("dataset", "Labelled face data sets: generate, verify, audit.")
judge = group("judge", "Judges of pain expressions: list, train, score.")
scenario = group("scenario", "Training scenarios: check them, and preview them without hardware.")
study = group("study", "Perceptual studies: list, check, run, simulate, export, analyse.")
sessions = group("sessions", "The library: list, show, tag, export and delete recorded sessions.")
bench = group("bench", "Measure on this machine, beside a baseline.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Board = Annotated[
    str,
    typer.Option("--board", help="virtual, replay:FILE[#NAME], a device path such as /dev/ttyUSB0, or module:Class."),
]
Folder = Annotated[Path, typer.Option("--folder", help="Folder that holds the sessions.")]
Trainee = Annotated[str, typer.Option(help="Only of this trainee (code).")]
OfPatient = Annotated[str, typer.Option("--patient", help="Only with this patient.")]
OfScenario = Annotated[str, typer.Option("--scenario", help="Only of this scenario.")]
Tag = Annotated[str, typer.Option(help="Only with this tag.")]
Since = Annotated[str, typer.Option(help="From this day on, YYYY-MM-DD.")]
Search = Annotated[str, typer.Option("--search", help="Words anywhere in names, codes or tags.")]
SessionName = Annotated[str, typer.Argument(metavar="SESSION", help="Name of its folder, or its id.")]
StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="Name under experiments/studies, or a folder.")]
Out = Annotated[Path | None, typer.Option("--out", help="Where to write.")]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Random seed.")]
FixedSeed = Annotated[int, typer.Option("--seed", min=0, help="Random seed.")]
Workers = Annotated[int, typer.Option("--workers", min=0, help="Processes; 0: as many as cores.")]
Ray = Annotated[str, typer.Option("--ray", help="local, or the address of a Ray head.")]
Keep = Annotated[Path | None, typer.Option("--keep", help="Folder for finished training sessions; resumes from it.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="section.key=value, repeatable.")]


def do(function: str, **arguments: Any) -> None:
    """Call ``"module:function"``; a known error becomes one line and exit status 1."""
    module_name, _, name = function.partition(":")
    from firmware_bridge.errors import BridgeError
    from robopatient.errors import RobopatientError

    try:
        status = getattr(importlib.import_module(module_name), name)(**arguments)
    except (RobopatientError, BridgeError) as error:
        print(f"robopatient: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except OSError as error:  # a full disk, a folder without permission
        print(f"robopatient: {error.filename or function}: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error
    if isinstance(status, int) and status:
        raise typer.Exit(status)
