"""The inputs of a renderer that change with every picture of one face."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["SceneFrame"]


class SceneFrame(NamedTuple):
    """What changes from frame to frame.

    Attributes
    ----------
    vertices
        Place, normal and wrinkle strengths of the drawn vertices, float32, shape (vertices, 8).
    eye_lids
        Upper and lower lid edge for the drawn vertices of the eyes, shape (eye vertices, 2).
    """

    vertices: np.ndarray
    eye_lids: np.ndarray
    head_rotation: np.ndarray
    gaze: np.ndarray
    eye_rotation: np.ndarray
    breath_lift_dm: float
    forward_dm: float = 0.0
