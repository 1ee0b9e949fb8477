"""The untrained policy: a preset's table from pain to expression."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import msgspec

from robopatient.levels import INAUDIBLE_DB, MAX_NRS
from robopatient.messages import Expression, FaceAsk, PainState, VoiceAsk
from robopatient.voice_presets import FOLLOWED, load_preset

if TYPE_CHECKING:
    from robopatient.expression import Character

__all__ = ["Prior"]


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
        self._asks = [
            anchor.ask(
                anchor.f0_male_semitones + female_share * (anchor.f0_female_semitones - anchor.f0_male_semitones)
            )
            for anchor in anchors
        ]
        self._rows = [tuple(getattr(ask, name) for name in FOLLOWED) for ask in self._asks]

    def step(self, pain: PainState) -> Expression:
        """What to show of it; the face's engine applies expressiveness itself."""
        return Expression(
            t_ns=pain.t_ns,
            cause_seq=pain.cause_seq,
            policy=self.name,
            voice=self.voice(self.shown(pain.voice_nrs)),
            face=FaceAsk(pain.face_nrs, self._expressiveness),
        )

    def shown(self, nrs: float) -> float:
        """Pain that the voice admits: a stoic holds back all but the worst (power law: assumption)."""
        if self._expressiveness <= 0.0:
            return 0.0
        return float(MAX_NRS * (nrs / MAX_NRS) ** (1.0 / self._expressiveness))

    def voice(self, nrs: float) -> VoiceAsk:
        """What is asked of the voice at a shown pain."""
        upper = bisect_right(self._nrs, nrs)
        if upper == 0:
            return msgspec.structs.replace(self._asks[0], level_db=INAUDIBLE_DB)
        if upper == len(self._nrs):
            return self._asks[-1]
        low, high = self._nrs[upper - 1], self._nrs[upper]
        share = (nrs - low) / (high - low)
        between = [a + share * (b - a) for a, b in zip(self._rows[upper - 1], self._rows[upper], strict=True)]
        return msgspec.structs.replace(self._asks[upper - 1], **dict(zip(FOLLOWED, between, strict=True)))
