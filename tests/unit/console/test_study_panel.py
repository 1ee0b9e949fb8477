import msgspec
import pytest
from PySide6.QtCore import Qt

from experiments.benchmarks.rehearsal import LESSON_STATES, OPERATOR_STATES, operator_at
from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.console.learning_panel import LEARNING_KEYS
from robopatient.console.study_model import ABORT_ARMED_S, FLAGS, PACE_S, PHASES, StudyModel
from robopatient.console.study_panel import STUDY_KEYS
from robopatient.console.theme import LIGHT
from robopatient.console.window import ConsoleWindow

pytestmark = pytest.mark.qt

KEY = Qt.Key


class Desk:
    """An operator's console in one of the states of a study."""

    def __init__(self, qtbot, name: str) -> None:
        self.actions: list[m.OperatorAction] = []
        self.model, self.clock = operator_at(name, seconds=1.0)
        self.window = ConsoleWindow(self.model, self.actions.append, None)
        qtbot.addWidget(self.window)
        with qtbot.waitExposed(self.window):
            self.window.show()
        self.window.activateWindow()
        self.panel = self.window.desk.panel

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(action.action, action.argument) for action in self.actions]

    def told(self, **changes: object) -> None:
        self.model.feed(msgspec.structs.replace(self.model.study.state, **changes))
        self.panel.refresh()


@pytest.fixture
def sit(qtbot):
    return lambda name: Desk(qtbot, name)


@pytest.mark.parametrize(
    ("state", "key", "asked"),
    [
        ("question", KEY.Key_3, ("answer", "3")),
        ("question-signed", KEY.Key_1, ("answer", "-3")),
        ("question", KEY.Key_Space, ("replay", "")),
        ("question", KEY.Key_Backspace, ("undo", "")),
        ("press", KEY.Key_R, ("redo", "")),
        ("press", KEY.Key_P, ("pause", "")),
        ("paused", KEY.Key_P, ("resume", "")),
        ("setup", KEY.Key_G, ("next", "")),
        ("press", KEY.Key_Escape, ("hush", "")),
        ("lesson-frozen", KEY.Key_Y, ("trust", "")),
        ("press", KEY.Key_T, ("tare", "")),
    ],
)
def test_each_key_asks_for_its_action(sit, qtbot, state, key, asked):
    desk = sit(state)
    qtbot.keyClick(desk.window, key)
    assert desk.asked == [asked]
    assert desk.actions[0].source == "console"


@pytest.mark.parametrize(
    ("state", "keys"),
    [
        ("press", "123G"),
        ("break", "G1"),
        ("setup", "RP1"),
        ("done", "RPGE"),
        ("instructions", "RP"),
    ],
)
def test_keys_that_mean_nothing_now_ask_for_nothing(sit, qtbot, state, keys):
    desk = sit(state)
    qtbot.keyClicks(desk.window, keys)
    assert desk.asked == []


def test_the_mouse_does_what_the_keys_do(sit, qtbot):
    desk = sit("question")
    for button in (
        desk.panel.replay,
        desk.panel.undo,
        desk.panel.redo,
        desk.panel.answers[1],
        desk.window.controls.run,
    ):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert desk.asked == [("replay", ""), ("undo", ""), ("redo", ""), ("answer", "2"), ("pause", "")]


def test_a_question_is_answered_once_by_this_console(sit, qtbot):
    desk = sit("question")
    qtbot.keyClicks(desk.window, "22")
    assert desk.asked == [("answer", "2")]
    desk.told(trial=desk.model.study.state.trial + 1)
    qtbot.keyClicks(desk.window, "4")
    assert desk.asked[1:] == [("answer", "4")]


def test_ending_asks_once_before_it_ends(sit, qtbot):
    desk = sit("press")
    qtbot.keyClick(desk.window, KEY.Key_E)
    assert desk.asked == []
    assert desk.panel.abort.text() == "Press again"
    desk.clock.advance_s(ABORT_ARMED_S + 0.1)
    qtbot.keyClick(desk.window, KEY.Key_E)
    assert desk.asked == []
    qtbot.keyClick(desk.window, KEY.Key_E)
    assert desk.asked == [("abort", "")]


def test_escape_never_ends_the_silence_however_often_it_is_hit(sit, qtbot):
    desk = sit("press")
    for _ in range(3):
        qtbot.keyClick(desk.window, KEY.Key_Escape)
        desk.clock.advance_s(1.0)
    assert {asked for asked, _ in desk.asked} == {"hush"}
    assert desk.window.controls.hush.name.text() == "STOPPED"
    qtbot.keyClick(desk.window, KEY.Key_H)
    assert desk.asked[-1] == ("unhush", "")


def test_going_on_after_a_stop_ends_the_silence(sit, qtbot):
    desk = sit("press")
    qtbot.keyClick(desk.window, KEY.Key_Escape)
    desk.told(phase="paused")
    desk.window.refresh()
    qtbot.keyClick(desk.window, KEY.Key_P)
    assert [asked for asked, _ in desk.asked] == ["hush", "resume"]
    desk.model.feed(desk.actions[-1])  # as control tells it back
    assert not desk.model.hushed


def test_letters_in_a_note_are_no_commands(sit, qtbot):
    desk = sit("question")
    qtbot.keyClick(desk.window, KEY.Key_N)
    qtbot.keyClicks(desk.window.controls.note, "p 3 re")
    qtbot.keyClick(desk.window.controls.note, KEY.Key_Backspace)
    assert desk.asked == []
    qtbot.keyClick(desk.window.controls.note, KEY.Key_Return)
    assert desk.asked == [("note", "p 3 r")]


def test_what_is_presented_can_be_hidden(sit, qtbot):
    desk = sit("press")
    assert "15 N" in desk.panel.presented.full_text
    qtbot.keyClick(desk.window, KEY.Key_B)
    assert desk.panel.presented.full_text == "hidden"
    assert desk.panel.last.full_text == ""


def test_progress_says_trial_block_and_time_left(sit):
    desk = sit("question")
    desk.told(trial=63, n_trials=192, block=1, n_blocks=3)
    assert desk.panel.where.text() == "Trial 64 of 192  ·  block 2 of 3"
    assert desk.panel.left.text().startswith("about ")
    desk.told(trial=3, n_trials=6, practice=True)
    assert desk.panel.where.text().startswith("Practice 4 of 6")


def test_time_left_follows_the_pace_and_leaves_breaks_out_of_it():
    clock = FakeClock(0)
    model = StudyModel(clock, break_every=10, break_s=60.0)
    model.feed(
        msgspec.structs.replace(
            operator_at("question", seconds=0.1)[0].study.state, trial=0, n_trials=30, practice=False
        )
    )
    assert model.time_left_s() == pytest.approx(30 * PACE_S + 2 * 60.0)
    row = operator_at("question", seconds=0.1)[0].study.last
    for trial in range(9):
        clock.advance_s(5.0 if trial != 4 else 90.0)
        model.feed(msgspec.structs.replace(row, t_ns=clock.now_ns(), trial=trial))
    model.feed(msgspec.structs.replace(model.state, trial=9))
    assert model.pace_s() == pytest.approx(5.0)
    assert model.time_left_s() == pytest.approx(21 * 5.0 + 2 * 60.0)


def test_a_row_told_twice_counts_once():
    model = StudyModel(FakeClock(0))
    row = operator_at("question", seconds=0.1)[0].study.last
    model.feed(row)
    model.feed(row)
    assert model.counts == {"done": 1}


@pytest.mark.parametrize("flag", FLAGS)
def test_what_the_operator_must_know_is_said_in_words(sit, flag):
    desk = sit("press")
    desk.told(flags=(flag,))
    assert desk.panel.warning.isVisible()
    assert desk.panel.warning.full_text == FLAGS[flag][1]


def test_a_participants_screen_that_hangs_or_fails_is_told(sit):
    desk = sit("press")
    desk.clock.advance_s(4.0)
    desk.panel.refresh()
    assert "does not answer" in desk.panel.warning.full_text
    desk.model.feed(m.ActorState(desk.clock.now_ns(), "participant", "failed", "strings.toml: pages: lacks paused"))
    desk.panel.refresh()
    assert "lacks paused" in desk.panel.warning.full_text


def test_every_phase_has_words():
    assert set(PHASES) == set(m.StudyPhase.__args__)


@pytest.mark.parametrize("name", [*OPERATOR_STATES, *LESSON_STATES])
def test_every_state_fits_the_window_in_both_themes(sit, qtbot, name):
    desk = sit(name)
    desk.window.resize(1280, 800)
    for _ in range(2):
        qtbot.wait(10)
        assert desk.window.width() == 1280
        assert desk.panel.height() >= desk.panel.minimumSizeHint().height()
        desk.window.set_theme(LIGHT)


def test_the_help_sheet_lists_every_key_of_the_study(sit, qtbot):
    desk = sit("lesson")
    listed = " ".join(key for key, _ in (*STUDY_KEYS, *LEARNING_KEYS)).replace("Ctrl ", "Ctrl+").split()
    bound = dict(desk.window.desk.keys())
    letters = {key for key in bound if not key.isdigit()}
    assert letters <= set(listed)
    qtbot.keyClick(desk.window, KEY.Key_F1)
    assert desk.window.help.isVisible()


def test_the_lessons_curve_map_and_frozen_rater_are_shown(sit):
    desk = sit("lesson-frozen")
    learning = desk.window.desk.learning
    assert "do not depend on what was heard" in desk.panel.warning.full_text
    assert learning.figures[0][1].text() == "37 of 100"
    assert len(learning._median.getData()[0]) == 38
    assert len(learning._level.getData()[0]) == 26
    assert desk.panel.presented.full_text.startswith("force 18.9 N    pain 6.1 NRS    level −8.2 dB")


def test_the_map_of_a_taught_face_is_drawn_beside_the_voices(sit):
    voice, face = sit("lesson").window.desk.learning, sit("lesson-face").window.desk.learning
    assert not voice.face.isVisible()
    assert face.face.isVisible()
    told = face.model.lesson
    assert all(word in face.titles[2].text() for word in (">face<", ">expressiveness<"))
    assert face._further[0].getData()[1] == pytest.approx(told.shown["face_gain"])
    assert len(face._further[2].getData()[0]) == 0


def test_the_trainer_at_work_is_told(sit):
    assert "learns" in sit("lesson-busy").panel.headline.full_text
