"""What a test needs and the machine lacks: skipped with the command to type here, a failure in CI."""

import pytest
from support import needs


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_what_is_missing_is_named_with_the_command_that_brings_it(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no-such-server: not installed; type: apt-get install some-package"):
        needs.program("no-such-server", "some-package")
    with pytest.raises(outcome, match=r"no_such_module: not installed; type: pip install 'robopatient\[face\]'"):
        needs.module("no_such_module", "face")


def test_what_is_there_is_given():
    assert needs.program("sh", "dash").endswith("/sh")
    assert needs.module("json", "study").loads("[1]") == [1]


@pytest.mark.need("a thing that is there", True, "nothing")
def test_a_mark_whose_thing_is_there_lets_the_test_run():
    assert needs.APT
