"""A scrolling plot of the last seconds and, beside it, the present value.

Drawn cheaply: no mouse, no ranging, axes cached as pixmaps, numbers at a pace that can be read, and lines one pixel
wide: those cost the same with antialiasing as without, while 1.8 pixels cost four times as much (0.4 and 1.6 ms a
picture, measured).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from robopatient.console.elided import ElidedLabel
from robopatient.console.theme import DARK, Theme
from robopatient.console.trace import SPAN_S, Trace

__all__ = ["AXIS_WIDTH", "Readout", "ScrollingPlot"]

AXIS_WIDTH = 34
READOUT_WIDTH = 148
Y_PADDING = 0.08
"""Share of the scale kept free above and below, so that the labels of its ends have room."""
READOUT_HZ = 6.0
"""Numbers that change faster cannot be read (assumption)."""

Height = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Maps the values of a second quantity onto the value axis of the plot."""

pg.setConfigOptions(antialias=True, useOpenGL=False, useNumba=False)


class Readout(QWidget):
    """A number with its unit, and a line of small print beneath."""

    def __init__(self, role: str = "value", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.value = QLabel("–", self)
        self.value.setProperty("role", role)
        self.unit = QLabel("", self)
        self.unit.setProperty("role", "small")
        self.detail = ElidedLabel(self)
        self.detail.setProperty("role", "small")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(0)
        grid.addWidget(self.value, 0, 0, Qt.AlignmentFlag.AlignBaseline)
        grid.addWidget(self.unit, 0, 1, Qt.AlignmentFlag.AlignBaseline)
        grid.addWidget(self.detail, 1, 0, 1, 2)
        grid.setColumnStretch(1, 1)

    def show_value(self, text: str, colour: str, unit: str = "", detail: str = "") -> None:
        """Write the number in its colour; unchanged texts cost nothing."""
        _write(self.value, text)
        _write(self.unit, unit)
        self.detail.show_text(detail)
        sheet = f"color: {colour};"
        if self.value.styleSheet() != sheet:
            self.value.setStyleSheet(sheet)


class _Curve(pg.PlotCurveItem):
    """A line with the bounds of the whole plot: pyqtgraph need not search its samples for them."""

    EVERYWHERE = QRectF(-SPAN_S, -1e4, SPAN_S, 2e4)

    def __init__(self, colour: str) -> None:
        super().__init__(connect="finite")
        self.colour = colour
        self.drawn: tuple[int, bool] | None = None

    def boundingRect(self) -> QRectF:  # noqa: N802
        """The same for all samples."""
        return self.EVERYWHERE


class ScrollingPlot(QFrame):
    """Plot on the left, readouts on the right.

    Parameters
    ----------
    title
        What is drawn.
    y_range
        Bottom and top of the value axis.
    y_ticks
        Values that are labelled on the left.
    right_ticks
        Positions on the value axis and their labels on the right, for a second quantity drawn on the same plot.
    time_axis
        Whether the seconds are labelled below this plot.
    """

    def __init__(
        self,
        title: str,
        y_range: tuple[float, float],
        y_ticks: Sequence[float],
        right_ticks: Sequence[tuple[float, str]] = (),
        time_axis: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.theme = DARK
        self.plot = pg.PlotWidget(self)
        self.plot.setFrameShape(QFrame.Shape.NoFrame)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMinimumSize(200, 48)
        self.plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        item = self.plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.setContentsMargins(0, 0, 0, 0)
        item.showAxis("right", bool(right_ticks))
        item.showAxis("bottom", time_axis)
        item.layout.setColumnFixedWidth(2, AXIS_WIDTH)  # all plots end at the same "now", with a right axis or without
        item.setRange(xRange=(-SPAN_S, 0.0), yRange=y_range, padding=0.0)
        item.disableAutoRange()
        self._axes = [item.getAxis(name) for name in ("left", "right", "bottom")]
        small = QFont(self.font())
        small.setPixelSize(11)
        for axis in self._axes:
            axis.setCacheMode(axis.CacheMode.DeviceCoordinateCache)
            axis.setStyle(tickLength=0, tickFont=small, autoExpandTextSpace=False, hideOverlappingLabels=False)
        for axis in self._axes[:2]:
            axis.setWidth(AXIS_WIDTH)
        self._axes[2].setHeight(18)
        self._axes[2].setTicks([[(-s, "now" if s == 0 else f"−{s:g} s") for s in np.arange(0.0, SPAN_S + 1, 5.0)]])
        self._axes[1].setTicks([list(right_ticks)])
        self.set_scale(y_range, y_ticks)
        self._curves: list[_Curve] = []
        self._lines: list[tuple[pg.InfiniteLine, str]] = []

        heading = QLabel(title, self)
        heading.setProperty("role", "title")
        self.side = QVBoxLayout()
        self.side.setSpacing(0)
        self.side.setContentsMargins(0, 0, 0, 0)
        self.side.addWidget(heading)
        self.side.addStretch(1)
        side = QWidget(self)
        side.setFixedWidth(READOUT_WIDTH)
        side.setLayout(self.side)
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 8, 12, 6)
        grid.setHorizontalSpacing(10)
        grid.addWidget(self.plot, 0, 0)
        grid.addWidget(side, 0, 1)
        grid.setColumnStretch(0, 1)

    def add_readout(self, role: str = "value") -> Readout:
        """A number beside the plot, below those already there."""
        readout = Readout(role, self)
        self.side.addWidget(readout)
        self.side.addStretch(1)
        return readout

    def add_curve(self, colour: str) -> _Curve:
        """A line in the theme's colour of that name."""
        curve = _Curve(colour)
        self.plot.getPlotItem().addItem(curve, ignoreBounds=True)
        self._curves.append(curve)
        return curve

    def add_line(self, value: float, colour: str) -> None:
        """A dashed level to keep an eye on."""
        line = pg.InfiniteLine(pos=value, angle=0, movable=False)
        self.plot.getPlotItem().addItem(line, ignoreBounds=True)
        self._lines.append((line, colour))

    def set_scale(self, y_range: tuple[float, float], y_ticks: Sequence[float]) -> None:
        """Change the value axis."""
        self.plot.getPlotItem().setYRange(*y_range, padding=Y_PADDING)
        self._axes[0].setTicks([[(tick, f"{tick:g}".replace("-", "−")) for tick in y_ticks]])

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self.theme = theme
        self.plot.setBackground(theme.panel)
        for axis in self._axes:
            axis.setPen(pg.mkPen(theme.edge))
            axis.setTextPen(pg.mkPen(theme.muted))
        self._axes[0].setGrid(60)
        for line, colour in self._lines:
            line.setPen(pg.mkPen(getattr(theme, colour), width=1, style=Qt.PenStyle.DashLine))
        for curve in self._curves:
            curve.drawn = None

    def draw(self, curve: _Curve, trace: Trace, now_ns: int, stale: bool, height: Height | None = None) -> None:
        """Draw one line, grey when its stream is stale; ``height`` maps its values onto the value axis.

        Time moves in steps of one pixel: a line between two pixels would shimmer, and cost a drawing of its own.
        """
        step_ns = round(SPAN_S * 1e9 / max(1.0, self.plot.getViewBox().width()))
        now_ns = -(-now_ns // step_ns) * step_ns
        if (now_ns, stale) == curve.drawn:
            return
        curve.drawn = (now_ns, stale)
        colour = self.colour(curve.colour, stale)
        if curve.opts["pen"].color().name() != colour:
            curve.setPen(pg.mkPen(colour))
        age_s, values = trace.window(now_ns)
        curve.setData(age_s, values if height is None else height(values))

    def colour(self, name: str, stale: bool) -> str:
        """Colour to write a number in."""
        return self.theme.faint if stale else str(getattr(self.theme, name))


def _write(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
