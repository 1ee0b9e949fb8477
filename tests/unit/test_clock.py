from __future__ import annotations

from robopatient.clock import FakeClock, Metronome


def test_metronome_keeps_absolute_deadlines():
    clock = FakeClock()
    metronome = Metronome(clock, 250.0)
    for tick in range(1, 5):
        assert metronome.wait() == 0
        assert clock.now_ns() == tick * 4_000_000
        clock.advance_s(0.001)  # work done in the turn does not shift the next one


def test_metronome_counts_missed_ticks_and_never_makes_them_up():
    clock = FakeClock()
    metronome = Metronome(clock, 250.0)
    metronome.wait()
    clock.advance_s(0.013)  # over the deadlines at 8, 12 and 16 ms
    late_ns = metronome.wait()
    assert late_ns == 9_000_000
    assert metronome.missed == 2
    metronome.wait()
    assert clock.now_ns() == 20_000_000
