"""A data set's design: which people in which cells show what, seen from where; read from a TOML file and checked.

Balance is exact by construction: the people asked for must be a multiple of all cells times the parts of the split.
"""

from __future__ import annotations

import hashlib
import itertools
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from robopatient.config import asset_path, decode_toml
from robopatient.errors import ConfigError
from robopatient.face.generator.condition import Archetype
from robopatient.face.light import LIGHTS, VIEWS, Background, LightName, ViewName

__all__ = ["AGES", "SKINS", "SPLITS", "CrossedAttributes", "DatasetDesign", "DatasetPerson", "Shot", "load_design"]

AGES = {
    "child": (6.0, 12.0), "adult": (18.0, 39.0), "middle": (40.0, 64.0), "old": (65.0, 79.0), "oldest": (80.0, 96.0),
}  # fmt: skip
"""Years; the bands of the identity sampler."""
SKINS = {"light": (1.0, 3.5), "medium": (3.5, 6.5), "dark": (6.5, 10.0)}
"""Monk Skin Tone."""
SEXES = ("female", "male")
ANCESTRIES = ("african", "asian", "european")
SPLITS = ("train", "validation", "test")

Age = Literal["child", "adult", "middle", "old", "oldest"]
Sex = Literal["female", "male"]
AncestryName = Literal["african", "asian", "european"]
SkinName = Literal["light", "medium", "dark"]
Carrier = Archetype | Literal["prototype"]
"""What pain is carried by: an archetype of the generator's, or everything at once."""
Other = Literal["happy", "disgust", "fear", "speech"]
Nrs = Annotated[float, Meta(gt=0, le=10)]


class DesignSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the sections of a design file."""


class CrossedAttributes(DesignSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Attributes that are crossed; those left out are spread evenly over the people instead."""

    people: Annotated[int, Meta(ge=1, le=1_000_000)]
    age: tuple[Age, ...] = ()
    sex: tuple[Sex, ...] = ()
    ancestry: tuple[AncestryName, ...] = ()
    skin: tuple[SkinName, ...] = ()


class SplitShares(DesignSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shares of whole people in small whole numbers: 3, 1, 1 is 60 %, 20 %, 20 % of every cell."""

    train: Annotated[int, Meta(ge=0, le=100)] = 1
    validation: Annotated[int, Meta(ge=0, le=100)] = 0
    test: Annotated[int, Meta(ge=0, le=100)] = 0


class Show(DesignSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every person does: neutral once, pain at every level in every archetype, and what is not pain."""

    pain_nrs: tuple[Nrs, ...] = (3.0, 6.0, 9.0)
    archetypes: tuple[Carrier, ...] = ("prototype",)
    expressiveness: tuple[Annotated[float, Meta(gt=0, le=2)], ...] = (1.0,)
    other: tuple[Other, ...] = ("happy", "disgust", "fear", "speech")


class PictureDesign(DesignSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How it is seen and stored."""

    form: Literal["stills", "sequences"] = "stills"
    views: tuple[ViewName, ...] = ("frontal", "left", "right")
    lights: tuple[LightName, ...] = ("window",)
    background: Background = "wall"
    size_px: Annotated[int, Meta(ge=64, le=2048, multiple_of=2)] = 512
    label_px: Annotated[int, Meta(ge=16, le=512)] = 128
    """Side of the region masks and displacement maps."""
    file: Literal["jpg", "png", "mp4", "mkv"] = "jpg"
    """Stills are jpg or png, sequences mp4 (H.264 with sound) or mkv (FFV1, lossless, sound beside it)."""
    seconds: Annotated[float, Meta(ge=0.5, le=60)] = 3.0
    fps: Annotated[float, Meta(ge=5, le=60)] = 30.0
    engine: str = "blend"
    """What moves the face of sequences: the generator's lineage."""
    renderer: Literal["gl", "numba"] = "gl"


class Extra(DesignSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Further layouts of the same items."""

    webdataset: bool = False
    shard_items: Annotated[int, Meta(ge=1)] = 1000
    bids: bool = False


class DatasetPerson(NamedTuple):
    """A person to draw: number in the data set, cell, split and drawing seed."""

    number: int
    age: str
    sex: str
    ancestry: str
    skin: str
    split: str

    @property
    def name(self) -> str:
        """Used in every path and row."""
        return f"p{self.number:05d}"


class Shot(NamedTuple):
    """One thing that a person shows."""

    number: int
    kind: str
    """"neutral", "pain" or a non-pain expression."""
    nrs: float
    archetype: str
    expressiveness: float


class DatasetDesign(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A design file."""

    title: str
    seed: Annotated[int, Meta(ge=0, lt=2**31)]
    balance: CrossedAttributes
    split: SplitShares = SplitShares()
    show: Show = Show()
    picture: PictureDesign = PictureDesign()
    extra: Extra = Extra()

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides what is drawn."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    def cells(self) -> list[tuple[str, ...]]:
        """Crossed attributes, in the order age, sex, ancestry, skin; "" stands for one that is spread."""
        axes = (self.balance.age, self.balance.sex, self.balance.ancestry, self.balance.skin)
        return list(itertools.product(*(axis or ("",) for axis in axes)))

    def people(self) -> list[DatasetPerson]:
        """All people, the same number in every cell of every split.

        What is not crossed is dealt out like cards within each split: counts differ by one at most, and no two
        attributes go hand in hand.
        """
        cells, order = self.cells(), self._split_order()
        rounds = self.balance.people // len(cells)
        turns = [(turn, cell) for turn in range(rounds) for cell in cells]
        rows = [[*cell, order[turn % len(order)]] for turn, cell in turns]
        rng = np.random.default_rng([self.seed, 1])
        for axis, values in enumerate((tuple(AGES), SEXES, ANCESTRIES, tuple(SKINS))):
            for split in SPLITS:
                mine = [row for row in rows if row[4] == split and not row[axis]]
                for deal, index in enumerate(rng.permutation(len(mine))):
                    mine[index][axis] = values[deal % len(values)]
        return [DatasetPerson(number, *row) for number, row in enumerate(rows)]

    def shots(self) -> list[Shot]:
        """What every person shows, in order."""
        show = self.show
        rows = [("neutral", 0.0, "", 1.0)]
        rows += [
            ("pain", nrs, a, e) for nrs, a, e in itertools.product(show.pain_nrs, show.archetypes, show.expressiveness)
        ]
        rows += [(other, 0.0, "", 1.0) for other in show.other]
        return [Shot(number, *row) for number, row in enumerate(rows)]

    @property
    def frames_a_person(self) -> int:
        """Labelled frames of one person."""
        looks = len(self.picture.views) * len(self.picture.lights)
        a_shot = 1 if self.picture.form == "stills" else round(self.picture.seconds * self.picture.fps)
        return len(self.shots()) * looks * a_shot

    def _split_order(self) -> list[str]:
        return [name for name in SPLITS for _ in range(getattr(self.split, name))]


def load_design(name: str) -> DatasetDesign:
    """Design of ``assets/datasets`` or of a file of one's own.

    Raises
    ------
    AssetError, ConfigError
        Naming the file, the key and what to write instead.
    """
    path = asset_path("datasets", name)
    design = decode_toml(path, DatasetDesign)
    for section in ("balance", "show", "picture"):
        part = getattr(design, section)
        for field in part.__struct_fields__:
            values = getattr(part, field)
            if isinstance(values, tuple) and len(set(values)) != len(values):
                raise ConfigError(f"{path}: {section}.{field} names something twice: {', '.join(map(str, values))}")
    for field, known in (("views", VIEWS), ("lights", LIGHTS)):
        if not getattr(design.picture, field):
            raise ConfigError(f"{path}: picture.{field} is empty; choose among {', '.join(known)}")
    parts = design.split.train + design.split.validation + design.split.test
    if parts == 0:
        raise ConfigError(f"{path}: split: all shares are 0; write for example train = 1")
    unit = len(design.cells()) * parts
    if design.balance.people % unit:
        fewer = design.balance.people // unit * unit
        options = f"{fewer} or {fewer + unit}" if fewer else f"{unit}"
        raise ConfigError(
            f"{path}: balance.people = {design.balance.people} cannot be balanced: {len(design.cells())} cells, split "
            f"{design.split.train}:{design.split.validation}:{design.split.test}, need a multiple of {unit}; "
            f"write {options}"
        )
    stills = design.picture.form == "stills"
    if stills != (design.picture.file in ("jpg", "png")):
        raise ConfigError(
            f"{path}: picture.file = {design.picture.file!r} does not hold {design.picture.form}; "
            f"write {'jpg or png' if stills else 'mp4 or mkv'}"
        )
    if design.picture.background == "transparent" and design.picture.file != "png":
        raise ConfigError(f"{path}: picture.background = 'transparent' needs picture.file = 'png'")
    if not (design.show.pain_nrs and design.show.archetypes and design.show.expressiveness):
        raise ConfigError(f"{path}: show: pain_nrs, archetypes and expressiveness each need a value")
    return design
