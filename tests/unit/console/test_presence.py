"""What stands on the console when the patient cannot be seen or heard, whatever the processes say of themselves."""

from __future__ import annotations

import pytest

from robopatient import messages as m
from robopatient.config import FaceConfig, SessionConfig, VoiceConfig
from robopatient.console.banner import _calm
from robopatient.presence import STALE_S, Presence

CALM = "The patient expresses what is felt"


def health(t_ns: int) -> m.Health:
    return m.Health(t_ns, "streaming", "SIM", 1000.0, 1000, 0, 0, 0.1, 0, 300.0, True, False)


def live(model, clock, seconds: float, *, face: bool = True, voice: bool = True, states=("ready", "ready")) -> None:
    """A session that goes on: health and heartbeats once a second, pictures and blocks thirty times."""
    for tick in range(round(seconds * 30)):
        now_ns = clock.now_ns()
        if tick % 30 == 0:
            model.feed(health(now_ns))
            for actor, state in zip(("face", "voice"), states, strict=True):
                model.feed(m.ActorState(now_ns, actor, state, "" if state == "ready" else "no device"))
        if face:
            model.feed(m.Seen(now_ns, tick, tick, now_ns, m.FacePose(), 0.0))
        if voice:
            model.feed(m.Heard(now_ns, tick, tick, now_ns, 0.0, -80.0, 0.0, "breath", 0))
        clock.advance_s(1 / 30)


def banner(model) -> tuple[str, str]:
    first = (model.warnings() or [_calm(model)])[0]
    return first.state, first.text


def test_all_is_well_while_pictures_and_sound_come(model, clock):
    live(model, clock, 5.0)
    assert banner(model) == ("ok", CALM)


@pytest.mark.parametrize(
    ("part", "words"),
    [("face", "Face frozen since 0:02"), ("voice", "No sound since 0:02: check the loudspeaker")],
)
def test_a_process_that_calls_itself_ready_and_shows_nothing_is_a_fault(model, clock, part, words):
    live(model, clock, 3.0)
    live(model, clock, 2.0, **{part: False})
    state, text = banner(model)
    assert state == "bad"
    assert text.startswith(words)
    assert "Ctrl Q" in text
    assert [light.state for light in model.lights() if light.name.lower() == part] == ["bad"]
    live(model, clock, 1.0)
    assert banner(model) == ("ok", CALM)


def test_a_voice_without_a_loudspeaker_is_a_fault_although_it_renders(model, clock):
    live(model, clock, 2.0, states=("ready", "degraded"))
    state, text = banner(model)
    assert state == "bad"
    assert "check the loudspeaker (no device)" in text


def test_it_is_never_green_before_voice_and_face_have_reported(model, clock):
    model.feed(health(clock.now_ns()))
    assert banner(model) == ("off", "Waiting for voice and face")


def test_a_lamp_that_is_not_well_reaches_the_banner(model, clock):
    live(model, clock, 2.0, states=("degraded", "ready"))
    assert banner(model) == ("warn", "Face: degraded. No device")


def test_a_pause_of_the_operator_is_no_fault(model, clock):
    live(model, clock, 2.0)
    model.feed(m.OperatorAction(clock.now_ns(), "stop"))
    clock.advance_s(STALE_S + 0.5)
    assert banner(model)[1].startswith("Paused")


def test_what_is_no_part_of_the_session_is_never_missed():
    config = SessionConfig(face=FaceConfig(enabled=False), voice=VoiceConfig(enabled=False))
    quiet = Presence(config)
    quiet.begin(0)
    assert quiet.face(10**12) is quiet.voice(10**12) is None
