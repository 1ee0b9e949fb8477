"""Simulated patients in any number, balanced exactly over age, sex, ancestry and skin tone.

Skin tone, wrinkles and hair are drawn on their own, so that no label can be told from another.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from robopatient.face.identity import Ancestry, FaceIdentity, Hair, HairStyle, Skin
from robopatient.face.skin import monk_colour

__all__ = ["CELLS", "Cell", "draw_identity", "sample_identities"]

AGE_BANDS = ((6.0, 12.0), (18.0, 39.0), (40.0, 64.0), (65.0, 79.0), (80.0, 96.0))
TONE_BANDS = ((1.0, 3.5), (3.5, 6.5), (6.5, 10.0))
ANCESTRIES = ("african", "asian", "european")


class Cell(NamedTuple):
    """One combination of labels; every cell gets the same number of patients."""

    age_years: tuple[float, float]
    sex: str
    ancestry: str
    monk_tone: tuple[float, float]


CELLS = tuple(Cell(*row) for row in itertools.product(AGE_BANDS, ("female", "male"), ANCESTRIES, TONE_BANDS))

STYLES: dict[str, tuple[HairStyle, ...]] = {
    "female": ("bob", "long", "wavy", "tied", "curly", "short"),
    "male": ("short", "cropped", "curly", "short", "cropped", "none"),
}
BALDING_FROM_YEARS = 40.0
HAIR_SRGB = ((0.07, 0.055, 0.05), (0.17, 0.11, 0.075), (0.30, 0.20, 0.13), (0.45, 0.25, 0.13), (0.60, 0.48, 0.32))
IRIS_SRGB = ((0.15, 0.09, 0.06), (0.22, 0.14, 0.09), (0.28, 0.22, 0.12), (0.27, 0.36, 0.28), (0.34, 0.44, 0.52))
SHAPES = (
    "nose/nose-hump", "nose/nose-volume", "nose/nose-scale-horiz", "cheek/cheek-bones", "cheek/cheek-volume",
    "mouth/mouth-scale-horiz", "mouth/mouth-upperlip-height", "chin/chin-width", "neck/neck-scale-horiz",
    "eyes/eye-bag",
)  # fmt: skip
"""Sliders that are drawn; a sum of a few of them makes every face its own."""
SHAPE_SD, SHAPE_LIMIT = 0.25, 0.6
BROW_LIGHTEST = 0.5
"""Brows against skin, encoded: hair may be dyed or white on any skin, but no brow is lighter than the skin under it."""


def sample_identities(count: int, seed: int) -> list[FaceIdentity]:
    """Patients of a seed: cell counts differ by one at most, and are equal when ``count`` is a multiple of all cells.

    The first patients of a longer list are those of a shorter one.
    """
    rng = np.random.default_rng(seed)
    identities: list[FaceIdentity] = []
    while len(identities) < count:
        for index in rng.permutation(len(CELLS)):
            identities.append(draw_identity(CELLS[index], len(identities), seed))
    return identities[:count]


def draw_identity(cell: Cell, number: int, seed: int) -> FaceIdentity:
    """The patient of a number and a seed within a cell, whoever else is drawn."""
    rng = np.random.default_rng([seed, number])
    age = float(rng.uniform(*cell.age_years))
    male = cell.sex == "male"
    share = float(rng.uniform(0.65, 1.0))
    others = [name for name in ANCESTRIES if name != cell.ancestry]
    mix = {cell.ancestry: share, others[int(rng.integers(2))]: 1.0 - share}
    grey = float(np.clip((age - rng.uniform(35.0, 60.0)) / 35.0, 0.0, 1.0))
    style: HairStyle = STYLES[cell.sex][int(rng.integers(6))]
    if male and age > BALDING_FROM_YEARS and rng.random() < 0.35:
        style = "balding"
    if style == "none" and age < BALDING_FROM_YEARS / 2:
        style = "short"
    colour = HAIR_SRGB[int(rng.integers(len(HAIR_SRGB)))]
    shape = {
        name: float(np.clip(rng.normal(0.0, SHAPE_SD), -SHAPE_LIMIT, SHAPE_LIMIT))
        for name in rng.choice(SHAPES, 5, replace=False)
    }
    if "eyes/eye-bag" in shape:
        shape["eyes/eye-bag"] = abs(shape["eyes/eye-bag"]) * min(1.0, age / 60.0)
    tone = float(rng.uniform(*cell.monk_tone))
    skin_srgb = np.sqrt(monk_colour(tone)).tolist()
    brow = [
        min(0.55 * grey * 0.6 + (1.0 - 0.55 * grey) * 0.85 * channel, BROW_LIGHTEST * own)
        for channel, own in zip(colour, skin_srgb, strict=True)
    ]
    return FaceIdentity(
        name=f"sample-{seed}-{number:05d}",
        description=f"{cell.sex}, {age:.0f}, mostly {cell.ancestry}, Monk tone {tone:.1f}",
        age_years=age,
        sex=float(rng.uniform(0.85, 1.0) if male else rng.uniform(0.0, 0.15)),
        ancestry=Ancestry(**mix),
        weight=float(np.clip(rng.normal(0.1, 0.3), -0.6, 0.8)),
        muscle=float(np.clip(rng.normal(0.0, 0.2), -0.5, 0.5)),
        iris_colour=IRIS_SRGB[int(rng.integers(len(IRIS_SRGB)))],
        shape=shape,
        skin=Skin(
            monk_tone=tone,
            redness=float(rng.uniform(0.1, 0.7)),
            wrinkle_age_years=float(np.clip(age + rng.normal(0.0, 6.0), 4.0, 100.0)),
            spots=float(np.clip((age - 45.0) / 50.0 + rng.normal(0.0, 0.15), 0.0, 1.0)),
            freckles=float(np.clip(rng.normal(-0.2, 0.4), 0.0, 1.0)) if tone < TONE_BANDS[0][1] else 0.0,
            stubble=float(rng.uniform(0.0, 0.7)) if male and age > 17.0 else 0.0,
            lip_colour=float(rng.uniform(0.3, 0.65)),
        ),
        hair=Hair(
            style=style,
            colour=colour,
            grey=grey,
            brow_colour=(brow[0], brow[1], brow[2]),
            brow_density=float(rng.uniform(0.5, 0.85)),
            brow_thickness=float(rng.uniform(0.85, 1.25)) * (1.1 if male else 0.95),
            lashes=float(rng.uniform(0.3, 0.65)),
        ),
    )
