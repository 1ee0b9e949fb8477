"""The instructor's window: patient card, examination so far, and the triggers of the scenario.

It keeps no state of its own: it draws the model's examination once a second and hands every wish to ``act``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from robopatient import messages as m
from robopatient.console.coverage_map import CoverageMap
from robopatient.console.examination import figure_lines
from robopatient.console.model import ConsoleModel
from robopatient.console.parts import plain_label
from robopatient.console.theme import Theme, style_sheet
from robopatient.console.window_state import bind_keys
from robopatient.errors import RobopatientError
from robopatient.record.debrief_scales import WINDOW_S
from robopatient.scales import OSCE_ITEMS, SCALES
from robopatient.scenario import Script, load_script

__all__ = ["InstructorWindow"]

REFRESH_S = 1.0
QUESTIONS = (
    ("How much?", "ask", "nrs", "1"),
    ("Where?", "ask", "where", "2"),
    ("What like?", "ask", "quality", "3"),
    ("Feeling?", "ask", "feeling", "4"),
    ("History", "ask", "history", "5"),
)
"""What the patient can be asked: button, action, argument, and the key that is the same."""
CUES = (
    ("“this may hurt”", "cue", "this may hurt", "6"),
    ("“breathe in”", "cue", "breathe in", "7"),
    ("“breathe out”", "cue", "breathe out", "8"),
)
MARKS = (("done", 1.0), ("partly", 0.5), ("not done", 0.0))


class InstructorWindow(QWidget):
    """Opened and closed at will; the session does not notice.

    Parameters
    ----------
    model
        What to show.
    act
        Called with every action of the instructor.
    """

    def __init__(
        self, model: ConsoleModel, act: Callable[[m.OperatorAction], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("window")
        self.setWindowTitle("robopatient: instructor")
        self._model = model
        self._act = act
        self._drawn_ns = 0
        self._script = _script(model.config.scenario)
        self.coverage = CoverageMap(model.examination.tender, self)
        self.state = self._label("", "small")
        self.answer = self._label("", "small")
        self._values: list[QLabel] = []
        self.scale = QComboBox(self)
        self.value = QDoubleSpinBox(self)
        self.rated = self._label("", "small")
        self.item = QComboBox(self)
        self._lay_out()
        self._choose_scale()
        self.resize(560, 860)

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self.setStyleSheet(style_sheet(theme))
        self.coverage.apply(theme)
        self._drawn_ns = 0

    def refresh(self) -> None:
        """Draw the examination, about once a second and only while it can be seen."""
        now_ns = self._model.clock.now_ns()
        if not self.isVisible() or now_ns - self._drawn_ns < REFRESH_S * 1e9:
            return
        self._drawn_ns = now_ns
        examination = self._model.examination.figures()
        self.coverage.show_figures(examination)
        for label, (_, text) in zip(self._values, figure_lines(examination), strict=True):
            label.setText(text)
        change, said = self._model.examination.scenario, self._model.examination.said
        self.state.setText(f"Now: {change.state}. {change.text}" if change else "")
        self.answer.setText(f"“{said.text}”" if said else "")

    def toggle(self) -> None:
        """Open, or close."""
        self.setVisible(not self.isVisible())
        self._drawn_ns = 0
        self.refresh()

    def rate(self) -> None:
        """Open with the rating ready to be typed."""
        self.show()
        self.activateWindow()
        self.value.setFocus()
        self.value.selectAll()

    # Within

    def _wish(self, action: str, argument: str) -> None:
        self._act(self._model.wish(action, argument))

    def _record_rating(self) -> None:
        """Put the number on the record, say so, and give the keys back to the questions."""
        self.value.interpretText()
        name, value = self.scale.currentText(), self.value.value()
        self._wish("rating", f"{name} {value:g}")
        scale = "" if name == "NRS" else f"{name} "
        felt = self._model.nrs.peak(self._model.clock.now_ns(), WINDOW_S)
        self.rated.setText(f"trainee: {scale}{value:g} (felt {felt:.1f})")
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _enter_mark(self, value: float) -> None:
        self._wish("rating", f"OSCE.{self.item.currentData()} {value:g}")

    def _choose_scale(self) -> None:
        """Let the number run over the chosen scale."""
        name, _, item_name = self.scale.currentText().partition(".")
        item = next(item for item in SCALES[name].items if item.name == item_name)
        self.value.setRange(item.low, item.high)
        self.value.setDecimals(0 if item.grades or name == "NRS" else 1)
        self.value.setToolTip("\n".join(f"{item.low + n:g}: {grade}" for n, grade in enumerate(item.grades)))

    def _lay_out(self) -> None:
        patient = self._model.patient
        page = QVBoxLayout(self)
        page.setContentsMargins(16, 14, 16, 16)
        page.setSpacing(8)
        page.addWidget(self._label(f"{patient.name}, {patient.age_years}, {patient.sex}", "patient"))
        page.addWidget(self._label(f"{patient.complaint}. {patient.history}", "small"))
        page.addWidget(self.coverage, 1)
        page.addLayout(self._figures())
        page.addWidget(self._label("Patient", "title"))
        page.addLayout(self._buttons(QUESTIONS))
        page.addLayout(self._buttons(CUES))
        page.addWidget(self.answer)
        if self._script is not None:
            page.addWidget(self._label("Scenario", "title"))
            page.addWidget(self.state)
            page.addLayout(self._buttons([(name, "trigger", name, "") for name in self._script.triggers]))
            page.addLayout(self._overrides(self._script))
        page.addWidget(self._label("The trainee's rating", "title"))
        page.addLayout(self._rating())
        page.addWidget(self.rated)
        page.addWidget(self._label("Marks", "title"))
        page.addLayout(self._marks())

    def _figures(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for row, (name, text) in enumerate(figure_lines(self._model.examination.figures())):
            grid.addWidget(self._label(name, "muted"), row, 0)
            self._values.append(self._label(text, ""))
            grid.addWidget(self._values[-1], row, 1)
        return grid

    def _buttons(self, wishes: Sequence[tuple[str, str, str, str]]) -> QHBoxLayout:
        """A row of buttons: name, action, argument, and the key of this window that does the same, if any."""
        row = QHBoxLayout()
        row.setSpacing(6)
        for name, action, argument, key in wishes:
            wish = partial(self._wish, action, argument)
            row.addWidget(self._button(f"{name}  {key}".rstrip(), wish))
            if key:
                bind_keys(self, [(key, wish)])  # of this window only: a digit typed into the rating stays a digit
        return row

    def _overrides(self, script: Script) -> QHBoxLayout:
        row = self._buttons([("Hold", "scenario", "hold", ""), ("Go on", "scenario", "go on", "")])
        states = QComboBox(self)
        states.setAccessibleName("State of the scenario")
        states.addItems([state.name for state in script.states])
        row.addWidget(states, 1)
        row.addWidget(self._button("Go there", lambda: self._wish("scenario", f"goto {states.currentText()}")))
        return row

    def _rating(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.scale.setAccessibleName("Scale")
        for name, scale in SCALES.items():
            for item in scale.items:
                if not item.missing and name != "PSPI":
                    self.scale.addItem(f"{name}.{item.name}" if item.name else name)
        self.scale.currentIndexChanged.connect(lambda _index: self._choose_scale())
        self.value.setAccessibleName("Rating")
        self.value.lineEdit().setTextMargins(8, 0, 0, 0)
        self.value.lineEdit().returnPressed.connect(self._record_rating)
        row.addWidget(self.scale, 1)
        row.addWidget(self.value)
        row.addWidget(self._button("Record", self._record_rating))
        return row

    def _marks(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.item.setAccessibleName("Line of the examination")
        for name, text in OSCE_ITEMS.items():
            self.item.addItem(text, name)
        row.addWidget(self.item, 1)
        for name, value in MARKS:
            row.addWidget(self._button(name, partial(self._enter_mark, value)))
        return row

    def _button(self, name: str, pressed: Callable[[], None]) -> QPushButton:
        button = QPushButton(name, self)
        button.setProperty("role", "small")
        button.clicked.connect(lambda _checked: pressed())
        return button

    def _label(self, text: str, role: str) -> QLabel:
        return plain_label(text, role, self, wraps=role == "small")


def _script(name: str) -> Script | None:
    """The session's scenario, if it has one that this computer knows."""
    if not name:
        return None
    try:
        return load_script(name)[0]
    except RobopatientError:
        return None
