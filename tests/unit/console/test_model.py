import math

import msgspec
import pytest

from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.console.model import STOP_ARMED_S, ConsoleModel

MS = 1_000_000


def force(clock: FakeClock, newton: float = 8.0, flags: tuple[str, ...] = ()) -> m.ForceFrame:
    now_ns = clock.now_ns()
    return m.ForceFrame(now_ns, now_ns, 1, (newton / 4,) * 4, (100.0, 120.0), flags=flags)


def health(clock: FakeClock, **changes) -> m.Health:
    said = m.Health(clock.now_ns(), "streaming", "SIM", 1000.0, 1, 0, 0, 0.0, 0, 0.0, True, False)
    return msgspec.structs.replace(said, **changes)


def texts(model: ConsoleModel) -> str:
    return "\n".join(alert.text for alert in model.warnings())


def test_actions_carry_the_time_of_the_key_press(model, clock):
    assert model.tare() == m.OperatorAction(clock.now_ns(), "tare")


def test_run_key_starts_and_pauses(model, clock):
    assert model.toggle_run().action == "stop"
    assert not model.running
    assert model.toggle_run().action == "start"
    assert model.running


def test_hush_shows_at_once_and_a_panicked_double_press_stays_silent(model, clock):
    assert model.toggle_hush().action == "hush"
    assert model.hushed
    clock.advance_s(0.2)
    assert model.toggle_hush() is None
    assert model.hushed
    clock.advance_s(0.6)
    assert model.toggle_hush().action == "unhush"
    assert not model.hushed


def test_a_health_report_from_before_the_key_press_does_not_undo_it(model, clock):
    before = health(clock, hushed=False)
    clock.advance_s(0.01)
    model.toggle_hush()
    model.feed(before)
    assert model.hushed
    clock.advance_s(1.0)
    model.feed(health(clock, hushed=False))
    assert not model.hushed, "control has the last word"


def test_hush_from_elsewhere_is_shown_too(model, clock):
    model.feed(m.OperatorAction(clock.now_ns(), "hush", source="rater"))
    assert model.hushed


def test_the_session_ends_only_on_a_second_press_in_time(model, clock):
    assert model.press_stop() is None
    assert model.stop_armed
    clock.advance_s(STOP_ARMED_S + 0.1)
    assert not model.stop_armed
    assert model.press_stop() is None
    clock.advance_s(0.3)
    assert model.press_stop().action == "quit"
    assert not model.stop_armed


def test_notes_are_trimmed_and_empty_ones_are_not_sent(model):
    assert model.note("  winced \n before contact ").argument == "winced before contact"
    assert model.note("   ") is None


def test_streams_go_stale_at_the_age_of_the_topic_table(model, clock):
    assert model.is_stale("force"), "nothing has come yet"
    model.feed(force(clock))
    clock.advance_s(0.099)
    assert not model.is_stale("force")
    clock.advance_s(0.002)
    assert model.is_stale("force")


def test_unvoiced_sound_leaves_a_gap_in_f0_and_silence_lies_on_the_floor(model, clock):
    model.feed(m.Heard(clock.now_ns(), 1, 1, 1, 0.0, -120.0, 0.0, "idle", 0))
    assert math.isnan(model.f0_hz.latest)
    assert model.level_dbfs.latest == -60.0


def test_presses_are_counted_by_region_and_told_with_their_pain(model, clock):
    onset_ns = clock.now_ns()
    for nrs in (0.0, 6.5, 2.0):
        clock.advance_s(0.2)
        model.feed(m.PainState(clock.now_ns(), 1, nrs, "appendix", "hold"))
    model.feed(m.Press(onset_ns, 1, onset_ns, 2, clock.now_ns(), 31.2, 90.0, 200.0, 150.0, "right iliac"))
    assert model.region_counts["right iliac"] == 1
    assert model.events[-1].text == "Press 1: 31.2 N, right iliac, pain 6.5"


def test_force_above_warning_and_limit_is_told_and_the_limit_comes_first(model, clock):
    model.feed(health(clock))
    model.feed(force(clock, 45.0))
    assert "above 40 N" in texts(model)
    model.feed(m.Note(clock.now_ns(), "error", "control", "voice died"))
    clock.advance_s(0.01)
    model.feed(force(clock, 85.0))
    first = model.warnings()[0]
    assert (first.state, "limit" in first.text) == ("bad", True)


@pytest.mark.parametrize("flag", ["saturated", "dead_cell", "early_contact", "untared"])
def test_flags_stay_long_enough_to_be_read_and_then_go(model, clock, flag):
    model.feed(force(clock, flags=(flag,)))
    clock.advance_s(1.0)
    model.feed(force(clock))
    assert len(model.warnings()) == 1
    clock.advance_s(2.0)
    assert not model.warnings()


def test_a_dead_board_is_on_the_banner(model, clock):
    model.feed(health(clock, link="down"))
    assert "Board: unplugged" in texts(model)


def test_heartbeats_that_say_nothing_new_make_no_event(model, clock):
    for _ in range(3):
        model.feed(m.ActorState(clock.now_ns(), "voice", "ready"))
        clock.advance_s(1.0)
    model.feed(m.ActorState(clock.now_ns(), "voice", "ready", "5 ms blocks"))
    model.feed(m.ActorState(clock.now_ns(), "voice", "failed", "died (SIGKILL)"))
    assert [event.kind for event in model.events] == ["info", "error"]


def test_elapsed_time_counts_from_the_first_turn_of_the_loop_and_stands_still_after_the_stop(model, clock):
    model.feed(m.SessionStart(clock.now_ns(), "", "s", "0", "", 1, "", "", {}))
    clock.advance_s(3.0)
    assert model.elapsed_s == 0.0, "voice and face are still warming up"
    model.feed(health(clock))
    clock.advance_s(12.5)
    assert model.elapsed_s == pytest.approx(12.5)
    model.feed(m.SessionStop(clock.now_ns(), "failed", "disk full"))
    clock.advance_s(5.0)
    assert model.elapsed_s == pytest.approx(12.5)
    assert model.warnings()[0].text == "Session ended (failed): disk full"


def test_what_the_record_and_the_bus_both_tell_counts_once(model, clock):
    press = m.Press(clock.now_ns(), 1, 0, 2, clock.now_ns(), 31.2, 90.0, 200.0, 150.0, "right iliac")
    for message in (press, press, m.Note(5, "info", "x", "y"), m.Note(5, "info", "x", "y")):
        model.feed(message)
    assert model.press_count == 1
    assert model.event_count == 2
