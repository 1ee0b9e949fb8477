import itertools
import sys

import msgspec
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel

from experiments.benchmarks.rehearsal import feed_state, portrait
from robopatient import messages as m
from robopatient.console.help_sheet import KEYS
from robopatient.console.model import ConsoleModel
from robopatient.console.theme import DARK, LIGHT
from robopatient.console.window import ConsoleWindow

pytestmark = pytest.mark.qt

CTRL = Qt.KeyboardModifier.ControlModifier


def pixel_share(image: QImage, colour: str) -> int:
    """Pixels of exactly this colour, every second one looked at."""
    wanted = int(colour.lstrip("#"), 16) | 0xFF000000
    return sum(image.pixel(x, y) == wanted for x in range(0, image.width(), 2) for y in range(0, image.height(), 2))


@pytest.mark.parametrize(
    ("key", "action"),
    [
        (Qt.Key.Key_Space, "stop"),  # the rehearsal is running, so the key pauses
        (Qt.Key.Key_T, "tare"),
        (Qt.Key.Key_H, "hush"),
        (Qt.Key.Key_Escape, "hush"),
    ],
)
def test_each_key_asks_for_its_action(bench, qtbot, key, action):
    qtbot.keyClick(bench.window, key)
    assert bench.asked == [action]


def test_hush_toggles_and_shows(bench, qtbot):
    qtbot.keyClick(bench.window, Qt.Key.Key_Escape)
    assert bench.window.controls.hush.name.text() == "HUSHED"
    assert "Hushed" in bench.window.banner.text.full_text
    bench.clock.advance_s(1.0)
    qtbot.keyClick(bench.window, Qt.Key.Key_H)
    assert bench.asked == ["hush", "unhush"]
    assert bench.window.controls.hush.name.text() == "HUSH"


def test_escape_hushes_even_while_a_note_is_being_written(bench, qtbot):
    qtbot.keyClick(bench.window, Qt.Key.Key_N)
    note = bench.window.controls.note
    assert note.hasFocus()
    qtbot.keyClicks(note, "hot to touch")
    assert bench.asked == [], "letters in a note are no commands"
    qtbot.keyClick(note, Qt.Key.Key_Escape)
    assert bench.asked == ["hush"]
    assert note.text() == "hot to touch"
    qtbot.keyClick(note, Qt.Key.Key_Return)
    assert bench.actions[-1].action == "note"
    assert bench.actions[-1].argument == "hot to touch"
    assert note.text() == ""


def test_escape_hushes_even_under_the_help_sheet(bench, qtbot):
    qtbot.keyClick(bench.window, Qt.Key.Key_F1)
    assert bench.window.help.isVisible()
    qtbot.keyClick(bench.window, Qt.Key.Key_Escape)
    assert bench.asked == ["hush"]
    qtbot.keyClick(bench.window, Qt.Key.Key_F1)
    assert not bench.window.help.isVisible()


def test_stop_asks_once_before_it_ends_the_session(bench, qtbot):
    qtbot.keyClick(bench.window, Qt.Key.Key_Q, CTRL)
    assert bench.asked == []
    assert bench.window.controls.stop.name.text() == "Press again"
    qtbot.keyClick(bench.window, Qt.Key.Key_Q, CTRL)
    assert bench.asked == ["quit"]


def test_mouse_does_what_the_keys_do(bench, qtbot):
    controls = bench.window.controls
    for button in (controls.run, controls.tare, controls.hush):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert bench.asked == ["stop", "tare", "hush"]


def test_tab_walks_the_controls_from_left_to_right_and_return_presses(bench, qtbot):
    controls = bench.window.controls
    order = [controls.run, controls.tare, controls.note, controls.stop, controls.hush]
    controls.run.setFocus()
    for here, following in itertools.pairwise(order):
        assert here.hasFocus()
        qtbot.keyClick(here, Qt.Key.Key_Tab)
        assert following.hasFocus()
    qtbot.keyClick(controls.hush, Qt.Key.Key_Return)
    assert bench.asked == ["hush"]


def test_closing_the_window_asks_for_nothing(bench):
    bench.window.close()
    assert bench.actions == []


def test_lights_change_with_the_health_of_the_link(bench):
    board = bench.window.lights.lamps[0]
    assert board.light.state == "ok"
    bench.clock.advance_s(0.5)
    feed_state(bench.model, bench.clock.now_ns(), link="down")
    bench.window.refresh()
    assert (board.light.word, board.shape.state) == ("Unplugged", "bad")
    assert "unplugged" in bench.window.banner.text.full_text


def test_shapes_of_the_four_states_differ_without_their_colour(bench):
    shape = bench.window.lights.lamps[0].shape
    seen = set()
    one_colour = msgspec.structs.replace(DARK, **dict.fromkeys(("ok", "warn", "bad", "off"), "#ffffff"))
    for state in ("ok", "warn", "bad", "off"):
        shape.show_state(state, one_colour)
        image = shape.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        seen.add(bytes(image.constBits()))
    assert len(seen) == 4


def test_stale_traces_turn_grey_and_their_numbers_go(bench):
    strip = bench.window.force
    assert strip._curve.opts["pen"].color().name() == DARK.force
    bench.clock.advance_s(1.0)
    bench.window.refresh()
    assert strip._curve.opts["pen"].color().name() == DARK.faint
    assert strip._value.value.text() == "–"


def test_force_scale_steps_up_with_the_force_and_labels_its_ends(bench):
    bench.model.feed(m.ForceFrame(bench.clock.now_ns() + 1, 0, 0, (55.0,), None))
    bench.clock.advance_s(0.01)
    bench.window.refresh()
    assert bench.window.force._top == 60.0


def test_the_map_shows_the_hand_where_it_presses(bench):
    left_mm, head_mm = 60.0, -70.0
    bench.clock.advance_s(0.02)
    contact = bench.model.phantom.plate_mm(left_mm, head_mm)
    bench.model.feed(m.ForceFrame(bench.clock.now_ns(), 0, 0, (25.0,), contact))
    bench.window.refresh()
    image = bench.window.abdomen.grab().toImage()
    spot = bench.window.abdomen._to_pixels().map(left_mm, head_mm)
    assert image.pixelColor(round(spot[0]), round(spot[1])).name() == DARK.force


def test_where_it_hurts_is_hidden_until_asked_for(bench, qtbot):
    assert pixel_share(bench.window.abdomen.grab().toImage(), DARK.pain) == 0
    qtbot.keyClick(bench.window, Qt.Key.Key_S)
    assert pixel_share(bench.window.abdomen.grab().toImage(), DARK.pain) > 0


def test_the_mirror_shows_the_picture_and_veils_it_when_it_stops(bench):
    red = bytes((200, 30, 30)) * (64 * 64)
    bench.model.show(64, 64, red)
    bench.window.refresh()
    mirror = bench.window.mirror
    centre = mirror.rect().center()
    assert mirror.grab().toImage().pixelColor(centre).getRgb()[:3] == (200, 30, 30)
    bench.clock.advance_s(2.0)
    bench.window.refresh()
    assert mirror.grab().toImage().pixelColor(8, mirror.height() // 2).red() < 100


def test_theme_toggles_and_is_remembered_with_the_layout(bench, qtbot, tmp_path):
    window = bench.window
    assert window.theme is DARK
    qtbot.keyClick(window, Qt.Key.Key_T, CTRL)
    assert window.theme is LIGHT
    assert bench.asked == [], "Ctrl+T is not T"
    window._columns.setSizes([500, 740])
    sizes = window._columns.sizes()
    window.close()
    again = ConsoleWindow(
        bench.model, bench.actions.append, QSettings(str(tmp_path / "console.ini"), QSettings.Format.IniFormat)
    )
    qtbot.addWidget(again)
    again.show()
    assert again.theme is LIGHT
    assert abs(again._columns.sizes()[0] - sizes[0]) <= 2


def test_a_window_without_any_data_can_be_drawn(qtbot, model: ConsoleModel, tmp_path):
    window = ConsoleWindow(model, lambda action: None, QSettings(str(tmp_path / "x.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window)
    window.show()
    assert not window.grab().isNull()
    assert "Waiting" in window.banner.text.full_text


def test_the_help_sheet_lists_every_bound_key(bench):
    from PySide6.QtGui import QShortcut

    listed = " ".join(key for key, _ in KEYS).replace("Ctrl ", "Ctrl+").split()
    for shortcut in bench.window.findChildren(QShortcut):
        assert shortcut.key().toString() in listed
    assert any("does not end the session" in label.text() for label in bench.window.help.findChildren(QLabel))


def test_a_hundred_pictures_leave_no_widget_behind(bench):
    from PySide6.QtWidgets import QWidget

    before = len(bench.window.findChildren(QWidget))
    for _ in range(100):
        bench.clock.advance_s(0.03)
        bench.model.show(32, 32, portrait(32))
        bench.window.refresh()
    assert len(bench.window.findChildren(QWidget)) == before


def test_void_qt_calls_do_not_lose_references_to_none(qtbot):
    # PySide6 6.12.0 on Python 3.11 loses one at each call and aborts after some thousands
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for index in range(300):
        image.fill(index)
        label.setText("x")
    assert before - sys.getrefcount(None) < 300
