"""Whether the patient can be seen and heard at this moment, independent of what its processes report. Pure.

Operator's console and study ask the same question here; what a record tells afterwards is ``record.visibility``.
"""

from __future__ import annotations

import msgspec

from robopatient.config import SessionConfig
from robopatient.messages import ActorState, Heard, Message, Seen

__all__ = ["STALE_S", "Presence", "PresenceFault"]

STALE_S = 1.0
"""No picture, or no block of sound, for so long: not working (assumption: thirty pictures, and longer than any pause
of a busy computer that has been met)."""


class PresenceFault(msgspec.Struct, frozen=True):
    """What does not work.

    Attributes
    ----------
    what
        "face not shown" or "voice not heard".
    since_ns
        Time of the last picture or block of sound, or of the loss of the loudspeaker.
    why
        What the process says of itself, or "".
    """

    what: str
    since_ns: int
    why: str = ""


class Presence:
    """Fed with the session's messages.

    Parameters
    ----------
    config
        A voice or face that is no part of the session is never missed.
    """

    def __init__(self, config: SessionConfig) -> None:
        self._wanted = {"face": config.face.enabled, "voice": config.voice.enabled}
        self._begun_ns: int | None = None
        self._told: dict[str, ActorState] = {}
        self._told_since_ns: dict[str, int] = {}
        self._last_ns: dict[str, int] = {}

    def begin(self, t_ns: int) -> None:
        """The loop turns: from now on voice and face are expected; a second call changes nothing."""
        if self._begun_ns is None:
            self._begun_ns = t_ns

    def feed(self, message: Message) -> None:
        """Take in a message; others than those of voice and face are ignored."""
        match message:
            case Seen():
                self._last_ns["face"] = message.t_ns
            case Heard():
                self._last_ns["voice"] = message.t_ns
            case ActorState() if message.actor in self._wanted:
                known = self._told.get(message.actor)
                if known is None or known.state != message.state:
                    self._told_since_ns[message.actor] = message.t_ns
                self._told[message.actor] = message

    def face(self, now_ns: int) -> PresenceFault | None:
        """What is wrong with the face, None when it is seen, not part of the session, or not expected yet."""
        return self._fault("face", "face not shown", ("failed", "stopped"), now_ns)

    def voice(self, now_ns: int) -> PresenceFault | None:
        """What is wrong with the voice, as ``face``; a degraded voice is one that has no loudspeaker."""
        return self._fault("voice", "voice not heard", ("failed", "stopped", "degraded"), now_ns)

    def _fault(self, actor: str, what: str, mute: tuple[str, ...], now_ns: int) -> PresenceFault | None:
        if self._begun_ns is None or not self._wanted[actor]:
            return None
        last_ns = max(self._last_ns.get(actor, 0), self._begun_ns)
        told = self._told.get(actor)
        why = told.detail if told is not None and told.state != "ready" else ""
        if told is not None and told.state in mute:
            since_ns = self._told_since_ns[actor] if told.state == "degraded" else min(last_ns, told.t_ns)
            return PresenceFault(what, max(since_ns, self._begun_ns), why)
        return PresenceFault(what, last_ns, why) if now_ns - last_ns > STALE_S * 1e9 else None
