"""The replay of a recorded session: face, voice and force in synchrony, with a scrubber and keys.

Nothing is computed anew: the face is drawn from the recorded poses with the session's identity, the sound is what was
played, the curves are the record's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QRect, QSettings, QSize, Qt
from PySide6.QtGui import QCloseEvent, QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.console.abdomen import AbdomenMap
from robopatient.console.controls import KeyButton
from robopatient.console.elided import ElidedLabel
from robopatient.console.event_list import clock_text
from robopatient.console.help_sheet import HelpSheet
from robopatient.console.model import ConsoleModel
from robopatient.console.parts import mouse_button, mouse_switch
from robopatient.console.replay_traces import ReplayTraces, Scrubber
from robopatient.console.theme import DARK, Theme
from robopatient.console.timeline import Timeline
from robopatient.console.transport import Transport
from robopatient.console.window_state import RestoredWindow, bind_keys
from robopatient.messages import FacePose

__all__ = ["KEYS", "ReplayWindow"]

KEYS: tuple[tuple[str, str], ...] = (
    ("Space", "Play, or pause"),
    ("← →", "A second back, a second on"),
    ("Shift ← →", "One picture of the face back, or on"),
    ("Ctrl ← →", "The press before, the next press"),
    ("Home End", "The beginning, the end"),
    ("↑ ↓", "Faster, slower: a quarter to four times, at the voice's own pitch"),
    ("1", "The speed at which it happened"),
    ("M", "Without sound, or with it"),
    ("S", "Show or hide where it hurts"),
    ("Ctrl T", "Dark or light"),
    ("Ctrl Q", "Close"),
    ("F1  or  ?", "This sheet"),
)
SECOND = 1.0
SAID_S = 4.0
"""So long an answer stays under the face (assumption: long enough to be read)."""

REST_S = 0.2
"""After so long in one place the face is drawn again, sharper: not while the line is dragged (assumption)."""
DRAW_SMOOTHING = 0.2
LONGEST_DRAW_S = 0.1
"""A picture that took longer was held up by something else than drawing (assumption)."""

Draw = Callable[[FacePose], np.ndarray]


class FaceView(QWidget):
    """The face, as large as fits."""

    def __init__(self, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(220, 220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Face of the patient")
        self._words = words
        self._theme = DARK
        self._image: QImage | None = None

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self.update()

    def show_picture(self, rgb: np.ndarray) -> None:
        """Paint a picture, shape (n, n, 3)."""
        height, width = rgb.shape[:2]
        told = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        self._image = told.convertToFormat(QImage.Format.Format_RGB32)
        self.update()

    def show_words(self, words: str) -> None:
        """Say why there is no picture."""
        self._image, self._words = None, words
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Square."""
        return QSize(420, 420)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """The picture, cut off evenly where it does not fit, or why there is none."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QColor(self._theme.plot))
        if self._image is None:
            painter.setPen(QColor(self._theme.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)
            return
        scale = min(self._image.width() / max(1, self.width()), self._image.height() / max(1, self.height()))
        source = QRect(0, 0, round(self.width() * scale), round(self.height() * scale))
        source.moveCenter(self._image.rect().center())
        painter.drawImage(self.rect(), self._image, source)


class ReplayWindow(RestoredWindow):
    """Everything on one screen.

    Parameters
    ----------
    draw
        Makes a picture of a pose; None when no face can be drawn here, and ``no_face`` says why.
    draw_still
        Makes it as sharp as can be, however long that takes: for a face that is looked at in a pause.
    """

    def __init__(
        self,
        timeline: Timeline,
        transport: Transport,
        draw: Draw | None,
        settings: QSettings,
        no_face: str = "",
        draw_still: Draw | None = None,
    ) -> None:
        super().__init__(settings, "replay/")
        self.timeline = timeline
        self.transport = transport
        self._draw = draw
        self._draw_still = draw_still or draw
        self._frame = -1
        self._sharp = False
        self._moved_ns = 0
        self._draw_s = 0.0
        self._shown_s = -1.0
        self._model_clock = FakeClock(0)
        self._model = ConsoleModel(timeline.config, self._model_clock, timeline.patient, timeline.phantom)
        self.setWindowTitle(f"robopatient: replay of {timeline.folder.name}")
        self.face = FaceView(no_face or "The record holds no face", self)
        self.caption = ElidedLabel(self)
        self.caption.setProperty("role", "muted")
        self.abdomen = AbdomenMap(self._model, self)
        self.traces = ReplayTraces(timeline, self)
        self.scrubber = Scrubber(timeline, self.seek, self)
        self.events = QListWidget(self)
        self.play = KeyButton("Play", "Space", self.toggle, self)
        self.elapsed = QLabel(self)
        self.sound = ElidedLabel(self)
        self._lay_out()
        self.help = HelpSheet(self, KEYS, "The record is never changed by this window.")
        self._bind_keys()
        self.restore()
        self.play.setFocus()

    # What the viewer does

    def toggle(self) -> None:
        """Play, or pause."""
        self.transport.toggle()
        self.refresh()

    def seek(self, t_s: float) -> None:
        """Go to a moment."""
        self.transport.seek(t_s)
        self.refresh()

    def move(self, seconds: float) -> None:  # type: ignore[override]
        """Go back or on by some seconds."""
        self.seek(self.transport.position_s() + seconds)

    def step_frame(self, step: int) -> None:
        """Pause, and go to the picture before or after this one."""
        if self.transport.playing:
            self.transport.toggle()
        frame = min(max(self.timeline.frame_at(self.transport.position_s()) + step, 0), len(self.timeline.seen) - 1)
        if frame >= 0:
            self.seek(float(self.timeline.seen_t_s[frame]) + 1e-4)

    def step_press(self, step: int) -> None:
        """Go to the press before or after this moment."""
        self.seek(self.timeline.next_press(self.transport.position_s(), step))

    def set_theme(self, theme: Theme) -> None:
        """Put on a theme."""
        super().set_theme(theme)
        for part in (self.face, self.abdomen, self.traces, self.scrubber):
            part.apply(theme)
        self._shown_s = -1.0
        self.refresh()

    # What the timer does

    def refresh(self) -> None:
        """Show the moment that is heard now."""
        t_s = self.transport.position_s()
        self._show_time(t_s)
        if t_s == self._shown_s:
            rested_s = (self.transport.clock.now_ns() - self._moved_ns) * 1e-9
            if not self.transport.playing and not self._sharp and rested_s >= REST_S:
                self._sharpen()
            return
        self._moved_ns = self.transport.clock.now_ns()
        self._show_hand(t_s)
        self._shown_s = t_s
        self._show_face(t_s)
        self.traces.show_at(t_s)
        self.scrubber.show_at(t_s)
        self._show_events(t_s)

    # Qt's own

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember size and theme."""
        self.remember()
        event.accept()

    # Within

    def _show_face(self, t_s: float) -> None:
        """The face of the moment at which its picture will be there: drawing takes most of a period of the sound."""
        lead_s = self._draw_s * self.transport.speed if self.transport.playing else 0.0
        frame = self.timeline.frame_at(t_s + lead_s)
        if frame < 0 or self._draw is None:
            return
        if not self.timeline.is_shown(t_s):
            self._frame = -1
            self.face.show_words("The face was not shown")
            return
        if frame != self._frame or self._sharp:
            self._frame, self._sharp = frame, False
            begun_ns = self.transport.clock.now_ns()
            self.face.show_picture(self._draw(self.timeline.pose(frame)))
            took_s = (self.transport.clock.now_ns() - begun_ns) * 1e-9
            self._draw_s += DRAW_SMOOTHING * (min(took_s, LONGEST_DRAW_S) - self._draw_s)

    def _sharpen(self) -> None:
        """The face at which the replay stands, as sharp as can be."""
        self._sharp = True
        t_s = self.transport.position_s()
        frame = self.timeline.frame_at(t_s)
        if frame >= 0 and self._draw_still is not None and self.timeline.is_shown(t_s):
            self._frame = frame
            self.face.show_picture(self._draw_still(self.timeline.pose(frame)))

    def _show_hand(self, t_s: float) -> None:
        """Bring the map's model to a moment; going back it begins anew."""
        timeline, model = self.timeline, self._model
        t_ns = timeline.zero_ns + round(t_s * 1e9)
        if t_s < self._shown_s:
            model.presses.clear()
            model.region_counts.clear()
            model.press_count = 0
        known = {press.t_ns for press in model.presses}
        self._model_clock = FakeClock(t_ns)
        model.clock = self._model_clock
        for press in timeline.presses:
            if press.release_t_ns <= t_ns and press.t_ns not in known:
                model.feed(press)
        model.force_newton = type(model.force_newton)(capacity=4)
        newton = timeline.force.at(t_s)
        contact = timeline.contact_at(t_s)
        model.feed(m.ForceFrame(t_ns, t_ns, 0, (0.0 if math.isnan(newton) else newton,), contact))
        self.abdomen.refresh()

    def _show_events(self, t_s: float) -> None:
        """Mark what happened last, and what was said under the face."""
        last, said = -1, ""
        for index, moment in enumerate(self.timeline.moments):
            if moment.t_s > t_s:
                break
            last = index
            if moment.kind == "said" and t_s - moment.t_s < SAID_S:
                said = moment.text
        self.caption.show_text(said)
        if last != self.events.currentRow():
            self.events.setCurrentRow(last)
            if last >= 0:
                self.events.scrollToItem(self.events.item(last))

    def _show_time(self, t_s: float) -> None:
        """Words: play or pause, time, speed, sound."""
        self.play.show_name("Pause" if self.transport.playing else "Play")
        text = f"{clock_text(t_s)}.{int(t_s * 10) % 10} / {clock_text(self.timeline.length_s)}"
        if text != self.elapsed.text():
            self.elapsed.setText(text)
        speed = f"{self.transport.speed:g} ×"
        state, detail = self.transport.sound_state
        if self.timeline.sound is None:
            words = "no sound on the record"
        elif self.transport.muted:
            words = "muted"
        elif state in ("degraded", "failed"):
            words = f"not heard: {detail}"
        else:
            words = "sound on"
        self.sound.show_text(f"{speed}   {words}")

    def _clicked(self, item: QListWidgetItem) -> None:
        self.seek(self.timeline.moments[self.events.row(item)].t_s)

    def _bind_keys(self) -> None:
        bound: tuple[tuple[str, Callable[[], object]], ...] = (
            ("Space", self.toggle),
            ("Left", lambda: self.move(-SECOND)),
            ("Right", lambda: self.move(SECOND)),
            ("Shift+Left", lambda: self.step_frame(-1)),
            ("Shift+Right", lambda: self.step_frame(1)),
            ("Ctrl+Left", lambda: self.step_press(-1)),
            ("Ctrl+Right", lambda: self.step_press(1)),
            ("Home", lambda: self.seek(0.0)),
            ("End", lambda: self.seek(self.timeline.length_s)),
            ("Up", lambda: self._speed(1)),
            ("Down", lambda: self._speed(-1)),
            ("1", lambda: self._speed(0)),
            ("M", self._mute),
            ("S", lambda: self.sites.toggle()),
            ("Ctrl+T", self.toggle_theme),
            ("Ctrl+Q", self.close),
            ("F1", lambda: self.help.toggle()),
            ("?", lambda: self.help.toggle()),
        )
        bind_keys(self, bound, repeat=True, everywhere=True)

    def _speed(self, step: int) -> None:
        if step:
            self.transport.step_speed(step)
        else:
            self.transport.set_speed(1.0)
        self.refresh()

    def _mute(self) -> None:
        self.transport.toggle_mute()
        self.refresh()

    def _lay_out(self) -> None:
        timeline = self.timeline
        name = QLabel(f"{timeline.patient.name}, {timeline.patient.age_years}", self)
        name.setProperty("role", "patient")
        training = timeline.config.training
        facts = [
            "Replay", timeline.start.wall_time_iso[:16].replace("T", " "),
            timeline.config.title, f"trainee {training.trainee}" if training.trainee else "",
            "" if timeline.stop is not None else "cut off: it has no end on the record",
        ]  # fmt: skip
        about = ElidedLabel(self)
        about.setProperty("role", "muted")
        about.show_text(" · ".join(filter(None, facts)))
        self.sites = mouse_switch("Show where it hurts  S", self.abdomen.show_sites, self)
        keys = mouse_button("Keys  F1", "quiet", lambda: self.help.toggle(), self)
        head = QHBoxLayout()
        head.setContentsMargins(6, 0, 6, 0)
        head.setSpacing(14)
        head.addWidget(name)
        head.addWidget(about, 1)
        head.addWidget(self.sites)
        head.addWidget(keys)
        self.elapsed.setProperty("role", "elapsed")
        self.sound.setProperty("role", "muted")
        self.events.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.events.setAccessibleName("What happened")
        self.events.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.events.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.events.itemClicked.connect(self._clicked)
        for moment in timeline.moments:
            self.events.addItem(f"{clock_text(moment.t_s)}   {moment.text}")
        left = _panel(self.face, self.caption)
        middle = QSplitter(Qt.Orientation.Vertical, self)
        middle.addWidget(_panel(self.abdomen))
        middle.addWidget(_panel(self.events))
        middle.setSizes([360, 200])
        columns = QSplitter(Qt.Orientation.Horizontal, self)
        for part, stretch in ((left, 4), (middle, 3), (self.traces, 4)):
            columns.addWidget(part)
            columns.setStretchFactor(columns.count() - 1, stretch)
        columns.setSizes([440, 330, 470])
        for splitter in (middle, columns):
            splitter.setHandleWidth(10)
            splitter.setChildrenCollapsible(False)
        foot = QHBoxLayout()
        foot.setSpacing(14)
        self.play.setMinimumWidth(150)
        foot.addWidget(self.play)
        foot.addWidget(self.elapsed)
        foot.addWidget(self.sound, 1)
        body = QWidget(self)
        body.setObjectName("window")
        page = QVBoxLayout(body)
        page.setContentsMargins(14, 12, 14, 14)
        page.setSpacing(10)
        page.addLayout(head)
        page.addWidget(columns, 1)
        page.addWidget(self.scrubber)
        page.addLayout(foot)
        self.setCentralWidget(body)
        self.resize(1280, 820)


def _panel(*contents: QWidget) -> QFrame:
    frame = QFrame()
    frame.setProperty("role", "panel")
    column = QVBoxLayout(frame)
    column.setContentsMargins(10, 10, 10, 8)
    column.setSpacing(4)
    for index, content in enumerate(contents):
        column.addWidget(content, 0 if index else 1)
    return frame
