import pytest

from firmware_bridge.errors import BoardError
from firmware_bridge.faults import Fault, parse_fault


def test_a_fault_reads_kind_cell_begin_and_length():
    assert parse_fault("dead:2@8+1.5") == Fault(kind="dead", cell=2, at_s=8.0, for_s=1.5)
    assert parse_fault("silent") == Fault(kind="silent")
    assert parse_fault("unplug").for_s == 1.0


@pytest.mark.parametrize("text", ["", "bang", "dead", "dead:5", "silent:1", "unplug@x", "unplug@1.2.3"])
def test_a_wrong_fault_is_refused_with_what_may_be_written(text):
    with pytest.raises(BoardError, match="unplug@5"):
        parse_fault(text)
