import msgspec
import numpy as np
import pytest

from policies.rater_check import Consistency
from policies.trainer import FinishTraining, NextTrial, PressDone, Progress, Rated, Skipped, Undo
from policies.trial_scheduler import BAND_SHARE, PressOutcomes, TrialScheduler, standard_presses
from robopatient import messages as m
from robopatient.config import LessonConfig, SessionConfig
from robopatient.expression.ppo import Ppo
from robopatient.patient import load_patient

MS = 1_000_000
PRESSES = PressOutcomes(np.linspace(4.0, 35.0, 12), np.linspace(1.0, 9.0, 12), np.linspace(5.0, 15.0, 12))


class Sitting:
    """A coach, a clock, and a trainer of paper."""

    def __init__(self, policy: str = "psychophysical", **lesson: object) -> None:
        self.policy = Ppo(policy)
        self.scheduler = TrialScheduler(LessonConfig(folder="x", **lesson), 1, PRESSES, self.policy)
        self.now_ns = 0
        self.answers = 0
        self.sent: list[object] = []

    def pass_(self, seconds: float, newton: float = 0.0, nrs: float = 0.0) -> None:
        for _ in range(round(seconds * 50)):
            self.now_ns += 20 * MS
            self.scheduler.felt(m.ForceFrame(self.now_ns, self.now_ns, 0, (newton,)))
            self.scheduler.hurt(m.PainState(self.now_ns, 0, nrs, "", "hold"))
            self.hear(self.scheduler.turn(self.now_ns))

    def hear(self, orders: list[object]) -> None:
        self.sent += orders
        for order in orders:
            match order:
                case PressDone():
                    action = {"level_db": -12.0, "f0_ratio": 1.0}
                    self.policy.suggest("t", self.scheduler.target, action)
                    self.scheduler.asked(NextTrial(self.answers, action, "signed", "thompson", (0.0, 0.0)), self.now_ns)
                case Rated():
                    self.answers += 1
                    self.progress()
                case Undo():
                    self.answers -= 1
                    self.progress()
                case Skipped():
                    self.progress()

    def progress(self) -> None:
        told = Progress(self.answers, (0.5, 0.3, 0.7), "parametric", "", Consistency(), (), {})
        self.scheduler.learnt(told, self.now_ns)

    def do(self, action: str, argument: str = "") -> None:
        self.hear(self.scheduler.act(m.OperatorAction(self.now_ns, action, argument), self.now_ns))

    def begin(self) -> None:
        self.progress()
        for _ in range(3):
            self.do("next")

    def press(self, nrs: float) -> None:
        begun_ns = self.now_ns
        self.pass_(0.5, newton=15.0, nrs=nrs)
        self.scheduler.pressed(m.Press(begun_ns, 0, begun_ns, 0, self.now_ns, 15.0, 80.0, 0.0, 0.0, ""), self.now_ns)

    def trial(self, answer: str = "0", nrs: float = 5.0) -> None:
        self.pass_(2.0)
        assert self.scheduler.phase == "press"
        self.press(nrs)
        self.do("answer", answer)
        self.pass_(1.0)


def test_consent_and_instructions_come_before_the_first_press():
    sitting = Sitting()
    sitting.do("next")
    assert sitting.scheduler.phase == "setup", "the trainer is not there yet"
    sitting.progress()
    seen = [sitting.scheduler.phase]
    for _ in range(3):
        sitting.do("next")
        seen.append(sitting.scheduler.phase)
    assert seen == ["setup", "consent", "instructions", "ready"]


def test_a_resumed_lesson_asks_for_no_consent_again():
    sitting = Sitting()
    sitting.answers = 12
    sitting.begin()
    assert sitting.scheduler.phase == "ready"


def test_the_window_opens_when_the_hand_is_off_and_the_trainer_has_chosen():
    sitting = Sitting()
    sitting.begin()
    sitting.pass_(1.0, newton=3.0)
    state = sitting.scheduler.state(sitting.now_ns, "P01")
    assert (state.phase, state.flags) == ("ready", ("hand on",))
    sitting.pass_(1.0)
    state = sitting.scheduler.state(sitting.now_ns, "P01")
    assert state.phase == "press"
    middle = 0.5 * (state.target_low_newton + state.target_high_newton)
    assert np.interp(middle, PRESSES.newton, PRESSES.nrs) == pytest.approx(sitting.scheduler.target["nrs"])
    assert state.target_high_newton / middle == pytest.approx(1.0 + BAND_SHARE)


def test_what_is_learnt_from_is_what_the_press_came_to():
    sitting = Sitting()
    sitting.begin()
    sitting.pass_(2.0)
    sitting.press(nrs=6.4)
    observed = sitting.policy.shown(m.PainState(0, 0, 6.4, "", "hold"))
    acted = sitting.policy.acting({"nrs": observed})
    sitting.do("answer", "-2")
    (rated,) = [order for order in sitting.sent if isinstance(order, Rated)]
    assert rated.observed == pytest.approx((observed,))
    assert rated.presented == pytest.approx((acted["level_db"], acted["f0_ratio"]))
    assert rated.rating == -2.0


def test_a_face_is_taught_with_the_voice_and_a_rate_is_observed_where_the_task_has_them():
    sitting = Sitting("psychophysical-6d", task="pain-to-expression")
    sitting.begin()
    sitting.pass_(2.0)
    assert set(sitting.scheduler.target) == {"nrs", "nrs_per_s"}
    (pressed,) = [order for order in sitting.sent if isinstance(order, PressDone)]
    assert pressed.observation == tuple(sitting.scheduler.target.values())
    sitting.press(nrs=6.4)
    sitting.do("answer", "1")
    (rated,) = [order for order in sitting.sent if isinstance(order, Rated)]
    nrs, nrs_per_s = rated.observed
    assert nrs == pytest.approx(sitting.policy.shown(m.PainState(0, 0, 6.4, "", "hold")))
    assert nrs_per_s > 20.0, "the pain of this press began at once"


def test_at_the_pain_aimed_at_the_patient_does_exactly_what_the_trainer_asked():
    policy = Ppo("psychophysical")
    policy.suggest("trial3", {"nrs": 5.0}, {"level_db": -20.0, "f0_ratio": 0.9})
    assert policy.acting({"nrs": 5.0}) == pytest.approx({"level_db": -20.0, "f0_ratio": 0.9})
    said = policy.step(m.PainState(1, 0, 5.0, "", "hold"))
    assert said.voice.level_db == pytest.approx(-20.0, abs=1e-6)
    assert said.policy.endswith("+trial3")
    policy.suggest("", {}, {})
    assert policy.step(m.PainState(1, 0, 5.0, "", "hold")) == Ppo("psychophysical").step(
        m.PainState(1, 0, 5.0, "", "hold")
    )


def test_a_press_too_light_to_hurt_comes_again():
    sitting = Sitting()
    sitting.begin()
    sitting.pass_(2.0)
    sitting.press(nrs=0.1)
    state = sitting.scheduler.state(sitting.now_ns, "P01")
    assert (state.phase, state.text) == ("feedback", "feedback.missed")
    sitting.pass_(3.0)
    assert sitting.scheduler.phase == "press"
    assert sitting.answers == 0


@pytest.mark.parametrize("answer", ["9", "-4", "much", "", "nan", "0.5"])
def test_an_answer_off_the_scale_is_no_answer(answer):
    sitting = Sitting()
    sitting.begin()
    sitting.pass_(2.0)
    sitting.press(5.0)
    sitting.do("answer", answer)
    assert sitting.scheduler.phase == "question"
    assert not [order for order in sitting.sent if isinstance(order, Rated)]


def test_a_doubled_answer_counts_once():
    sitting = Sitting()
    sitting.begin()
    sitting.pass_(2.0)
    sitting.press(5.0)
    sitting.do("answer", "1")
    sitting.do("answer", "1")
    assert len([order for order in sitting.sent if isinstance(order, Rated)]) == 1


def test_undo_takes_the_last_rating_back_and_goes_on():
    sitting = Sitting()
    sitting.begin()
    sitting.trial()
    sitting.trial()
    sitting.do("undo")
    assert sitting.answers == 1
    assert sitting.scheduler.state(sitting.now_ns, "").text == "feedback.undone"
    sitting.pass_(3.0)
    assert sitting.scheduler.phase == "press"


def test_a_break_comes_in_its_time_and_ends_when_it_is_over():
    sitting = Sitting(break_every=2, break_s=30.0)
    sitting.begin()
    sitting.trial()
    sitting.trial()
    assert sitting.scheduler.phase == "break"
    sitting.do("next")
    assert sitting.scheduler.phase == "break"
    sitting.pass_(31.0)
    sitting.do("next")
    assert sitting.scheduler.phase == "ready"
    sitting.trial()
    assert sitting.scheduler.phase in ("ready", "press")


def test_a_stop_sets_the_trial_aside_and_resume_goes_on():
    sitting = Sitting()
    sitting.begin()
    sitting.pass_(2.0)
    sitting.do("hush")
    assert sitting.scheduler.phase == "paused"
    assert isinstance(sitting.sent[-1], Skipped)
    sitting.pass_(5.0)
    assert sitting.scheduler.phase == "paused"
    sitting.do("resume")
    sitting.trial()
    assert sitting.answers == 1


def test_the_last_rating_writes_the_policy():
    sitting = Sitting(ratings=2)
    sitting.begin()
    sitting.trial()
    sitting.trial()
    assert sitting.scheduler.phase == "done"
    assert isinstance(sitting.sent[-1], FinishTraining)


@pytest.mark.parametrize(("answers", "finishes"), [(0, False), (1, True)])
def test_abort_keeps_what_was_learnt(answers, finishes):
    sitting = Sitting()
    sitting.begin()
    for _ in range(answers):
        sitting.trial()
    sitting.do("abort")
    assert sitting.scheduler.phase == "aborted"
    assert bool([order for order in sitting.sent if isinstance(order, FinishTraining)]) is finishes


def test_harder_presses_hurt_more_at_the_worst_site():
    config = msgspec.structs.replace(SessionConfig(), patient="appendicitis")
    profile = load_patient(config.patient)
    presses = standard_presses(config, profile, Ppo("psychophysical", profile))
    assert np.all(np.diff(presses.nrs) >= 0.0)
    assert presses.nrs[-1] > presses.nrs[0] + 2.0
    assert np.all(np.diff(presses.nrs_per_s) >= 0.0)
    assert presses.newton[0] == 4.0
    assert presses.force(presses.nrs[5]) <= presses.newton[5] + 1e-9
