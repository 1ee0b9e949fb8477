"""One patient's head in motion: identity geometry, face units, eyes, head pose and breath, as vertices and normals.

Only the units in use are added, on the points that they move: a frame costs a fraction of a millisecond without BLAS.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from robopatient.face.geometry import move, vertex_normals
from robopatient.face.identity import FaceIdentity, target_weights
from robopatient.face.mesh import DM_PER_MM, HeadTemplate, Material, identity_offsets, load_template
from robopatient.face.rig import UNIT_LIMIT, FaceRig
from robopatient.face.teeth import seat_teeth
from robopatient.face.wrinkles import GROUPS, distance_to_line
from robopatient.messages import FacePose

__all__ = ["Head", "PosedHead", "rotation"]

BREATH_LIFT_DM = 0.05
"""Rise of the shoulders over a breath (assumption: 5 mm)."""
EYE_SHRINK = 0.978
"""The eyeball is drawn this much smaller, so that shut lids never let it through."""

TONGUE_REST_DM = np.array([0.0, -0.055, -0.12], np.float32)
"""The source's tongue lies on the lower teeth and shows as soon as the lips part; a patient's lies low and back."""

BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
LIDS_MEET = 0.01
"""Gap, as a sine over the eye's centre, that lashes close."""
FURTHEST_BLINK = 1.35
"""Beyond it lids wrinkle through each other."""

IRIS_TO_LOWER_LID = 0.46
"""Sine over the eye's axis at which the lower lid touches the iris; eyes look down until it does."""


class PosedHead(NamedTuple):
    """A head at one instant, in dm.

    Attributes
    ----------
    points, normals
        Shape (points, 3).
    wrinkle
        Strength of the two wrinkle layers at every point, shape (points, 2).
    head_rotation
        Shape (3, 3).
    head_pivot
        Shape (3,).
    eye_rotation
        Gaze and head together, shape (3, 3).
    eye_centres
        Left and right, shape (2, 3).
    lids
        Height of the upper and lower lid edge over the eye's centre at mid eye, as sines; rows left, right.
    """

    points: np.ndarray
    normals: np.ndarray
    wrinkle: np.ndarray
    head_rotation: np.ndarray
    head_pivot: np.ndarray
    eye_rotation: np.ndarray
    eye_centres: np.ndarray
    lids: np.ndarray


class Head:
    """Geometry of one identity.

    Attributes
    ----------
    rest
        Positions at rest, dm, shape (points, 3).
    follows
        How much each point follows the head's rotation: 1 the skull, 0 the shoulders.
    """

    def __init__(self, identity: FaceIdentity, template: HeadTemplate | None = None) -> None:
        template = template or load_template()
        self.template = template
        self.rest = template.template_dm + identity_offsets(template, target_weights(identity))
        self.rig = FaceRig()
        self.rest[template.points_of(Material.TONGUE)] += TONGUE_REST_DM
        seat_teeth(self.rest, template)
        self._eyes = [_eye_points(template, sign) for sign in (1.0, -1.0)]
        for points in self._eyes:
            centre = self.rest[points].mean(axis=0)
            self.rest[points] = centre + EYE_SHRINK * (self.rest[points] - centre)
        self.eye_centres = np.stack([self.rest[points].mean(axis=0) for points in self._eyes])
        self.eye_radius_dm = float(np.linalg.norm(self.rest[self._eyes[0]] - self.eye_centres[0], axis=1).mean())
        self.head_joint = self.rest[template.joints["head"]].mean(axis=0)
        self.neck_joint = self.rest[template.joints["neck"]].mean(axis=0)
        self.follows = self.follow(self.rest)
        self.shoulders = 1.0 - self.follows
        self._units = _units_without_eyes(template, np.concatenate(self._eyes))
        self._wrinkle_masks = _wrinkle_masks(template)
        self._lid_edges = [_lid_edges(self.rest, template, points) for points in self._eyes]
        self._blink = {unit: self._full_blink(unit, edges) for unit, edges in zip(BLINKS, self._lid_edges, strict=True)}
        lower = min(_lid_sines(self.rest, *edges, self.eye_radius_dm)[1] for edges in self._lid_edges)
        self.rest_gaze_deg = float(np.degrees(np.clip(np.arcsin(-lower) - np.arcsin(IRIS_TO_LOWER_LID), 0.0, 0.14)))

    def follow(self, points_dm: np.ndarray) -> np.ndarray:
        """Share of the head's rotation that points at rest follow: a smooth ramp up the neck."""
        low, high = self.neck_joint[1] - 0.1, self.head_joint[1] + 0.1
        ramp = np.clip((points_dm[:, 1] - low) / (high - low), 0.0, 1.0).astype(np.float32)
        return ramp * ramp * (3.0 - 2.0 * ramp)

    def pose(self, pose: FacePose) -> PosedHead:
        """Vertices of a pose.

        Raises
        ------
        ConfigError
            When an action unit is unknown or out of range.
        """
        weights = self.rig.weights(pose)
        points = self.rest.copy()
        for unit, weight in weights.units.items():
            moved, delta = self._units[unit]
            move(points, moved, np.float32(weight * self._blink.get(unit, 1.0)), delta)

        wrinkle = np.zeros((len(points), 2), np.float32)
        for name, depth in weights.wrinkles.items():
            layer, marked, mask = self._wrinkle_masks[name]
            wrinkle[marked, layer] = np.maximum(wrinkle[marked, layer], np.float32(depth) * mask)

        lids = np.array([_lid_sines(points, *edges, self.eye_radius_dm) for edges in self._lid_edges], np.float32)
        gaze = self.gaze_rotation(pose.gaze_deg)
        for eye, centre in zip(self._eyes, self.eye_centres, strict=True):
            points[eye] = (points[eye] - centre) @ gaze.T + centre

        turn = rotation(*pose.head_deg)
        pivot = self.head_joint
        if any(pose.head_deg):
            turned = (points - pivot) @ turn.T + pivot
            points += self.follows[:, None] * (turned - points)
        if pose.forward_mm:
            points[:, 2] += self.follows * np.float32(pose.forward_mm * DM_PER_MM)
        if pose.breath:
            points[:, 1] += np.float32(self.breath_lift_dm(pose.breath)) * self.shoulders
        return PosedHead(
            points=points,
            normals=vertex_normals(points, self.template.triangles),
            wrinkle=wrinkle,
            head_rotation=turn,
            head_pivot=pivot,
            eye_rotation=turn @ gaze,
            eye_centres=(self.eye_centres - pivot) @ turn.T + pivot,
            lids=lids,
        )

    def _full_blink(self, unit: str, edges: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
        """Factor on the weight of a blink at which this identity's lids meet: children's eyes are larger."""
        moved, delta = self._units[unit]
        points = self.rest.copy()
        upper, lower = _lid_sines(points, *edges, self.eye_radius_dm)
        move(points, moved, np.float32(UNIT_LIMIT[unit]), delta)
        shut_upper, shut_lower = _lid_sines(points, *edges, self.eye_radius_dm)
        falls = (upper - lower) - (shut_upper - shut_lower)
        return float(np.clip((upper - lower - LIDS_MEET) / max(falls, 1e-6), 1.0, FURTHEST_BLINK))

    def gaze_rotation(self, gaze_deg: tuple[float, float]) -> np.ndarray:
        """Rotation of the eyes in the head, shape (3, 3)."""
        return rotation(gaze_deg[0] + self.rest_gaze_deg, gaze_deg[1], 0.0)

    def breath_lift_dm(self, breath: float) -> float:
        """Rise of the shoulders at a chest excursion of 0 to 1."""
        return BREATH_LIFT_DM * breath


def rotation(pitch_deg: float, yaw_deg: float, roll_deg: float) -> np.ndarray:
    """Rotation of a head that first tilts (roll), then nods (pitch), then turns (yaw), shape (3, 3) float32.

    Signs are those of ``FacePose``: nod down, turn to the patient's left (+x), tilt to the patient's left shoulder.
    """
    pitch, yaw, roll = np.radians([pitch_deg, yaw_deg, -roll_deg])
    cp, sp, cy, sy, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (about_y @ about_x @ about_z).astype(np.float32)


def _eye_points(template: HeadTemplate, sign: float) -> np.ndarray:
    points = template.points_of(Material.EYE)
    return points[template.template_dm[points, 0] * sign > 0]


def _units_without_eyes(template: HeadTemplate, eyes: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Units on all points but the eyeballs, which turn rigidly."""
    units = {}
    for name, (points, delta) in template.units.items():
        keep = ~np.isin(points, eyes)
        units[name] = (points[keep], np.ascontiguousarray(delta[keep]))
    return units


MASK_INNER_DM, MASK_OUTER_DM = 0.045, 0.10
MIDLINE_DM = 0.06
"""Half width of the blend between the two sides of a wrinkle group."""


def _wrinkle_masks(template: HeadTemplate) -> dict[str, tuple[int, np.ndarray, np.ndarray]]:
    """Layer, points and their share, for every group and side."""
    x, y, z = template.template_dm.T
    masks = {}
    for name, group in GROUPS.items():
        nearest = np.minimum.reduce([distance_to_line(np.abs(x), y, line)[0] for line in group.lines])
        near = np.clip((MASK_OUTER_DM - nearest) / (MASK_OUTER_DM - MASK_INNER_DM), 0.0, 1.0) * (z > 0.55)
        for side, sign in (("L", 1.0), ("R", -1.0)):
            share = near * np.clip(0.5 + 0.5 * sign * x / MIDLINE_DM, 0.0, 1.0)
            marked = np.flatnonzero(share > 0.0)
            masks[name + side] = (group.layer, marked, share[marked].astype(np.float32))
    return masks


def _lid_edges(rest: np.ndarray, template: HeadTemplate, eye: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lash-root points over mid eye (upper, lower) and the eye's centre: where the lids are.

    Which lid a lash grows on is told on the template, whose eyes are wide open; mid eye on the identity's own eye, or
    on the template's where a far-off identity has no such point.
    """
    lash = np.flatnonzero(np.abs(template.lash_across) < LASH_ROOT_BAND)
    above = template.template_dm[lash, 1] > template.template_dm[eye, 1].mean()
    for place in (rest, template.template_dm):
        middle = np.abs(place[lash, 0] - place[eye, 0].mean()) < LID_MIDDLE_DM
        upper, lower = lash[middle & above], lash[middle & ~above]
        if len(upper) and len(lower):
            break
    return upper, lower, rest[eye].mean(axis=0)


LASH_ROOT_BAND = 0.25
LID_MIDDLE_DM = 0.09


def _lid_sines(
    points: np.ndarray, upper: np.ndarray, lower: np.ndarray, centre: np.ndarray, radius_dm: float
) -> tuple[float, float]:
    return (
        float(points[upper, 1].mean() - centre[1]) / radius_dm,
        float(points[lower, 1].mean() - centre[1]) / radius_dm,
    )
