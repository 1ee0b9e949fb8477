"""Presets of the voice: tables from pain to voice, read from published data.

Each preset is a TOML file under ``assets/expressions`` and tells its sources.
"""

from __future__ import annotations

import typing
from functools import cache
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from robopatient.config import Fraction, asset_path, decode_toml
from robopatient.errors import ConfigError
from robopatient.levels import INAUDIBLE_DB, MAX_NRS
from robopatient.messages import VoiceAsk

__all__ = ["FOLLOWED", "Anchor", "Preset", "ask_for", "load_preset"]

FOLLOWED = tuple(name for name, kind in typing.get_type_hints(VoiceAsk).items() if kind is float)
"""Fields of ``VoiceAsk`` that are linear in pain between two anchors."""


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the voice does at one level of shown pain; between anchors everything is linear.

    ``level_db`` is told relative to the voice's loudest cry; the f0 as offset from the identity's habitual speaking
    f0 (120 Hz men, 210 Hz women), because a moan lies further above a woman's speech than above a man's. What
    ``VoiceAsk`` has besides and a preset does not tell keeps its default there.
    """

    nrs: Annotated[float, Meta(ge=0, le=MAX_NRS)]
    level_db: Annotated[float, Meta(ge=INAUDIBLE_DB, le=0)]
    f0_male_semitones: float
    f0_female_semitones: float
    roughness: Fraction
    breathiness: Fraction

    def ask(self, f0_semitones: float) -> VoiceAsk:
        """The wish at this anchor, with the f0 of the person."""
        return msgspec.convert(msgspec.structs.asdict(self) | {"f0_semitones": f0_semitones}, VoiceAsk)


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A preset file."""

    title: str
    anchors: Annotated[tuple[Anchor, ...], Meta(min_length=2)]


def load_preset(name: str) -> Preset:
    """Preset of ``assets/expressions`` or of a user's file.

    Raises
    ------
    AssetError, ConfigError
        Naming the file and the value that is wrong.
    """
    path = asset_path("expressions", name)
    preset = decode_toml(path, Preset)
    for left, right in zip(preset.anchors, preset.anchors[1:], strict=False):
        if left.nrs >= right.nrs:
            raise ConfigError(
                f"{path}: anchors: nrs {right.nrs:g} follows nrs {left.nrs:g}; write them in rising order"
            )
    return preset


def ask_for(nrs: float, sex: str, preset: str = "literature") -> VoiceAsk:
    """What a preset asks of a voice in this pain, without a patient around it; below the first anchor as at it.

    Parameters
    ----------
    sex
        Of the voice: "female" or "male".

    Raises
    ------
    AssetError, ConfigError
        For a preset that does not exist or is none.
    """
    anchors_nrs, columns = _columns(preset, sex)
    return VoiceAsk(**{name: float(np.interp(nrs, anchors_nrs, values)) for name, values in columns.items()})  # type: ignore[arg-type]


@cache
def _columns(preset: str, sex: str) -> tuple[list[float], dict[str, list[float]]]:
    """Pain of the anchors, and what each of ``FOLLOWED`` is at them."""
    anchors = load_preset(preset).anchors
    asks = [anchor.ask(getattr(anchor, f"f0_{sex}_semitones")) for anchor in anchors]
    return [anchor.nrs for anchor in anchors], {name: [getattr(ask, name) for ask in asks] for name in FOLLOWED}
