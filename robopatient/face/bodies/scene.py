"""A user's head as a scene that both renderers draw: one skin, its own picture on it, and nothing of ours."""

from __future__ import annotations

import numpy as np

from robopatient.errors import AssetError, require
from robopatient.face.bodies.folders import load_ict, load_npz
from robopatient.face.bodies.gltf import load_gltf
from robopatient.face.bodies.head import OwnHead
from robopatient.face.carried import Carried
from robopatient.face.frame import SceneFrame
from robopatient.face.geometry import vertex_normals
from robopatient.face.head import rotation
from robopatient.face.identity import Ancestry, FaceIdentity, Hair, Skin, load_identity
from robopatient.face.mask import masked
from robopatient.face.mesh import Material
from robopatient.face.raster import open_sky
from robopatient.face.skin import SkinMaps
from robopatient.face.texels import halve
from robopatient.folders import user_path
from robopatient.messages import FacePose

__all__ = ["OwnScene", "Subject", "load_face"]

Subject = FaceIdentity | OwnHead
"""Anything that can be drawn."""

TEXTURE_PX = 1024
PLAIN_SRGB = (198, 150, 124)
"""Of a head without a texture."""
GLOSS = 60
"""Of the skin, 0-255: a head's own picture does not tell."""


def load_face(name: str) -> Subject:
    """An identity by name or TOML file, or a user's head: ``.glb``, ``.gltf``, ``.npz`` or ICT-FaceKit's folder.

    Raises
    ------
    AssetError, ConfigError
        Naming the file and what is wrong with it.
    """
    path = user_path(name)
    ending = path.suffix.lower()
    if ending in (".glb", ".gltf"):
        return load_gltf(path)
    if ending == ".npz":
        return load_npz(path)
    if ending in (".pkl", ".pickle"):
        raise AssetError(
            f"{path}: pickles run whatever code they hold and are never read; convert it: docs/howto/other_faces.md"
        )
    return load_ict(path) if path.is_dir() else load_identity(name)


class OwnScene:
    """Stands in for ``scene.Scene``: the same attributes, most of them empty."""

    def __init__(self, head: OwnHead) -> None:
        self.own = head
        self.head = self
        self.identity = FaceIdentity(
            name=head.name, description="user's own head", age_years=40.0, sex=0.5, ancestry=Ancestry(european=1.0),
            skin=Skin(monk_tone=4.0), hair=Hair(style="none", colour=(0, 0, 0), brow_colour=(0, 0, 0)),
            iris_colour=(0, 0, 0),
        )  # fmt: skip
        nothing = np.zeros((1, 3), np.int32)
        self.parts = dict.fromkeys(Material, nothing) | {Material.SKIN: head.triangles.astype(np.int32)}
        count = len(head.points)
        self.uv = np.zeros((count, 2), np.float32) if head.uv is None else head.uv.astype(np.float32)
        normals = vertex_normals(head.points, head.triangles)
        self.open_sky = open_sky(head.points, normals, head.triangles.astype(np.int32)).astype(np.float32)
        self.lashes = np.zeros((count, 2), np.float32)
        self.eye_vertices = np.zeros(1, np.int64)
        self.eye_local = np.array([[0.0, 0.0, 1.0]], np.float32)
        self.gown = Carried.from_vertices(np.zeros((1, 15), np.float32), nothing)
        self.hair = Carried.nothing()
        self.head_joint = head.points.mean(axis=0)
        self.eyes_dm = _eyes(head)
        self.maps = _maps(head)
        self._textures: dict[tuple[int, bool], SkinMaps] = {(0, False): self.maps}

    def textures(self, halvings: int, mask: bool = False) -> SkinMaps:
        """As ``Scene.textures``."""
        if (halvings, mask) not in self._textures:
            plain = self.maps if not halvings else SkinMaps(*(halve(image, halvings) for image in self.maps))
            self._textures[halvings, mask] = masked(plain, self.identity.skin.monk_tone) if mask else plain
        return self._textures[halvings, mask]

    def frame(self, pose: FacePose) -> SceneFrame:
        """Vertices of a pose."""
        points, normals = self.own.pose(pose)
        wrinkles = np.zeros((len(points), 2), np.float32)
        turn = rotation(*pose.head_deg)
        return SceneFrame(
            vertices=np.ascontiguousarray(np.concatenate([points, normals, wrinkles], axis=1), np.float32),
            eye_lids=np.zeros((1, 2), np.float32),
            head_rotation=turn,
            gaze=np.eye(3, dtype=np.float32),
            eye_rotation=turn,
            breath_lift_dm=0.0,
        )


def _eyes(head: OwnHead) -> np.ndarray:
    """Middle between the eyes: where blinking moves the skin."""
    places = [head.points[head.units[f"eyeBlink{side}"][0]].mean(axis=0) for side in ("Left", "Right")]
    return np.asarray(np.mean(places, axis=0), np.float64)


def _maps(head: OwnHead) -> SkinMaps:
    albedo = np.full((TEXTURE_PX, TEXTURE_PX, 4), GLOSS, np.uint8)
    if head.albedo is None:
        albedo[..., :3] = PLAIN_SRGB
    else:
        image = require("PIL.Image", "face").fromarray(np.ascontiguousarray(head.albedo[..., :3]))
        albedo[..., :3] = np.asarray(image.resize((TEXTURE_PX, TEXTURE_PX), 2))
    level = np.full((TEXTURE_PX, TEXTURE_PX, 4), 127, np.uint8)
    detail = level.copy()
    detail[..., 2:] = 0
    return SkinMaps(albedo, level, detail, np.full((256, 256, 3), 255, np.uint8))
