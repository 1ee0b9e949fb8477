"""One frame after the other by ONNX Runtime: the generator of a live run, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from robopatient.errors import AssetError, require

__all__ = ["FACES", "GIVEN", "STATE", "Stepper"]

GIVEN = ("noise", "dice", "condition", "guidance")
"""What the step is given, each of shape (faces, columns)."""
STATE = ("keys", "values", "face")
"""What the step hands to itself: keys and values of the frames before, and the newest face with its lead."""
FACES = {"keys": 1, "values": 1, "face": 0}
"""Axis of the faces in each of them."""


class Stepper:
    """The network's step and its state, for one face or several side by side.

    Parameters
    ----------
    path
        ``step.onnx``.
    start
        State of one face by name, as in ``STATE``.
    faces
        How many there are.

    Raises
    ------
    MissingPackageError
        Without onnxruntime.
    AssetError
        When the file is no such step.
    """

    def __init__(self, path: Path, start: Mapping[str, np.ndarray], faces: int = 1) -> None:
        runtime = require("onnxruntime", "face")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # two threads wait for each other under load
        options.log_severity_level = 3
        self.state = {name: np.repeat(np.asarray(start[name], np.float32), faces, FACES[name]) for name in STATE}
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            takes = {one.name: one.shape for one in self._session.get_inputs()}
        except Exception as error:  # the runtime raises classes of its own making
            raise AssetError(f"{path}: ONNX Runtime cannot load it ({error})") from error
        wanted = {*GIVEN, *STATE}
        if set(takes) != wanted:
            raise AssetError(f"{path}: takes {', '.join(sorted(takes))}; expected {', '.join(sorted(wanted))}")
        self._outputs = ["motion", *(f"new_{name}" for name in STATE)]

    def step(self, condition: np.ndarray, noise: np.ndarray, dice: np.ndarray, guidance: np.ndarray) -> np.ndarray:
        """Next frames in physical units, not clamped, shape (faces, D).

        Parameters
        ----------
        condition
            Physical units, shape (faces, C).
        noise, dice
            Standard normal, shapes (faces, D) and (faces, DICE).
        guidance
            Shape (faces, groups).
        """
        given = zip(GIVEN, (noise, dice, condition, guidance), strict=True)
        feed = {name: array.astype(np.float32, copy=False) for name, array in given}
        motion, *state = self._session.run(self._outputs, feed | self.state)
        self.state = dict(zip(STATE, state, strict=True))
        frames: np.ndarray = motion
        return frames
