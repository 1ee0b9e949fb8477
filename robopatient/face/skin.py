"""The skin, painted once per identity: colour, pores, lines of age, and two layers of wrinkles waiting for AUs.

Everything is painted in the space of the template head, so every identity folds and blushes in the same places. The
renderers only look the textures up: noise per fragment would cost ten times as much on a CPU.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from robopatient.face.brush import blend, noise, spot, tint
from robopatient.face.identity import FaceIdentity
from robopatient.face.light import encode, linear
from robopatient.face.paint import brow_canvas, iris_texture
from robopatient.face.texels import Texels, load_texels, slope_bytes, to_image

__all__ = ["SkinMaps", "bake_skin", "hair_coverage", "monk_colour"]

MONK_SRGB = np.array(
    [
        [246, 237, 228], [243, 231, 219], [247, 234, 208], [234, 218, 186], [215, 189, 150],
        [160, 126, 86], [130, 92, 67], [113, 80, 61], [96, 68, 53], [81, 58, 48],
    ],
    np.float32,
) / 255.0  # fmt: skip
"""Monk Skin Tone scale: its swatches (Monk 2023, skintone.google) up to 7.

The last three swatches, (96, 65, 52), (58, 49, 42) and (41, 36, 32), are colours of pictures and no albedos: at 2 to
5 % they give back less light than skin does, and in the light of a portrait nothing could be read on them. Here they
are spread between the seventh and half way from the eighth to the ninth (assumption: by eye).
"""

LIGHT_BLOOD = np.array([0.90, 0.76, 0.68], np.float32)
DARK_BLOOD = np.array([0.98, 0.96, 0.96], np.float32)
"""The swatches leave out the blood, which shows more through light skin (assumption: by eye)."""

DARK_FROM_TONE = 5.0
"""Monk tone from which folds are drawn steeper and deeper: little light comes back from dark skin, and the eye reads
its folds by their highlights, which a picture of eight bits flattens (assumption: by eye)."""


STEEPER, DEEPER = 0.35, 0.8
DARK_STEPS = 4


class SkinMaps(NamedTuple):
    """Textures of one identity, uint8, row 0 at v = 0.

    Attributes
    ----------
    albedo
        (size, size, 4): sRGB colour; alpha is gloss (0 matte, 1 wet).
    layers
        (size, size, 4): slopes of wrinkle layer 0 (two channels) and layer 1.
    detail
        (size, size, 4): slopes of the lines at rest and pores; crease shade of layers 0 and 1.
    iris
        (256, 256, 3): eyeball seen from the front, sRGB; the cornea's axis in the middle.
    """

    albedo: np.ndarray
    layers: np.ndarray
    detail: np.ndarray
    iris: np.ndarray


def bake_skin(identity: FaceIdentity) -> SkinMaps:
    """Paint the textures of an identity (a second or two)."""
    texels = load_texels()
    seed = int(identity.digest()[:8], 16)
    age = float(np.clip((identity.skin.wrinkle_age_years - 25.0) / 55.0, 0.0, 1.2))
    colour, gloss = _albedo(identity, texels, seed)
    colour *= (1.0 - 0.35 * age * texels.age_crease.astype(np.float32))[:, None]
    dark = round(DARK_STEPS * _dark(identity.skin.monk_tone)) / DARK_STEPS
    lines = (1.0 + STEEPER * dark) * age * texels.age_slopes.astype(np.float32)
    slopes = slope_bytes(lines + _pores(texels, identity, seed))
    creases = texels.creases * np.float32(255.0 * (1.0 + DEEPER * dark))
    return SkinMaps(
        albedo=to_image(texels, np.concatenate([encode(colour), gloss[:, None]], axis=1) * 255.0),
        layers=_layers(dark),
        detail=to_image(texels, np.concatenate([slopes, creases], axis=1)),
        iris=iris_texture(identity, seed),
    )


@lru_cache(maxsize=DARK_STEPS + 1)
def _layers(dark: float) -> np.ndarray:
    """Slopes of both wrinkle layers: the same for all of about one darkness."""
    texels = load_texels()
    return to_image(texels, slope_bytes((1.0 + STEEPER * dark) * texels.layer_slopes.astype(np.float32)))


def _dark(tone: float) -> float:
    """How far a Monk tone is into the dark half of the scale, 0-1."""
    return float(np.clip((tone - DARK_FROM_TONE) / 4.0, 0.0, 1.0))


def monk_colour(tone: float) -> np.ndarray:
    """Linear albedo of a Monk tone, 1 to 10; swatches are warmed a little, because they leave out the blood."""
    swatches = linear(MONK_SRGB)
    place = np.clip(tone, 1.0, 10.0) - 1.0
    low = min(int(place), 8)
    colour = swatches[low] + (place - low) * (swatches[low + 1] - swatches[low])
    light = float(np.clip((7.0 - tone) / 3.0, 0.0, 1.0))
    return np.asarray(colour * (light * LIGHT_BLOOD + (1.0 - light) * DARK_BLOOD), np.float32)


def _albedo(identity: FaceIdentity, texels: Texels, seed: int) -> tuple[np.ndarray, np.ndarray]:
    skin, hair = identity.skin, identity.hair
    p = texels.position
    base = monk_colour(skin.monk_tone)
    lightness = float(base.mean()) / 0.5
    colour = np.repeat(base[None, :], len(p), axis=0).astype(np.float32)

    broad, middle, fine = noise(p, 3.0, seed), noise(p, 9.0, seed + 1), noise(p, 30.0, seed + 2)
    colour *= (1.0 + 0.03 * broad + 0.02 * middle + 0.03 * fine)[:, None]
    tint(colour, 0.5 + 0.3 * middle + 0.2 * fine, (1.015, 0.975, 0.965))  # uneven blood

    blood = skin.redness * (
        0.9 * spot(p, (0.40, 6.98), (0.20, 0.20))
        + 0.9 * spot(p, (0.0, 6.95), (0.16, 0.13))
        + 0.35 * spot(p, (0.0, 6.33), (0.16, 0.10))
        + 0.8 * texels.ears
    )
    tint(colour, blood * (0.85 + 0.10 * middle + 0.15 * fine), (0.97, 0.73, 0.69))
    socket = 1.0 + 1.2 * _dark(skin.monk_tone)  # the darker the skin, the more pigment about the eyes
    tint(colour, socket * 0.30 * spot(p, (0.31, 7.18), (0.17, 0.07)), (0.86, 0.74, 0.76))  # under the eyes
    tint(colour, socket * 0.22 * spot(p, (0.33, 7.38), (0.19, 0.06)), (0.86, 0.74, 0.72))  # upper lids
    tint(colour, 0.35 * spot(p, (0.175, 7.275), (0.035, 0.03)), (0.95, 0.62, 0.58))  # inner corners

    if skin.spots > 0.0:
        lentigines = np.clip((noise(p, 11.0, seed + 4) - 0.58 + 0.08 * fine) * 7.0, 0.0, 1.0)
        lentigines *= spot(p, (0.50, 7.15), (0.32, 0.60)) + 0.5 * spot(p, (0.22, 7.80), (0.35, 0.20))
        tint(colour, skin.spots * 0.60 * lentigines, (0.76, 0.62, 0.50))
        tint(colour, skin.spots * 0.22 * np.clip(broad, 0.0, 1.0), (0.93, 0.84, 0.80))
    if skin.freckles > 0.0:
        dots = np.clip((noise(p, 45.0, seed + 7) - 0.45) * 4.0, 0.0, 1.0)
        tint(colour, skin.freckles * dots * spot(p, (0.25, 7.05), (0.35, 0.30)), (0.80, 0.64, 0.52))

    if skin.stubble > 0.0:
        beard = _beard(p) * (1.0 - texels.lips)
        dots = 0.55 + 0.45 * np.clip(noise(p, 60.0, seed + 8) * 2.0, -1.0, 1.0)
        dark = np.array(hair.colour, np.float32) * (1 - hair.grey) + 0.55 * hair.grey
        blend(colour, 0.55 * skin.stubble * beard * dots, linear(dark * 0.9))

    lip_tone = (0.95, 0.56, 0.60) if lightness > 0.5 else (0.88, 0.58, 0.64)
    lips = np.clip(texels.lips * 1.15, 0.0, 1.0)
    tint(colour, lips * (0.45 + 0.55 * skin.lip_colour), lip_tone)
    tint(colour, lips * 0.25 * (0.5 + 0.5 * noise(p * [3.0, 0.5, 1.0], 22.0, seed + 9)), (0.85, 0.78, 0.78))

    colour[texels.mouth] = np.array([0.36, 0.10, 0.09], np.float32) * (1.0 + 0.15 * fine[texels.mouth, None])

    brows = brow_canvas(identity, seed)
    brow = brows.sample(p, texels.normal)
    blend(colour, brow, linear(np.array(hair.brow_colour, np.float32)))

    cover = np.clip(hair_coverage(identity, p, noise(p, 16.0, seed + 10)) * (1.0 - texels.ears), 0.0, 1.0)
    cover *= 0.75 + 0.25 * noise(p, 50.0, seed + 11)
    scalp = linear(np.array(hair.colour, np.float32) * (1 - hair.grey) + np.array([0.62, 0.61, 0.60]) * hair.grey)
    cover = np.clip(cover, 0.0, 0.92)
    blend(colour, cover, scalp.astype(np.float32) * (0.75 + 0.25 * fine[:, None]))

    gloss = 0.30 + 0.22 * spot(p, (0.0, 7.75), (0.35, 0.25)) + 0.30 * spot(p, (0.0, 7.05), (0.10, 0.25))
    gloss += 0.10 * spot(p, (0.36, 7.08), (0.15, 0.12)) + 0.10 * fine
    gloss = np.where(lips > 0.3, 0.62, gloss) * (1.0 - 0.8 * cover) * (1.0 - 0.9 * brow)
    return np.clip(colour, 0.003, 1.0), gloss


def _beard(p: np.ndarray) -> np.ndarray:
    """Where a beard grows: moustache, chin, jaw and the upper neck, 0-1."""
    x, y = np.abs(p[:, 0]), p[:, 1]
    upper = 6.80 + 0.55 * np.clip(x - 0.25, 0.0, 1.0)  # edge rises from the moustache to the side-burns
    below = np.clip((upper - y) / 0.10, 0.0, 1.0)
    above_neck = np.clip((y - 5.95) / 0.25, 0.0, 1.0)
    return below * above_neck * (p[:, 2] > 0.35)


FRONT_HAIRLINE_DM = ((0.0, 7.99), (0.25, 8.0), (0.50, 7.97), (0.72, 7.88), (0.90, 7.70), (1.05, 7.45), (1.2, 7.20),
                     (1.38, 7.16), (1.5, 7.36), (1.85, 7.36), (2.05, 7.0), (2.5, 6.72), (3.15, 6.6))  # fmt: skip
"""Lower edge of the hair: angle around the head (0 in front, rad) and template height (dm); after the facial thirds."""
BALD_TOP_DM = ((0.0, 6.0), (0.95, 6.0), (1.1, 7.62), (1.5, 7.75), (2.2, 7.85), (3.15, 7.9))
"""Upper edge of a horseshoe of hair."""


def hair_coverage(identity: FaceIdentity, position: np.ndarray, wobble: np.ndarray) -> np.ndarray:
    """How much of the skin hair covers at template positions, 0-1."""
    style = identity.hair.style
    if style == "none":
        return np.zeros(len(position), np.float32)
    angle = np.arctan2(np.abs(position[:, 0]), position[:, 2] - 0.55)
    edge = np.interp(angle, *np.array(FRONT_HAIRLINE_DM).T)
    if identity.sex > 0.5:
        edge += 0.05 * np.exp(-(((angle - 0.55) / 0.25) ** 2))  # receding temples
    soft = {"cropped": 0.05, "balding": 0.10}.get(style, 0.07)
    cover = np.clip((position[:, 1] - edge + 0.05 * wobble) / soft, 0.0, 1.0)
    if style == "balding":
        top = np.interp(angle, *np.array(BALD_TOP_DM).T)
        cover *= 0.12 + 0.88 * np.clip((top - position[:, 1] + 0.08 * wobble) / 0.16, 0.0, 1.0)
    return cover


def _pores(texels: Texels, identity: FaceIdentity, seed: int) -> np.ndarray:
    """Slopes of pores and fine lines: stronger in older skin; lips have furrows instead."""
    p = texels.position
    strength = 0.10 + 0.0012 * identity.skin.wrinkle_age_years
    slopes = np.stack([noise(p, 55.0, seed + 20), noise(p, 55.0, seed + 21)], axis=1)
    slopes += 0.35 * np.stack([noise(p, 24.0, seed + 22), noise(p, 24.0, seed + 23)], axis=1)
    slopes *= strength * (1.0 - 0.8 * texels.lips)[:, None]
    slopes[:, 0] += 0.28 * texels.lips * noise(p * [2.6, 0.35, 1.0], 26.0, seed + 24)
    return slopes
