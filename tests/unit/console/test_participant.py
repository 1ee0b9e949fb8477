import math

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from experiments.benchmarks.rehearsal import PARTICIPANT_STATES, participant_at
from robopatient import messages as m
from robopatient.config import ASSETS
from robopatient.console import participant
from robopatient.console.participant import choose_screen, unshown
from robopatient.console.participant_model import ANSWER_SETTLES_S, FULL_NEWTON, ParticipantModel
from robopatient.console.participant_screen import ParticipantScreen
from robopatient.errors import AssetError, ConfigError
from robopatient.study.questions import QUESTIONS
from robopatient.study.strings import REQUIRED_PAGES, load_strings

pytestmark = pytest.mark.qt

LANGUAGES = ("english", "german", "japanese")


class Sat:
    """A participant before the screen, and what they have done."""

    def __init__(self, qtbot, name: str, language: str = "english") -> None:
        self.actions: list[m.OperatorAction] = []
        self.model, self.clock = participant_at(name, language)
        self.screen = ParticipantScreen(self.model, self.actions.append)
        qtbot.addWidget(self.screen, before_close_func=lambda screen: setattr(screen, "closing", True))
        with qtbot.waitExposed(self.screen):
            self.screen.show()
        self.screen.activateWindow()

    @property
    def done(self) -> list[tuple[str, str]]:
        return [(action.action, action.argument) for action in self.actions]

    def told(self, **changes: object) -> None:
        self.model.feed(msgspec.structs.replace(self.model.state, **changes))
        self.screen.refresh()


@pytest.fixture
def sit(qtbot):
    return lambda name, language="english": Sat(qtbot, name, language)


# The screen is blind


def test_nothing_of_what_is_presented_reaches_the_participants_process():
    assert set(participant.TOPICS_HEARD) == {"study", "force", "dial", "health", "stop"}


@pytest.mark.parametrize("name", PARTICIPANT_STATES)
def test_no_state_shows_study_participant_or_newtons(sit, name):
    sat = sit(name)
    shown = " ".join(str(part) for part in msgspec.structs.astuple(sat.model.view()))
    for secret in ("congruence_corrected", "P07", "13", "17", "15.1"):
        assert secret not in shown


# Answers


@pytest.mark.parametrize(("question", "key", "value"), [("agree", 3, "3"), ("signed", 1, "-3"), ("nrs", 0, "0")])
def test_a_number_key_gives_the_answer_on_whose_cap_it_stands(sit, qtbot, question, key, value):
    sat = sit(f"question-{question}" if question != "signed" else "question-agree")
    sat.told(question=question)
    qtbot.keyClick(sat.screen, str(key))
    assert sat.done == [("answer", value)]
    assert sat.actions[0].source == "participant"


def test_a_click_answers_and_the_answer_is_ticked(sit, qtbot):
    sat = sit("question-agree")
    qtbot.mouseClick(sat.screen.answers.buttons[3], Qt.MouseButton.LeftButton)
    assert sat.done == [("answer", "4")]
    assert [button.chosen for button in sat.screen.answers.buttons[:4]] == [False, False, False, True]
    assert not sat.screen.aside.isVisible()


def test_only_the_first_answer_counts_until_the_next_question(sit, qtbot):
    sat = sit("question-agree")
    qtbot.keyClick(sat.screen, "1")
    qtbot.keyClick(sat.screen, "2")
    assert sat.done == [("answer", "1")]
    sat.told(trial=sat.model.state.trial + 1)
    qtbot.keyClick(sat.screen, "2")
    assert sat.done[1:] == [("answer", "2")]


def test_an_answer_that_was_lost_on_the_way_can_be_given_again(sit, qtbot):
    sat = sit("question-agree")
    qtbot.keyClick(sat.screen, "1")
    sat.clock.advance_s(ANSWER_SETTLES_S + 0.1)
    qtbot.keyClick(sat.screen, "1")
    assert sat.done == [("answer", "1")] * 2


def test_keys_beyond_the_scale_and_held_keys_answer_nothing(sit, qtbot):
    sat = sit("question-agree")
    for key in ("5", "9", "0"):
        qtbot.keyClick(sat.screen, key)
    assert sat.done == []


def test_arrows_point_and_enter_answers(sit, qtbot):
    sat = sit("question-agree")
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return):
        qtbot.keyClick(sat.screen, key)
    assert sat.done == [("answer", "4")]


def test_the_dial_points_at_the_answer_it_would_give(sit):
    sat = sit("question-agree")
    for position, pointed in ((0.0, 0), (0.3, 1), (0.99, 3), (1.0, 3)):
        sat.model.feed(m.Dial(sat.clock.now_ns(), position))
        sat.screen.refresh()
        assert [button.pointed for button in sat.screen.answers.buttons[:4]].index(True) == pointed


def test_a_number_of_ones_own_is_typed_by_keys_or_fingers(sit, qtbot):
    sat = sit("question-magnitude")
    for key in (Qt.Key.Key_Backspace, Qt.Key.Key_Backspace, Qt.Key.Key_Backspace, Qt.Key.Key_Backspace):
        qtbot.keyClick(sat.screen, key)
    qtbot.keyClick(sat.screen, Qt.Key.Key_Return)
    assert sat.done == [], "nothing typed is no answer"
    qtbot.mouseClick(sat.screen.number.keys["4"], Qt.MouseButton.LeftButton)
    qtbot.keyClick(sat.screen, "2")
    assert sat.screen.number.number.text() == "42"
    qtbot.mouseClick(sat.screen.forward, Qt.MouseButton.LeftButton)
    assert sat.done == [("answer", "42")]


def test_zero_is_no_magnitude(sit, qtbot):
    sat = sit("question-magnitude")
    sat.told(trial=sat.model.state.trial + 1)
    qtbot.keyClick(sat.screen, "0")
    qtbot.keyClick(sat.screen, Qt.Key.Key_Return)
    assert sat.done == []


def test_space_hears_it_again_and_never_answers(sit, qtbot):
    sat = sit("question-agree")
    qtbot.keyClick(sat.screen, Qt.Key.Key_Space)
    qtbot.keyClick(sat.screen, Qt.Key.Key_Space)
    assert sat.done == [("replay", "")], "the study allows it once"


def test_a_hand_that_lies_there_too_soon_is_asked_away(sit):
    assert sit("ready").screen.trouble.text() == ""
    assert "lift your hand" in sit("ready-hand-on").screen.trouble.text()


# Going on


def test_instructions_turn_page_by_page_and_begin_with_the_last(sit, qtbot):
    sat = sit("instructions")
    pages = len(sat.model.strings.pages["instructions.sound"].text)
    for page in range(pages - 1):
        assert sat.screen.count.text() == f"{page + 1} of {pages}"
        qtbot.keyClick(sat.screen, Qt.Key.Key_Return)
        assert sat.done == []
    qtbot.keyClick(sat.screen, Qt.Key.Key_Left)
    assert sat.screen.count.text() == f"{pages - 1} of {pages}"
    qtbot.keyClick(sat.screen, Qt.Key.Key_Right)
    assert sat.screen.forward.text() == "Begin"
    qtbot.mouseClick(sat.screen.forward, Qt.MouseButton.LeftButton)
    assert sat.done == [("next", "")]


@pytest.mark.parametrize("name", ["consent", "break-over"])
def test_one_button_goes_on(sit, qtbot, name):
    sat = sit(name)
    qtbot.mouseClick(sat.screen.forward, Qt.MouseButton.LeftButton)
    assert sat.done == [("next", "")]


@pytest.mark.parametrize(
    "name", ["setup", "ready", "press-below", "react", "feedback", "break", "paused", "done", "aborted"]
)
def test_where_there_is_nothing_to_do_enter_and_space_do_nothing(sit, qtbot, name):
    sat = sit(name)
    qtbot.keyClick(sat.screen, Qt.Key.Key_Return)
    qtbot.keyClick(sat.screen, Qt.Key.Key_Space)
    assert sat.done == []


def test_a_break_counts_down_and_lets_go_on_when_it_is_over(sit):
    sat = sit("break")
    assert sat.screen.clock.text() == "1:14"
    sat.told(time_left_s=8.2)
    assert sat.screen.clock.text() == "0:09"
    assert not sat.screen.forward.isVisible()
    sat.told(time_left_s=0.0)
    assert sat.screen.forward.isVisible()


def test_escape_silences_at_once_in_every_state(sit, qtbot):
    for name in ("press-within", "question-agree", "break", "consent"):
        sat = sit(name)
        qtbot.keyClick(sat.screen, Qt.Key.Key_Escape)
        assert sat.done == [("hush", "")]


# Leaving


def test_leaving_pauses_asks_and_ends(sit, qtbot):
    sat = sit("question-agree")
    qtbot.mouseClick(sat.screen.stop, Qt.MouseButton.LeftButton)
    assert sat.done == [("pause", "")]
    assert sat.screen.title.text() == "Do you want to stop?"
    qtbot.keyClick(sat.screen, "3")
    assert sat.done == [("pause", "")], "no answer while the question is whether to leave"
    qtbot.mouseClick(sat.screen.back, Qt.MouseButton.LeftButton)
    assert sat.done == [("pause", ""), ("abort", "")]


def test_staying_resumes(sit, qtbot):
    sat = sit("press-below")
    qtbot.mouseClick(sat.screen.stop, Qt.MouseButton.LeftButton)
    qtbot.keyClick(sat.screen, Qt.Key.Key_Return)
    assert sat.done == [("pause", ""), ("resume", "")]
    assert sat.screen.title.text() == "Press into the band"


def test_whoever_switched_the_sound_off_and_stays_waits_for_the_operator(sit, qtbot):
    sat = sit("press-below")
    qtbot.keyClick(sat.screen, Qt.Key.Key_Escape)
    qtbot.mouseClick(sat.screen.stop, Qt.MouseButton.LeftButton)
    qtbot.keyClick(sat.screen, Qt.Key.Key_Return)
    assert sat.done == [("hush", ""), ("pause", "")]


def test_a_participant_cannot_close_the_screen_by_accident(sit):
    sat = sit("press-below")
    sat.screen.close()
    assert sat.screen.isVisible()
    assert sat.done == [("pause", "")]


# The force bar


@pytest.mark.parametrize(
    ("newton", "verdict", "word"),
    [(0.0, "below", "More"), (12.9, "below", "More"), (13.0, "within", "Good"), (17.0, "within", "Good"),
     (17.1, "above", "Less")],
)  # fmt: skip
def test_the_bar_says_in_words_where_the_force_is(sit, newton, verdict, word):
    sat = sit("press-below")
    sat.model.feed(m.ForceFrame(sat.clock.now_ns(), 0, 0, (newton,)))
    band = sat.model.band()
    assert (band.verdict, band.word) == (verdict, word)
    assert band.force == pytest.approx(newton / FULL_NEWTON)


def test_the_bars_states_differ_without_their_colours(sit):
    looks = set()
    for name in ("press-below", "press-within", "press-above"):
        sat = sit(name)
        sat.screen.bar.grab()
        looks.add(sat.model.band().word)
        assert sat.screen.bar.accessibleName() == "Force of the press"
    assert len(looks) == 3


def test_a_band_near_the_top_makes_room_above(sit):
    sat = sit("press-below")
    sat.told(target_low_newton=36.0, target_high_newton=44.0)
    assert sat.model.band().high < 0.85


def test_old_force_is_not_drawn_and_is_told(sit):
    sat = sit("press-within")
    sat.clock.advance_s(1.0)
    sat.screen.refresh()
    assert sat.model.band().force == 0.0
    assert "not being measured" in sat.screen.trouble.text()


# Languages


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_language_has_every_page_and_question(language):
    strings = load_strings(language, QUESTIONS)
    assert set(strings.pages) == set(REQUIRED_PAGES)
    for name, asked in QUESTIONS.items():
        assert len(strings.questions[name].labels) == len(asked.labels)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["consent", "question-signed", "question-agree", "question-nrs", "press-again"])
def test_words_fit_into_their_places(sit, language, name):
    sat = sit(name, language)
    for label in (sat.screen.title, sat.screen.text):
        if label.isVisible():
            box = label.fontMetrics().boundingRect(
                0, 0, label.width(), 10_000, int(Qt.TextFlag.TextWordWrap), label.text()
            )
            assert box.height() <= label.height() + 2
            assert box.width() <= label.width() + 2
    for button in sat.screen.answers.buttons:
        if button.isVisible():
            font = button.font()
            font.setPixelSize(27 * sat.screen.height() // 900)
            words = max(QFontMetrics(font).horizontalAdvance(word) for word in button.text().split())
            assert words <= button.width() - 8, f"{button.text()} is cut off"


def test_prompts_in_english_say_what_the_table_says():
    strings = load_strings("english", QUESTIONS)
    assert strings.questions["agree"].prompt == QUESTIONS["agree"].prompt
    assert strings.questions["signed"].labels == QUESTIONS["signed"].labels


def _changed(tmp_path, old: str, new: str):
    text = (ASSETS / "strings" / "english.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[pages.paused]", "[pages.waiting]", '"paused"'),
        ('back = "Back"', "", "back"),
        ("{trial} of {trials}", "{trail} of {trials}", "words.trial"),
        ('labels = ["no", "yes"]', 'labels = ["no"]', "questions.late: 1 labels, but the question has 2"),
        ("[questions.signed]", "[questions.sign]", "signed"),
        ('language = "English"', 'language = "English', "TOML"),
        ('next = "Next"', 'next = "Next"\nnxet = "x"', "nxet"),
    ],
)
def test_an_incomplete_or_broken_file_of_strings_is_named_with_what_is_wrong(tmp_path, old, new, said):
    path = _changed(tmp_path, old, new)
    with pytest.raises(ConfigError) as failure:
        load_strings(str(path), QUESTIONS)
    assert str(path) in str(failure.value)
    assert said in str(failure.value)


def test_an_unknown_language_names_those_that_exist(tmp_path):
    with pytest.raises(AssetError, match=r"english, german, japanese"):
        load_strings("klingon")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AssetError, match=r"binary\.toml: cannot be read"):
        load_strings(str(path))


def test_a_language_that_no_font_shows_is_told_with_what_to_install(qtbot, monkeypatch):
    from PySide6.QtGui import QFontDatabase

    assert unshown(load_strings("german")) == ""
    monkeypatch.setattr(QFontDatabase, "families", staticmethod(lambda *_: []))
    assert "apt-get install fonts-noto-cjk" in unshown(load_strings("japanese"))


# Films


def _film(path, level: int) -> str:
    import av
    import numpy as np

    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(4):
            picture = np.full((64, 64, 3), level, np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode(None))
    return str(path)


def test_films_play_one_after_the_other_with_their_numbers(sit, tmp_path):
    sat = sit("react")
    media = (_film(tmp_path / "a.mp4", 40), _film(tmp_path / "b.mp4", 200))
    sat.told(text="react.face", media=media)
    panel = sat.screen.film
    shades = []
    for _ in range(30):
        sat.clock.advance_s(0.1)
        sat.model.feed(m.ForceFrame(sat.clock.now_ns(), 0, 0, (0.0,)))
        sat.screen.refresh()
        image = panel._image
        shades.append(-1 if image is None else image.pixelColor(32, 32).red())
    assert [shade for shade in shades if shade >= 0 and shade < 100], "the first film"
    assert [shade for shade in shades if shade > 150], "the second film"
    assert shades.index(next(s for s in shades if s > 150)) > shades.index(next(s for s in shades if 0 <= s < 100))
    assert panel.finished
    assert panel.fault == ""


def test_a_film_that_cannot_be_read_is_named_and_passed_over(sit, tmp_path):
    sat = sit("react")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    sat.told(media=(str(broken), _film(tmp_path / "b.mp4", 200)))
    for _ in range(3):
        sat.clock.advance_s(0.1)
        sat.screen.refresh()
    assert "broken.mp4: cannot be shown" in sat.screen.film.fault
    assert sat.screen.film._image is not None


# Monitors


@pytest.mark.parametrize(
    ("names", "wanted", "taken", "shared", "expected"),
    [
        (["A"], "", "", True, (0, False)),
        (["A"], "", "", False, (0, True)),
        (["A", "B"], "", "", True, (1, True)),
        (["A", "B"], "", "B", True, (0, False)),
        (["A", "B", "C"], "", "B", True, (2, True)),
        (["A", "B", "C"], "B", "", True, (1, True)),
        (["A", "B"], "0", "", True, (0, False)),
    ],
)
def test_the_screen_takes_the_monitor_that_nobody_else_has(names, wanted, taken, shared, expected):
    assert choose_screen(names, wanted, taken, shared) == expected


def test_an_unanswered_limit_shows_no_clock():
    model, _ = participant_at("question-agree")
    assert model.view().clock == ""
    assert math.isclose(model.band().low, 13.0 / FULL_NEWTON)
    assert isinstance(model, ParticipantModel)
