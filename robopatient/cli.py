"""The one command, ``robopatient``: the table of its groups; what a group can do is declared in ``<package>/cli.py``.

Nothing here imports anything heavier than the CLI library, so that ``robopatient --help`` answers at once. Exit status:
0 done, 1 failed (one line says what, where, and the next command), 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from robopatient.session.cli import app as session_verbs

__all__ = ["GROUPS", "LazyGroup", "app", "main"]

GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "board": ("Sensor boards: list, monitor, tare, calibrate, record, self-test, flash.", ("robopatient.sensing.cli",)),
    "patient": ("Patients: list, show, make one from a few wishes.", ("robopatient.patient.cli",)),
    "voice": (
        "The voice: render, say, evaluate, calibrate.",
        ("robopatient.voice.cli", "experiments.evaluation.cli:voice"),
    ),
    "policy": (
        "Palpation-to-pain policies: train with ratings, evaluate, list.",
        ("policies.cli:policy", "experiments.evaluation.cli:policy"),
    ),
    "face": (
        "The face: stills, films, displays, and the generator that moves it.",
        ("robopatient.face.cli", "policies.cli:face", "experiments.evaluation.cli:face"),
    ),
    "dataset": ("Labelled face data sets: generate, verify, audit.", ("experiments.datasets.cli",)),
    "judge": ("Judges of pain expressions: list, train, score.", ("experiments.judges.cli",)),
    "scenario": (
        "Training scenarios: check them, and preview them without hardware.",
        ("robopatient.scenario.cli",),
    ),
    "study": (
        "Perceptual studies: list, check, run, simulate, export, analyse.",
        ("robopatient.study.cli", "experiments.studies.cli", "experiments.analysis.cli"),
    ),
    "sessions": ("The library: list, show, tag, export and delete recorded sessions.", ("robopatient.record.cli",)),
    "bench": ("Measure on this machine, beside a baseline.", ("experiments.benchmarks.cli",)),
}
"""Group of verbs: its line of help, and the modules that declare them ("module", or "module:name of its Typer")."""


class LazyGroup(TyperGroup):
    """A row of ``GROUPS``: its modules are imported when it is entered."""

    def load(self) -> TyperGroup:
        """The group with all its verbs."""
        text, sources = GROUPS[str(self.name)]
        whole = typer.Typer(name=self.name, help=text, no_args_is_help=True)
        for source in sources:
            module, _, name = source.partition(":")
            whole.add_typer(getattr(importlib.import_module(module), name or "app"))
        return typer.main.get_group(whole)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Context of the group with all its verbs."""
        return self.load().make_context(info_name, args, parent, **extra)


class Robopatient(TyperGroup):
    """The verbs of one session, and the groups of the table; a known error becomes one line and exit status 1."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (text, _) in GROUPS.items():
            self.add_command(LazyGroup(name=name, help=text))

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; what it returns is the exit status."""
        from firmware_bridge.errors import BridgeError
        from robopatient.errors import RobopatientError

        try:
            status = super().invoke(ctx)
        except (RobopatientError, BridgeError) as error:
            print(f"robopatient: {error}", file=sys.stderr)
            raise typer.Exit(1) from error
        except BrokenPipeError as error:  # whoever read this has had enough
            with contextlib.suppress(OSError):  # nor is the rest worth a message when Python ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(141) from error
        except OSError as error:  # a full disk, a folder without permission
            place = error.filename or " ".join(sys.argv[1:3])
            print(f"robopatient: {place}: {error.strerror or error}", file=sys.stderr)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(130) from error
        if status:
            raise typer.Exit(status)
        return status


app = typer.Typer(
    name="robopatient",
    cls=Robopatient,
    help="Expression controller for robotic patients: a press becomes vocal and facial expression, recorded.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(session_verbs)


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
