"""The guided calibration in a window: what to lay where, live curves, limits, and the dated file at its end.

Reached from the set-up window's tab; everything has a key.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from robopatient.checks import Check, CheckState
from robopatient.clock import Clock, HostClock
from robopatient.console.calibrate_model import LIVE_S, CalibrationRun, proposed_file
from robopatient.console.check_list import CheckList
from robopatient.console.controls import KeyButton, set_role
from robopatient.console.parts import plain_label
from robopatient.console.theme import DARK, Theme, style_sheet
from robopatient.console.window_state import bind_keys
from robopatient.phantom import Phantom, load_phantom
from robopatient.sensing.calibrate import LIMITS, CalibrationPlan
from robopatient.session.run import open_named

__all__ = ["CalibrationDialog", "open_dialog"]

TURN_MS = 10
RATE_HZ = 250.0
PICTURE_EVERY = 3
CELL_COLOURS = ("force", "pain", "level", "pspi", "f0", "accent", "warn", "ok", "muted")
WORDS = {
    "linearity_percent": ("Linearity", "% of full scale"),
    "hysteresis_percent": ("Hysteresis", "%"),
    "repeatability_percent": ("Repeatability", "%"),
    "creep_percent": ("Creep", "%"),
    "contact_mm": ("Place of a weight", "mm"),
    "condition": ("Condition of the matrix", ""),
}


class PlateView(QWidget):
    """The plate from above, its cells, and where the weight of this step goes."""

    def __init__(self, phantom: Phantom, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(220, 220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Plate with the place of the weight")
        self._phantom = phantom
        self._theme = DARK
        self._place: tuple[float, float, float] | None = None

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self.update()

    def show_weight(self, newton: float, x_mm: float, y_mm: float) -> None:
        """Mark where a weight goes; 0 N is an empty plate."""
        self._place = (newton, x_mm, y_mm)
        self.setAccessibleDescription(f"{newton:g} N at x {x_mm:g}, y {y_mm:g} mm")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Square."""
        return QSize(300, 300)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Plate, cells, weight."""
        theme, cells = self._theme, self._phantom.cells_mm
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        low_x, high_x = min(x for x, _ in cells), max(x for x, _ in cells)
        low_y, high_y = min(y for _, y in cells), max(y for _, y in cells)
        span = max(high_x - low_x, high_y - low_y, 1.0)
        side = min(self.width(), self.height()) - 64

        def at(x_mm: float, y_mm: float) -> QPointF:
            return QPointF(
                self.width() / 2 + (x_mm - (low_x + high_x) / 2) / span * side,
                self.height() / 2 - (y_mm - (low_y + high_y) / 2) / span * side,
            )

        plate = QRectF(at(low_x, high_y), at(high_x, low_y)).adjusted(-20, -20, 20, 20)
        painter.setPen(QPen(QColor(theme.skin_edge), 1.4))
        painter.setBrush(QColor(theme.skin))
        painter.drawRoundedRect(plate, 12, 12)
        font = QFont(self.font())
        font.setPixelSize(12)
        painter.setFont(font)
        for number, (x_mm, y_mm) in enumerate(cells, start=1):
            colour = QColor(getattr(theme, CELL_COLOURS[(number - 1) % len(CELL_COLOURS)]))
            painter.setPen(QPen(colour, 2))
            painter.setBrush(QColor(theme.panel))
            painter.drawEllipse(at(x_mm, y_mm), 13, 13)
            painter.drawText(_around(at(x_mm, y_mm), 26, 26), Qt.AlignmentFlag.AlignCenter, str(number))
        if self._place is None or not self._place[0]:
            return
        newton, x_mm, y_mm = self._place
        centre, radius = at(x_mm, y_mm), 16.0 + 2.4 * math.sqrt(newton)
        fill = QColor(theme.accent)
        fill.setAlpha(110)
        painter.setPen(QPen(QColor(theme.accent), 2))
        painter.setBrush(fill)
        painter.drawEllipse(centre, radius, radius)
        painter.setPen(QColor(theme.text))
        font.setPixelSize(14)
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(_around(centre, 120, 20), Qt.AlignmentFlag.AlignCenter, f"{newton:g} N")


class CalibrationDialog(QDialog):
    """One calibration from the first exercise to the saved file.

    Parameters
    ----------
    run
        Not yet opened.
    phantom
        Its name becomes part of the file that is proposed.
    """

    def __init__(
        self, run: CalibrationRun, phantom: str, clock: Clock, theme: Theme = DARK, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("window")
        self.setWindowTitle(f"robopatient: calibrate {run.board.name}")
        self.run = run
        self._clock = clock
        self._phantom = phantom
        self._turns = 0
        self._shown: object = None
        self.plate = PlateView(run.procedure.phantom, self)
        self.plot = pg.PlotWidget(self)
        self.instruction = self._label("", "headline")
        self.refusal = self._label("", "trouble")
        self.progress = QProgressBar(self)
        self.steps = self._label("", "muted")
        self.file = QLineEdit(self)
        self.begin_button = KeyButton("Read", "Return", self.press, self)
        self.limits = CheckList(self)
        self._curves: list[Any] = []
        self._lay_out()
        self.wear(theme)
        self._bind_keys()
        self.timer = QTimer(self)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.turn)

    def start(self) -> None:
        """Open the board and begin to turn."""
        self.run.open()
        self.timer.start(TURN_MS)
        self.refresh()

    def turn(self) -> None:
        """Take what the board has said; draw now and then."""
        self.run.turn(self._clock.now_ns())
        self._turns += 1
        if self._turns % PICTURE_EVERY == 0:
            self.refresh()

    def press(self) -> None:
        """The one key: read this step, or save at the end."""
        if self.run.phase == "waiting":
            self.run.begin()
        elif self.run.phase == "done":
            self.run.save(Path(self.file.text().strip()))
        elif self.run.phase in ("saved", "failed"):
            self.close()
        self.refresh()

    def refresh(self) -> None:
        """Draw what is true now."""
        run = self.run
        done, of = run.procedure.progress
        age_s, counts = run.live()
        for cell, curve in enumerate(self._curves):
            curve.setData(age_s, counts[:, cell] / 1000.0)
        shown = (run.phase, run.trouble, done, self.file.isVisible())
        if shown == self._shown:
            return
        self._shown = shown
        step = run.procedure.step
        self.instruction.setText(run.instruction)
        self.refusal.setText(run.trouble)
        self.progress.setMaximum(of)
        self.progress.setValue(done)
        self.steps.setText(f"Step {min(done + 1, of)} of {of}")
        self.plate.show_weight(step.newton if run.phase in ("waiting", "reading") else 0.0, step.x_mm, step.y_mm)
        name = {"waiting": "Read", "reading": "Reading …", "done": "Save", "saved": "Close", "failed": "Close"}
        self.begin_button.show_name(name.get(run.phase, "Waiting …"))
        able = run.phase not in ("opening", "reading")
        self.begin_button.setEnabled(able)
        set_role(self.begin_button, "" if able else "off")
        self.file.setVisible(run.phase == "done")
        if run.phase in ("done", "saved"):
            self._show_limits()
            if not self.file.text():
                self.file.setText(str(proposed_file(self._phantom, run.uid)))
                self.file.setCursorPosition(0)
        if run.phase == "saved":
            self.instruction.setText(f"Saved: {run.saved}")

    def wear(self, theme: Theme) -> None:
        """Put on a theme."""
        self._theme = theme
        self.setStyleSheet(style_sheet(theme))
        self.plate.apply(theme)
        self.plot.setBackground(theme.panel)
        for name in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(name)
            axis.setPen(pg.mkPen(theme.edge))
            axis.setTextPen(pg.mkPen(theme.muted))
        for cell, curve in enumerate(self._curves):
            curve.setPen(pg.mkPen(getattr(theme, CELL_COLOURS[cell % len(CELL_COLOURS)]), width=1))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Give the board back; what was not saved is gone."""
        self.timer.stop()
        self.run.close()
        event.accept()

    def reject(self) -> None:
        """Esc closes."""
        self.close()

    # Within

    def _show_limits(self) -> None:
        """Each figure with its limit, kept or not."""
        report = self.run.report
        if report is not None:
            self.limits.show_checks([_limit_check(name, float(getattr(report, name))) for name in LIMITS], self._theme)

    def _lay_out(self) -> None:
        item = self.plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.setXRange(-LIVE_S, 0.0, padding=0.0)
        item.setLabel("left", "thousand counts over the zero")
        item.setLabel("bottom", "seconds")
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for _ in self.run.procedure.phantom.cells_mm:
            curve = pg.PlotCurveItem()
            item.addItem(curve)
            self._curves.append(curve)
        self.refusal.setMinimumHeight(34)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        left = QVBoxLayout()
        left.addWidget(_panel(self.plate), 1)
        right = QVBoxLayout()
        right.addWidget(_panel(self.plot), 3)
        right.addWidget(_panel(self.limits), 1)
        columns = QHBoxLayout()
        columns.addLayout(left, 4)
        columns.addLayout(right, 6)
        foot = QHBoxLayout()
        self.begin_button.setMinimumWidth(190)
        foot.addWidget(self.begin_button)
        self.file.setAccessibleName("File")
        foot.addWidget(self.file, 3)
        foot.addWidget(self.steps)
        foot.addStretch(1)
        cancel = QPushButton("Close  Esc", self)
        cancel.setProperty("role", "small")
        cancel.setAutoDefault(False)
        cancel.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        cancel.clicked.connect(lambda _checked: self.close())
        foot.addWidget(cancel)
        page = QVBoxLayout(self)
        page.setContentsMargins(16, 14, 16, 16)
        page.setSpacing(10)
        page.addWidget(self.instruction)
        page.addWidget(self.refusal)
        page.addWidget(self.progress)
        page.addLayout(columns, 1)
        page.addLayout(foot)
        self.resize(1000, 640)

    def _bind_keys(self) -> None:
        bound: tuple[tuple[str, Callable[[], object]], ...] = (
            ("Return", self.press), ("Enter", self.press), ("Space", self._space),
        )  # fmt: skip
        bind_keys(self, bound)

    def _space(self) -> None:
        """A space is part of a file's name; elsewhere it is the one key."""
        if not self.file.hasFocus():
            self.press()

    def _label(self, text: str, role: str) -> QLabel:
        return plain_label(text, role, self, wraps=role in ("headline", "trouble"))


def open_dialog(board: str, plan: CalibrationPlan, phantom: str, theme: Theme, parent: QWidget) -> Path | None:
    """Run a calibration of a board named as ``run --board`` names it; the file that was saved, or None."""
    run = CalibrationRun(open_named(board, RATE_HZ), load_phantom(phantom), plan)
    dialog = CalibrationDialog(run, phantom, HostClock(), theme, parent)
    dialog.start()
    dialog.exec()
    run.close()
    return run.saved


def _limit_check(name: str, value: float) -> Check:
    words, unit = WORDS[name]
    if math.isnan(value):
        return Check(words, "ok", "not measured")
    state: CheckState = "ok" if value <= LIMITS[name] else "fail"
    return Check(words, state, f"{value:.2f} {unit}, at most {LIMITS[name]:g}".replace(" ,", ","))


def _around(centre: QPointF, width: float, height: float) -> QRectF:
    return QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height)


def _panel(content: QWidget) -> QFrame:
    frame = QFrame()
    frame.setProperty("role", "panel")
    column = QVBoxLayout(frame)
    column.setContentsMargins(10, 10, 10, 10)
    column.addWidget(content)
    return frame
