"""The participant's screen: one calm page at a time, in large letters, for keys, mouse, touch or the rater's dial.

It draws what ``ParticipantModel`` says and hands every wish to ``act``; it knows nothing of factors or levels.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from importlib import resources

import msgspec
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from robopatient import messages as m
from robopatient.console.participant_answers import AnswerRow, NumberPad
from robopatient.console.participant_bar import ForceBar
from robopatient.console.participant_film import FilmPanel
from robopatient.console.participant_model import ParticipantModel, ParticipantView
from robopatient.console.parts import mouse_button
from robopatient.console.theme import DARK, LIGHT, Theme

__all__ = ["ParticipantScreen"]

REFERENCE_HEIGHT_PX = 900.0
"""Height for which the sizes below were chosen; they grow and shrink with the screen."""
REFERENCE_WIDTH_PX = 1440.0
SIZES = {"title": 46, "text": 30, "answer": 27, "button": 26, "small": 17, "clock": 88, "word": 34, "gap": 26}
LEAST_SCALE = 0.55
TEXT_PX = 1060
"""Longest line of text at the reference size."""
UNLIMITED_PX = 16_777_215
"""Qt's word for no limit."""
DIGITS: dict[int, int] = {Qt.Key.Key_0 + n: n for n in range(10)}
ARROWS: dict[int, int] = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
TYPED: dict[int, str] = {Qt.Key.Key_Period: ".", Qt.Key.Key_Comma: ".", Qt.Key.Key_Backspace: "<"}


class ParticipantScreen(QWidget):
    """Everything the participant sees.

    Parameters
    ----------
    model
        What to show.
    act
        Called with every action of the participant.
    """

    def __init__(self, model: ParticipantModel, act: Callable[[m.OperatorAction], None]) -> None:
        super().__init__()
        self.setObjectName("participant")
        self.setWindowTitle("robopatient (participant)")
        self.model = model
        self.theme = DARK
        self.closing = False
        self._act = act
        self._view: ParticipantView | None = None
        self._scale = 0.0
        self.tag, self.count = self._label("tag"), self._label("small")
        self.stop = self._button("quiet", self.leave)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.title, self.text, self.clock = self._label("title"), self._label("text"), self._label("clock")
        self.bar = ForceBar(self)
        self.answers = AnswerRow(self.answer, self)
        self.number = NumberPad(self.type_in, self)
        self.film = FilmPanel(model.clock, self)
        self.trouble = self._label("trouble")
        self.forward = self._button("forward", self.go_forward)
        self.back = self._button("back", self.go_back)
        self.aside = self._button("back", self.replay)
        self.hint = self._label("small")
        self._empty = QWidget(self)
        self.middle = QStackedWidget(self)
        for part in (self._empty, self.bar, self.answers, self.number, self.film):
            self.middle.addWidget(part)
        self._lay_out()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.resize(1280, 800)
        self.refresh()

    # What the participant does

    def go_forward(self) -> None:
        """Whatever the large button says."""
        self._do(self.model.forward())

    def go_back(self) -> None:
        """The page before, or the end of the session when that is what was asked."""
        if self.model.leaving:
            self._do(self.model.confirm_leave())
        else:
            self.model.back()
            self.refresh()

    def answer(self, index: int) -> None:
        """Give an answer, counted from 0."""
        self._do(self.model.answer(index))

    def type_in(self, letter: str) -> None:
        """A key of the number pad."""
        self.model.type_in(letter)
        self.refresh()

    def replay(self) -> None:
        """Once more."""
        self._do(self.model.replay())

    def leave(self) -> None:
        """Ask whether to end."""
        self._do(self.model.leave())

    def set_theme(self, theme: Theme) -> None:
        """Put on a theme."""
        self.theme = theme
        self._scale = 0.0
        self._fit()

    # What the timer does

    def refresh(self) -> None:
        """Draw what the model says now."""
        view = self.model.view()
        if view != self._view:
            self._show(view)
        if view.kind == "press":
            self.bar.show_band(self.model.band())
        elif view.kind == "film":
            self.film.refresh()

    # Qt's own

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Digits answer, Enter goes on, Space repeats or goes on, Esc silences."""
        if event.isAutoRepeat():
            return
        key = event.key()
        asking = self._view is not None and self._view.kind == "question"
        if key == Qt.Key.Key_Escape:
            self._do(self.model.hush())
        elif key in DIGITS:
            self._do(self.model.digit(DIGITS[key]))
        elif key in TYPED:
            self.type_in(TYPED[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.go_forward()
        elif key == Qt.Key.Key_Space:
            self._space()
        elif key in ARROWS and asking:
            self.model.point(ARROWS[key])
            self.refresh()
        elif key in ARROWS and self.model.turning:
            self.go_forward() if ARROWS[key] > 0 else self.go_back()
        elif key == Qt.Key.Key_T and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.set_theme(LIGHT if self.theme is DARK else DARK)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Letters grow with the screen."""
        super().resizeEvent(event)
        self._fit()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """A participant cannot close the screen by accident; the session can."""
        if self.closing:
            event.accept()
        else:
            event.ignore()
            self.leave()

    # Within

    def _space(self) -> None:
        """Once more where that can be had; otherwise go on. It never gives an answer."""
        view = self._view
        if view is None or view.kind in ("question", "number"):
            self.replay()
        else:
            self.go_forward()

    def _do(self, action: m.OperatorAction | None) -> None:
        if action is not None:
            self._act(action)
        self.refresh()

    def _show(self, view: ParticipantView) -> None:
        self._view = view
        self.title.setText(view.title)
        self.text.setText("\n\n".join(view.paragraphs))
        self._balance()
        self.text.setVisible(bool(view.paragraphs))
        self.clock.setText(view.clock if view.kind == "words" else "")
        self.clock.setVisible(bool(view.clock) and view.kind == "words")
        self.middle.setCurrentWidget(
            {
                "words": self._empty,
                "press": self.bar,
                "question": self.answers,
                "number": self.number,
                "film": self.film,
            }[view.kind]
        )
        self.middle.setVisible(view.kind != "words")
        self.middle.setMaximumHeight(self.answers.maximumHeight() if view.kind == "question" else UNLIMITED_PX)
        self._spring(view.kind)
        if view.kind == "question":
            self.answers.show_answers(view.labels, view.caps, view.ends, view.chosen, view.pointed)
        elif view.kind == "number":
            self.number.show_number(view.typed)
        if view.kind == "film":
            self.film.play(view.media)
        else:
            self.film.stop()
        for button, words in ((self.forward, view.forward), (self.back, view.back), (self.aside, view.aside)):
            button.setText(words)
            button.setVisible(bool(words))
        self.stop.setText(view.stop)
        self.stop.setVisible(bool(view.stop))
        self.tag.setText(view.tag)
        self.tag.setVisible(bool(view.tag))
        answering = view.kind in ("question", "number") and view.clock
        self.count.setText("   ".join(part for part in (view.clock if answering else "", view.count) if part))
        self.progress.setValue(round(1000 * max(0.0, view.progress)))
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.progress.setVisible(view.progress >= 0.0)
        self.trouble.setText(view.trouble)
        self.trouble.setVisible(bool(view.trouble))
        self.hint.setText(view.hint)
        self.setAccessibleName(view.title)

    def _spring(self, kind: str) -> None:
        """Words and answers stand in the middle of the screen; a bar takes the room itself."""
        above, below = {"words": (3, 4), "question": (2, 3)}.get(kind, (0, 0))
        self._page.setStretch(0, above)
        self._page.setStretch(self._page.count() - 1, below)

    def _balance(self) -> None:
        """The narrowest text of as few lines: no last line of one word."""
        self.text.ensurePolished()
        metrics, text = self.text.fontMetrics(), self.text.text()
        flags = int(Qt.TextFlag.TextWordWrap)

        def height(width: int) -> int:
            return int(metrics.boundingRect(QRect(0, 0, width, UNLIMITED_PX), flags, text).height())

        low, high = round(0.4 * TEXT_PX * self._scale), round(TEXT_PX * self._scale)
        least = height(high)
        while high - low > 8:
            middle = (low + high) // 2
            low, high = (low, middle) if height(middle) <= least else (middle, high)
        self.text.setFixedWidth(max(1, high))

    def _fit(self) -> None:
        scale = max(LEAST_SCALE, min(self.height() / REFERENCE_HEIGHT_PX, self.width() / REFERENCE_WIDTH_PX))
        if abs(scale - self._scale) < 0.01:
            return
        self._scale = scale
        px = {name: round(size * scale) for name, size in SIZES.items()}
        template = resources.files("robopatient.console").joinpath("participant.qss").read_text(encoding="utf-8")
        colours = msgspec.structs.asdict(self.theme)
        self.setStyleSheet(string.Template(template).substitute(colours, **{f"{k}_px": v for k, v in px.items()}))
        self.bar.apply(self.theme, px["word"])
        self.answers.apply(self.theme, px["answer"])
        self.film.apply(self.theme)
        self.answers.setMaximumHeight(round(270 * scale))
        self.title.setMaximumWidth(round(1300 * scale))
        for button in (self.forward, self.back, self.aside):
            button.setMinimumHeight(round(78 * scale))
        self.progress.setFixedHeight(max(4, round(8 * scale)))
        self._balance()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(20)
        head.addWidget(self.tag)
        head.addWidget(self.count)
        head.addWidget(self.progress, 1)
        head.addWidget(self.stop)
        self._page = QVBoxLayout()
        self._page.setSpacing(18)
        self._page.addStretch(3)
        for part in (self.title, self.text, self.clock):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
            part.setWordWrap(True)
            row = QHBoxLayout()
            row.addStretch(1)
            row.addWidget(part, 0 if part is self.text else 100)
            row.addStretch(1)
            self._page.addLayout(row)
            self._page.addSpacing(6)
        self._page.addWidget(self.middle, 10)
        self._page.addWidget(self.trouble, 0, Qt.AlignmentFlag.AlignCenter)
        buttons = QHBoxLayout()
        buttons.setSpacing(24)
        buttons.addStretch(1)
        for button in (self.back, self.aside, self.forward):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._page.addSpacing(14)
        self._page.addLayout(buttons)
        self._page.addStretch(4)
        page = QVBoxLayout(self)
        page.setContentsMargins(36, 24, 36, 20)
        page.setSpacing(14)
        page.addLayout(head)
        page.addLayout(self._page, 1)
        page.addWidget(self.hint, 0, Qt.AlignmentFlag.AlignCenter)

    def _label(self, role: str) -> QLabel:
        label = QLabel(self)
        label.setProperty("role", role)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        return label

    def _button(self, role: str, pressed: Callable[[], None]) -> QPushButton:
        return mouse_button("", role, pressed, self)
