"""Many faces on one picture: the verb ``face sheet``, for choosing a patient and finding flaws."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from firmware_bridge.outputs import check_outputs, new_files
from robopatient.config import asset_names
from robopatient.errors import AssetError, ConfigError, require
from robopatient.face.apex import apex_au
from robopatient.face.identity import FaceIdentity, load_identity
from robopatient.face.light import make_look
from robopatient.face.render import Kind, Renderer, make_renderer
from robopatient.face.sampler import sample_identities
from robopatient.facs import ACTION_UNITS
from robopatient.messages import FacePose

__all__ = ["sheet"]

PER_ROW = 9
"""Pictures in a row of action units."""


def sheet(
    out: Path,
    faces: str = "",
    sample: int = 0,
    nrs: str = "0,3,6,9",
    action_units: bool = False,
    size_px: int = 256,
    seed: int = 1,
    view: str = "frontal",
    renderer: Kind = "auto",
    force: bool = False,
) -> None:
    """Draw faces in rows, each at several pains, or at every action unit at full intensity.

    Parameters
    ----------
    faces
        Names separated by commas; all under ``assets/faces`` when empty.
    sample
        Draw this many simulated patients of ``seed`` in place of them.
    """
    check_outputs([out], faces.split(","), force)
    try:
        levels = [float(level) for level in nrs.split(",")]
    except ValueError as error:
        raise ConfigError(f"--nrs {nrs}: give pains 0 to 10 separated by commas") from error
    identities = sample_identities(sample, seed) if sample else [load_identity(name) for name in _names(faces)]
    poses = [FacePose(au=apex_au(level)) for level in levels]
    if action_units:
        poses = [FacePose(), *(FacePose(au={unit: 5.0}) for unit in ACTION_UNITS)]
    columns = PER_ROW if action_units else len(poses)
    drawer = make_renderer(renderer, identities[0], size_px, make_look(view))
    try:
        blocks = [_block(drawer, identity, poses, columns) for identity in identities]
    finally:
        drawer.close()
    side = 1 if action_units else max(1, round((len(blocks) / 3.0) ** 0.5))
    while len(blocks) % side:
        blocks.append(np.full_like(blocks[0], 255))
    rows = [np.concatenate(blocks[k : k + side], axis=1) for k in range(0, len(blocks), side)]
    with new_files(out, force=force) as (part,):
        try:
            require("PIL.Image", "face").fromarray(np.concatenate(rows)).save(part)
        except (OSError, ValueError) as error:
            raise AssetError(f"{out}: the picture cannot be written ({error}); choose another --out") from error
    print(f"{out}: {', '.join(identity.name for identity in identities)}")


def _names(faces: str) -> list[str]:
    return [name.strip() for name in faces.split(",") if name.strip()] or asset_names("faces")


def _block(drawer: Renderer, identity: FaceIdentity, poses: list[FacePose], columns: int) -> np.ndarray:
    """All poses of one identity, in rows of ``columns``."""
    drawer.wear(identity)
    pictures = [drawer.draw(pose) for pose in poses]
    pictures += [np.full_like(pictures[0], 255)] * (-len(pictures) % columns)
    return np.concatenate([np.concatenate(pictures[k : k + columns], axis=1) for k in range(0, len(pictures), columns)])
