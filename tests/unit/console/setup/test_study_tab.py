import fcntl

import pytest

from robopatient.console.setup import study_tab
from robopatient.console.setup.model import Outlook
from robopatient.console.setup.study_tab import StudyTab
from robopatient.study.study import study_names

STUDY = "psychophysics"


def look(folder, **changes: object) -> Outlook:
    tab = StudyTab(folder)
    return tab.look(tab.defaults | {"study": STUDY, "participant": "P01"} | changes)


def told(outlook: Outlook, name: str) -> tuple[str, str]:
    return next((check.state, check.found) for check in outlook.checks if check.name == name)


def test_the_studies_are_offered_by_their_titles():
    study = next(field for field in StudyTab().fields if field.name == "study")
    assert [name for name, _ in study.offered] == study_names()
    assert ("psychophysics", "How strong was it? (magnitude estimation)") in study.offered


def test_a_new_participant_may_begin(tmp_path):
    outlook = look(tmp_path)
    assert not outlook.failed
    assert outlook.start == "Start"
    assert "new" in told(outlook, "Participant")[1]
    assert "min" in told(outlook, "Study")[1]


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"participant": ""}, "Participant", "needs a code"),
        ({"participant": "Anna B1"}, "Participant", "never a name"),
        ({"participant": "Anna"}, "Participant", "needs a number"),
        ({"study": "no_such"}, "Study", "no_such"),
        ({"session": 9}, "Study", "session 9"),
        ({"study": "realism_2afc"}, "Study", "films"),
        ({"language": "klingon"}, "Settings", "english, german, japanese"),
        ({"patient": "nobody"}, "Patient", "nobody"),
        ({"demographics": "34 years"}, "Demographics", "age=34"),
        ({"board": "/dev/ttyUSB99"}, "Board", "is not there"),
        ({"calibration": "nowhere"}, "Calibration", "nowhere"),
        ({"board": "/dev/null"}, "Calibration", "none chosen for this board"),
    ],
)
def test_what_stands_against_a_start_is_named(tmp_path, changes, name, said):
    state, found = told(look(tmp_path, **changes), name)
    assert state == "fail"
    assert said in found


def test_a_full_disk_forbids_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(study_tab.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10_000_000})())
    assert told(look(tmp_path), "Disk")[0] == "fail"


def test_a_session_that_runs_on_another_console_forbids_the_start(tmp_path):
    with (tmp_path / f".{STUDY}_P01_s1.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outlook = look(tmp_path)
    assert "another console" in told(outlook, "Participant")[1]


def test_choices_become_the_words_that_could_be_typed_and_what_is_left_to_the_study_does_not(tmp_path):
    tab = StudyTab(tmp_path, ("record.report=false",))
    chosen = {"study": STUDY, "participant": "P01", "voice": "rosa", "demographics": "age=34, sex=f"}
    assert tab.look(tab.defaults | chosen).words == (
        "study", "run", STUDY, "--participant", "P01", "--session", "1", "--demographics", "age=34, sex=f",
        "--language", "english", "--board", "virtual", "--set", 'voice.identity="rosa"', "--set", "record.report=false",
        "--folder", str(tmp_path),
    )  # fmt: skip
