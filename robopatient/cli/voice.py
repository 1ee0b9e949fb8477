"""Verbs of the voice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.cli.common import FixedSeed, Force, Json, do, voice


@voice.command("render")
def voice_render(
    out: Annotated[Path, typer.Option("--out", help="WAV file to write.")],
    identity: Annotated[str, typer.Option(help="Name under assets/voices, or a .toml file.")] = "margaret",
    nrs: Annotated[float, typer.Option(min=0, max=10, help="Pain, 0 to 10.")] = 6.0,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="Length.")] = 2.0,
    seed: FixedSeed = 1,
    preset: Annotated[str, typer.Option(help="literature, or flat: the pitch of a moan throughout.")] = "literature",
    nrs_end: Annotated[float | None, typer.Option(min=0, max=10, help="Pain at the end, when it changes.")] = None,
    force: Force = False,
) -> None:
    """Render a pain vocalisation to a file; the same arguments give the same samples."""
    do(
        "robopatient.simulation.voices:render",
        identity=identity,
        nrs=nrs,
        seconds=seconds,
        seed=seed,
        out=out,
        preset=preset,
        nrs_end=nrs_end,
        force=force,
    )


@voice.command("say")
def voice_say(
    text: Annotated[str, typer.Argument(help="Words.")],
    out: Annotated[Path, typer.Option("--out", help="WAV file to write.")],
    identity: Annotated[str, typer.Option(help="Name under assets/voices, or a .toml file.")] = "margaret",
    nrs: Annotated[float, typer.Option(min=0, max=10, help="Pain, 0 to 10.")] = 6.0,
    force: Force = False,
) -> None:
    """Write words as this person says them in this pain (needs espeak-ng)."""
    do("robopatient.voice.verbs:say", text=text, identity=identity, nrs=nrs, out=out, force=force)


@voice.command("evaluate")
def voice_evaluate(
    out: Annotated[Path | None, typer.Option("--out", help="HTML page to write.")] = None,
    identity: Annotated[list[str] | None, typer.Option(help="Repeatable; all when not given.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Renders of each level of pain.")] = 10,
    json: Json = False,
) -> None:
    """Measure how well the voice distinguishes pain and people, compared with published sounds."""
    do("experiments.benchmarks.voice:evaluate_voice", out=out, identities=identity or [], seeds=seeds, as_json=json)


@voice.command("rerender")
def voice_rerender(
    folder: Annotated[Path, typer.Argument(help="Folder of a recorded session.")],
    out: Annotated[Path | None, typer.Option("--out", help="WAV file to write.")] = None,
    force: Force = False,
) -> None:
    """Render a session's sound again from its record and compare every sample with what was played."""
    do("robopatient.session.rerender:rerender", folder=folder, out=out, force=force)


@voice.command("calibrate")
def voice_calibrate(
    out: Annotated[Path, typer.Option("--out", help="Calibration file to write (.toml).")],
    device: Annotated[str, typer.Option(help="Name or index of the output; the default one when not given.")] = "",
    seconds: Annotated[float, typer.Option(min=1, max=120, help="Length of the noise.")] = 10.0,
    level: Annotated[float, typer.Option(min=-60, max=-6, help="RMS of the noise, dBFS.")] = -30.0,
    reading: Annotated[float | None, typer.Option(help="Meter's reading, dB(A): no noise is played.")] = None,
    author: Annotated[str, typer.Option(help="Who measures.")] = "",
    force: Force = False,
) -> None:
    """Play pink noise, take the meter's reading, write what 0 dBFS is in dB(A)."""
    do(
        "robopatient.voice.verbs:calibrate",
        device=device,
        seconds=seconds,
        reading_db=reading,
        level_dbfs=level,
        out=out,
        author=author,
        force=force,
    )
