import itertools

import pytest

from robopatient.config import load_session
from robopatient.console.setup.model import Outlook
from robopatient.console.setup.session_tab import SessionTab

TAB = SessionTab()


def look(**chosen: str | float) -> Outlook:
    return TAB.look(TAB.defaults | chosen)


def offered(name: str) -> list[str]:
    field = next(field for field in TAB.fields if field.name == name)
    return [value for value, _ in field.offered]


def test_what_is_offered_is_what_is_shipped():
    assert "appendicitis" in offered("patient")
    assert "training_appendicitis" in offered("session")
    assert offered("board")[0] == "virtual"
    assert "virtual" in offered("calibration")


def test_nothing_chosen_is_a_default_session_that_can_be_started():
    outlook = look()
    assert not outlook.failed
    assert outlook.words == ("run",)
    assert [check.name for check in outlook.checks] == ["Patient", "Board", "Calibration"]


def test_choices_become_the_words_that_could_be_typed():
    words = look(
        session="training_appendicitis", patient="appendicitis", trainee="T07", board="virtual", minutes=12.5,
        voice="david", calibration="virtual",
    ).words  # fmt: skip
    assert words[:6] == ("run", "training_appendicitis", "--duration", "750", "--board", "virtual")
    told = [after for before, after in itertools.pairwise(words) if before == "--set"]
    config = load_session(words[1], told)
    assert (config.patient, config.voice.identity, config.training.trainee) == ("appendicitis", "david", "T07")
    assert config.scenario == "first_examination", "of the session file"


def test_who_and_what_is_chosen_is_told_in_words():
    checks = {check.name: check for check in look(session="training_appendicitis").checks}
    assert "Mei Tanaka, 29" in checks["Patient"].found
    assert checks["Scenario"].found == "First examination of a painful belly"
    assert checks["Board"].found == "virtual: presses are simulated"
    assert "virtual, 2026" in checks["Calibration"].found


@pytest.mark.parametrize(
    ("chosen", "name", "words"),
    [
        ({"patient": "nobody"}, "Patient", "nobody"),
        ({"calibration": "nowhere.toml"}, "Calibration", "nowhere.toml"),
        ({"voice": "nobody"}, "Voice", "nobody"),
        ({"face": "nobody"}, "Face", "nobody"),
        ({"scenario": "nothing"}, "Scenario", "nothing"),
        ({"scenario": "first_examination", "patient": "healthy"}, "Scenario", "written for"),
        ({"session": "no/such.toml"}, "Session file", "no/such.toml"),
        ({"board": "no-driver"}, "Board", "no-driver"),
        ({"board": "/dev/ttyUSB99"}, "Board", "is not there"),
        ({"board": "/dev/null"}, "Calibration", "none chosen for this board"),
        ({"trainee": "A. Name"}, "Trainee", "such as T07, never a name"),
        ({"instructor": "A. Name"}, "Instructor", "never a name"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_before_the_start(chosen, name, words):
    outlook = look(**chosen)
    told = {check.name: check.found for check in outlook.failed}
    assert words in told[name]
    assert name in {field.title for field in TAB.fields}
