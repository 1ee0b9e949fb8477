"""The face without OpenGL: visible triangles first, then the shaders' arithmetic once per visible pixel, in numba.

Draws the same scene as the GL renderer with the same formulas; edges and texture filtering differ by a pixel.
"""

from __future__ import annotations

import numpy as np

from robopatient.face import light
from robopatient.face.bodies.head import OwnHead
from robopatient.face.body import body_map
from robopatient.face.carried import Carried
from robopatient.face.frame import SceneFrame
from robopatient.face.identity import FaceIdentity
from robopatient.face.kernels import (
    ATTRIBUTES,
    EYE,
    GOWN,
    HAIR,
    NO_BODY,
    PLACE,
    SKIN,
    TEETH_PART,
    TONGUE_PART,
    blend_lashes,
    light_skin,
    resolve,
    shade,
)
from robopatient.face.material import GUM, LASH, TEETH, TONGUE, TOOTH_GAP
from robopatient.face.mesh import Material
from robopatient.face.scene import load_scene
from robopatient.face.texels import HALF_TEXTURES_PX
from robopatient.messages import FacePose

__all__ = ["NumbaRenderer"]


class NumbaRenderer:
    """Z-buffer renderer on one CPU core.

    Raises
    ------
    AssetError
        When the head data is not installed.
    """

    kind = "numba"

    def __init__(self, identity: FaceIdentity | OwnHead, size_px: int, look: light.Look | None = None) -> None:
        self.look = look or light.Look()
        self._light = light.LIGHTS[self.look.light]
        self.size_px = size_px
        self.wear(identity)

    def wear(self, identity: FaceIdentity | OwnHead) -> None:
        """Draw another face from now on."""
        scene = self._scene = load_scene(identity)
        self._clip = light.clip_matrix(scene.eyes_dm, self.look)
        self._camera = light.camera_dm(scene.eyes_dm, self.look)
        self._iris = np.ascontiguousarray(scene.textures(0, self.look.light == "mask").iris)
        self.resize(self.size_px)

        head_count, gown_count = len(scene.uv), len(scene.gown.place)
        pieces = [
            (GOWN, scene.gown.triangles + head_count),
            (HAIR, scene.hair.triangles + head_count + gown_count),
            (SKIN, scene.parts[Material.SKIN]),
            (EYE, scene.parts[Material.EYE]),
            (TEETH_PART, scene.parts[Material.TEETH]),
            (TONGUE_PART, scene.parts[Material.TONGUE]),
        ]
        self._triangles = np.concatenate([triangles for _, triangles in pieces]).astype(np.int32)
        self._material = np.concatenate([np.full(len(t), kind, np.int8) for kind, t in pieces])
        self._count = head_count + gown_count + len(scene.hair.place)
        self._attributes = np.zeros((self._count, ATTRIBUTES), np.float32)
        self._skin_vertices = np.unique(scene.parts[Material.SKIN])
        self._plain_vertices = np.unique(np.concatenate([scene.parts[Material.TEETH], scene.parts[Material.TONGUE]]))
        self._attributes[self._skin_vertices, 3] = scene.open_sky[self._skin_vertices]
        self._attributes[self._skin_vertices, 12:14] = scene.uv[self._skin_vertices]
        self._attributes[self._plain_vertices, 5:7] = scene.uv[self._plain_vertices]
        self._attributes[self._plain_vertices, 7] = scene.open_sky[self._plain_vertices]
        self._attributes[head_count:, 6] = np.concatenate([scene.gown.mark, scene.hair.mark])
        self._attributes[head_count:, 7] = np.concatenate([scene.gown.density, scene.hair.density])
        self._place = np.zeros((self._count, 3), np.float32)
        self._lights = np.stack([*self._light, self._camera]).astype(np.float32)
        self._plain = np.array([[*TEETH, 0.25, TOOTH_GAP, *GUM], [*TONGUE, 0.15, 0.0, *TONGUE]], np.float32)
        self._lash_alpha = (
            scene.lashes[:, 1] * (1.0 - _smoothstep(0.0, 1.0, scene.lashes[:, 0]))
            * _smoothstep(-0.7, -0.1, scene.lashes[:, 0])
        ).astype(np.float32)  # fmt: skip

    def resize(self, size_px: int) -> None:
        """Draw pictures of another size from now on."""
        self.size_px = size_px
        self._background = light.background(size_px, self.look)
        self._outside = ~light.inside(light.picture_places(size_px, self.look)) if self.look.curtained else None
        self._halvings = 1 if size_px <= HALF_TEXTURES_PX else 0
        maps = self._scene.textures(self._halvings, self.look.light == "mask")
        self._maps = [maps.albedo, maps.layers, maps.detail]

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (size, width, 3) uint8, top row first; 4 channels on a transparent background."""
        scene = self._scene
        frame = scene.frame(pose)
        head_count, gown_count = len(scene.uv), len(scene.gown.place)
        self._place[:head_count] = frame.vertices[:, :3]
        attributes, plain, eyes = self._attributes, self._plain_vertices, scene.eye_vertices
        light_skin(self._skin_vertices, frame.vertices, self._lights, attributes)
        attributes[plain, :3] = frame.vertices[plain, 3:6]
        attributes[plain, PLACE : PLACE + 3] = frame.vertices[plain, :3]
        attributes[eyes, :3] = scene.eye_local
        attributes[eyes, 3:5] = frame.eye_lids
        attributes[eyes, PLACE : PLACE + 3] = frame.vertices[eyes, :3]
        for carried, start in ((scene.gown, head_count), (scene.hair, head_count + gown_count)):
            end = start + len(carried.place)
            self._place[start:end], attributes[start:end, :6] = self._carry(carried, frame)

        x, y, z, inverse_w = self._project()
        shape = self._background.shape[:2]
        depth = np.full(shape, np.inf, np.float32)
        number = np.full(shape, -1, np.int32)
        weights = np.empty((*shape, 2), np.float32)
        hand = -1.0 if self.look.mirrored else 1.0
        resolve(x, y, z, self._triangles, self._material, attributes, hand, depth, number, weights)
        picture = self._background.copy()
        shade(
            number, weights, inverse_w, self._triangles, self._material, attributes, *self._maps, self._iris,
            self._lights, self._plain, frame.eye_rotation, frame.gaze, picture, np.array(pose.body, np.float32),
            body_map(self._halvings) if any(pose.body) else NO_BODY,
        )  # fmt: skip
        lash_light = float(self._light.ambient_sky.mean()) + 0.5 * float(self._light.key_colour.mean())
        lash = light.encode(np.array(LASH) * lash_light) * 255.0
        if self.look.channels == 4:
            picture[..., 3] = np.where(number >= 0, 255, 0)
        blend_lashes(x, y, z, scene.parts[Material.LASH], self._lash_alpha, lash.astype(np.float32), depth, picture)
        if self._outside is not None:
            picture[self._outside] = 0
        return picture

    def close(self) -> None:
        """Nothing to give back."""

    def _project(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Columns, rows (pixel centres at whole numbers), depth and 1 / w of all vertices."""
        clip, place = self._clip, self._place
        moved = [clip[row, 0] * place[:, 0] + clip[row, 1] * place[:, 1] + clip[row, 2] * place[:, 2] + clip[row, 3]
                 for row in range(4)]  # fmt: skip
        inverse_w = 1.0 / moved[3]
        height, width = self._background.shape[:2]
        x = (moved[0] * inverse_w * 0.5 + 0.5) * width - 0.5
        y = (0.5 - moved[1] * inverse_w * 0.5) * height - 0.5
        return x, y, moved[2] * inverse_w, inverse_w

    def _carry(self, carried: Carried, frame: SceneFrame) -> tuple[np.ndarray, np.ndarray]:
        """Posed places, and lit colour with highlight side by side: what the carried vertex shader does."""
        turn, pivot = frame.head_rotation, self._scene.head.head_joint
        follows = carried.follows[:, None]
        place = carried.place + follows * ((carried.place - pivot) @ turn.T + pivot - carried.place)
        place[:, 1] += frame.breath_lift_dm * (1.0 - carried.follows)
        place[:, 2] += frame.forward_dm * carried.follows
        normal = carried.normal + follows * (carried.normal @ turn.T - carried.normal)
        eye = self._camera - place
        eye /= np.sqrt((eye * eye).sum(axis=1, keepdims=True))
        normal *= np.where((normal * eye).sum(axis=1, keepdims=True) < 0.0, -1.0, 1.0)
        normal /= np.sqrt((normal * normal).sum(axis=1, keepdims=True)) + 1e-9
        lamp = self._light
        to_key = (normal @ lamp.key_direction)[:, None]
        lit = lamp.key_colour * np.maximum((to_key + 0.25) / 1.25, 0.0)
        lit = lit + lamp.fill_colour * np.maximum(((normal @ lamp.fill_direction)[:, None] + 0.25) / 1.25, 0.0)
        lit += lamp.ambient_ground + (lamp.ambient_sky - lamp.ambient_ground) * (0.5 + 0.5 * normal[:, 1:2])
        strand = carried.tangent + follows * (carried.tangent @ turn.T - carried.tangent)
        halfway = lamp.key_direction + eye
        halfway /= np.sqrt((halfway * halfway).sum(axis=1, keepdims=True))
        across = (strand * halfway).sum(axis=1, keepdims=True)
        gleam = (strand * strand).sum(axis=1, keepdims=True) * np.maximum(1.0 - across * across, 0.0) ** 24
        highlight = lamp.key_colour * (0.15 * gleam * np.maximum(to_key + 0.2, 0.0)) * (0.25 + carried.colour)
        return place, np.concatenate([carried.colour * lit, highlight], axis=1)


def _smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    smooth: np.ndarray = t * t * (3.0 - 2.0 * t)
    return smooth
