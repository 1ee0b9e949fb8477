"""What is on the bench, by environment variable; what is not given is skipped with the variable to set."""

from __future__ import annotations

import os

import pytest

MEANING = {
    "ROBOPATIENT_BOARD": "the board, as after `robopatient run --board`: /dev/ttyACM0, serial, …",
    "ROBOPATIENT_CALIBRATION": "its calibration: a name under assets/calibration or a .toml file",
    "ROBOPATIENT_HAND": "1 when somebody will press the abdomen when asked",
    "ROBOPATIENT_LOUDSPEAKER": "the output, as voice.device: a name, a number or default",
    "ROBOPATIENT_MICROPHONE": "the input of a microphone before the loudspeaker: a name, a number or default",
    "ROBOPATIENT_SCREEN": "the screen of the face, as face.screen: a name or a number",
}


def given(name: str) -> str:
    """Value of a variable; the test is skipped where it is not set."""
    value = os.environ.get(name, "")
    if not value:
        pytest.skip(f"{name} is not set: {MEANING[name]}")
    return value
