"""One picture of one patient in one state: the verb ``face still``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np

from firmware_bridge.outputs import new_files
from robopatient.errors import AssetError, ConfigError, require
from robopatient.face.apex import apex_au
from robopatient.face.bodies.scene import load_face
from robopatient.face.headunits import posed
from robopatient.face.light import make_look
from robopatient.face.render import Kind, make_renderer

__all__ = ["still"]

DEFAULT_SIZE_PX = 512
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
JPEG_QUALITY = 92


def still(
    face: str,
    nrs: float,
    out: Path,
    size_px: int = DEFAULT_SIZE_PX,
    au: Mapping[str, float] | str | None = None,
    renderer: Kind = "auto",
    view: str = "frontal",
    light: str = "window",
    background: str = "wall",
    force: bool = False,
) -> Annotated[np.ndarray, "(size, size, 3 or 4) uint8"]:
    """Draw a face at the apex of a pain and write it as PNG or JPEG.

    Parameters
    ----------
    face
        Name under ``assets/faces``, path of a TOML file, or of a head of your own (docs/howto/other_faces.md).
    nrs
        Pain 0 to 10.
    out
        File to write; its ending tells the format.
    au
        Intensities 0-5 that replace those of the pain, by action unit, head and eyes included, or as text:
        ``"AU4=3,AU6L=5,AU51=2"``.
    force
        Replace a file that exists.
    view, light, background
        Presets of ``light.py``; a transparent background makes a PNG with alpha.

    Raises
    ------
    AssetError
        When the face or the head data is missing, or ``out`` cannot be written.
    OutputError
        When ``out`` exists and is not to be replaced.
    ConfigError
        When an action unit, a preset or the ending of ``out`` is unknown, or an intensity out of range.
    """
    form = FORMATS.get(out.suffix.lower())
    if form is None or (form == "JPEG" and background == "transparent"):
        raise ConfigError(f"{out}: give --out NAME.png (or NAME.jpg, but not with a transparent background)")
    intensities = _read_au(au) if isinstance(au, str) else dict(au or {})
    pose = posed({**apex_au(nrs), **intensities})
    with new_files(out, inputs=[face], force=force) as (part,):
        drawer = make_renderer(renderer, load_face(face), size_px, make_look(view, light, background))
        try:
            picture = drawer.draw(pose)
        finally:
            drawer.close()
        image = require("PIL.Image", "face").fromarray(picture)
        try:
            image.save(part, format=form, **({"quality": JPEG_QUALITY} if form == "JPEG" else {}))
        except OSError as error:
            raise AssetError(f"{out}: the picture cannot be written ({error}); choose another --out") from error
    return picture


def _read_au(text: str) -> dict[str, float]:
    """Intensities of ``"AU4=3,AU6L=5"``."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = part.partition("=")
        try:
            found[name.strip().upper()] = float(value)
        except ValueError as error:
            raise ConfigError(f'--au "{part}" is no NAME=INTENSITY such as AU4=3') from error
    return found
