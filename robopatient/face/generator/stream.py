"""One frame after the other by ONNX Runtime: the generator of a live run, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from robopatient.errors import AssetError, require

__all__ = ["STATE", "Stepper"]

STATE = ("keys", "values", "face")
"""What the step hands to itself: keys and values of the frames before, and the newest face with its lead."""


class Stepper:
    """The network's step and its state.

    Parameters
    ----------
    path
        ``step.onnx``.
    start
        State by name, as in ``STATE``.

    Raises
    ------
    MissingPackageError
        Without onnxruntime.
    AssetError
        When the file is no such step.
    """

    def __init__(self, path: Path, start: Mapping[str, np.ndarray]) -> None:
        runtime = require("onnxruntime", "face")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # two threads wait for each other under load
        options.log_severity_level = 3
        self.state = {name: np.ascontiguousarray(start[name], np.float32) for name in STATE}
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            takes = {one.name: one.shape for one in self._session.get_inputs()}
        except Exception as error:  # the runtime raises classes of its own making
            raise AssetError(f"{path}: ONNX Runtime cannot load it ({error})") from error
        wanted = {"noise", "dice", "condition", "guidance", *STATE}
        if set(takes) != wanted:
            raise AssetError(f"{path}: takes {', '.join(sorted(takes))}; expected {', '.join(sorted(wanted))}")
        self._outputs = ["motion", *(f"new_{name}" for name in STATE)]

    def step(self, condition: np.ndarray, noise: np.ndarray, dice: np.ndarray, guidance: np.ndarray) -> np.ndarray:
        """Next frame in physical units, not clamped, shape (D,).

        Parameters
        ----------
        condition
            Physical units, shape (C,).
        noise, dice
            Standard normal, shapes (D,) and (DICE,).
        guidance
            Shape (groups,).
        """
        given = {
            "noise": noise[None].astype(np.float32, copy=False),
            "dice": dice[None].astype(np.float32, copy=False),
            "condition": condition[None].astype(np.float32, copy=False),
            "guidance": guidance[None].astype(np.float32, copy=False),
        }
        motion, *state = self._session.run(self._outputs, given | self.state)
        self.state = dict(zip(STATE, state, strict=True))
        frame: np.ndarray = motion[0]
        return frame
