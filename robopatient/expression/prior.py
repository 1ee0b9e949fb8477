"""The policy that has learned nothing yet: a table from pain to voice, read from published data.

Each preset is a TOML file under ``assets/expressions`` and tells its sources.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from robopatient.config import Fraction, asset_path, decode_toml
from robopatient.errors import ConfigError
from robopatient.messages import Expression, FaceAsk, PainState, VoiceAsk

if TYPE_CHECKING:
    from robopatient.expression import Character

__all__ = ["INAUDIBLE_DB", "Anchor", "Preset", "Prior", "load_preset"]

INAUDIBLE_DB = -60.0
MAX_NRS = 10.0

Nrs = Annotated[float, Meta(ge=0, le=10)]


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the voice does at one level of shown pain; between anchors everything is linear.

    ``level_db`` is told relative to the voice's loudest cry; the f0 as offset from the identity's habitual speaking
    f0 (120 Hz men, 210 Hz women), because a moan lies further above a woman's speech than above a man's.
    """

    nrs: Nrs
    level_db: Annotated[float, Meta(ge=INAUDIBLE_DB, le=0)]
    f0_male_semitones: float
    f0_female_semitones: float
    roughness: Fraction
    breathiness: Fraction


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


class Prior:
    """The same pain always looks and sounds the same.

    Parameters
    ----------
    preset
        Name or path of a preset.
    character
        Sex and expressiveness of the patient; None is the mean of a man and a woman, of typical expressiveness.
    """

    def __init__(self, preset: str = "congruence", character: Character | None = None) -> None:
        self.name = f"prior:{preset}"
        self._expressiveness = character.expressiveness if character else 1.0
        female_share = 0.5 if character is None else 1.0 if character.sex == "female" else 0.0
        anchors = load_preset(preset).anchors
        self._nrs = [anchor.nrs for anchor in anchors]
        self._rows = [
            (
                anchor.level_db,
                anchor.f0_male_semitones + female_share * (anchor.f0_female_semitones - anchor.f0_male_semitones),
                anchor.roughness,
                anchor.breathiness,
            )
            for anchor in anchors
        ]

    def step(self, pain: PainState) -> Expression:
        """What to show of it; the face's engine applies expressiveness itself."""
        level_db, f0_semitones, roughness, breathiness = self.voice(self.shown(pain.voice_nrs))
        return Expression(
            t_ns=pain.t_ns,
            cause_seq=pain.cause_seq,
            policy=self.name,
            voice=VoiceAsk(level_db, f0_semitones, roughness, breathiness),
            face=FaceAsk(pain.face_nrs, self._expressiveness),
        )

    def shown(self, nrs: float) -> float:
        """Pain that the voice admits: a stoic holds back all but the worst (power law: assumption)."""
        if self._expressiveness <= 0.0:
            return 0.0
        return float(MAX_NRS * (nrs / MAX_NRS) ** (1.0 / self._expressiveness))

    def voice(self, nrs: float) -> tuple[float, ...]:
        """Level (dB), f0 (semitones), roughness and breathiness of a shown pain."""
        upper = bisect_right(self._nrs, nrs)
        if upper == 0:
            return (INAUDIBLE_DB, *self._rows[0][1:])
        if upper == len(self._nrs):
            return self._rows[-1]
        low, high = self._nrs[upper - 1], self._nrs[upper]
        share = (nrs - low) / (high - low)
        return tuple(a + share * (b - a) for a, b in zip(self._rows[upper - 1], self._rows[upper], strict=True))
