"""The progress of a training session, drawn live: learning curve with its interval, present map of voice and face,
consistency of the rater. Redrawn only when the trainer has sent a new state.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from robopatient import messages as m
from robopatient.console.study_model import NAMES, StudyModel
from robopatient.console.theme import DARK, Theme

__all__ = ["LEARNING_KEYS", "LearningPanel", "figures"]

LEARNING_KEYS: tuple[tuple[str, str], ...] = (
    ("Y", "Adapt again although the rater was found unreliable, once you have spoken to them"),
)
INTERVAL_ALPHA = 60
FURTHER = 4
"""Dimensions that a policy may have beyond level and f0."""


class _Plot(pg.PlotWidget):
    """A still plot: no mouse, no menu, axes in small print."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setMinimumSize(120, 70)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        small = QFont(self.font())
        small.setPixelSize(11)
        for name in ("left", "bottom", "right"):
            axis = item.getAxis(name)
            axis.setStyle(tickLength=0, tickFont=small, autoExpandTextSpace=True)
        item.setContentsMargins(0, 4, 4, 0)

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self.setBackground(theme.panel)
        for name in ("left", "bottom", "right"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(pg.mkPen(theme.edge))
            axis.setTextPen(pg.mkPen(theme.muted))
        self.getPlotItem().showGrid(x=False, y=True, alpha=0.15)


class LearningPanel(QFrame):
    """Curve on the left, map on the right, figures beneath."""

    def __init__(self, model: StudyModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAccessibleName("Learning")
        self.model = model
        self._theme = DARK
        self._drawn: m.LessonState | None = None
        self.curve, self.map, self.face = _Plot(self), _Plot(self), _Plot(self)
        self._low, self._high = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._interval = pg.FillBetweenItem(self._low, self._high)
        self._median = pg.PlotCurveItem()
        for item in (self._interval, self._low, self._high, self._median):
            self.curve.addItem(item)
        self.curve.setYRange(0.0, 1.0, padding=0.04)
        self._level, self._f0, self._now = pg.PlotCurveItem(), pg.PlotCurveItem(), pg.ScatterPlotItem(size=9)
        self._right = pg.ViewBox(enableMouse=False)
        item = self.map.getPlotItem()
        item.showAxis("right")
        item.scene().addItem(self._right)
        item.getAxis("right").linkToView(self._right)
        self._right.setXLink(item)
        self._right.addItem(self._f0)
        self.map.addItem(self._level)
        self.map.addItem(self._now)
        item.vb.sigResized.connect(self._follow)
        self._further = [pg.PlotCurveItem() for _ in range(FURTHER)]
        for curve in self._further:
            self.face.addItem(curve)
        self.titles = QLabel("Learning curve", self), QLabel("What is played now", self), QLabel(self)
        self.figures = [(QLabel(self), QLabel(self)) for _ in range(3)]
        self._lay_out()

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme, self._drawn = theme, None
        self.curve.apply(theme)
        self.map.apply(theme)
        self.face.apply(theme)
        for curve, colour in zip(self._further, self._colours, strict=True):
            curve.setPen(pg.mkPen(colour, width=2))
        self._median.setPen(pg.mkPen(theme.accent, width=2))
        band = pg.mkColor(theme.accent)
        band.setAlpha(INTERVAL_ALPHA)
        self._interval.setBrush(pg.mkBrush(band))
        for edge in (self._low, self._high):
            edge.setPen(pg.mkPen(None))
        self._level.setPen(pg.mkPen(theme.level, width=2))
        self._f0.setPen(pg.mkPen(theme.f0, width=2, style=Qt.PenStyle.DashLine))
        self._now.setPen(pg.mkPen(theme.text))
        self._now.setBrush(pg.mkBrush(theme.level))
        self.map.getPlotItem().getAxis("left").setTextPen(pg.mkPen(theme.level))
        self.map.getPlotItem().getAxis("right").setTextPen(pg.mkPen(theme.f0))
        self.refresh()

    def refresh(self) -> None:
        """Draw what the trainer said last, once."""
        told = self.model.lesson
        if told is None or told is self._drawn:
            return
        self._drawn = told
        points = np.array(told.curve, float).reshape(-1, 4)
        self._low.setData(points[:, 0], points[:, 2])
        self._high.setData(points[:, 0], points[:, 3])
        self._median.setData(points[:, 0], points[:, 1])
        end = max(10, told.goal)
        self.curve.setXRange(0.0, end, padding=0.02)
        self.curve.getPlotItem().getAxis("bottom").setTicks([[(n, str(n)) for n in (end // 4, end // 2, 3 * end // 4)]])
        self._draw_map(told)
        for (name, value), (title, text) in zip(self.figures, figures(told), strict=True):
            name.setText(title)
            value.setText(text)

    def _draw_map(self, told: m.LessonState) -> None:
        names = list(told.shown)
        if not names or not told.observed:
            return
        observation = next(iter(told.units), "")
        self._level.setData(np.array(told.observed), np.array(told.shown[names[0]]))
        second = names[1] if len(names) > 1 else names[0]
        self._f0.setData(np.array(told.observed), np.array(told.shown[second]))
        self._right.enableAutoRange(axis=pg.ViewBox.YAxis)
        item = self.map.getPlotItem()
        item.getAxis("bottom").setLabel(_title(observation, told.units))
        item.getAxis("left").setLabel(_title(names[0], told.units), color=self._theme.level)
        item.getAxis("right").setLabel(_title(second, told.units), color=self._theme.f0)
        self._draw_further(told, names[2:], _title(observation, told.units))
        at, what = told.presented.get(observation), told.presented.get(names[0])
        self._now.setData([] if at is None or what is None else [at], [] if at is None or what is None else [what])

    def _draw_further(self, told: m.LessonState, names: list[str], axis: str) -> None:
        """Face and voice quality, where they are taught: numbers without a unit, on one axis."""
        self.face.parentWidget().setVisible(bool(names))
        words = [
            f'<span style="color:{colour}">{NAMES.get(name, name.replace("_", " "))}</span>'
            for name, colour in zip(names, self._colours, strict=False)
        ]
        self.titles[2].setText(", ".join(words))
        for curve, name in zip_longest(self._further, names[:FURTHER]):
            values = told.shown[name] if name is not None else ()
            curve.setData(np.array(told.observed[: len(values)]), np.array(values))
        self.face.getPlotItem().getAxis("bottom").setLabel(axis)

    @property
    def _colours(self) -> tuple[str, ...]:
        """Of the further dimensions, in their order."""
        theme = self._theme
        return (theme.level, theme.f0, theme.accent, theme.text)

    def _follow(self) -> None:
        """The right axis has a view of its own, which must keep the plot's place."""
        self._right.setGeometry(self.map.getPlotItem().vb.sceneBoundingRect())
        self._right.linkedViewChanged(self.map.getPlotItem().vb, self._right.XAxis)

    def _lay_out(self) -> None:
        plots = QHBoxLayout()
        plots.setSpacing(8)
        for title, plot, share in zip(self.titles, (self.curve, self.map, self.face), (2, 3, 2), strict=True):
            title.setProperty("role", "title")
            column = QVBoxLayout()
            column.setSpacing(2)
            column.addWidget(title)
            column.addWidget(plot, 1)
            part = QWidget(self)  # which a task without a face hides as one
            column.setContentsMargins(0, 0, 0, 0)
            part.setLayout(column)
            plots.addWidget(part, share)
        self.face.parentWidget().hide()
        self.curve.getPlotItem().getAxis("bottom").setLabel("ratings")
        self.curve.getPlotItem().getAxis("left").setLabel("expected worth")
        foot = QHBoxLayout()
        foot.setSpacing(18)
        for name, value in self.figures:
            name.setProperty("role", "small")
            value.setProperty("role", "")
            pair = QVBoxLayout()
            pair.setSpacing(0)
            pair.addWidget(name)
            pair.addWidget(value)
            foot.addLayout(pair)
        foot.addStretch(1)
        page = QVBoxLayout(self)
        page.setContentsMargins(12, 6, 12, 8)
        page.setSpacing(4)
        page.addLayout(plots, 1)
        page.addLayout(foot)


def figures(told: m.LessonState) -> Sequence[tuple[str, str]]:
    """The training session in three figures."""
    repeats = "none yet"
    if told.repeats:
        repeats = f"{told.identical:.0%} of {told.repeats} the same"
        repeats += f", {told.difference_steps:.1f} steps apart"
    return (
        ("Ratings", f"{told.answers} of {told.goal}"),
        ("Expected worth", f"{told.worth[0]:.2f}  ({told.worth[1]:.2f} to {told.worth[2]:.2f})"),
        ("Hidden repeats", repeats),
    )


def _title(name: str, units: dict[str, str]) -> str:
    unit = units.get(name, "")
    return NAMES.get(name, name.replace("_", " ")) + (f" ({unit})" if unit and unit != "1" else "")
