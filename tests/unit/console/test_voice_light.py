"""The voice's lamp tells the level in the room."""

import math

import msgspec
import pytest

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.console.lights import derive_lights

LOUD = m.Loudness(0, 1, -10.0, -14.0, 100.0, 78.4, 1.25)


def voice(loudness: m.Loudness | None, state: str = "ready"):
    actors = {"voice": m.ActorState(0, "voice", state, "pulse, 10.0 ms")}
    return derive_lights(SessionConfig(), None, 0, actors, 0, loudness)[1]


def test_level_and_dose_stand_beside_the_device() -> None:
    light = voice(LOUD)
    assert (light.state, light.word) == ("ok", "Ready")
    assert light.why == "pulse, 10.0 ms; 78 dB(A), dose 1.2 % of a day's"


def test_without_calibration_the_lamp_says_so() -> None:
    light = voice(msgspec.structs.replace(LOUD, level_dba=math.nan, dose_percent=math.nan))
    assert light.why.endswith("level in the room not known without calibration")
    assert light.state == "ok"


@pytest.mark.parametrize(("loudness", "state"), [(None, "ready"), (LOUD, "failed")])
def test_nothing_is_said_of_a_voice_that_tells_nothing(loudness, state) -> None:
    assert voice(loudness, state).why == "pulse, 10.0 ms"


def test_a_full_dose_is_red() -> None:
    light = voice(msgspec.structs.replace(LOUD, dose_percent=100.0))
    assert (light.state, light.word) == ("bad", "Too loud")
