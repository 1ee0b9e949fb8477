"""The experimental manipulation: the only place where voice and face may be made to differ.

Each channel has a gain (how much of the pain it shows) and a delay; both channels start from the same expression.
"""

from __future__ import annotations

from collections import deque

import msgspec

from robopatient.config import SplitConfig
from robopatient.levels import INAUDIBLE_DB, MAX_NRS, QUIET_FLAGS, UNTOLD, gain_to_db
from robopatient.messages import Expression, FaceAsk, FaceCommand, ForceFrame, PainState, VoiceAsk, VoiceCommand
from robopatient.phantom import Phantom

__all__ = ["Split", "loudness_of"]

NO_FRAME = -1
"""``cause_seq`` of a command that no frame has caused."""


class _Moment(msgspec.Struct, frozen=True, gc=False):
    """An expression and the pain behind it, with all else that its commands need."""

    t_ns: int
    cause_seq: int
    received_ns: int
    pain: PainState
    contact: bool
    site_mm: tuple[float, float] | None
    voice: VoiceAsk
    face: FaceAsk


class _Delay:
    """Gives back each moment exactly ``delay_ns`` later, in frame time; nothing before the first is due."""

    def __init__(self, delay_ms: float) -> None:
        self.delay_ns = round(delay_ms * 1e6)
        self._waiting: deque[_Moment] = deque()
        self._due: _Moment | None = None

    def step(self, moment: _Moment) -> _Moment | None:
        if self.delay_ns == 0:
            return moment
        if self._waiting and self._waiting[-1].t_ns == moment.t_ns:
            self._waiting.pop()  # the same frame again, from a loop that is faster than the board
        self._waiting.append(moment)
        while self._waiting and self._waiting[0].t_ns <= moment.t_ns - self.delay_ns:
            self._due = self._waiting.popleft()
        return self._due

    def forget(self) -> None:
        self._waiting.clear()
        self._due = None


class Split:
    """Expressions in, one command for the voice and one for the face out.

    Parameters
    ----------
    phantom
        Maps the place of a contact to millimetres from the navel.
    """

    def __init__(self, config: SplitConfig, phantom: Phantom) -> None:
        self.config = config
        self._phantom = phantom
        self._voice = _Delay(config.voice_delay_ms)
        self._face = _Delay(config.face_delay_ms)

    def step(
        self, expression: Expression, pain: PainState, force: ForceFrame, hush: bool
    ) -> tuple[VoiceCommand, FaceCommand]:
        """Commands of this turn of the loop.

        A delayed command carries the ``cause_seq`` and ``received_ns`` of the frame behind it and the present
        ``t_ns``, because that is when it is said. Quiet is never delayed: hush and frames that know nothing act at
        once, and what was waiting is forgotten.
        """
        moment = _Moment(
            t_ns=force.t_ns,
            cause_seq=force.seq,
            received_ns=force.received_ns,
            pain=pain,
            contact=force.contact_mm is not None,
            site_mm=self._phantom.body_mm(*force.contact_mm) if force.contact_mm else None,
            voice=expression.voice,
            face=expression.face,
        )
        blind = not QUIET_FLAGS.isdisjoint(force.flags)
        return self._say_voice(moment, hush, blind), self._say_face(moment, hush, blind)

    def _say_voice(self, now: _Moment, hush: bool, blind: bool) -> VoiceCommand:
        moment = _pass(self._voice, now, hush or blind)
        gain = self.config.voice_gain
        ask = moment.voice
        level_db = INAUDIBLE_DB if hush else max(INAUDIBLE_DB, min(0.0, ask.level_db + gain_to_db(gain)))
        return VoiceCommand(
            t_ns=now.t_ns,
            cause_seq=moment.cause_seq,
            received_ns=moment.received_ns,
            nrs=0.0 if hush else min(MAX_NRS, gain * moment.pain.voice_nrs),
            phase=moment.pain.phase,
            ask=msgspec.structs.replace(ask, level_db=level_db),
            hush=hush,
            breath=_breath(moment, gain, hush),
        )

    def _say_face(self, now: _Moment, hush: bool, blind: bool) -> FaceCommand:
        moment = _pass(self._face, now, hush or blind)
        gain = self.config.face_gain
        ask = moment.face
        if hush:
            ask = FaceAsk(0.0, ask.expressiveness)
        else:
            ask = msgspec.structs.replace(ask, nrs=min(MAX_NRS, gain * ask.nrs))
        return FaceCommand(
            t_ns=now.t_ns,
            cause_seq=moment.cause_seq,
            received_ns=moment.received_ns,
            nrs=0.0 if hush else min(MAX_NRS, gain * moment.pain.face_nrs),
            phase=moment.pain.phase,
            ask=ask,
            contact=moment.contact,
            hush=hush,
            site_mm=moment.site_mm,
            loudness=0.0 if hush else loudness_of(moment.voice.level_db + gain_to_db(self.config.voice_gain)),
            breath=_breath(moment, gain, hush),
        )


def loudness_of(level_db: float) -> float:
    """Loudness relative to the loudest cry, 0 to 1: it doubles every 10 dB (the sone: Stevens 1936)."""
    return 0.0 if level_db <= INAUDIBLE_DB else 2.0 ** (min(0.0, level_db) / 10.0)


def _breath(moment: _Moment, gain: float, hush: bool) -> float:
    """Breath told to a channel: the patient's, unless the channel shows another pain than the one that moves it."""
    return moment.pain.breath if gain == 1.0 and not hush else UNTOLD


def _pass(delay: _Delay, now: _Moment, quiet: bool) -> _Moment:
    """What the channel shows now: the delayed moment, or nothing yet."""
    if quiet:
        delay.forget()
        if delay.delay_ns == 0:
            return now  # fading by itself
        return _nothing(now, now.cause_seq, now.received_ns)
    return delay.step(now) or _nothing(now, NO_FRAME, 0)


def _nothing(like: _Moment, cause_seq: int, received_ns: int) -> _Moment:
    """A patient at rest."""
    return _Moment(
        t_ns=like.t_ns,
        cause_seq=cause_seq,
        received_ns=received_ns,
        pain=PainState(like.t_ns, cause_seq, 0.0, "", "rest"),
        contact=False,
        site_mm=None,
        voice=VoiceAsk(INAUDIBLE_DB, like.voice.f0_semitones, 0.0, 0.0),
        face=FaceAsk(0.0, like.face.expressiveness),
    )
