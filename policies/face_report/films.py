"""Faces of the page: strips of the same moments side by side, and one film with a face for each generator."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robopatient.errors import require
from robopatient.face.film import write_film
from robopatient.face.generator.motion import MOTION_HZ, pose_of
from robopatient.face.identity import load_identity
from robopatient.face.light import make_look
from robopatient.face.render import Renderer, make_renderer
from robopatient.messages import FacePose

__all__ = ["film", "strip"]

FACE = "margaret"
STRIP_PX, FILM_PX = 132, 200
FILM_FPS = 15.0
JPEG_QUALITY = 84


def strip(motions: Sequence[np.ndarray], moments: Sequence[int]) -> list[bytes]:
    """A JPEG for each motion: its frames at these moments in a row."""
    renderer = _renderer(STRIP_PX)
    try:
        return [_jpeg(np.concatenate([renderer.draw(pose_of(one[m])) for m in moments], axis=1)) for one in motions]
    finally:
        renderer.close()


def film(names: Sequence[str], motions: Sequence[np.ndarray]) -> bytes:
    """MP4 of all motions side by side, their names above; all of equal length (n, D)."""
    step = round(MOTION_HZ / FILM_FPS)
    rows = [[pose_of(frame) for frame in one[::step]] for one in motions]
    panels = _Panels(_renderer(FILM_PX), names, rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faces.mp4"
        try:
            write_film(path, [(i / FILM_FPS, pose) for i, pose in enumerate(rows[0])], panels, fps=FILM_FPS)
        finally:
            panels.close()
        return path.read_bytes()


class _Panels:
    """Draws the pose of the first face together with those of the others at the same moment."""

    def __init__(self, renderer: Renderer, names: Sequence[str], rows: Sequence[Sequence[FacePose]]) -> None:
        self._renderer = renderer
        self._beside = {id(poses[0]): poses for poses in zip(*rows, strict=True)}
        self._header = _header(names, FILM_PX)

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture, shape (height, panels * width, 3)."""
        faces = np.concatenate([self._renderer.draw(one) for one in self._beside[id(pose)]], axis=1)
        return np.concatenate((self._header[:, : faces.shape[1]], faces), axis=0)

    def close(self) -> None:
        self._renderer.close()


def _renderer(size_px: int) -> Renderer:
    return make_renderer("numba", load_identity(FACE), size_px, make_look("frontal", "window", "wall"))


def _header(names: Sequence[str], width: int) -> np.ndarray:
    """Names in a row, a panel wide each, shape (height, panels * width, 3)."""
    image_module, draw_module = require("PIL.Image", "face"), require("PIL.ImageDraw", "face")
    image = image_module.new("RGB", (width * len(names), 22), (255, 255, 255))
    pen = draw_module.Draw(image)
    for i, name in enumerate(names):
        pen.text((i * width + 6, 5), name, fill=(30, 30, 30))
    return np.asarray(image)


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    require("PIL.Image", "face").fromarray(np.ascontiguousarray(pixels[..., :3])).save(
        buffer, format="JPEG", quality=JPEG_QUALITY
    )
    return buffer.getvalue()
