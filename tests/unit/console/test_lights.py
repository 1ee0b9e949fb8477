from typing import get_args

import msgspec
import pytest

from firmware_bridge.board import LinkState
from robopatient import messages as m
from robopatient.config import FaceConfig, SessionConfig
from robopatient.console.lights import LINKS, Lamp, derive_lights

SECOND = 1_000_000_000
NOW = 100 * SECOND
HEALTH = m.Health(NOW, "streaming", "SIM square-290", 1000.0, 50_000, 0, 0, 0.05, 3, 250.0, True, False)


def lights(health=HEALTH, missed=0, actors=None, config=None, now_ns=NOW) -> dict[str, Lamp]:
    found = derive_lights(config or SessionConfig(), health, missed, actors or {}, now_ns)
    return {light.name: light for light in found}


def test_five_lights_in_the_order_of_the_signal():
    assert list(lights()) == ["Board", "Voice", "Face", "Record", "Loop"]


def test_before_the_first_report_nothing_claims_to_be_well():
    assert {light.state for light in lights(health=None).values()} == {"off"}


@pytest.mark.parametrize(
    ("link", "state"),
    [
        ("streaming", "ok"),
        ("identifying", "warn"),
        ("starting", "warn"),
        ("silent", "bad"),
        ("down", "bad"),
        ("closed", "off"),
        ("a link of tomorrow", "warn"),
    ],
)
def test_board_light_follows_the_link(link, state):
    assert lights(msgspec.structs.replace(HEALTH, link=link))["Board"].state == state


def test_every_word_that_the_bridge_can_say_has_a_light():
    assert set(LINKS) == set(get_args(LinkState))


def test_what_the_board_has_to_say_is_on_its_light():
    said = msgspec.structs.replace(HEALTH, warnings=("board: cell 2 does not convert",))
    assert lights(said)["Board"] == Lamp("Board", "warn", "Look", "cell 2 does not convert")
    gone = msgspec.structs.replace(said, link="down", warnings=("board: /dev/ttyUSB0: unplugged",))
    assert (lights(gone)["Board"].state, lights(gone)["Board"].why) == ("bad", "/dev/ttyUSB0: unplugged")


def test_a_simulated_board_is_named_as_such():
    assert "SIM" in lights()["Board"].why


def test_one_frame_in_a_hundred_lost_is_worth_a_warning():
    assert lights(msgspec.structs.replace(HEALTH, frames_lost=600))["Board"].state == "warn"
    assert lights(msgspec.structs.replace(HEALTH, frames_lost=6))["Board"].state == "ok"


def test_a_loop_that_no_longer_reports_takes_board_and_record_with_it():
    found = lights(now_ns=NOW + 4 * SECOND)
    assert found["Loop"].state == "bad"
    assert found["Board"].state == found["Record"].state == "off"


@pytest.mark.parametrize(
    ("told", "state"),
    [("starting", "warn"), ("ready", "ok"), ("degraded", "warn"), ("stopped", "off"), ("failed", "bad")],
)
def test_actor_lights_repeat_what_the_actor_says_and_why(told, state):
    light = lights(actors={"voice": m.ActorState(NOW, "voice", told, "no audio device")})["Voice"]
    assert (light.state, light.why) == (state, "no audio device")


def test_an_actor_without_heartbeat_is_bad_even_if_it_was_ready():
    told = m.ActorState(NOW - 4 * SECOND, "face", "ready")
    assert lights(actors={"face": told})["Face"].state == "bad"


def test_a_face_that_is_not_part_of_the_session_is_off():
    assert lights(config=SessionConfig(face=FaceConfig(enabled=False)))["Face"].word == "Off"


def test_record_that_cannot_be_written_is_bad_and_says_why():
    light = lights(msgspec.structs.replace(HEALTH, warnings=("record: disk full",)))["Record"]
    assert (light.state, light.why) == ("bad", "disk full")


def test_loop_warns_when_it_skips_and_when_it_is_late():
    assert lights(missed=2)["Loop"].state == "ok", "one in a hundred is no illness"
    assert lights(missed=3)["Loop"].state == "warn"
    assert lights(msgspec.structs.replace(HEALTH, loop_late_p99_us=5000.0))["Loop"].state == "warn"
    assert lights()["Loop"].state == "ok"
