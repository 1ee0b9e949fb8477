"""Who the patient is: one TOML under ``assets/faces`` per face, checked on reading, turned into mesh targets.

Age, wrinkles, skin tone and hair are independent labels: the archetypes of the mesh give shape only.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from robopatient.config import asset_path, decode_toml
from robopatient.errors import ConfigError
from robopatient.face.mesh import target_names

__all__ = ["Body", "FaceIdentity", "HairStyle", "load_identity", "target_weights"]

Share = Annotated[float, Meta(ge=0, le=1)]
Signed = Annotated[float, Meta(ge=-1, le=1)]
Channel = Annotated[float, Meta(ge=0, le=1)]
Colour = tuple[Channel, Channel, Channel]
HairStyle = Literal["none", "cropped", "short", "balding", "curly", "bob", "long", "wavy", "tied"]


class Ancestry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mix of the mesh's three shape archetypes, an artist's and no measured model of people; any positive scale."""

    african: Share = 0.0
    asian: Share = 0.0
    european: Share = 0.0


class Skin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Colour and texture of the skin."""

    monk_tone: Annotated[float, Meta(ge=1, le=10)]
    """Monk Skin Tone scale; fractions lie between the swatches."""
    redness: Share = 0.4
    """Blood in cheeks, nose and ears."""
    wrinkle_age_years: Annotated[float, Meta(ge=0, le=100)] = 40.0
    """Age that the lines at rest show."""
    spots: Share = 0.0
    """Age spots and uneven pigment."""
    freckles: Share = 0.0
    stubble: Share = 0.0
    lip_colour: Share = 0.5
    """0 pale, 1 full."""


class Hair(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Scalp hair, brows and lashes. Colours are sRGB 0-1."""

    style: HairStyle
    colour: Colour
    grey: Share = 0.0
    """Share of grey hairs."""
    brow_colour: Colour
    brow_density: Share = 0.7
    brow_thickness: Annotated[float, Meta(ge=0.4, le=1.6)] = 1.0
    lashes: Share = 0.6


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How easily pain shows on the skin: what lasting pain of 10 leads to, 0 to 1."""

    flushes: Share = 0.35
    pales: Share = 0.0
    """Against ``flushes``: who pales more than he flushes goes white."""
    sweats: Share = 0.4
    weeps: Share = 0.15


class FaceIdentity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A face.

    Attributes
    ----------
    sex
        0 female to 1 male, of the shape.
    weight, muscle
        -1 least, 0 average, 1 most.
    shape
        Local targets by name without side and direction, -1 to 1: ``"nose/nose-hump" = 0.4``.
    """

    name: str
    description: str
    age_years: Annotated[float, Meta(ge=4, le=100)]
    sex: Share
    ancestry: Ancestry
    skin: Skin
    hair: Hair
    iris_colour: Colour
    weight: Signed = 0.0
    muscle: Signed = 0.0
    shape: dict[str, Signed] = {}
    body: Body = Body()

    def digest(self) -> str:
        """Hash of every field that geometry and textures depend on: part of the key of anything baked from it."""
        baked = msgspec.to_builtins(self)
        del baked["body"]
        return hashlib.sha256(msgspec.json.encode(baked, order="sorted")).hexdigest()[:16]


def load_identity(name: str) -> FaceIdentity:
    """Identity of that name under ``assets/faces``, or of a user's own TOML file.

    Raises
    ------
    AssetError
        When there is no such file.
    ConfigError
        Naming the file and the key that is unknown or out of range.
    """
    path = asset_path("faces", name)
    identity: FaceIdentity = decode_toml(path, FaceIdentity)
    if identity.ancestry.african + identity.ancestry.asian + identity.ancestry.european <= 0.0:
        raise ConfigError(f"{path}: `ancestry` is all 0; give at least one of african, asian, european")
    return identity


AGE_ANCHORS = (("child", 10.0), ("young", 25.0), ("old", 90.0))
"""Ages of MakeHuman's archetypes, years; below 10 the child is carried on a little further away from the adult."""
YOUNGEST = -0.35
"""How far (assumption: at 4 years about a third of the way beyond the child)."""

DIRECTIONS = (
    ("incr", "decr"), ("up", "down"), ("out", "in"), ("forward", "backward"), ("convex", "concave"),
    ("compress", "uncompress"),
)  # fmt: skip
"""Suffixes of the two targets of one slider: for values above and below 0."""


def target_weights(identity: FaceIdentity) -> dict[str, float]:
    """Weights of the mesh's identity targets: archetypes as products of piecewise linear factors, then local shapes.

    The rule is MakeHuman's: age x sex x ancestry for the archetypes, age x sex x muscle x weight for the body.
    """
    ages = _age_shares(identity.age_years)
    sexes = {"female": 1.0 - identity.sex, "male": identity.sex}
    mix = {
        "african": identity.ancestry.african,
        "asian": identity.ancestry.asian,
        "caucasian": identity.ancestry.european,
    }
    total = sum(mix.values())
    weights: dict[str, float] = {}
    for age, age_share in ages.items():
        for sex, sex_share in sexes.items():
            share = age_share * sex_share
            for race, part in mix.items():
                weights[f"macrodetails/{race}-{sex}-{age}"] = share * part / total
            for muscle, muscle_share in _three_way(identity.muscle).items():
                for weight, weight_share in _three_way(identity.weight).items():
                    key = f"macrodetails/universal-{sex}-{age}-{muscle}muscle-{weight}weight"
                    weights[key] = share * muscle_share * weight_share
    for slider, value in identity.shape.items():
        for target in _slider_targets(slider, value, identity.name):
            weights[target] = abs(value)
    return {name: weight for name, weight in weights.items() if weight != 0.0}


def _age_shares(age_years: float) -> dict[str, float]:
    (_, child), (_, young), (_, old) = AGE_ANCHORS
    if age_years < young:
        grown = max((age_years - child) / (young - child), YOUNGEST)
        return {"child": 1.0 - grown, "young": grown}
    aged = min((age_years - young) / (old - young), 1.0)
    return {"young": 1.0 - aged, "old": aged}


def _three_way(value: float) -> dict[str, float]:
    return {"min": max(0.0, -value), "average": 1.0 - abs(value), "max": max(0.0, value)}


def _slider_targets(slider: str, value: float, owner: str) -> list[str]:
    """Target files of one slider: both sides where there are sides, one of two directions where there are two."""
    folder, _, stem = slider.partition("/")
    known = target_names(folder)
    stems = [stem] if not any(name.startswith(f"l-{stem}") for name in known) else [f"l-{stem}", f"r-{stem}"]
    for up, down in DIRECTIONS:
        names = [f"{name}-{up if value > 0 else down}" for name in stems]
        if all(name in known for name in names):
            return [f"{folder}/{name}" for name in names]
    if value >= 0 and all(name in known for name in stems):
        return [f"{folder}/{name}" for name in stems]
    raise ConfigError(
        f'face "{owner}": shape "{slider}" = {value:g} is no target of the mesh; {folder}/ has '
        f"{', '.join(known[:12]) or 'nothing'}, …"
    )
