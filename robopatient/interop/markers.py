"""Which messages are moments worth a marker, and what the marker says."""

from __future__ import annotations

import msgspec

from robopatient import messages as m

__all__ = ["Marker", "Markers"]


class Marker(msgspec.Struct, frozen=True):
    """A moment: ``text`` is a JSON object whose "event" names it, the same for LSL and OSC."""

    t_ns: int
    text: str


class Markers:
    """From messages to markers: presses, operator's actions, notes, the session's ends, every change of the link."""

    def __init__(self) -> None:
        self._link = ""

    def of(self, message: m.Message) -> Marker | None:
        """Marker of a message, None when it is none."""
        match message:
            case m.Press():
                return _marker(
                    message.t_ns,
                    "press",
                    peak_newton=round(message.peak_newton, 3),
                    peak_after_s=round((message.peak_t_ns - message.t_ns) * 1e-9, 4),
                    release_after_s=round((message.release_t_ns - message.t_ns) * 1e-9, 4),
                    x_mm=round(message.x_mm, 1),
                    y_mm=round(message.y_mm, 1),
                    region=message.region,
                    flags=list(message.flags),
                )
            case m.OperatorAction():
                return _marker(message.t_ns, "action", action=message.action, argument=message.argument)
            case m.Note():
                return _marker(message.t_ns, "note", level=message.level, source=message.source, text=message.text)
            case m.SessionStop():
                return _marker(message.t_ns, "session_stop", reason=message.reason)
            case m.Health() if message.link != self._link:
                self._link = message.link
                return _marker(message.t_ns, "link", state=message.link)
        return None

    @staticmethod
    def begin(t_ns: int, session: str) -> Marker:
        """First marker of a session."""
        return _marker(t_ns, "session", name=session)


def _marker(t_ns: int, event: str, **fields: object) -> Marker:
    return Marker(t_ns, msgspec.json.encode({"event": event, **fields}).decode())
