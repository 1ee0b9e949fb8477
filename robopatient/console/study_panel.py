"""The operator's panel of a study: progress, present stimulus, rating keys and actions.

It draws what ``StudyModel`` says and hands every wish to ``act``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from robopatient import messages as m
from robopatient.console.controls import set_role
from robopatient.console.elided import ElidedLabel
from robopatient.console.light_bar import Shape
from robopatient.console.parts import mouse_button, mouse_switch
from robopatient.console.study_model import StudyModel
from robopatient.console.theme import DARK, Theme

__all__ = ["STUDY_KEYS", "StudyPanel"]

MOST_ANSWERS = 11
LINE_LETTERS = 12
STUDY_KEYS: tuple[tuple[str, str], ...] = (
    ("Esc", "STOP: voice silent, face neutral, at once; the trial in hand does not count. H ends the silence"),
    ("1 … 9", "Answer for the participant"),
    ("Space", "Present the reaction once more, where the study allows it"),
    ("Backspace", "Undo: the last answer is asked again; the earlier row stays"),
    ("R", "Redo: the trial in hand, or the last one, is done again"),
    ("P", "Pause the study, or go on"),
    ("G", "Go on: begin, turn the participant's page, end a break that is over"),
    ("E", "End the participant's session; press twice"),
    ("B", "Hide or show what is presented"),
    ("T", "Tare: the present load becomes zero (hand off first)"),
    ("N", "Write a note; Enter puts it on the record"),
    ("Ctrl Q", "Stop the session; press twice"),
    ("Ctrl T", "Dark or light"),
    ("F1  or  ?", "This sheet"),
)
"""Keys while a study runs: the help sheet shows them, and the window's shortcuts are tested against them."""


class StudyPanel(QFrame):
    """Everything about the trials in one place.

    Parameters
    ----------
    model
        What to show.
    act
        Called with what the model makes of each wish; None means that it means nothing now.
    """

    def __init__(
        self, model: StudyModel, act: Callable[[m.OperatorAction | None], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAccessibleName("Study")
        self.model = model
        self._act = act
        self._theme = DARK
        self.shape = Shape(self)
        self.headline = ElidedLabel(self)
        self.headline.setProperty("role", "headline")
        self.person = QLabel(self)
        self.person.setProperty("role", "muted")
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.where, self.left = QLabel(self), QLabel(self)
        self.left.setProperty("role", "muted")
        self.presented = ElidedLabel(self)
        self.presented.setProperty("role", "presented")
        self.veil = mouse_switch("Hide  B", lambda _on: self.refresh(), self)
        self.warning = ElidedLabel(self)
        self.warning.setProperty("role", "warning")
        self.last = ElidedLabel(self)
        self.last.setProperty("role", "small")
        self.answers = [self._button("", "answer", partial(self.answer, index)) for index in range(MOST_ANSWERS)]
        for button in self.answers:
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.replay = self._button("Replay  Space", "small", self.press_replay)
        self.undo = self._button("Undo  ⌫", "small", self.press_undo)
        self.redo = self._button("Redo  R", "small", self.press_redo)
        self.go_on = self._button("Go on  G", "small", self.press_go_on)
        self.abort = self._button("End  E", "small", self.press_abort)
        self._lay_out()

    # What the operator does

    def answer(self, index: int) -> None:
        """Answer for the participant, counted from 0."""
        self._do(self.model.answer(index))

    def digit(self, number: int) -> None:
        """A number key."""
        self._do(self.model.digit(number))

    def press_replay(self) -> None:
        """Present the reaction once more."""
        self._do(self.model.replay())

    def press_undo(self) -> None:
        """Take the last answer back."""
        self._do(self.model.undo())

    def press_redo(self) -> None:
        """Do the trial again."""
        self._do(self.model.redo())

    def press_pause(self) -> None:
        """Pause, or go on."""
        self._do(self.model.toggle_pause())

    def press_go_on(self) -> None:
        """Begin, turn the page, end the break."""
        self._do(self.model.go_on())

    def press_abort(self) -> None:
        """Ask first, then end the participant's session."""
        self._do(self.model.press_abort())

    def press_trust(self) -> None:
        """In a training session: adapt again."""
        self._do(self.model.trust())

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self.refresh()

    def refresh(self) -> None:
        """Draw what the model says; unchanged texts cost nothing."""
        model = self.model
        shape, words = model.headline()
        self.shape.show_state(shape, self._theme)
        self.headline.show_text(words)
        state = model.state
        _write(self.person, f"{state.study}  ·  {state.participant}" if state is not None else "")
        share, where, left = model.progress()
        self.bar.setValue(round(1000 * share))
        _write(self.where, where)
        _write(self.left, left)
        kind, levels = model.presented()
        if self.veil.isChecked():
            self.presented.show_text("hidden")
        else:
            told = "    ".join(f"{name} {value}" for name, value in levels)
            self.presented.show_text(f"{told}    ({kind})" if kind and told else told or "nothing")
        warnings = model.warnings()
        self.warning.setVisible(bool(warnings))
        if warnings:
            more = f"  (and {len(warnings) - 1} more)" if len(warnings) > 1 else ""
            self.warning.show_text(warnings[0][1] + more)
            set_role(self.warning, f"warning-{warnings[0][0]}")
        self.last.show_text("" if self.veil.isChecked() else model.last_line())
        self._refresh_buttons()

    # Within

    def _refresh_buttons(self) -> None:
        model = self.model
        answers = model.answers
        for index, button in enumerate(self.answers):
            button.setVisible(index < len(answers))
            if index < len(answers):
                key, label = answers[index].key, answers[index].label
                text = label if key in ("", label) else _two_lines(f"{key}  {label}")
                if text != button.text():
                    button.setText(text)
                button.setEnabled(not model.answered)
        phase = model.state.phase if model.state is not None else "setup"
        over, begun = phase in ("done", "aborted"), phase not in ("setup", "consent", "instructions")
        self.replay.setEnabled(phase == "question" and model.replays > 0)
        self.undo.setEnabled(begun and not over)
        self.redo.setEnabled(begun and not over)
        self.go_on.setEnabled(not begun or (phase == "break" and model.break_over))
        self.abort.setEnabled(not over)
        armed = model.abort_armed
        self.abort.setText("Press again" if armed else "End  E")
        set_role(self.abort, "small-armed" if armed else "small")

    def _do(self, action: m.OperatorAction | None) -> None:
        self._act(action)
        self.refresh()

    def _button(self, text: str, role: str, pressed: Callable[[], None]) -> QPushButton:
        return mouse_button(text, role, pressed, self)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self.shape)
        head.addWidget(self.headline, 1)
        head.addWidget(self.person)
        place = QHBoxLayout()
        place.addWidget(self.where, 1)
        place.addWidget(self.left)
        now = QHBoxLayout()
        now.setSpacing(10)
        title = QLabel("Presents", self)
        title.setProperty("role", "title")
        now.addWidget(title)
        now.addWidget(self.presented, 1)
        now.addWidget(self.veil)
        rating = QHBoxLayout()
        rating.setSpacing(6)
        for button in self.answers:
            rating.addWidget(button, 1)
        wishes = QHBoxLayout()
        wishes.setSpacing(6)
        for button in (self.go_on, self.replay, self.undo, self.redo):
            wishes.addWidget(button)
        wishes.addStretch(1)
        wishes.addWidget(self.abort)
        self._rating = QWidget(self)
        self._rating.setLayout(rating)
        rating.setContentsMargins(0, 0, 0, 0)
        self._rating.setFixedHeight(44)
        page = QVBoxLayout(self)
        page.setContentsMargins(14, 9, 14, 10)
        page.setSpacing(7)
        page.addLayout(head)
        page.addWidget(self.bar)
        page.addLayout(place)
        page.addWidget(self.warning)
        page.addLayout(now)
        page.addWidget(self._rating)
        page.addWidget(self.last)
        page.addStretch(1)
        page.addLayout(wishes)


def _two_lines(text: str) -> str:
    """A long label broken near its middle: seven answers stand side by side in half a window."""
    if len(text) <= LINE_LETTERS:
        return text
    gaps = [at for at, letter in enumerate(text) if letter == " " and text[at - 1] != " " and at > 3]
    if not gaps:
        return text
    middle = min(gaps, key=lambda at: abs(at - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"


def _write(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
