"""One picture of one patient in one state: the verb ``face still``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np

from robopatient.errors import AssetError, require
from robopatient.face.apex import apex_au
from robopatient.face.identity import load_identity
from robopatient.face.pose import FacePose
from robopatient.face.render import Kind, make_renderer

__all__ = ["still"]

DEFAULT_SIZE_PX = 512


def still(
    face: str,
    nrs: float,
    out: Path,
    size_px: int = DEFAULT_SIZE_PX,
    au: Mapping[str, float] | None = None,
    renderer: Kind = "auto",
) -> Annotated[np.ndarray, "(size, size, 3) uint8"]:
    """Draw a face at the apex of a pain and write it as PNG.

    Parameters
    ----------
    face
        Name under ``assets/faces`` or path of a TOML file.
    nrs
        Pain 0 to 10.
    out
        File to write.
    au
        Intensities 0-5 that replace those of the pain, by action unit.

    Raises
    ------
    AssetError
        When the face or the head data is missing, or ``out`` cannot be written.
    ConfigError
        When an action unit is unknown or out of range.
    """
    drawer = make_renderer(renderer, load_identity(face), size_px)
    try:
        picture = drawer.draw(FacePose(au={**apex_au(nrs), **(au or {})}))
    finally:
        drawer.close()
    image = require("PIL.Image", "face").fromarray(picture)
    try:
        image.save(out, format="PNG")
    except OSError as error:
        raise AssetError(f"{out}: the picture cannot be written ({error}); choose another --out") from error
    return picture
