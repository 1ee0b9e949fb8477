"""Strokes and discs painted into textures: brows hair by hair, and the eye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from robopatient.errors import require
from robopatient.face.identity import FaceIdentity

__all__ = ["BrowCanvas", "brow_canvas", "iris_texture"]

# Brow canvas: both sides, template's frontal plane, dm.
X_LOW, X_HIGH, Y_LOW, Y_HIGH = -0.66, 0.66, 7.28, 7.72
PX_PER_DM = 1400


UNDER_STEP = 4
"""The shade under the brow is soft: it is kept at a quarter of the canvas' size."""


@dataclass(frozen=True)
class BrowCanvas:
    """Coverage of brow hair over the face's frontal plane, 0-1: single hairs, and the skin darkened by their roots."""

    hairs: np.ndarray
    roots: np.ndarray

    def sample(self, position: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Coverage at template positions, shape (points,); 0 where the skin does not face forward."""
        x, y, z = position.T
        inside = (x > X_LOW) & (x < X_HIGH) & (y > Y_LOW) & (y < Y_HIGH) & (z > 0.9) & (normal[:, 2] > 0.15)
        near = np.flatnonzero(inside)
        at = np.stack([(Y_HIGH - y[near]) * PX_PER_DM, (x[near] - X_LOW) * PX_PER_DM])
        found = np.zeros(len(position), np.float32)
        found[near] = ndimage.map_coordinates(self.hairs, at - 0.5, order=1, mode="constant")
        found[near] += ndimage.map_coordinates(self.roots, at / UNDER_STEP - 0.5, order=1, mode="constant")
        return np.minimum(found, 0.94)


# Centre line of the brow: x, y (dm), half height (dm), lean of the hairs (degrees from horizontal).
BROW_LINE = np.array(
    [
        [0.100, 7.466, 0.022, 58.0],
        [0.150, 7.479, 0.029, 42.0],
        [0.230, 7.494, 0.029, 26.0],
        [0.320, 7.506, 0.025, 12.0],
        [0.410, 7.504, 0.020, -8.0],
        [0.480, 7.484, 0.014, -24.0],
        [0.530, 7.458, 0.007, -34.0],
    ]
)
HAIRS_PER_BROW = 520


def brow_canvas(identity: FaceIdentity, seed: int) -> BrowCanvas:
    """Brow hairs of an identity; left and right differ as they do in life."""
    image_module = require("PIL.Image", "face")
    draw_module = require("PIL.ImageDraw", "face")
    rng = np.random.default_rng(seed)
    size = (round((X_HIGH - X_LOW) * PX_PER_DM), round((Y_HIGH - Y_LOW) * PX_PER_DM))
    image = image_module.new("L", size, 0)
    draw = draw_module.Draw(image)
    hair = identity.hair
    count = round(HAIRS_PER_BROW * (0.35 + 0.65 * hair.brow_density) * hair.brow_thickness)
    along = np.linspace(0.0, 1.0, len(BROW_LINE))
    for side in (1.0, -1.0):
        t = rng.beta(1.15, 1.25, count)
        x, y, half, lean = (np.interp(t, along, column) for column in BROW_LINE.T)
        across = np.clip(rng.normal(0.0, 0.48, count), -1.0, 1.0)
        # lower hairs lean up, upper hairs lean down: they meet along the centre line
        angle = np.radians(lean - 14.0 * across + rng.normal(0.0, 9.0, count))
        length = rng.uniform(0.045, 0.075, count) * (0.7 + 0.3 * np.sin(np.pi * t))
        hair_dm = length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        root = np.stack([x, y + across * half * hair.brow_thickness], axis=1) - 0.3 * hair_dm
        ends = np.stack([root, root + hair_dm], axis=1)
        pixels = np.stack([(side * ends[..., 0] - X_LOW), Y_HIGH - ends[..., 1]], axis=-1) * PX_PER_DM
        shades, widths = rng.uniform(150, 255, count).astype(int), rng.integers(4, 7, count)
        for line, shade, width in zip(pixels.reshape(-1, 4).tolist(), shades.tolist(), widths.tolist(), strict=True):
            draw.line(line, fill=shade, width=width)
    coverage = np.asarray(image, np.float32) / 255.0
    rows, columns = (side // UNDER_STEP * UNDER_STEP for side in coverage.shape)
    coarse = coverage[:rows, :columns].reshape(rows // UNDER_STEP, UNDER_STEP, columns // UNDER_STEP, UNDER_STEP)
    strength = 0.55 + 0.45 * hair.brow_density
    return BrowCanvas(
        hairs=0.75 * strength * ndimage.gaussian_filter(coverage, 2.2),
        roots=0.30 * strength * ndimage.gaussian_filter(coarse.mean(axis=(1, 3)), 14.0 / UNDER_STEP),
    )


IRIS_PX = 256
IRIS_RADIUS = 0.50
"""Radius of the iris on the eyeball: sine of its half angle (11.7 mm across a ball of 24 mm, Atchison 2016: 0.49)."""
PUPIL_SHARE = 0.36


def iris_texture(identity: FaceIdentity, seed: int) -> np.ndarray:
    """The eyeball from the front, sRGB uint8, shape (256, 256, 3): place is the sine of the angle from the axis."""
    rng = np.random.default_rng(seed + 99)
    axis = (np.arange(IRIS_PX) + 0.5) / IRIS_PX * 2.0 - 1.0
    x, y = np.meshgrid(axis, axis)
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    share = r / IRIS_RADIUS

    age = identity.skin.wrinkle_age_years
    white = np.array([0.815, 0.795, 0.775]) - 0.0006 * max(0.0, age - 30.0) * np.array([0.2, 0.7, 1.5])
    eye = np.repeat(white[None, None, :], IRIS_PX, axis=0).repeat(IRIS_PX, axis=1)
    veins = np.clip(_ring_noise(rng, 57, angle + 0.3 * np.sin(r * 9.0), r * 4.0) - 0.35, 0.0, 1.0)
    eye -= (0.20 * veins * np.clip((r - 0.55) * 2.4, 0.0, 1.0))[..., None] * np.array([0.15, 0.75, 0.7])
    eye -= (np.clip((r - 0.72) * 1.2, 0.0, 0.4))[..., None] * np.array([0.25, 0.75, 0.75])  # pink towards the corners

    colour = np.array(identity.iris_colour)
    fibres = 0.5 * _ring_noise(rng, 138, angle, share * 2.0) + 0.5 * _ring_noise(rng, 282, angle, share * 3.0)
    inner = np.exp(-(((share - 0.48) / 0.14) ** 2))
    iris = colour * (1.0 + 0.40 * fibres - 0.25 * np.clip(share - 0.6, 0, 1))[..., None]
    iris = iris + inner[..., None] * (np.array([0.42, 0.30, 0.16]) - iris) * 0.30  # collarette
    ring = np.clip((share - 0.82) / 0.16, 0.0, 1.0) ** 1.5
    iris *= (1.0 - 0.62 * ring)[..., None]  # limbus
    pupil = np.clip((PUPIL_SHARE + 0.03 - share) / 0.05, 0.0, 1.0)
    iris *= (1.0 - 0.96 * pupil)[..., None]
    inside = np.clip((1.0 - share) / 0.09 + 0.5, 0.0, 1.0)[..., None]
    eye = eye * (1 - inside) + iris * inside
    return np.clip(eye * 255.0, 0, 255).astype(np.uint8)


def _ring_noise(rng: np.random.Generator, rays: int, angle: np.ndarray, outward: np.ndarray) -> np.ndarray:
    """Noise of ``rays`` random values around the circle, changing outwards."""
    lattice = rng.uniform(-1.0, 1.0, (rays, 16)).astype(np.float32)
    places = [angle / (2.0 * np.pi) * rays, outward]
    found: np.ndarray = ndimage.map_coordinates(lattice, places, order=1, mode="grid-wrap")
    return found
