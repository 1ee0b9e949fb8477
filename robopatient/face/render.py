"""From a pose to a picture: the renderer's contract, and the choice between OpenGL and the CPU rasteriser."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

from robopatient.errors import DeviceError, MissingPackageError
from robopatient.face.bodies.head import OwnHead
from robopatient.face.identity import FaceIdentity
from robopatient.face.light import Look
from robopatient.messages import FacePose

__all__ = ["Kind", "Renderer", "make_renderer"]

Kind = Literal["auto", "gl", "numba"]


class Renderer(Protocol):
    """Draws one identity. Not for use from several threads."""

    kind: str
    size_px: int

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (size, width, 3) uint8, top row first; the same for the same pose.

        Raises
        ------
        ConfigError
            When an action unit is unknown or out of range.
        DeviceError
            When the device is lost; another renderer may be made.
        """
        ...

    def resize(self, size_px: int) -> None:
        """Draw pictures of another size from now on."""
        ...

    def wear(self, identity: FaceIdentity | OwnHead) -> None:
        """Draw another face from now on: much quicker than another renderer.

        Raises
        ------
        AssetError
            When the head data is not installed.
        """
        ...

    def close(self) -> None:
        """Give back what the device lent."""
        ...


def make_renderer(
    kind: Kind, identity: FaceIdentity | OwnHead, size_px: int, look: Look | None = None, fine: bool | None = None
) -> Renderer:
    """Renderer of a kind; "auto" takes OpenGL where a context can be had, else the rasteriser.

    Parameters
    ----------
    size_px
        Height of the pictures.
    fine
        Whether OpenGL draws for a graphics card; None asks the device.

    Raises
    ------
    AssetError
        When the head data is not installed.
    DeviceError
        When no GL context can be made and "gl" was asked for.
    MissingPackageError
        When the package of the only possible kind is not installed.
    """
    if kind in ("auto", "gl"):
        try:
            from robopatient.face.render_gl import GlRenderer

            return GlRenderer(identity, size_px, look=look, fine=fine)
        except (DeviceError, MissingPackageError):
            if kind == "gl":
                raise
    from robopatient.face.render_numba import NumbaRenderer

    return NumbaRenderer(identity, size_px, look)
