"""Verbs of the face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.cli.common import FixedSeed, Force, Json, do, face


@face.command("still")
def face_still(
    out: Annotated[Path, typer.Option("--out", help="PNG file to write.")],
    face: Annotated[str, typer.Option("--face", help="Name under assets/faces, or a .toml file.")] = "margaret",
    nrs: Annotated[float, typer.Option(min=0, max=10, help="Pain, 0 to 10.")] = 6.0,
    size: Annotated[int, typer.Option(min=128, max=2160, help="Pixels.")] = 512,
    au: Annotated[str, typer.Option(help="Intensities that replace those of the pain: AU4=3,AU6L=5.")] = "",
    view: Annotated[str, typer.Option(help="frontal, three-quarter, left, right, bedside or ward.")] = "frontal",
    light: Annotated[str, typer.Option(help="window, overhead, night or mask.")] = "window",
    background: Annotated[str, typer.Option(help="wall, black, white, green or transparent.")] = "wall",
    renderer: Annotated[str, typer.Option(help="auto, gl or numba.")] = "auto",
    force: Force = False,
) -> None:
    """Draw one face at one level of pain."""
    do(
        "robopatient.face.still:still",
        face=face,
        nrs=nrs,
        out=out,
        size_px=size,
        au=au,
        renderer=renderer,
        view=view,
        light=light,
        background=background,
        force=force,
    )


@face.command("generate")
def face_generate(
    pain: Annotated[str, typer.Option("--pain", help="CSV with t_s,nrs, or recorded forces FILE.npz#NAME.")],
    out: Annotated[Path, typer.Option("--out", help="NAME.mp4, NAME.mkv (lossless), or a folder for frames.")],
    face: Annotated[str, typer.Option("--face", help="Name under assets/faces, or a .toml file.")] = "",
    patient: Annotated[
        str, typer.Option(help="Name under assets/patients: the patient who is pressed.")
    ] = "appendicitis",
    views: Annotated[str, typer.Option(help="One or more side by side: frontal,three-quarter,heat.")] = "frontal",
    frames: Annotated[str, typer.Option(help="Of a folder: png or jpg.")] = "png",
    fps: Annotated[float, typer.Option(min=5, max=120, help="Frames per second.")] = 30.0,
    size: Annotated[int, typer.Option(min=128, max=2160, help="Pixels of one view.")] = 512,
    seed: FixedSeed = 1,
    light: Annotated[str, typer.Option(help="window, overhead, night or mask.")] = "window",
    background: Annotated[str, typer.Option(help="wall, black, white or green.")] = "wall",
    renderer: Annotated[str, typer.Option(help="auto, gl or numba.")] = "auto",
    engine: Annotated[str, typer.Option(help="blend or diffusion; a session's own when not given.")] = "",
    force: Force = False,
) -> None:
    """Film a face in pain, with its voice, and write its action units and PSPI beside it as CSV."""
    do(
        "robopatient.simulation.generate:generate",
        pain=pain,
        out=out,
        face=face,
        patient=patient,
        views=views,
        frames=frames,
        fps=fps,
        size_px=size,
        seed=seed,
        light=light,
        background=background,
        renderer=renderer,
        engine=engine,
        force=force,
    )


@face.command("sheet")
def face_sheet(
    out: Annotated[Path, typer.Option("--out", help="PNG or JPEG file to write.")],
    faces: Annotated[str, typer.Option(help="Names separated by commas; all under assets/faces when empty.")] = "",
    sample: Annotated[
        int, typer.Option(min=0, max=500, help="Number of simulated patients instead of named faces.")
    ] = 0,
    nrs: Annotated[str, typer.Option(help="Levels of pain (NRS), separated by commas.")] = "0,3,6,9",
    action_units: Annotated[bool, typer.Option("--au", help="Every action unit at full intensity instead.")] = False,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Pixels of one picture.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated patients.")] = 1,
    view: Annotated[str, typer.Option(help="frontal, three-quarter, left, right, bedside or ward.")] = "frontal",
    renderer: Annotated[str, typer.Option(help="auto, gl or numba.")] = "auto",
    force: Force = False,
) -> None:
    """Draw many faces on one picture: one row per patient, one column per level of pain."""
    do(
        "robopatient.face.sheet:sheet",
        out=out,
        faces=faces,
        sample=sample,
        nrs=nrs,
        action_units=action_units,
        size_px=size,
        seed=seed,
        view=view,
        renderer=renderer,
        force=force,
    )


@face.command("display")
def face_display(
    profile: Annotated[str, typer.Option(help="Display profile: your own, one under assets/displays, a file.")] = "",
    pattern: Annotated[
        str, typer.Option(help="face, grid, corners, cross, greys, focus, bars, white or black.")
    ] = "face",
    edit: Annotated[bool, typer.Option("--edit", help="Adjust the warp with the keys; S saves.")] = False,
    face: Annotated[str, typer.Option("--face", help="Name under assets/faces, or a .toml file.")] = "margaret",
    nrs: Annotated[float, typer.Option(min=0, max=10, help="Level of pain (NRS) shown.")] = 0.0,
    screen: Annotated[str, typer.Option(help="Name or number of the screen, in place of the profile's.")] = "",
    renderer: Annotated[str, typer.Option(help="auto, gl or numba.")] = "auto",
    size: Annotated[int, typer.Option(min=128, max=2160, help="Height of the rendered picture, pixels.")] = 720,
    seconds: Annotated[float, typer.Option(min=0, help="End after this time, s; 0: never.")] = 0.0,
    list_: Annotated[bool, typer.Option("--list", help="Name the connected screens and the profiles.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write a PNG of the picture instead of opening a window.")
    ] = None,
    window: Annotated[str, typer.Option(help="Size of that window.")] = "1280x800",
) -> None:
    """Show the face or a test picture on a screen, a robot's head or a mask, and calibrate it."""
    do(
        "robopatient.face.display.calibrate:display",
        profile=profile,
        picture=pattern,
        edit=edit,
        face=face,
        nrs=nrs,
        screen=screen,
        renderer=renderer,
        size_px=size,
        seconds=seconds,
        list_only=list_,
        out=out,
        window_px=window,
    )


@face.command("train")
def face_train(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="Training file; the shipped one.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for state and checkpoint.")] = Path("face-training"),
    smoke: Annotated[
        bool, typer.Option("--smoke", help="A tiny training within a minute, to test the installation.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the interrupted training in --out.")] = False,
) -> None:
    """Train the face generator on simulated or imported faces; can be stopped and resumed bit for bit."""
    do("policies.train_face:train", config=config, out=out, smoke=smoke, resume=resume)


@face.command("evaluate")
def face_evaluate(
    generator: Annotated[
        str, typer.Option(help="Name under assets/generators, a folder, or a baseline; empty: that of a session.")
    ] = "",
    corpus: Annotated[
        Path | None, typer.Option(help="Corpus (.npz) of `face import`; none: the simulated one.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for report.html.")] = Path("face-evaluation"),
    baseline: Annotated[list[str] | None, typer.Option(help="Compare with this one only; repeatable.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A tiny corpus and seconds of training, to test the installation.")
    ] = False,
    faces: Annotated[bool, typer.Option(help="Draw faces and a film into the report.")] = True,
    seed: FixedSeed = 1,
    json: Json = False,
) -> None:
    """Measure a face generator and every baseline on held-out people; write a report with plots, tables and films."""
    do(
        "experiments.benchmarks.generator:evaluate_generator",
        generator=generator,
        corpus=corpus,
        out=out,
        baselines=tuple(baseline) if baseline else None,
        quick=quick,
        faces=faces,
        seed=seed,
        as_json=json,
    )


@face.command("calibrate")
def face_calibrate(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="Name under assets/generators, or a folder.")
    ] = "default",
    repeats: Annotated[int, typer.Option(min=1, help="Repeats of every press on every shipped face.")] = 3,
    seed: FixedSeed = 1,
) -> None:
    """Measure the PSPI a generator shows for a press; write the dose that makes all faces show about the same."""
    do("experiments.benchmarks.dose:calibrate", checkpoint=checkpoint, repeats=repeats, seed=seed)


@face.command("import")
def face_import(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="biovid, unbc, openface or pyfeat.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the recordings you have a licence for.")],
    out: Annotated[Path, typer.Option("--out", help="Corpus to write (.npz); its card beside it.")],
    table: Annotated[
        Path | None, typer.Option(help="trials.csv: file, subject, kind, split, pain and traits; see the docs.")
    ] = None,
    fps: Annotated[float, typer.Option(min=0, help="Frame rate of the recordings; 0: as in the format.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split, if the table has none.")] = 1,
    force: Force = False,
) -> None:
    """Turn recordings of real faces into a corpus that `face train` and `face evaluate` take."""
    do(
        "policies.face_import.verbs:import_corpus",
        kind=kind,
        path=path,
        out=out,
        table=table,
        fps=fps,
        seed=seed,
        force=force,
    )
