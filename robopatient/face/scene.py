"""Everything of one patient that a renderer draws: posed head, carried things (gown, hair), textures, baked occlusion.

Both renderers draw this and nothing else, so they show the same face.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np

from robopatient.face.bodies.head import OwnHead
from robopatient.face.cache import Arrays, cached_arrays
from robopatient.face.carried import Carried
from robopatient.face.cull import seen_triangles
from robopatient.face.frame import SceneFrame
from robopatient.face.geometry import vertex_normals
from robopatient.face.gown import build_gown, gown_cover_dm
from robopatient.face.hair import build_hair
from robopatient.face.head import Head, PosedHead
from robopatient.face.identity import FaceIdentity
from robopatient.face.mask import masked
from robopatient.face.mesh import DM_PER_MM, WHEEL_VERSION, Material, load_template
from robopatient.face.raster import open_sky
from robopatient.face.skin import SkinMaps, bake_skin
from robopatient.face.teeth import outer_wall, tooth_places
from robopatient.face.texels import halve
from robopatient.messages import FacePose

__all__ = ["Scene", "load_scene"]

BAKE_VERSION = 34
"""Raise when a change to skin, hair, gown or occlusion must not meet an old cache."""


class Scene:
    """One identity, ready to draw.

    Attributes
    ----------
    parts
        Triangles of the head by part, as drawn vertices.
    uv, open_sky
        Texture place and occlusion of every drawn vertex.
    draw_point
        Point of the head at every drawn vertex.
    eye_vertices, eye_local
        Drawn vertices of the eyes and their direction from the eye's centre.
    lashes
        Place across the lashes (0 at the lid, 1 at the tip) and density for every drawn vertex, shape (vertices, 2).
    """

    def __init__(self, identity: FaceIdentity) -> None:
        template = load_template()
        self.identity = identity
        self.head = Head(identity, template)
        baked = cached_arrays(
            f"scene-{identity.digest()}-{WHEEL_VERSION}-v{BAKE_VERSION}", lambda: _bake(identity, self.head)
        )
        self.maps = SkinMaps(*(baked[f"map_{name}"] for name in SkinMaps._fields))
        self._textures: dict[tuple[int, bool], SkinMaps] = {(0, False): self.maps}
        self.gown = _unpack("gown", baked)
        self.hair = _unpack("hair", baked)
        self.parts = {part: template.draw_triangles[template.triangle_part == part] for part in Material}
        self.parts[Material.SKIN] = self.parts[Material.SKIN][baked["skin_seen"]]
        self.parts[Material.TEETH] = self.parts[Material.TEETH][outer_wall(template)]
        self.uv = template.draw_uv.copy()
        teeth = np.unique(self.parts[Material.TEETH])
        self.uv[teeth] = tooth_places(template)[template.draw_point[teeth]]
        self.open_sky = baked["open_sky"][template.draw_point].astype(np.float32)
        upper = template.template_dm[:, 1] > template.template_dm[template.points_of(Material.EYE), 1].mean()
        density = identity.hair.lashes * np.where(upper, 1.0, LOWER_LASHES)
        across = np.nan_to_num(template.lash_across)
        self.lashes = np.stack([across, density], axis=1)[template.draw_point].astype(np.float32)
        self.eye_vertices = np.unique(self.parts[Material.EYE])
        eye_points = template.draw_point[self.eye_vertices]
        self._eye_side = (template.template_dm[eye_points, 0] < 0).astype(int)
        offset = self.head.rest[eye_points] - self.head.eye_centres[self._eye_side]
        self.eye_local = (offset / np.linalg.norm(offset, axis=1, keepdims=True)).astype(np.float32)
        self.eyes_dm = self.head.eye_centres.mean(axis=0)
        self.draw_point = template.draw_point

    def textures(self, halvings: int, mask: bool = False) -> SkinMaps:
        """The maps averaged down by 2 so many times, as they are or for a mask; kept, identities come and go."""
        if (halvings, mask) not in self._textures:
            if mask:
                made = masked(self.textures(halvings), self.identity.skin.monk_tone)
            else:
                made = SkinMaps(*(halve(image, halvings) for image in self.maps))
            self._textures[halvings, mask] = made
        return self._textures[halvings, mask]

    def frame(self, pose: FacePose) -> SceneFrame:
        """Vertices of a pose."""
        posed: PosedHead = self.head.pose(pose)
        vertices = np.concatenate([posed.points, posed.normals, posed.wrinkle], axis=1)[self.draw_point]
        return SceneFrame(
            vertices=np.ascontiguousarray(vertices, np.float32),
            eye_lids=np.ascontiguousarray(posed.lids[self._eye_side]),
            head_rotation=posed.head_rotation,
            gaze=self.head.gaze_rotation(pose.gaze_deg),
            eye_rotation=posed.eye_rotation,
            breath_lift_dm=self.head.breath_lift_dm(pose.breath),
            forward_dm=pose.forward_mm * DM_PER_MM,
        )


@lru_cache(maxsize=8)
def _scene_of(_digest: str, identity_json: bytes) -> Scene:
    return Scene(msgspec.json.decode(identity_json, type=FaceIdentity))


def load_scene(subject: FaceIdentity | OwnHead) -> Scene:
    """Scene of an identity, or of a user's own head; the last few are kept, so that two renderers share one."""
    if not isinstance(subject, FaceIdentity):
        from robopatient.face.bodies.scene import OwnScene

        return OwnScene(subject)  # type: ignore[return-value] # has all that a renderer asks for
    identity = subject
    return _scene_of(identity.digest(), msgspec.json.encode(identity))


def _bake(identity: FaceIdentity, head: Head) -> Arrays:
    gown, hair = build_gown(head), build_hair(identity, head)
    arrays: Arrays = {f"map_{name}": value for name, value in bake_skin(identity)._asdict().items()}
    arrays["open_sky"] = _occlusion(head, hair)
    arrays["skin_seen"], gown_seen, hair_seen = _cull(head, gown, hair)
    for name, carried, seen in (("gown", gown, gown_seen), ("hair", hair, hair_seen)):
        left = carried.only(seen)
        arrays[f"{name}_vertices"], arrays[f"{name}_triangles"] = left.vertices, left.triangles
    return arrays


def _cull(head: Head, gown: Carried, hair: Carried) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which triangles of skin, gown and hair are worth drawing. The face always is, however it moves.

    Thin hair hides nothing, and is drawn wherever it is.
    """
    skin = head.template.triangles[head.template.triangle_part == Material.SKIN]
    whole = hair.density[hair.triangles].min(axis=1) >= 1.0
    sets = [skin, gown.triangles + len(head.rest), hair.triangles[whole] + len(head.rest) + len(gown.place)]
    place = np.concatenate([head.rest, gown.place, hair.place])
    follows = np.concatenate([head.follows, gown.follows, hair.follows])
    triangles = np.concatenate(sets).astype(np.int32)
    seen = seen_triangles(head, place, follows, triangles)
    skin_seen, gown_seen, whole_seen = np.split(seen, np.cumsum([len(part) for part in sets])[:-1])
    face = (head.template.template_dm[skin][..., 2].max(axis=1) > FACE_Z_DM) & (head.follows[skin].min(axis=1) > 0.2)
    mouth = np.isin(skin, head.template.mouth()).any(axis=1)  # shut at rest, so never seen there
    clothed = gown_cover_dm(head.template.template_dm)[skin].min(axis=1) > CLOTHED_DM
    hair_seen = ~whole
    hair_seen[whole] = whole_seen
    return (skin_seen | face | mouth) & ~clothed, gown_seen, hair_seen


LOWER_LASHES = 0.35
"""Density of the lower lashes against the upper (assumption: by eye)."""
CLOTHED_DM = 0.15
"""Skin this far inside the gown's edge is never drawn, so that it cannot come through the cloth."""
FACE_Z_DM = 1.0
"""Template depth in front of which skin is always drawn."""


def _unpack(name: str, arrays: Arrays) -> Carried:
    return Carried.from_vertices(arrays[f"{name}_vertices"], arrays[f"{name}_triangles"])


def _occlusion(head: Head, hair: Carried) -> np.ndarray:
    """Open sky of every point of the head at rest, hair standing in the light."""
    points = np.concatenate([head.rest, hair.place])
    normals = np.concatenate([vertex_normals(head.rest, head.template.triangles), hair.normal])
    lashes = head.template.triangle_part == Material.LASH
    triangles = np.concatenate([head.template.triangles[~lashes], hair.triangles + len(head.rest)]).astype(np.int32)
    sky = open_sky(points.astype(np.float32), normals.astype(np.float32), triangles)[: len(head.rest)]
    # The mouth is shut at rest. Open, it is lit from the lips inwards: fade over the depth behind the front teeth.
    template = head.template
    teeth, tongue, lining = template.points_of(Material.TEETH), template.points_of(Material.TONGUE), template.mouth()
    front_dm = head.rest[teeth, 2].max()
    for points, lit in ((teeth, TEETH_SKY), (tongue, TONGUE_SKY), (lining, LINING_SKY)):
        sky[points] = lit * np.clip(1.0 - (front_dm - head.rest[points, 2]) / MOUTH_DEPTH_DM, MOUTH_DARKEST, 1.0)
    return sky


TEETH_SKY, TONGUE_SKY, LINING_SKY = 1.0, 0.75, 0.45
MOUTH_DEPTH_DM, MOUTH_DARKEST = 0.45, 0.05
