"""The verbs of the face that need nobody's training: pictures, films, displays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from robopatient.command import FixedSeed, Force, Nrs

app = typer.Typer()

Face = Annotated[str, typer.Option(help="Name under assets/faces, or a .toml file.")]
Picture = Annotated[Path, typer.Option("--out", help="PNG or JPEG file to write.")]
View = Annotated[str, typer.Option(help="frontal, three-quarter, left, right, bedside or ward.")]
Light = Annotated[str, typer.Option(help="window, overhead, night or mask.")]
Renderer = Annotated[Literal["auto", "gl", "numba"], typer.Option(help="What draws; auto: gl where there is one.")]
Size = Annotated[int, typer.Option(min=128, max=2160, help="Width and height of a picture, pixels.")]


@app.command("still", epilog="Example: robopatient face still --out mei.png --face mei --nrs 8 --au AU4=3,AU6L=5")
def draw_still(
    out: Picture,
    face: Face = "margaret",
    nrs: Nrs = 6.0,
    size: Size = 512,
    au: Annotated[str, typer.Option(help="Intensities, 0 to 5, that replace those of the pain: AU4=3,AU6L=5.")] = "",
    view: View = "frontal",
    light: Light = "window",
    background: Annotated[str, typer.Option(help="wall, black, white, green or transparent.")] = "wall",
    renderer: Renderer = "auto",
    force: Force = False,
) -> None:
    """Draw one face at one level of pain."""
    from robopatient.face.still import still

    still(face, nrs, out, size, au, renderer, view, light, background, force)


@app.command("generate", epilog="Example: robopatient face generate --pain pain.csv --out press.mp4 --face mei")
def film_face(
    pain: Annotated[str, typer.Option(help="CSV with t_s,nrs, or recorded forces FILE.npz#NAME.")],
    out: Annotated[Path, typer.Option("--out", help="NAME.mp4, NAME.mkv (lossless), or a folder for frames.")],
    face: Annotated[str, typer.Option(help="Name under assets/faces, or a .toml file; the patient's own.")] = "",
    patient: Annotated[
        str, typer.Option(help="Name under assets/patients: the patient who is pressed.")
    ] = "appendicitis",
    views: Annotated[str, typer.Option(help="One or more side by side: frontal,three-quarter,heat.")] = "frontal",
    frames: Annotated[str, typer.Option(help="Of a folder: png or jpg.")] = "png",
    fps: Annotated[float, typer.Option(min=5, max=120, help="Frames per second.")] = 30.0,
    size: Size = 512,
    seed: FixedSeed = 1,
    light: Light = "window",
    background: Annotated[str, typer.Option(help="wall, black, white or green.")] = "wall",
    renderer: Renderer = "auto",
    engine: Annotated[str, typer.Option(help="blend or diffusion; a session's own when not given.")] = "",
    force: Force = False,
) -> None:
    """Film a face in pain, with its voice, and write its action units and PSPI beside it as CSV."""
    from robopatient.simulation.generate import generate

    generate(pain, out, face, patient, views, frames, fps, size, seed, light, background, renderer, engine, force)


@app.command("sheet", epilog="Example: robopatient face sheet --out faces.png --faces mei,margaret --nrs 0,5,10")
def draw_sheet(
    out: Picture,
    faces: Annotated[str, typer.Option(help="Names separated by commas; all under assets/faces when empty.")] = "",
    sample: Annotated[
        int, typer.Option(min=0, max=500, help="Number of simulated patients instead of named faces.")
    ] = 0,
    nrs: Annotated[str, typer.Option(help="Levels of pain (NRS), 0 to 10, separated by commas.")] = "0,3,6,9",
    action_units: Annotated[bool, typer.Option("--au", help="Every action unit at full intensity instead.")] = False,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Width and height of one picture, pixels.")] = 256,
    seed: FixedSeed = 1,
    view: View = "frontal",
    renderer: Renderer = "auto",
    force: Force = False,
) -> None:
    """Draw many faces on one picture: one row per patient, one column per level of pain."""
    from robopatient.face.sheet import sheet

    sheet(out, faces, sample, nrs, action_units, size, seed, view, renderer, force)


@app.command("display", epilog="Example: robopatient face display --profile mask-projector --pattern grid --edit")
def show_face(
    profile: Annotated[str, typer.Option(help="Display profile: your own, one under assets/displays, a file.")] = "",
    pattern: Annotated[
        str, typer.Option(help="face, grid, corners, cross, greys, focus, bars, white or black.")
    ] = "face",
    edit: Annotated[bool, typer.Option("--edit", help="Adjust the warp with the keys; S saves.")] = False,
    face: Face = "margaret",
    nrs: Nrs = 0.0,
    screen: Annotated[str, typer.Option(help="Name or number of the screen, in place of the profile's.")] = "",
    renderer: Renderer = "auto",
    size: Annotated[int, typer.Option(min=128, max=2160, help="Height of the rendered picture, pixels.")] = 720,
    seconds: Annotated[float, typer.Option(min=0, help="End after this time, s; 0: never.")] = 0.0,
    list_: Annotated[bool, typer.Option("--list", help="Name the connected screens and the profiles.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write a PNG of the picture instead of opening a window.")
    ] = None,
    window: Annotated[str, typer.Option(help="Size of that picture, WIDTHxHEIGHT, pixels.")] = "1280x800",
    force: Force = False,
) -> None:
    """Show the face or a test picture on a screen, a robot's head or a mask, and calibrate it."""
    from robopatient.face.display.calibrate import display

    display(profile, pattern, edit, face, nrs, screen, renderer, size, seconds, list_, out, window, force)
