import math

import pytest

from robopatient.errors import ConfigError
from robopatient.study.machine import Machine
from robopatient.study.trials import Person


def test_a_session_goes_from_consent_to_thanks_and_breaks_when_it_should(desk):
    for _ in range(3):
        desk.trial()
    desk.until("break")
    assert desk.states[-1].time_left_s == pytest.approx(10.0, abs=0.1)
    desk.say("next")
    desk.run(1.0)
    assert desk.machine.phase == "break"  # a break is a break
    desk.run(10.0)
    desk.say("next")
    desk.until("ready")
    desk.trial()
    desk.until("done")
    assert [row.status for row in desk.rows] == ["done"] * 4
    assert sorted(row.trial for row in desk.rows) == [0, 1, 2, 3]
    assert {state.phase for state in desk.states} >= {"consent", "instructions", "ready", "press", "react", "question"}


def test_the_row_says_what_was_asked_and_what_was_pressed(desk):
    desk.trial("4", newton=13.0)
    row = desk.rows[0]
    assert row.factors == desk.plan.trials[row.trial].factors
    assert (row.response, row.response_value) == ("strongly agree", 4.0)
    assert row.response_time_s == pytest.approx(0.5, abs=0.02)
    assert row.peak_newton == row.force_at_trigger_newton == 13.0
    assert 0 < row.trigger_ns == row.command_ns < row.response_ns <= row.t_ns
    assert row.design_sha256 == desk.plan.sha256


def test_a_sound_is_given_once_from_the_very_turn_of_the_trigger(desk):
    desk.press(12.0)
    desk.until("question")
    sounding = [shown.voice.level_db > -60.0 for shown in desk.shown]
    first, count = sounding.index(True), sum(sounding)
    assert count == 125  # 0.5 s
    assert all(sounding[first : first + count])
    assert desk.shown[first].phase == "onset"


def test_the_next_trial_waits_until_the_row_is_on_the_disk(desk):
    desk.saves = False
    desk.trial()
    desk.run(5.0)
    assert desk.machine.phase == "feedback"
    assert "not saved" in desk.states[-1].flags
    desk.say("saved", str(desk.serials[-1]), "record")
    desk.run(0.5)
    assert desk.machine.phase == "ready"


def test_a_press_that_is_too_light_comes_again_at_the_end_of_the_block(desk):
    first = desk.machine._attempt.number
    desk.press(3.0)
    desk.run(4.0)
    assert (desk.rows[0].status, desk.rows[0].trial) == ("missed", first)
    assert math.isnan(desk.rows[0].response_value)
    assert desk.machine.phase in ("ready", "press")
    while desk.machine.phase != "done":
        if desk.machine.phase == "break":
            desk.run(10.0)
            desk.say("next")
            desk.until("ready")
        desk.trial()
        desk.run(0.5)
    assert desk.rows[-1].trial == first
    assert desk.rows[-1].attempt == 1
    assert any(state.text == "press.again_missed" for state in desk.states)
    assert len(desk.done) == 4


def test_a_hand_that_does_not_wait_is_an_early_contact_and_the_trial_comes_again(desk):
    desk.until("press")
    desk.newton = 4.0
    desk.run(0.02)
    desk.newton = 0.0
    assert desk.rows[0].status == "early contact"
    desk.run(0.1)
    assert desk.states[-1].text == "feedback.early"


def test_the_window_does_not_open_while_a_hand_lies_there(desk):
    desk.newton = 2.0
    desk.run(5.0)
    assert desk.machine.phase == "ready"
    assert "hand on" in desk.states[-1].flags


def test_an_unanswered_question_is_queued_again_and_never_lost(lab, tmp_path):
    desk = lab.Desk(lab.write_study(tmp_path / "hasty", answer_s=3.0))
    desk.begin()
    desk.press(12.0)
    desk.until("question")
    desk.run(3.1)
    assert desk.rows[0].status == "missed"
    assert "unanswered" in desk.rows[0].flags
    for _ in range(3):
        desk.trial()
        desk.run(0.5)
    desk.until("break")
    assert desk.machine.log.left(0) == [desk.rows[0].trial]


def test_without_a_limit_a_question_waits_for_its_answer_for_ever(desk):
    desk.press(12.0)
    desk.until("question")
    desk.run(120.0)
    assert desk.machine.phase == "question"


def test_what_is_no_answer_is_told_and_the_question_stays(desk):
    desk.press(12.0)
    desk.until("question")
    desk.say("answer", "9")
    desk.run(0.1)
    assert desk.machine.phase == "question"
    assert "expected 1, 2, 3, 4" in desk.notes[0][1]


def test_of_two_answers_at_once_the_first_counts(desk):
    desk.press(12.0)
    desk.until("question")
    desk.say("answer", "1", "console")
    desk.say("answer", "4", "participant")
    desk.run(0.1)
    assert [row.response_value for row in desk.rows] == [1.0]


def test_undo_asks_again_and_appends_a_row_that_corrects(desk):
    desk.trial("1")
    desk.until("press")
    desk.say("undo", source="console")
    desk.until("question")
    desk.say("answer", "4")
    desk.run(0.1)
    first, aside, second = desk.rows
    assert (first.response_value, second.response_value) == (1.0, 4.0)
    assert aside.status == "aborted"  # the press that had been opened
    assert (second.corrects, second.attempt, second.status) == (first.trial, 1, "done")
    assert "undone" in second.flags
    desk.say("undo", source="console")
    desk.run(2.0)
    desk.until("question")  # the correction may itself be corrected


def test_redo_does_the_last_trial_again(desk):
    desk.trial("1")
    desk.until("ready")
    desk.say("redo", source="console")
    desk.run(0.5)
    assert desk.machine._attempt.number == desk.rows[0].trial
    desk.trial("2")
    assert (desk.rows[-1].corrects, desk.rows[-1].attempt) == (desk.rows[0].trial, 1)
    assert len(desk.machine.log.left(0)) == 3


def test_a_replay_presents_the_reaction_again_and_is_counted(desk):
    desk.press(12.0)
    desk.until("question")
    desk.shown.clear()
    desk.say("replay")
    desk.turn()
    desk.until("question")
    assert sum(shown.voice.level_db > -60.0 for shown in desk.shown) == 125
    desk.say("replay")
    desk.run(0.1)
    assert desk.machine.phase == "question"  # one is allowed
    desk.say("answer", "2")
    desk.turn()
    assert desk.rows[0].replays == 1


def test_stop_voids_the_trial_and_waits_for_the_operator(desk):
    number = desk.machine._attempt.number
    desk.until("press")
    desk.run(0.3)
    desk.newton = 12.0
    desk.run(0.1)
    desk.say("stop", source="console")
    desk.turn()
    assert desk.machine.phase == "paused"
    assert desk.shown[-1].voice.level_db == -60.0
    desk.newton = 0.0
    assert (desk.rows[0].status, desk.rows[0].flags) == ("aborted", ("stopped",))
    desk.run(5.0)
    assert desk.machine.phase == "paused"
    desk.say("resume", source="console")
    desk.until("ready")
    assert desk.machine._attempt.number == number


def test_a_nearly_full_disk_pauses_after_the_trial_and_loses_nothing(desk):
    desk.until("press")
    desk.say("pause", "disk nearly full", "record")
    desk.trial()
    desk.until("paused")
    assert [row.status for row in desk.rows] == ["done"]
    assert "disk nearly full" in desk.states[-1].flags


def test_a_clock_that_jumps_voids_the_trial_and_one_that_runs_back_stands_still(desk):
    desk.until("press")
    desk.run(0.3)
    desk.now_ns -= 2_000_000_000
    desk.turn()
    assert desk.machine.phase == "press"
    desk.now_ns += 5_000_000_000
    desk.turn()
    assert desk.rows[0].status == "invalid"
    assert "clock jump" in desk.rows[0].flags


def test_a_board_that_falls_silent_voids_the_trial_and_the_next_waits_for_it(desk):
    desk.until("press")
    desk.run(0.3)
    desk.flags = ("stale",)
    desk.run(6.0)
    assert (desk.rows[0].status, len(desk.rows)) == ("invalid", 1)
    assert desk.machine.phase == "ready"
    assert "board silent" in desk.states[-1].flags
    desk.flags = ()
    desk.until("press")


def test_a_stopped_session_opens_no_window(desk):
    desk.flags = ("paused",)
    desk.run(5.0)
    assert desk.machine.phase == "ready"
    assert "stopped" in desk.states[-1].flags


def test_only_the_record_says_what_is_saved(desk):
    desk.saves = False
    desk.trial()
    desk.say("saved", "1", "participant")
    desk.run(2.0)
    assert desk.machine.phase == "feedback"


def test_abort_ends_the_session_for_good(desk):
    desk.until("press")
    desk.say("abort", source="console")
    desk.run(0.1)
    assert (desk.machine.phase, desk.rows[0].status) == ("aborted", "aborted")
    desk.say("next")
    desk.say("resume")
    desk.run(1.0)
    assert desk.machine.over


def test_a_killed_session_goes_on_at_the_next_trial(lab, study, desk):
    desk.trial()
    desk.run(0.5)
    desk.trial()
    again = lab.Desk(study, earlier=desk.rows)
    again.say("next")
    again.until("ready")
    assert again.machine._attempt.number == 2
    again.trial()
    again.run(1.0)
    again.trial()
    again.run(1.0)
    assert sorted(row.trial for row in again.done) == [0, 1, 2, 3]


def test_rows_of_another_design_participant_or_session_are_refused(lab, study, desk, tmp_path):
    desk.trial()
    other = lab.write_study(tmp_path / "else" / "small", answer_s=2.0)
    with pytest.raises(ConfigError, match="has another design"):
        Machine(other, other.plan(Person("P01")), desk.rows)
    with pytest.raises(ConfigError, match="is of study small, participant P01"):
        Machine(study, study.plan(Person("P02")), desk.rows)


def test_equal_inputs_give_equal_rows(lab, study):
    def session():
        desk = lab.Desk(study)
        desk.begin()
        desk.trial("2", 11.0)
        desk.run(0.5)
        desk.trial("3", 14.0)
        return desk.rows, desk.states, desk.shown

    assert repr(session()) == repr(session())
