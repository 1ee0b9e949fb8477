"""The replay's curves: force, pain, voice and face around the present moment, and the whole session with its cursor.

The session strip is the scrubber: a click or a drag on it goes there.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from robopatient.console.event_list import clock_text
from robopatient.console.pain_traces import f0_to_dbfs_axis
from robopatient.console.plot import AXIS_WIDTH, Y_PADDING
from robopatient.console.theme import DARK, Theme
from robopatient.console.timeline import RecordedCurve, Timeline
from robopatient.levels import SILENCE_DBFS

__all__ = ["ReplayTraces", "Scrubber"]

SPAN_S = 16.0
"""How much of the session is drawn around the present (assumption: some ten presses)."""
BAND_ALPHA = 26
STEPS_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class _Lane(QFrame):
    """One curve on a scrolling axis of time with the present in its middle, and its value there."""

    def __init__(
        self,
        title: str,
        unit: str,
        curves: list[tuple[str, RecordedCurve]],
        y_range: tuple[float, float],
        ticks: list[float],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.plot = pg.PlotWidget(self)
        self.plot.setFrameShape(QFrame.Shape.NoFrame)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMinimumSize(200, 44)
        self.plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        item = self.plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.showAxis("bottom", False)
        item.disableAutoRange()
        item.setYRange(*y_range, padding=Y_PADDING)
        self._axis = item.getAxis("left")
        self._axis.setWidth(AXIS_WIDTH)
        self._axis.setStyle(tickLength=0, autoExpandTextSpace=False)
        self._axis.setTicks([[(tick, f"{tick:g}".replace("-", "−")) for tick in ticks]])
        self._curves = curves
        self._lines = [pg.PlotCurveItem(connect="finite") for _ in curves]
        for line in self._lines:
            item.addItem(line, ignoreBounds=True)
        self._cursor = pg.InfiniteLine(pos=0.0, angle=90, movable=False)
        item.addItem(self._cursor, ignoreBounds=True)
        heading = QLabel(title, self)
        heading.setProperty("role", "title")
        self.value = QLabel("–", self)
        self.value.setProperty("role", "value2")
        self._unit = QLabel(unit, self)
        self._unit.setProperty("role", "small")
        side = QVBoxLayout()
        side.setSpacing(0)
        for label in (heading, self.value, self._unit):
            side.addWidget(label)
        side.addStretch(1)
        box = QWidget(self)
        box.setFixedWidth(120)
        box.setLayout(side)
        side.setContentsMargins(0, 0, 0, 0)
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 6, 10, 6)
        grid.addWidget(self.plot, 0, 0)
        grid.addWidget(box, 0, 1)
        grid.setColumnStretch(0, 1)

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self.plot.setBackground(theme.panel)
        self._axis.setPen(pg.mkPen(theme.edge))
        self._axis.setTextPen(pg.mkPen(theme.muted))
        self._axis.setGrid(60)
        self._cursor.setPen(pg.mkPen(theme.text, width=1))
        for line, (colour, _) in zip(self._lines, self._curves, strict=True):
            line.setPen(pg.mkPen(getattr(theme, colour), width=1))

    def show_at(self, t_s: float, text: str) -> None:
        """Scroll to a moment and write its value."""
        low, high = t_s - SPAN_S / 2, t_s + SPAN_S / 2
        for line, (_, curve) in zip(self._lines, self._curves, strict=True):
            first, last = np.searchsorted(curve.t_s, (low, high))
            line.setData(curve.t_s[max(0, first - 1) : last + 1] - t_s, curve.values[max(0, first - 1) : last + 1])
        if self.value.text() != text:
            self.value.setText(text)


class ReplayTraces(QWidget):
    """Four lanes above each other."""

    def __init__(self, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        top = max(10.0, math.ceil(_most(timeline.force) / 10.0) * 10.0)
        f0 = RecordedCurve(timeline.f0.t_s, f0_to_dbfs_axis(timeline.f0.values))
        self.force = _Lane("Force", "N", [("force", timeline.force)], (0.0, top), [0.0, top / 2, top], self)
        self.pain = _Lane("Pain felt", "NRS 0–10", [("pain", timeline.pain)], (0.0, 10.0), [0.0, 5.0, 10.0], self)
        voice = [("level", timeline.level), ("f0", f0)]
        self.voice = _Lane("Voice heard", "dBFS", voice, (SILENCE_DBFS, 0.0), [-60.0, -30.0, 0.0], self)
        self.face = _Lane("Face shown", "PSPI 0–16", [("pspi", timeline.pspi)], (0.0, 16.0), [0.0, 8.0, 16.0], self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for lane in (self.force, self.pain, self.voice, self.face):
            lane.plot.getPlotItem().setXRange(-SPAN_S / 2, SPAN_S / 2, padding=0.0)
            column.addWidget(lane, 1)

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        for lane in (self.force, self.pain, self.voice, self.face):
            lane.apply(theme)

    def show_at(self, t_s: float) -> None:
        """Draw the curves around a moment."""
        timeline = self._timeline
        level = timeline.level.at(t_s)
        self.force.show_at(t_s, _number(timeline.force.at(t_s), 1))
        self.pain.show_at(t_s, _number(timeline.pain.at(t_s), 1))
        self.voice.show_at(t_s, "–" if not level > SILENCE_DBFS else _number(level, 0))
        self.face.show_at(t_s, _number(timeline.pspi.at(t_s), 1))


class Scrubber(QWidget):
    """The whole session on one strip: force, pain, presses and events, with the present as a line to drag.

    Parameters
    ----------
    seek
        Called with the moment, s, that a click or a drag asks for.
    """

    def __init__(self, timeline: Timeline, seek: Callable[[float], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("The whole session")
        self._timeline = timeline
        self._seek = seek
        self._theme = DARK
        self._at_s = 0.0
        self._still: QPixmap | None = None

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self._still = None
        self.update()

    def show_at(self, t_s: float) -> None:
        """Move the line."""
        if self._x(t_s) != self._x(self._at_s):
            self.update()
        self._at_s = t_s
        self.setAccessibleDescription(f"{clock_text(t_s)} of {clock_text(self._timeline.length_s)}")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Draw the still part again."""
        super().resizeEvent(event)
        self._still = None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go there."""
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag the line."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """The still strip, then the line."""
        if self._still is None:
            self._still = self._draw_still()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._still)
        x = self._x(self._at_s)
        painter.setPen(QPen(QColor(self._theme.text), 2))
        painter.drawLine(x, 2, x, self.height() - 20)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.text))
        painter.drawPolygon([QPointF(x - 6, 1), QPointF(x + 6, 1), QPointF(x, 10)])

    def _go(self, event: QMouseEvent) -> None:
        share = (event.position().x() - 8) / max(1, self.width() - 16)
        self._seek(min(max(share, 0.0), 1.0) * self._timeline.length_s)

    def _x(self, t_s: float) -> int:
        return 8 + round(t_s / max(self._timeline.length_s, 1e-6) * (self.width() - 16))

    def _draw_still(self) -> QPixmap:
        theme, timeline, ratio = self._theme, self._timeline, self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(0, 0, self.width(), self.height() - 18)
        painter.setPen(QPen(QColor(theme.edge), 1))
        painter.setBrush(QColor(theme.plot))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        band = QColor(theme.muted)
        band.setAlpha(BAND_ALPHA)
        for press in timeline.presses:
            left, right = (self._x((t_ns - timeline.zero_ns) * 1e-9) for t_ns in (press.t_ns, press.release_t_ns))
            painter.fillRect(QRectF(left, 1, max(1, right - left), box.height() - 2), band)
        inside = box.adjusted(8, 14, -8, -4)
        for curve, top, colour in (
            (timeline.force, _most(timeline.force), theme.force),
            (timeline.pain, 10.0, theme.pain),
        ):
            painter.setPen(QPen(QColor(colour), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(_path(curve, inside, timeline.length_s, max(top, 1.0)))
        painter.setPen(Qt.PenStyle.NoPen)
        for moment in timeline.moments:
            if moment.kind != "press":
                painter.setBrush(QColor(theme.warn if moment.kind in ("warning", "error") else theme.accent))
                x = self._x(moment.t_s)
                painter.drawEllipse(QPointF(x, box.bottom() - 5), 2.5, 2.5)
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(QColor(theme.muted))
        step_s = next((step for step in STEPS_S if timeline.length_s / step <= 12), STEPS_S[-1])
        for index in range(int(timeline.length_s / step_s) + 1):
            x = self._x(index * step_s)
            place = QRectF(min(max(x - 30, 0), self.width() - 60), self.height() - 17, 60, 16)
            side = Qt.AlignmentFlag.AlignLeft if x < 30 else Qt.AlignmentFlag.AlignHCenter
            painter.drawText(place, side, clock_text(index * step_s))
        painter.end()
        return pixmap


def _path(curve: RecordedCurve, box: QRectF, length_s: float, top: float) -> QPainterPath:
    """The largest value of each pixel column, from the left edge of a box to its right one."""
    path = QPainterPath()
    columns = max(1, int(box.width()))
    at = np.clip((curve.t_s / max(length_s, 1e-6) * columns).astype(np.int64), 0, columns - 1)
    most: NDArray[np.float64] = np.zeros(columns)
    np.maximum.at(most, at, np.nan_to_num(curve.values))
    for column, value in enumerate(most):
        point = QPointF(box.left() + column, box.bottom() - min(value / top, 1.0) * box.height())
        if column:
            path.lineTo(point)
        else:
            path.moveTo(point)
    return path


def _most(curve: RecordedCurve) -> float:
    finite = curve.values[np.isfinite(curve.values)]
    return float(finite.max()) if finite.size else 0.0


def _number(value: float, digits: int) -> str:
    return "–" if not math.isfinite(value) else f"{value:.{digits}f}".replace("-", "−")
