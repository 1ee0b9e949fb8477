from typing import get_args

import pytest

from policies.live import LIVE_TASKS
from policies.plan import QUESTION_PLANS
from robopatient.config import LessonQuestion, LessonTask
from robopatient.console.setup.model import Outlook
from robopatient.console.setup.training_tab import TrainingTab
from robopatient.session import doctor


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def look(**changes: object) -> Outlook:
    tab = TrainingTab()
    return tab.look(tab.defaults | {"rater": "P07"} | changes)


def test_what_can_be_chosen_is_what_can_be_trained():
    assert get_args(LessonTask) == LIVE_TASKS
    assert get_args(LessonQuestion) == tuple(QUESTION_PLANS)


def test_a_new_rater_begins_in_a_folder_of_their_own():
    outlook = look(board="virtual", ratings=60)
    assert not outlook.failed
    assert outlook.words == (
        "policy", "train", "--out", "lessons/P07", "--task", "pain-to-voice", "--question", "signed", "--ratings", "60",
        "--live", "demo", "--board", "virtual", "--set", 'study.participant="P07"',
    )  # fmt: skip


def test_a_training_that_was_begun_is_gone_on_with(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "ratings.sqlite").touch()
    outlook = look(folder="mine")
    assert outlook.start == "Go on with this training"
    assert outlook.words[2:4] == ("--out", "mine")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"rater": ""}, "Rater"),
        ({"rater": "A. Name"}, "Rater"),
        ({"session": "no/such.toml"}, "Session file"),
        ({"patient": "nobody"}, "Patient"),
        ({"board": "no-driver"}, "Board"),
    ],
)
def test_what_stands_against_a_start_is_named(changes, name):
    assert [check.name for check in look(**changes).failed] == [name]


def test_packages_that_training_needs_are_named_with_the_command(monkeypatch):
    monkeypatch.setitem(doctor.TRAINING_PACKAGES, "train", ("no_such_package",))
    [failed] = look().failed
    assert failed.fix == "pip install 'robopatient[train]'"
