from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSettings, Qt
from PySide6.QtGui import QShortcut

from experiments.benchmarks.rehearsal import rehearse
from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.config import SessionConfig, TrainingConfig
from robopatient.console.replay_window import KEYS, ReplayWindow
from robopatient.console.theme import DARK, LIGHT
from robopatient.console.timeline import Timeline, load_timeline
from robopatient.console.transport import Transport
from robopatient.errors import RecordError
from robopatient.record.writer import RecordWriter
from robopatient.voice.wav import WavWriter

pytestmark = pytest.mark.qt

START_NS = 7_000_000_000_000
STEP_NS = 33_333_333
SECONDS = 12.0
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier

PRESS_AT_S = 5.33
"""When the third press of the rehearsal is felt: its hand comes at 5.2 s, its force passes 3 N later."""


def at(t_s: float) -> int:
    return START_NS + round(t_s * 1e9)


def shown(frame: int) -> m.FacePose:
    return m.FacePose(
        {"AU4": frame % 50 / 10}, (3.0, -2.0, 1.0), (4.0, 5.0), 0.5, flush=-0.25, sweat=0.5, tears=0.75, forward_mm=-9.0
    )


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Path:
    """A rehearsed examination on the record: presses, an answer, a note, a face that counts, a voice that is noise."""
    folder = tmp_path_factory.mktemp("replayed") / "20260314-092653"
    config = SessionConfig(title="Rehearsal", training=TrainingConfig(trainee="T07"))
    with RecordWriter(folder, min_free_mb=1) as writer:
        start = m.SessionStart(
            START_NS - 10**9, "2026-03-14T09:26:53+00:00", "id", "0", "", 1,
            msgspec.json.encode(config).decode(), "{}", {},
        )  # fmt: skip
        writer.put(start)
        blocks = 0
        for step in range(round(SECONDS / STEP_NS * 1e9)):
            t_s = step * STEP_NS * 1e-9
            for message in rehearse(t_s, START_NS + step * STEP_NS):
                if isinstance(message, m.Heard):
                    while blocks * 256 / 48_000 <= t_s:
                        t_ns = START_NS + round(blocks * 256 / 48_000 * 1e9)
                        writer.put(msgspec.structs.replace(message, t_ns=t_ns, block=blocks))
                        blocks += 1
                elif isinstance(message, m.Seen):
                    writer.put(msgspec.structs.replace(message, frame=step, pose=shown(step)))
                else:
                    writer.put(message)
        writer.put(m.Said(at(4.0), 0, "where", "Down on the right."))
        writer.put(m.Note(at(6.0), "info", "console", "watches the face"))
        writer.put(m.Rating(at(7.0), "trainee", "NRS", 6.0))
        writer.put(m.SessionStop(at(SECONDS), "done"))
    wav = WavWriter(folder / "voice.wav", 48_000)
    wav.append(np.zeros(256 * blocks, np.float32))
    wav.close()
    return folder


@pytest.fixture(scope="module")
def timeline(session: Path) -> Timeline:
    return load_timeline(session)


def test_curves_presses_and_words_lie_on_one_axis_from_the_first_force(timeline):
    assert timeline.length_s == pytest.approx(SECONDS + 0.5, abs=0.1)
    assert timeline.force.t_s[0] == 0.0
    assert len(timeline.presses) == 5
    onset_s = timeline.press_t_s[1]
    assert timeline.force.at(onset_s - 0.1) < 1.0 < 5.0 < timeline.force.at(onset_s + 0.5)
    assert [moment.text for moment in timeline.moments if moment.kind == "said"] == ["Patient: “Down on the right.”"]
    assert [moment.t_s for moment in timeline.moments] == sorted(moment.t_s for moment in timeline.moments)
    assert {"press", "said", "rating", "info"} == {moment.kind for moment in timeline.moments}


def test_the_face_of_a_moment_is_the_picture_that_was_shown_then(timeline):
    for t_s in (0.0, 1.0, 5.5):
        frame = timeline.frame_at(t_s)
        assert timeline.seen_t_s[frame] <= t_s < timeline.seen_t_s[frame + 1]
        assert timeline.pose(frame) == shown(frame), "all of it: skin, sweat, tears and the head's distance too"
    assert timeline.frame_at(-1.0) == -1


def test_the_sound_is_laid_out_by_the_time_at_which_it_left(timeline):
    assert timeline.sound is not None
    [(due, source, count)] = timeline.sound.pieces
    assert (due, source) == (0, 0)
    assert count == pytest.approx(SECONDS * 48_000, rel=0.01)
    assert timeline.sound.offset_s == 0.0
    assert timeline.sound.voice.device == "", "played on what this computer has, not on the session's device"


def test_a_session_that_was_cut_off_is_played_as_far_as_it_goes(session, tmp_path):
    cut = tmp_path / "cut"
    with RecordWriter(cut, min_free_mb=1) as writer:
        writer.put(msgspec.structs.replace(load_timeline(session).start))
        for step in range(30):
            writer.put(m.ForceFrame(at(step / 30), at(step / 30), step, (1.0,)))
    found = load_timeline(cut)
    assert found.stop is None
    assert found.sound is None
    assert found.length_s == pytest.approx(29 / 30 + 0.5)


def test_a_record_without_anything_to_show_is_named(session, tmp_path):
    with RecordWriter(tmp_path / "none", min_free_mb=1) as writer:
        writer.put(load_timeline(session).start)
    with pytest.raises(RecordError, match="neither force nor face"):
        load_timeline(tmp_path / "none")
    with pytest.raises(RecordError, match=r"holds no record\.sqlite"):
        load_timeline(tmp_path)


class Watched:
    """A window on a timeline, a clock turned by hand, and every pose that was drawn."""

    def __init__(self, qtbot, timeline: Timeline, tmp_path: Path) -> None:
        self.clock = FakeClock(1_000_000_000)
        self.poses: list = []
        self.transport = Transport(timeline.length_s, self.clock)
        settings = QSettings(str(tmp_path / "replay.ini"), QSettings.Format.IniFormat)
        self.window = ReplayWindow(timeline, self.transport, self.draw, settings)
        qtbot.addWidget(self.window)
        with qtbot.waitExposed(self.window):
            self.window.show()
        self.window.activateWindow()

    def draw(self, pose) -> np.ndarray:
        self.poses.append(pose)
        return np.full((32, 32, 3), 90, np.uint8)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 30)):
            self.clock.advance_s(1 / 30)
            self.window.refresh()

    @property
    def at_s(self) -> float:
        return self.transport.position_s()


@pytest.fixture
def watched(qtbot, timeline, tmp_path) -> Watched:
    return Watched(qtbot, timeline, tmp_path)


def test_face_curves_map_and_words_show_the_same_moment(watched, timeline):
    watched.window.toggle()
    watched.pass_time(4.3)
    t_s = watched.at_s
    assert t_s == pytest.approx(4.3, abs=0.02)
    assert watched.poses[-1] == shown(timeline.frame_at(t_s))
    assert len(watched.poses) == pytest.approx(4.3 * 30, abs=3), "every picture once"
    assert watched.window.traces.force.value.text() == f"{timeline.force.at(t_s):.1f}".replace("-", "−")
    assert watched.window.abdomen._model.press_count == sum(p.release_t_ns <= at(t_s) for p in timeline.presses)
    assert watched.window.caption.full_text == "Patient: “Down on the right.”"
    assert "Down on the right" in watched.window.events.currentItem().text()
    assert watched.window.elapsed.text().startswith("00:04.2") or watched.window.elapsed.text().startswith("00:04.3")


def test_going_back_takes_back_what_had_not_happened_yet(watched, timeline):
    watched.window.seek(timeline.length_s)
    assert watched.window.abdomen._model.press_count == 5
    watched.window.seek(3.0)
    assert watched.window.abdomen._model.press_count == 1
    assert watched.window.caption.full_text == ""


@pytest.mark.parametrize(
    ("key", "modifier", "from_s", "to_s"),
    [
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 5.0, 6.0),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, 5.0, 4.0),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, 0.4, 0.0),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, 5.0, 0.0),
        (Qt.Key.Key_Right, SHIFT, 5.0, 5.0 + 1 / 30),
        (Qt.Key.Key_Left, SHIFT, 5.0, 5.0 - 1 / 30),
        (Qt.Key.Key_Right, CTRL, 3.0, PRESS_AT_S),
        (Qt.Key.Key_Left, CTRL, 6.0, PRESS_AT_S),
    ],
)
def test_keys_go_where_the_sheet_says(watched, qtbot, key, modifier, from_s, to_s):
    watched.window.seek(from_s)
    qtbot.keyClick(watched.window, key, modifier)
    assert watched.at_s == pytest.approx(to_s, abs=0.04)


def test_space_plays_and_pauses_and_end_is_the_end(watched, qtbot, timeline):
    qtbot.keyClick(watched.window, Qt.Key.Key_Space)
    assert watched.transport.playing
    assert watched.window.play.name.text() == "Pause"
    watched.pass_time(0.5)
    qtbot.keyClick(watched.window, Qt.Key.Key_Space)
    assert not watched.transport.playing
    qtbot.keyClick(watched.window, Qt.Key.Key_End)
    assert watched.at_s == timeline.length_s


def test_up_and_down_change_the_speed_and_1_is_how_it_was(watched, qtbot):
    qtbot.keyClick(watched.window, Qt.Key.Key_Down)
    assert "0.5 ×" in watched.window.sound.full_text
    qtbot.keyClick(watched.window, Qt.Key.Key_Up)
    qtbot.keyClick(watched.window, Qt.Key.Key_Up)
    assert watched.transport.speed == 2.0
    qtbot.keyClick(watched.window, Qt.Key.Key_1)
    assert watched.transport.speed == 1.0
    qtbot.keyClick(watched.window, Qt.Key.Key_M)
    assert "muted" in watched.window.sound.full_text


def test_the_strip_is_a_scrubber(watched, qtbot, timeline):
    strip = watched.window.scrubber
    y = strip.height() // 2
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPointF(8 + (strip.width() - 16) * 0.5, y).toPoint())
    assert watched.at_s == pytest.approx(0.5 * timeline.length_s, abs=0.1)
    qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=QPointF(20, y).toPoint())
    qtbot.mouseMove(strip, QPointF(strip.width() - 8, y).toPoint())
    qtbot.mouseRelease(strip, Qt.MouseButton.LeftButton)
    assert (
        watched.at_s > 0.9 * timeline.length_s or watched.at_s < 0.1 * timeline.length_s
    )  # offscreen moves carry no buttons
    assert "of 00:1" in strip.accessibleDescription()


def test_a_click_on_what_happened_goes_there(watched, qtbot, timeline):
    row = next(index for index, moment in enumerate(timeline.moments) if moment.kind == "rating")
    watched.window._clicked(watched.window.events.item(row))
    assert watched.at_s == pytest.approx(7.0, abs=0.01)


def test_the_sheet_tells_every_key(watched):
    listed = " ".join(key for key, _ in KEYS).replace("Ctrl ", "Ctrl+").replace("Shift ", "Shift+").split()
    arrows = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}
    for shortcut in watched.window.findChildren(QShortcut):
        text = shortcut.key().toString()
        plain = text.rsplit("+", 1)[-1]
        assert (
            text in listed or arrows.get(plain) in listed or f"{text.rsplit('+', 1)[0]}+{arrows.get(plain)}" in listed
        )


def test_theme_is_remembered(watched, qtbot, timeline, tmp_path):
    assert watched.window.theme is DARK
    qtbot.keyClick(watched.window, Qt.Key.Key_T, CTRL)
    watched.window.close()
    assert Watched(qtbot, timeline, tmp_path).window.theme is LIGHT


def test_the_face_is_drawn_for_the_moment_at_which_it_will_be_there(watched, timeline):
    """A picture takes 20 ms: the one that is shown then must belong to what is heard then."""

    def slow(pose) -> np.ndarray:
        watched.poses.append(pose)
        watched.clock.advance_s(0.020)
        return np.zeros((8, 8, 3), np.uint8)

    watched.window._draw = slow
    watched.window.toggle()
    behind = []
    for _ in range(120):
        watched.clock.advance_s(0.0137)
        watched.window.refresh()
        drawn = timeline.seen_t_s[watched.window._frame]
        behind.append(watched.at_s - drawn)
    assert 0.0 <= np.median(behind[60:]) <= 1 / 30
    assert min(behind[60:]) > -0.02


def test_in_a_pause_the_face_is_drawn_as_sharp_as_can_be(qtbot, timeline, tmp_path):
    drawn = []
    settings = QSettings(str(tmp_path / "x.ini"), QSettings.Format.IniFormat)
    clock = FakeClock(0)
    transport = Transport(timeline.length_s, clock)

    def maker(name: str, size_px: int):
        def draw(_pose) -> np.ndarray:
            drawn.append(name)
            return np.zeros((size_px, size_px, 3), np.uint8)

        return draw

    window = ReplayWindow(timeline, transport, maker("moving", 8), settings, "", maker("still", 64))
    qtbot.addWidget(window)
    window.seek(3.0)
    window.toggle()
    for _ in range(5):
        clock.advance_s(1 / 30)
        window.refresh()
    window.toggle()
    assert set(drawn) == {"moving"}
    for _ in range(20):
        clock.advance_s(1 / 30)
        window.refresh()
    assert drawn.count("still") == 1, "once is enough"
    before = len(drawn)
    for step in range(10):  # the line is dragged
        clock.advance_s(1 / 30)
        window.seek(4.0 + step / 10)
        window.refresh()
    assert set(drawn[before:]) == {"moving"}


def test_without_a_face_the_window_says_why(qtbot, timeline, tmp_path):
    settings = QSettings(str(tmp_path / "x.ini"), QSettings.Format.IniFormat)
    window = ReplayWindow(
        timeline, Transport(timeline.length_s, FakeClock(0)), None, settings, "cannot be drawn here: no head"
    )
    qtbot.addWidget(window)
    window.seek(3.0)
    assert not window.grab().isNull()
    assert "no head" in window.face._words


def test_a_replay_shows_no_face_and_no_curve_where_the_face_was_not_shown(session, tmp_path):
    """Pictures of one second are taken out of a copy of the record."""
    copy = Path(shutil.copytree(session, tmp_path / "copy"))
    with contextlib.closing(sqlite3.connect(copy / "record.sqlite")) as record, record:
        first_ns = record.execute("SELECT min(t_ns) FROM force").fetchone()[0]
        gap = (first_ns + 10**9, first_ns + 2 * 10**9)
        record.execute("DELETE FROM seen WHERE t_ns > ? AND t_ns < ?", gap)
    timeline = load_timeline(copy)
    assert timeline.is_shown(0.9)
    assert not timeline.is_shown(1.5)
    assert np.isnan(timeline.pspi.at(1.6))
