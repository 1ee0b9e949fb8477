"""The look for back projection on a mask: bright, flat skin on which brows, lips and folds stand out.

A mask scatters light: black turns grey and fine differences drown, so what carries the expression is exaggerated and
the rest left out.
"""

from __future__ import annotations

import numpy as np

from robopatient.face.skin import SkinMaps, monk_colour

__all__ = ["masked"]

BRIGHTNESS = 0.56
"""Linear albedo of plain skin, whatever its tone: a projector gives dark skin too little light to fold (assumption)."""
CONTRAST = 2.2
"""Power on the ratio of a texel's colour to plain skin: brows and lips go darker, blemishes hardly show."""
WARMTH = np.array([1.08, 0.98, 0.88], np.float32)
SMALL = 0.12
"""Differences up to this share of plain skin (spots, uneven blood) are left out."""
CREASE = 1.9
SLOPE = 1.25


def masked(maps: SkinMaps, monk_tone: float) -> SkinMaps:
    """Textures of the look, made of an identity's own."""
    base = monk_colour(monk_tone)
    colour = (maps.albedo[..., :3].astype(np.float32) / 255.0) ** 2
    ratio = colour.mean(axis=-1, keepdims=True) / float(base.mean())
    ratio = np.minimum(ratio + SMALL, 1.0) ** CONTRAST  # what is lighter than skin (grey stubble) is left out
    tint = colour / np.maximum(colour.mean(axis=-1, keepdims=True), 1e-4)
    tint = np.minimum(
        tint / (base / base.mean()), tint[..., :1] / (base[0] / base.mean())
    )  # lips stay red, nothing blue
    plain = BRIGHTNESS * ratio * (0.35 + 0.65 * tint) * WARMTH
    albedo = maps.albedo.copy()
    albedo[..., :3] = np.clip(np.sqrt(np.clip(plain, 0.0, 1.0)) * 255.0, 0, 255)
    albedo[..., 3] //= 3  # no highlight wanders over a mask
    detail, layers = maps.detail.copy(), maps.layers
    detail[..., :2] = 127 + (detail[..., :2].astype(np.int16) - 127) // 2  # no pores
    detail[..., 2:] = np.clip(detail[..., 2:].astype(np.float32) * CREASE, 0, 255)
    layers = np.clip(127.5 + (layers.astype(np.float32) - 127.5) * SLOPE, 0, 255).astype(np.uint8)
    return SkinMaps(albedo, layers, detail, maps.iris)
