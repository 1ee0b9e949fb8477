import threading

from robopatient.clock import FakeClock
from robopatient.voice.clocked import ClockedSink

BLOCK_S = 256 / 48000


class Listener:
    """Takes ``count`` blocks; may be slow at one of them."""

    def __init__(self, clock: FakeClock, count: int, slow_at: int = -1, slow_s: float = 0.0) -> None:
        self.dac_ns: list[int] = []
        self.done = threading.Event()
        self._clock, self._count, self._slow_at, self._slow_s = clock, count, slow_at, slow_s

    def play(self, t_ns: int) -> None:
        if len(self.dac_ns) == self._slow_at:
            self._clock.advance_s(self._slow_s)
        self.dac_ns.append(t_ns)
        if len(self.dac_ns) >= self._count:
            self.done.set()
            threading.Event().wait(0.001)


def listen(count: int, slow_at: int = -1, slow_s: float = 0.0) -> tuple[list[int], int]:
    clock = FakeClock(1_000_000)
    listener = Listener(clock, count, slow_at, slow_s)
    sink = ClockedSink(clock, listener.play, BLOCK_S, 0.010)
    sink.start()
    assert listener.done.wait(5.0)
    underruns = sink.underruns
    sink.close()
    return listener.dac_ns[:count], underruns


def test_blocks_are_heard_one_after_the_other_one_buffer_after_they_were_asked_for() -> None:
    heard_ns, underruns = listen(1000)
    assert underruns == 0
    assert heard_ns[0] == 1_000_000 + 10_000_000
    assert heard_ns[-1] - heard_ns[0] == round(999 * BLOCK_S * 1e9)


def test_being_late_by_less_than_the_buffer_loses_nothing() -> None:
    heard_ns, underruns = listen(100, slow_at=50, slow_s=0.014)
    assert underruns == 0
    assert heard_ns[-1] - heard_ns[0] == round(99 * BLOCK_S * 1e9)


def test_a_stall_is_one_underrun_and_shifts_what_follows() -> None:
    heard_ns, underruns = listen(100, slow_at=50, slow_s=0.100)
    assert underruns == 1
    shift_s = (heard_ns[-1] - heard_ns[0]) * 1e-9 - 99 * BLOCK_S
    assert abs(shift_s - (0.100 - BLOCK_S)) < 1e-6
