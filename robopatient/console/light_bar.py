"""The state lights: a shape, a colour, a word and a line that explains, for each part of the chain."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from robopatient.console.elided import ElidedLabel
from robopatient.console.lights import Lamp, State
from robopatient.console.theme import DARK, Theme

__all__ = ["LightBar", "Shape"]

SHAPE_PX = 22


class Shape(QWidget):
    """Tick in a disc, mark in a triangle, cross in a square, empty ring: told apart without colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(SHAPE_PX, SHAPE_PX)
        self.state: State = "off"
        self._theme = DARK

    def show_state(self, state: State, theme: Theme) -> None:
        """Change the shape."""
        if (state, theme) != (self.state, self._theme):
            self.state, self._theme = state, theme
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw the shape of the state."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_shape(painter, QRectF(1, 1, SHAPE_PX - 2, SHAPE_PX - 2), self.state, self._theme)


def draw_shape(painter: QPainter, box: QRectF, state: State, theme: Theme) -> None:
    """Draw the shape of a state into a square box."""
    colour = QColor(getattr(theme, state))
    mark = QPen(QColor(theme.panel), box.width() * 0.12)
    mark.setCapStyle(Qt.PenCapStyle.RoundCap)
    mark.setJoinStyle(Qt.PenJoinStyle.RoundJoin)

    def at(x: float, y: float) -> QPointF:
        return QPointF(box.left() + x * box.width(), box.top() + y * box.height())

    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if state == "ok":
        painter.drawEllipse(box)
        painter.setPen(mark)
        painter.drawPolyline(QPolygonF([at(0.28, 0.53), at(0.44, 0.68), at(0.73, 0.35)]))
    elif state == "warn":
        painter.drawPolygon(QPolygonF([at(0.5, 0.03), at(1.0, 0.95), at(0.0, 0.95)]))
        painter.setPen(mark)
        painter.drawLine(at(0.5, 0.38), at(0.5, 0.62))
        painter.drawPoint(at(0.5, 0.80))
    elif state == "bad":
        painter.drawRoundedRect(box, box.width() * 0.14, box.width() * 0.14)
        painter.setPen(mark)
        painter.drawLine(at(0.30, 0.30), at(0.70, 0.70))
        painter.drawLine(at(0.70, 0.30), at(0.30, 0.70))
    else:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, box.width() * 0.12))
        painter.drawEllipse(box.adjusted(2, 2, -2, -2))


class _Lamp(QWidget):
    """One light."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.light: Lamp | None = None
        self.shape = Shape(self)
        self.head = QLabel(self)
        self.head.setTextFormat(Qt.TextFormat.RichText)
        self.head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.why = ElidedLabel(self)
        self.why.setProperty("role", "small")
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.head)
        words.addWidget(self.why)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.shape)
        row.addLayout(words, 1)

    def show_light(self, light: Lamp, theme: Theme) -> None:
        """Change shape and words; the whole explanation is in the tool tip."""
        self.light = light
        self.shape.show_state(light.state, theme)
        colour = theme.text if light.state in ("ok", "off") else getattr(theme, light.state)
        self.head.setText(
            f'<span style="color:{theme.muted}">{light.name}</span>&nbsp; <b style="color:{colour}">{light.word}</b>'
        )
        self.why.show_text(light.why)
        self.setAccessibleName(f"{light.name}: {light.word}")
        self.setAccessibleDescription(light.why)


class LightBar(QFrame):
    """Five lamps in a row, in the order in which the signal flows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self._theme = DARK
        self._shown: tuple[Lamp, ...] = ()
        self.lamps = tuple(_Lamp(self) for _ in range(5))
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 9, 16, 9)
        row.setSpacing(18)
        for lamp in self.lamps:
            row.addWidget(lamp, 1)

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        lights, self._shown = self._shown, ()
        self.refresh(lights)

    def refresh(self, lights: tuple[Lamp, ...]) -> None:
        """Show the lights; unchanged ones cost nothing."""
        for index, (lamp, light) in enumerate(zip(self.lamps, lights, strict=False)):
            if index >= len(self._shown) or self._shown[index] != light:
                lamp.show_light(light, self._theme)
        self._shown = lights
