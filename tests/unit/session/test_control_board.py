"""What control makes of a board that is swapped, or whose driver breaks, in the middle of a session."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from firmware_bridge.errors import BoardError
from firmware_bridge.frames import RawFrame
from robopatient.clock import HostClock
from robopatient.config import SessionConfig
from robopatient.errors import ConfigError
from robopatient.patient import load_patient
from robopatient.session.control import Reader
from robopatient.session.pipeline import Pipeline


class Plug:
    """A port into which one board after the other is put."""

    name = "SIM plug"

    def __init__(self) -> None:
        self.uid, self.epoch, self.seq = "53494d0000000001", 0, 0

    def frames(self, received_ns: int, _data: bytes) -> list[RawFrame]:
        self.seq += 1
        counts = (84_000, -31_000, 12_500, 150_200)
        return [RawFrame(received_ns, received_ns, received_ns // 1000, self.seq, self.epoch, counts, 0, 0b1111, 0)]

    def health(self) -> SimpleNamespace:
        return SimpleNamespace(uid=self.uid)


def test_the_calibration_is_looked_at_again_when_a_board_comes_back():
    plug, config = Plug(), SessionConfig(patient="healthy")
    pipeline = Pipeline(config, plug, load_patient("healthy"))  # type: ignore[arg-type]
    pipeline.receive(1_000_000, b"x")
    plug.epoch = 1
    pipeline.receive(2_000_000, b"x")  # the same board again: a reboot
    plug.epoch, plug.uid = 2, "53494d0000000099"
    with pytest.raises(ConfigError, match=r"board 0x53494D0000000001, this is board 53494d0000000099"):
        pipeline.receive(3_000_000, b"x")


@pytest.mark.timeout(30)
def test_a_driver_that_breaks_is_told_and_read_again():
    class Broken:
        reads = 0

        def read(self, _timeout_s: float) -> bytes:
            self.reads += 1
            if self.reads < 3:
                raise BoardError("the sensor answers nonsense: switch it off and on")
            time.sleep(0.001)
            return b"bytes"

    reader = Reader(Broken(), HostClock())  # type: ignore[arg-type]
    reader.start()
    try:
        while not reader.chunks:
            time.sleep(0.005)
    finally:
        reader.leave()
    assert "switch it off and on" in reader.failure
    assert reader.chunks[0][1] == b"bytes"
