"""State lights: board, voice, face, record and loop, each one a state, a word and a line that explains.

Pure functions of what was last told and of the time now; a part that has fallen silent is never shown as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.topics import TOPICS

__all__ = ["LINKS", "Lamp", "State", "derive_lights"]

State = Literal["ok", "warn", "bad", "off"]

HEALTH_MAX_AGE_NS = round((TOPICS["health"].max_age_ms or 0.0) * 1e6)
ACTOR_MAX_AGE_NS = round((TOPICS["actor"].max_age_ms or 0.0) * 1e6)
LATE_WARN_US = 4000.0
"""A 250 Hz loop that wakes a whole period late at p99 has begun to skip."""
SKIP_WARN = 0.01
"""Fraction of a second's periods skipped from which the loop counts as ill: fewer is what an ordinary kernel does to an
ordinary process now and then (facts sheet bridge_and_realtime, 5.1)."""
FULL_DOSE_PERCENT = 100.0
"""Of a day's allowance of sound (NIOSH 98-126): from then on no person should sit in front of the loudspeaker."""
LOSS_WARN = 0.01
"""Fraction of frames lost or bad from which the link counts as ill (facts sheet bridge_and_realtime, 6)."""


class Lamp(msgspec.Struct, frozen=True):
    """One lamp: ``word`` is at most two words, ``why`` one line, empty when there is nothing to add."""

    name: str
    state: State
    word: str
    why: str = ""
    alert: str = ""
    """What the banner says of it, with the action to take; "" makes it of name, word and why."""


def derive_lights(
    config: SessionConfig,
    health: m.Health | None,
    missed_lately: int,
    actors: Mapping[str, m.ActorState],
    now_ns: int,
    loudness: m.Loudness | None = None,
    face_trouble: str = "",
    voice_trouble: str = "",
) -> tuple[Lamp, ...]:
    """The five lamps, in the order in which the signal flows.

    Parameters
    ----------
    missed_lately
        Loop periods skipped between the last two reports.
    face_trouble, voice_trouble
        Sentence for the banner when no picture or no sound arrives, whatever the process says of itself; "" is well.
    """
    alive = health if health is not None and now_ns - health.t_ns <= HEALTH_MAX_AGE_NS else None
    silent = health is not None and alive is None
    return (
        _board(alive, silent),
        _absent(_voice(config, actors.get("voice"), now_ns, loudness), "No sound", voice_trouble),
        _absent(_actor("Face", config.face.enabled, actors.get("face"), now_ns), "Frozen", face_trouble),
        _record(alive, silent),
        _loop(config, alive, silent, missed_lately),
    )


LINKS: dict[str, tuple[State, str, str]] = {
    "streaming": ("ok", "Streaming", ""),
    "identifying": ("warn", "Identifying", "asking the board who it is"),
    "starting": ("warn", "Starting", "asking the board to stream"),
    "silent": ("bad", "Silent", "no frames; check the cable"),
    "down": ("bad", "Unplugged", "plug it in; it is found again"),
    "closed": ("off", "Closed", "not opened yet, or the session is over"),
}
"""What each word of the bridge (``LinkState``) looks like."""


def _board(health: m.Health | None, silent: bool) -> Lamp:
    if silent:
        return Lamp("Board", "off", "Unknown", "the loop no longer reports")
    if health is None:
        return Lamp("Board", "off", "Waiting", "no report yet")
    state, word, why = LINKS.get(health.link, ("warn", health.link.capitalize(), "unknown state of the link"))
    ill = health.frames_lost + health.frames_bad
    if state == "ok":
        why = f"{health.frame_rate_hz:.0f} Hz, {health.board}"
        if ill:
            why += f", {ill} lost"
        if ill > LOSS_WARN * max(1, health.frames):
            state, word = "warn", "Losing frames"
    told = "; ".join(each.removeprefix("board:").strip() for each in health.warnings if each.startswith("board:"))
    if told:
        state, word, why = ("warn", "Look", told) if state == "ok" else (state, word, told)
    return Lamp("Board", state, word, why)


_ACTOR_STATES: dict[str, tuple[State, str]] = {
    "starting": ("warn", "Starting"),
    "ready": ("ok", "Ready"),
    "degraded": ("warn", "Degraded"),
    "stopped": ("off", "Stopped"),
    "failed": ("bad", "Failed"),
}


def _actor(name: str, enabled: bool, told: m.ActorState | None, now_ns: int) -> Lamp:
    if not enabled:
        return Lamp(name, "off", "Off", "not part of this session")
    if told is None:
        return Lamp(name, "off", "Waiting", "no report yet")
    state, word = _ACTOR_STATES.get(told.state, ("warn", told.state.capitalize()))
    if state in ("ok", "warn") and now_ns - told.t_ns > ACTOR_MAX_AGE_NS:
        silent_s = (now_ns - told.t_ns) * 1e-9
        return Lamp(name, "bad", "Silent", f"no word for {silent_s:.0f} s; it is started again if it has died")
    return Lamp(name, state, word, told.detail)


def _absent(light: Lamp, word: str, fault: str) -> Lamp:
    """The lamp of a part that cannot be seen or heard: red, even if its process is content."""
    if not fault:
        return light
    word = light.word if light.state == "bad" else word
    return msgspec.structs.replace(light, state="bad", word=word, alert=fault)


def _voice(config: SessionConfig, told: m.ActorState | None, now_ns: int, loudness: m.Loudness | None) -> Lamp:
    """The voice's lamp; where the rig is calibrated it also tells the level in the room and the day's dose."""
    light = _actor("Voice", config.voice.enabled, told, now_ns)
    if light.state not in ("ok", "warn") or loudness is None:
        return light
    level = "level in the room not known without calibration"
    if not math.isnan(loudness.dose_percent):
        level = f"{max(0.0, loudness.level_dba):.0f} dB(A), dose {loudness.dose_percent:.1f} % of a day's"
    light = msgspec.structs.replace(light, why=f"{light.why}; {level}" if light.why else level)
    if loudness.dose_percent >= FULL_DOSE_PERCENT:
        return msgspec.structs.replace(light, state="bad", word="Too loud")
    return light


def _record(health: m.Health | None, silent: bool) -> Lamp:
    if silent:
        return Lamp("Record", "off", "Unknown", "the loop no longer reports")
    if health is None:
        return Lamp("Record", "off", "Waiting", "no report yet")
    for warning in health.warnings:
        if warning.startswith("record:"):
            return Lamp("Record", "bad", "Not writing", warning.removeprefix("record:").strip())
    return Lamp("Record", "ok", "Recording", "every message is kept")


def _loop(config: SessionConfig, health: m.Health | None, silent: bool, missed_lately: int) -> Lamp:
    if silent:
        return Lamp("Loop", "bad", "Silent", "control does not report; the record so far is safe")
    if health is None:
        return Lamp("Loop", "off", "Waiting", "no report yet")
    why = f"{config.control.loop_hz:.0f} Hz, late by {health.loop_late_p99_us / 1e3:.1f} ms at p99"
    if missed_lately > SKIP_WARN * config.control.loop_hz:
        return Lamp("Loop", "warn", "Skipping", f"{missed_lately} of {config.control.loop_hz:.0f} skipped; {why}")
    if health.loop_late_p99_us > LATE_WARN_US:
        return Lamp("Loop", "warn", "Late", why)
    return Lamp("Loop", "ok", "On time", why)
