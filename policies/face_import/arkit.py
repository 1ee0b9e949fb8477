"""Motion to and from ARKit's 52 blendshapes: what phones and most avatars speak.

There the rig's own table is used (``robopatient.face.arkit``); back, the action units that best explain the weights
are sought, none of them negative. Head, breath and what ARKit has no shape for stay at rest.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import nnls

from policies.errors import PolicyError
from robopatient.face.arkit import ARKIT, arkit_weights
from robopatient.face.generator.motion import CHANNELS, HIGH, JAW_STRETCH_MM, MOTION_HZ, clamp, column, pose_of
from robopatient.face.rig import GAZE_UNITS_DEG

__all__ = ["motion_of_arkit", "weights_of"]

BLINK_S = 0.4
"""Lids shut for longer are AU43, for shorter a blink."""

_AT = {name: at for at, name in enumerate(ARKIT)}


def weights_of(motion: np.ndarray) -> np.ndarray:
    """Weights 0-1 in the order of ``ARKIT``, (n, D) to (n, 52); head and breath are not in them."""
    return np.stack([arkit_weights(pose_of(frame)) for frame in np.asarray(motion)])


def motion_of_arkit(weights: np.ndarray, head_deg: np.ndarray | None = None) -> np.ndarray:
    """Motion (n, D) at the rate of the rows, for weights (n, 52) in the order of ``ARKIT``.

    Parameters
    ----------
    head_deg
        Pitch, yaw, roll with the signs of ``FacePose``, shape (n, 3): ARKit has the head apart.

    Raises
    ------
    PolicyError
        For another number of columns, or weights that are not 0 to 1, naming row and shape.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] != len(ARKIT):
        raise PolicyError(f"weights of shape {weights.shape}; ARKit has {len(ARKIT)} columns")
    bad = np.argwhere(~((weights >= -1e-6) & (weights <= 1.0 + 1e-6)))
    if len(bad):
        row, at = bad[0].tolist()
        raise PolicyError(f"weights: row {row}: {ARKIT[at]} is {weights[row, at]:g}; weights are 0 to 1")
    basis, names, kept = _basis()
    motion = np.zeros((len(weights), len(CHANNELS)))
    for at, row in enumerate(weights):
        found, _ = nnls(basis, row[kept])
        for name, share in zip(names, found.tolist(), strict=True):
            motion[at, column(name)] = min(share, 1.0) * _full(name)
    shut = weights[:, [_AT["eyeBlinkLeft"], _AT["eyeBlinkRight"]]].mean(1)
    lasting = _lasting(shut > 0.4)
    motion[:, column("AU43")] = np.where(lasting, 5.0 * shut, 0.0)
    motion[:, column("blink")] = np.where(lasting, 0.0, shut)
    look = {
        way: weights[:, [_AT[f"eyeLook{way}Left"], _AT[f"eyeLook{way}Right"]]] for way in ("Up", "Down", "In", "Out")
    }
    motion[:, column("gaze_pitch_deg")] = GAZE_UNITS_DEG * (look["Down"] - look["Up"]).mean(1)
    left_eye, right_eye = look["Out"][:, 0] - look["In"][:, 0], look["In"][:, 1] - look["Out"][:, 1]
    motion[:, column("gaze_yaw_deg")] = GAZE_UNITS_DEG * (left_eye + right_eye) / 2.0
    if head_deg is not None:
        motion[:, column("head_pitch_deg") : column("head_pitch_deg") + 3] = head_deg
    return clamp(motion)


def _full(name: str) -> float:
    return JAW_STRETCH_MM if name == "jaw_mm" else float(HIGH[column(name)])


@cache
def _basis() -> tuple[np.ndarray, tuple[str, ...], list[int]]:
    """Weights that each channel makes at full intensity, (kept, channels), the channels, and the shapes that count."""
    names = tuple(one for one in CHANNELS if (one.startswith("AU") and one != "AU43") or one == "jaw_mm")
    columns = []
    for name in names:
        frame = np.zeros(len(CHANNELS))
        # the jaw's second half widens the mouth too; its first is what most faces use
        frame[column(name)] = 0.5 * JAW_STRETCH_MM if name == "jaw_mm" else _full(name)
        columns.append(arkit_weights(pose_of(frame)) * (2.0 if name == "jaw_mm" else 1.0))
    basis = np.array(columns, dtype=np.float64).T
    kept = [i for i, name in enumerate(ARKIT) if basis[i].any() and not name.startswith(("eyeLook", "eyeBlink"))]
    return basis[kept], names, kept


def _lasting(shut: np.ndarray) -> np.ndarray:
    result = np.zeros(len(shut), dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], shut, [False])).astype(int)))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if (end - begin) / MOTION_HZ > BLINK_S:
            result[begin:end] = True
    return result
