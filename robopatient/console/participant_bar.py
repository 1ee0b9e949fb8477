"""The participant's force bar: how hard the press is, and the band it should reach; told apart without colour.

Below the band the bar is plain, within it a tick appears, above it the bar is hatched; a word says the same.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from robopatient.console.participant_model import Band
from robopatient.console.theme import DARK, Theme

__all__ = ["ForceBar"]

WIDTH = 0.30
"""Width of the bar over its height."""


class ForceBar(QWidget):
    """Repainted only when the bar moves by a pixel or the band changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 160)
        self.setAccessibleName("Force of the press")
        self.band = Band(0.0, 0.0, 0.0, "below", "")
        self._theme = DARK
        self._word_px = 28

    def apply(self, theme: Theme, word_px: int) -> None:
        """Wear a theme; the word beside the bar is this high."""
        self._theme, self._word_px = theme, word_px
        self.update()

    def show_band(self, band: Band) -> None:
        """Move the bar."""
        before, self.band = self.band, band
        moved = abs(band.force - before.force) * self.height() >= 1.0
        if moved or (band.low, band.high, band.verdict, band.word) != (
            before.low,
            before.high,
            before.verdict,
            before.word,
        ):
            self.update()
        else:
            self.band = before

    def sizeHint(self) -> QSize:  # noqa: N802
        """Tall."""
        return QSize(420, 480)

    def track(self) -> QRectF:
        """The bar's place in the widget."""
        height = self.height() - 8.0
        width = min(WIDTH * height, self.width() / 4.0)
        return QRectF((self.width() - width) / 2.0, 4.0, width, height)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Track, force, band, word."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, band, track = self._theme, self.band, self.track()
        radius = track.width() * 0.16
        shape = QPainterPath()
        shape.addRoundedRect(track, radius, radius)
        painter.fillPath(shape, QColor(theme.control))
        painter.setClipPath(shape)
        if band.high > 0.0:
            zone = self._span(band.low, band.high)
            tint = QColor(theme.ok)
            tint.setAlpha(56)
            painter.fillRect(zone, tint)
        self._draw_force(painter, track)
        painter.setClipping(False)
        painter.setPen(QPen(QColor(theme.faint), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(shape)
        if band.high > 0.0:
            self._draw_band(painter, track)
        self._draw_word(painter, track)

    def _span(self, low: float, high: float) -> QRectF:
        """Part of the bar between two shares of its height."""
        track = self.track()
        return QRectF(
            track.left(), track.bottom() - high * track.height(), track.width(), (high - low) * track.height()
        )

    def _draw_force(self, painter: QPainter, track: QRectF) -> None:
        band, theme = self.band, self._theme
        if band.force <= 0.0:
            return
        filled = self._span(0.0, band.force)
        names = {"below": theme.accent, "within": theme.ok, "above": theme.warn, "done": theme.faint}
        painter.fillRect(filled, QColor(names[band.verdict]))
        if band.verdict == "above":
            self._hatch(painter, self._span(band.high, band.force))
        painter.setPen(QPen(QColor(theme.text), 3.0))
        painter.drawLine(filled.topLeft(), QPointF(track.right(), filled.top()))

    def _hatch(self, painter: QPainter, box: QRectF) -> None:
        """Broad slanting lines, to be told apart without colour."""
        painter.save()
        painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
        painter.setPen(QPen(QColor(self._theme.window), 7.0))
        x = box.left() - box.height()
        while x < box.right():
            painter.drawLine(QPointF(x, box.bottom()), QPointF(x + box.height(), box.top()))
            x += 24.0
        painter.restore()

    def _draw_band(self, painter: QPainter, track: QRectF) -> None:
        """Two lines across the bar and brackets beside it."""
        zone, theme = self._span(self.band.low, self.band.high), self._theme
        reach = track.width() * 0.16
        painter.setPen(QPen(QColor(theme.text), 3.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        for y in (zone.top(), zone.bottom()):
            painter.drawLine(QPointF(zone.left() - reach, y), QPointF(zone.right() + reach, y))
        for x in (zone.left() - reach, zone.right() + reach):
            painter.drawLine(QPointF(x, zone.top() - 1.5), QPointF(x, zone.bottom() + 1.5))
        if self.band.verdict in ("within", "done"):
            size = min(track.width() * 0.42, max(18.0, zone.height() * 0.8))
            at = QPointF(track.center().x() - size / 2, zone.center().y() - size / 2)
            tick = QPolygonF([at + QPointF(size * x, size * y) for x, y in ((0.08, 0.52), (0.40, 0.82), (0.92, 0.20))])
            pen = QPen(QColor(theme.window), size * 0.26)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawPolyline(tick)
            pen.setColor(QColor(theme.text))
            pen.setWidthF(size * 0.14)
            painter.setPen(pen)
            painter.drawPolyline(tick)

    def _draw_word(self, painter: QPainter, track: QRectF) -> None:
        if not self.band.word:
            return
        font = QFont(self.font())
        font.setPixelSize(self._word_px)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(self._theme.text))
        middle = self._span(self.band.low, self.band.high).center().y() if self.band.high > 0.0 else track.center().y()
        left = track.right() + track.width() * 0.16 + 22.0
        box = QRectF(left, middle - self._word_px, self.width() - left, 2.0 * self._word_px)
        arrow = {"below": "▲  ", "within": "", "above": "▼  ", "done": ""}[self.band.verdict]
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, arrow + self.band.word)
