"""Training by ratings in the trial machine: a learner of paper chooses, a hand presses, a patient of paper hurts."""

import msgspec
import pytest

from robopatient.config import LessonConfig
from robopatient.study.chooser import Suggestion
from robopatient.study.lesson import BAND_SHARE, lesson_study

LEAST_NRS = 0.5


@pytest.fixture
def sitting(lab):
    """Makes sittings: ``sitting(ratings=2)``."""

    class Sitting(lab.Desk):
        def __init__(self, answers: int = 0, **lesson: object) -> None:
            super().__init__(lesson_study(LessonConfig(folder="x", **lesson)))
            self.answers, self.chooses, self.nrs = answers, True, 0.0
            self.suggested: list[int] = []
            self.orders: list[str] = []

        def turn(self, *time: int) -> None:
            known = len(self.rows)
            super().turn(*time)
            self.machine.hurt(self.nrs)
            for row in self.rows[known:]:
                undone = "undone" in row.flags
                self.orders.append("undo" if undone else row.status)
                self.answers += (row.status == "done") - undone
                self.say("learnt", str(self.answers), "trainer")
            waits = self.machine.phase == "waiting" and not self._waiting
            if waits and self.chooses and self.machine.log.learner.choose(self.answers) is None:
                self.suggested.append(self.answers)
                factors = {"force_newton": 12.0, "nrs": 5.0, "question": "signed"}
                told = Suggestion("t", {"nrs": 5.0}, {"level_db": -9.0}, self.answers, factors, LEAST_NRS)
                self.say("suggest", msgspec.json.encode(told).decode(), "trainer")

        def begin(self) -> None:
            self.say("begun", str(self.answers), "trainer")
            for _ in range(3):
                self.say("next")
                self.run(0.1)

        def press(self, newton: float = 12.0, hold_s: float = 0.3, nrs: float = 5.0) -> None:
            self.nrs = nrs
            super().press(newton, hold_s)
            self.nrs = 0.0

        def trial(self, answer: str = "0", newton: float = 12.0) -> None:
            super().trial(answer, newton)
            self.run(1.0)

    return Sitting


@pytest.fixture
def begun(sitting):
    made = sitting()
    made.begin()
    return made


def test_consent_waits_until_the_learner_says_whether_this_goes_on_with_an_earlier_sitting(sitting):
    desk = sitting()
    desk.say("next")
    desk.run(0.1)
    assert desk.machine.phase == "setup"
    assert desk.states[-1].flags == ("learner chooses",)
    desk.begin()
    phases = list(dict.fromkeys(state.phase for state in desk.states))
    assert phases == ["setup", "consent", "instructions", "waiting", "ready"]
    assert {state.text for state in desk.states if state.phase == "waiting"} == {"ready.main"}


def test_a_resumed_training_asks_for_no_consent_again_and_counts_on(sitting):
    desk = sitting(answers=12)
    desk.begin()
    desk.until("ready")
    assert {state.phase for state in desk.states} == {"waiting", "ready"}
    assert desk.states[-1].trial == 12
    desk.trial()
    assert [(row.trial, row.status) for row in desk.rows] == [(12, "done")]


def test_the_machine_waits_visibly_while_the_learner_chooses_and_never_without_an_end(sitting):
    desk = sitting()
    desk.chooses = False
    desk.begin()
    desk.run(30.0)
    assert desk.machine.phase == "waiting"
    assert desk.states[-1].flags == ("learner chooses",)
    desk.say("pause", source="console")
    desk.run(0.1)
    assert desk.machine.phase == "paused"
    desk.chooses = True
    desk.say("resume", source="console")
    desk.until("press")
    state = desk.states[-1]
    assert (state.target_low_newton, state.target_high_newton) == pytest.approx(
        (12.0 * (1 - BAND_SHARE), 12.0 * (1 + BAND_SHARE))
    )


def test_the_bar_stays_until_the_hand_has_left_and_any_press_that_hurts_is_a_trial(begun):
    begun.until("press")
    begun.newton, begun.nrs = 30.0, 6.0
    begun.run(2.0)
    assert begun.machine.phase == "press"
    begun.newton = 0.0
    begun.until("question")
    assert begun.states[-1].question == "signed"
    begun.say("answer", "-2")
    begun.turn()
    (row,) = begun.rows
    assert (row.status, row.response_value, row.peak_newton) == ("done", -2.0, 30.0)
    assert row.factors["nrs"] == 5.0


def test_a_press_too_light_to_hurt_comes_again_with_the_same_expression(begun):
    begun.press(nrs=0.1)
    begun.run(0.5)
    assert (begun.rows[0].status, begun.states[-1].text) == ("missed", "feedback.missed")
    begun.press(nrs=5.0)
    begun.until("question")
    assert begun.suggested == [0]
    begun.say("answer", "1")
    begun.run(0.1)
    assert [(row.trial, row.status) for row in begun.rows] == [(0, "missed"), (0, "done")]


def test_an_overloaded_press_comes_again(begun):
    begun.until("press")
    begun.flags = ("overload",)
    begun.press()
    begun.flags = ()
    begun.run(0.5)
    assert begun.rows[0].status == "missed"


@pytest.mark.parametrize("answer", ["9", "-4", "much", "", "nan", "0.5"])
def test_an_answer_off_the_scale_is_no_answer(begun, answer):
    begun.press()
    begun.until("question")
    begun.say("answer", answer)
    begun.run(0.1)
    assert begun.machine.phase == "question"
    assert not begun.rows


def test_undo_takes_answers_back_one_after_the_other_and_has_them_pressed_anew(begun):
    for _ in range(3):
        begun.trial()
    for _ in range(2):
        begun.say("undo", source="console")
        begun.run(2.0)
    assert [order for order in begun.orders if order != "aborted"] == ["done"] * 3 + ["undo"] * 2
    assert begun.answers == 1
    assert [row.corrects for row in begun.rows if "undone" in row.flags] == [2, 1]
    begun.until("press")
    assert begun.states[-1].trial == 1
    begun.trial("2")
    assert (begun.rows[-1].trial, begun.rows[-1].response_value) == (1, 2.0)


def test_an_answer_of_an_earlier_sitting_can_be_taken_back(sitting):
    desk = sitting(answers=4)
    desk.begin()
    desk.until("press")
    desk.say("undo", source="console")
    desk.run(2.0)
    assert desk.orders == ["aborted", "undo"]
    assert (desk.answers, desk.suggested) == (3, [4, 3])


def test_a_break_comes_in_its_time_and_ends_when_it_is_over(sitting):
    desk = sitting(break_every=2, break_s=30.0)
    desk.begin()
    for _ in range(2):
        desk.trial()
    desk.until("break")
    desk.say("next")
    desk.run(31.0)
    assert desk.machine.phase == "break"
    desk.say("next")
    desk.trial()
    assert desk.machine.phase in ("waiting", "ready", "press")


def test_a_stop_sets_the_press_aside_and_the_learner_chooses_anew(begun):
    begun.until("press")
    begun.newton = 12.0
    begun.run(0.2)
    begun.say("hush", source="console")
    begun.newton = 0.0
    begun.run(5.0)
    assert begun.machine.phase == "paused"
    assert begun.orders == ["aborted"]
    begun.say("resume", source="console")
    begun.trial()
    assert begun.suggested[:2] == [0, 0]
    assert begun.answers == 1


def test_a_question_waits_through_a_pause_which_comes_after_its_answer(begun):
    begun.press()
    begun.until("question")
    begun.say("pause", source="console")
    begun.run(1.0)
    assert begun.machine.phase == "question"
    assert begun.machine.needs == frozenset()
    begun.say("answer", "0")
    begun.until("paused")
    assert begun.answers == 1


def test_a_training_waits_when_the_face_is_gone_as_a_study_does(begun):
    begun.until("press")
    assert begun.machine.needs == {"voice", "face"}
    begun.say("pause", "face not shown", "control")
    begun.run(0.1)
    assert begun.machine.phase == "paused"
    assert "face not shown" in begun.states[-1].flags
    begun.say("resume")
    begun.run(0.5)
    assert begun.machine.phase == "paused", "only the operator goes on"
    begun.say("resume", source="console")
    begun.until("press")


def test_a_learner_that_began_anew_has_the_trial_in_hand_chosen_again(begun):
    begun.trial()
    begun.until("press")
    begun.say("begun", "1", "trainer")
    begun.run(0.1)
    assert "learner began anew" in begun.rows[-1].flags
    begun.trial()
    assert [row.trial for row in begun.done] == [0, 1]
    begun.say("begun", "1", "trainer")  # killed before it had written the second
    begun.answers = 1
    begun.trial()
    assert [row.trial for row in begun.done] == [0, 1, 1]


def test_the_end_waits_until_the_learner_has_taken_the_last_answer_in(sitting):
    desk = sitting(ratings=2)
    desk.begin()
    desk.trial()
    desk.press()
    desk.until("question")
    desk.say("answer", "0")
    say, desk.say = desk.say, lambda action, *rest: None if action == "learnt" else say(action, *rest)
    desk.run(5.0)
    assert desk.machine.phase == "waiting"
    say("learnt", "2", "trainer")
    desk.until("done")
    assert desk.states[-1].trial == desk.states[-1].n_trials == 2


def test_nonsense_from_a_learner_changes_nothing(begun):
    for action, argument in (("learnt", "many"), ("begun", "-1"), ("suggest", "{"), ("suggest", '{"trial": "x"}')):
        begun.say(action, argument, "trainer")
        begun.turn()
    begun.trial()
    assert begun.answers == 1
