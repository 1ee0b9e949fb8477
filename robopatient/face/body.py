"""Flush, pallor, sweat and tears: where they appear on the skin, as one texture.

It belongs to the template, not to an identity, and is looked up only in frames that show any of it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from robopatient.face.brush import noise
from robopatient.face.cache import cached_arrays
from robopatient.face.mesh import WHEEL_VERSION
from robopatient.face.texels import halve, load_texels, to_image
from robopatient.face.wrinkles import Line, distance_to_line

__all__ = ["body_map"]

BODY_VERSION = 3

FLUSH_ZONES = (
    # centre x, y and radii (dm, template's frontal plane, mirrored), strength: cheeks, nose, chin, forehead
    ((0.42, 6.98), (0.26, 0.26), 1.0),
    ((0.0, 6.98), (0.14, 0.16), 0.9),
    ((0.0, 6.33), (0.18, 0.13), 0.7),
    ((0.20, 7.75), (0.34, 0.20), 0.55),
)
FLUSH_EVERYWHERE = 0.45
"""Pallor and flush reach all skin; these zones most (assumption: by eye, after photographs of blushing)."""

SWEAT_ZONES = (
    # forehead and temples first, then upper lip, nose and under the eyes (Machado-Moreira 2008 maps the forehead)
    ((0.20, 7.78), (0.42, 0.22), 1.0),
    ((0.0, 6.80), (0.20, 0.07), 0.9),
    ((0.0, 7.05), (0.10, 0.20), 0.6),
    ((0.34, 7.12), (0.16, 0.08), 0.6),
    ((0.0, 5.95), (0.50, 0.30), 0.5),
)
BEADS_PER_DM = 42.0
"""Beads of about 2 mm."""

TRACKS = (
    Line([(0.37, 7.20), (0.385, 7.08), (0.375, 6.92), (0.36, 6.76), (0.37, 6.60)], 0.016),
    Line([(0.20, 7.235), (0.185, 7.14), (0.195, 7.02), (0.225, 6.90)], 0.012),
)
"""From the outer and the inner corner of the eye down the cheek; mirrored."""
RIMS = Line([(0.17, 7.27), (0.24, 7.215), (0.31, 7.20), (0.40, 7.215), (0.46, 7.26)], 0.05)


@lru_cache(maxsize=4)
def body_map(halvings: int = 0) -> np.ndarray:
    """Shares 0-1 as uint8, shape (size, size, 4), row 0 at v = 0: blood, sweat, tear tracks, rims red from weeping."""
    image = cached_arrays(f"body-{WHEEL_VERSION}-v{BODY_VERSION}", lambda: {"map": _paint()})["map"]
    return halve(image, halvings)


def _paint() -> np.ndarray:
    texels = load_texels()
    p = texels.position
    x, y = np.abs(p[:, 0]), p[:, 1]
    front = (p[:, 2] > 0.5).astype(np.float32)

    def zones(rows: tuple[tuple[tuple[float, float], tuple[float, float], float], ...]) -> np.ndarray:
        shares = [
            strength * np.exp(-(((x - centre[0]) / radii[0]) ** 2) - ((y - centre[1]) / radii[1]) ** 2)
            for centre, radii, strength in rows
        ]
        found: np.ndarray = np.clip(np.maximum.reduce(shares), 0.0, 1.0) * front
        return found

    blood = FLUSH_EVERYWHERE + (1.0 - FLUSH_EVERYWHERE) * np.maximum(zones(FLUSH_ZONES), 0.9 * texels.ears)
    blood = np.where(texels.lips > 0.3, 0.9, blood) * (0.9 + 0.1 * noise(p, 12.0, 71))
    beads = np.clip((noise(p, BEADS_PER_DM, 72) - 0.25) * 2.2, 0.0, 1.0) ** 1.5
    film = 0.35 + 0.15 * noise(p, 7.0, 73)
    sweat = zones(SWEAT_ZONES) * np.clip(film + beads, 0.0, 1.0) * (1.0 - texels.lips)
    tracks = np.zeros(len(p), np.float32)
    for line in TRACKS:
        distance, along = distance_to_line(x + 0.004 * noise(p, 18.0, 74), y, line)
        width = line.width_dm * (0.75 + 0.5 * along)
        tracks = np.maximum(tracks, np.exp(-((distance / width) ** 4)) * np.clip(1.15 - along, 0.25, 1.0))
    rims = np.exp(-((distance_to_line(x, y, RIMS)[0] / RIMS.width_dm) ** 2))
    rims = np.maximum(rims, 0.8 * np.exp(-((x / 0.14) ** 2) - ((y - 6.97) / 0.13) ** 2))
    shares = np.stack([blood, sweat, tracks * front, rims * front], axis=1) * (1.0 - texels.mouth[:, None])
    return to_image(texels, np.clip(shares, 0.0, 1.0) * 255.0)
