"""The abdomen map: nine regions, where the hand presses now, where it has pressed, and (if asked) where it hurts.

Drawn as the operator sees the patient: the patient's right on the left, the head above.
"""

from __future__ import annotations

import math

import msgspec
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap, QResizeEvent, QTransform
from PySide6.QtWidgets import QSizePolicy, QWidget

from robopatient.config import asset_path, decode_toml
from robopatient.console.model import ConsoleModel
from robopatient.console.theme import DARK, Theme

__all__ = ["AbdomenMap", "Geometry", "load_geometry"]


class Geometry(msgspec.Struct, frozen=True):
    """The phantom's frame, mm: x to the patient's left, y towards the head."""

    width_mm: float
    height_mm: float
    vertical_lines_mm: tuple[float, float]
    horizontal_lines_mm: tuple[float, float]


def load_geometry(name: str) -> Geometry:
    """Geometry of a phantom under ``assets/phantoms``."""
    return decode_toml(asset_path("phantoms", name), Geometry)


REGIONS = (
    ("right hypochondriac", "epigastric", "left hypochondriac"),
    ("right lumbar", "umbilical", "left lumbar"),
    ("right iliac", "hypogastric", "left iliac"),
)
MARGIN_MM = (34.0, 26.0)
"""Body drawn around the sensing square, to the sides and above and below."""
DOT_MM_PER_SQRT_NEWTON = 1.1
CONTACT_MM_PER_SQRT_NEWTON = 3.2
"""Area grows with force: 40 N covers a disc of 20 mm, about a fingertip pair."""


class AbdomenMap(QWidget):
    """A still picture of the abdomen, drawn once, with the hand on top of it."""

    def __init__(self, geometry: Geometry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(220, 220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Abdomen with the place of the hand")
        self.show_sites = False
        self._geometry = geometry
        self._theme = DARK
        self._still: QPixmap | None = None
        self._drawn: object = None
        self._contact_mm: tuple[float, float] | None = None
        self._newton = 0.0
        self._model: ConsoleModel | None = None

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self._still = None
        self.update()

    def refresh(self, model: ConsoleModel) -> None:
        """Move the hand; repaint only when something has moved."""
        self._model = model
        stale = model.is_stale("force")
        self._contact_mm = None if stale else model.contact_mm
        self._newton = 0.0 if stale else model.force_newton.latest
        still = (model.press_count, self.show_sites)
        moving = (self._contact_mm, round(self._newton, 1) if self._contact_mm else 0.0)
        if (still, moving) == self._drawn:
            return
        if self._drawn is None or still != self._drawn[0]:  # type: ignore[index]
            self._still = None
        self._drawn = (still, moving)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Square."""
        return QSize(360, 360)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Draw the still part again."""
        self._still = None
        super().resizeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """The still picture, then the hand."""
        if self._still is None:
            self._still = self._draw_still()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._still)
        if self._contact_mm is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_contact(painter, QPointF(*self._contact_mm), self._newton)

    def _to_pixels(self) -> QTransform:
        """From the phantom's frame (y up) to this widget (y down)."""
        width, height = self._geometry.width_mm + 2 * MARGIN_MM[0], self._geometry.height_mm + 2 * MARGIN_MM[1]
        scale = min(self.width() / width, self.height() / height)
        transform = QTransform()
        transform.translate(self.width() / 2, self.height() / 2)
        transform.scale(scale, -scale)
        transform.translate(-self._geometry.width_mm / 2, -self._geometry.height_mm / 2)
        return transform

    def _draw_contact(self, painter: QPainter, at_mm: QPointF, newton: float) -> None:
        transform = self._to_pixels()
        centre = transform.map(at_mm)
        radius = max(4.0, CONTACT_MM_PER_SQRT_NEWTON * math.sqrt(max(0.0, newton)) * transform.m11())
        colour = QColor(self._theme.force)
        glow = QColor(colour)
        glow.setAlpha(90)
        painter.setPen(QPen(colour, 2.0))
        painter.setBrush(glow)
        painter.drawEllipse(centre, radius, radius)
        painter.setBrush(colour)
        painter.drawEllipse(centre, 3.0, 3.0)

    def _draw_still(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        transform = self._to_pixels()
        self._draw_body(painter, transform)
        self._draw_regions(painter, transform)
        if self.show_sites:
            self._draw_sites(painter, transform)
        self._draw_presses(painter, transform)
        self._draw_names(painter, transform)
        painter.end()
        return pixmap

    def _draw_body(self, painter: QPainter, transform: QTransform) -> None:
        """A quiet outline to tell up from down: flanks, costal arch, iliac crests and navel (drawn by eye)."""
        width, height = self._geometry.width_mm, self._geometry.height_mm
        top, bottom = height + MARGIN_MM[1], -MARGIN_MM[1]

        def at(x: float, y: float) -> QPointF:
            return transform.map(QPointF(x, y))

        body = QPainterPath(at(-26, top))
        body.cubicTo(at(-22, height * 0.80), at(-6, height * 0.68), at(-8, height * 0.50))
        body.cubicTo(at(-10, height * 0.32), at(-30, height * 0.24), at(-30, bottom))
        body.lineTo(at(width + 30, bottom))
        body.cubicTo(at(width + 30, height * 0.24), at(width + 10, height * 0.32), at(width + 8, height * 0.50))
        body.cubicTo(at(width + 6, height * 0.68), at(width + 22, height * 0.80), at(width + 26, top))
        body.closeSubpath()
        painter.setPen(QPen(QColor(self._theme.skin_edge), 1.5))
        painter.setBrush(QColor(self._theme.skin))
        painter.drawPath(body)

        painter.setBrush(Qt.BrushStyle.NoBrush)
        bones = QPainterPath(at(8, height * 0.70))
        bones.cubicTo(at(40, height * 0.80), at(110, height * 0.86), at(width / 2, height + 14))
        bones.cubicTo(at(width - 110, height * 0.86), at(width - 40, height * 0.80), at(width - 8, height * 0.70))
        for side in (-1.0, 1.0):
            bones.moveTo(at(width / 2 + side * (width / 2 + 4), height * 0.30))
            bones.cubicTo(
                at(width / 2 + side * 118, height * 0.28),
                at(width / 2 + side * 100, height * 0.18),
                at(width / 2 + side * 96, height * 0.10),
            )
        painter.drawPath(bones)
        painter.drawEllipse(at(width / 2, height * 0.44), 4.0, 5.5)

    def _draw_regions(self, painter: QPainter, transform: QTransform) -> None:
        geometry = self._geometry
        line = QColor(self._theme.muted)
        line.setAlpha(110)
        painter.setPen(QPen(line, 1.0, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for x in geometry.vertical_lines_mm:
            painter.drawLine(transform.map(QPointF(x, 0)), transform.map(QPointF(x, geometry.height_mm)))
        for y in geometry.horizontal_lines_mm:
            painter.drawLine(transform.map(QPointF(0, y)), transform.map(QPointF(geometry.width_mm, y)))
        painter.setPen(QPen(line, 1.0))
        painter.drawRoundedRect(transform.mapRect(QRectF(0, 0, geometry.width_mm, geometry.height_mm)), 6, 6)

    def _draw_sites(self, painter: QPainter, transform: QTransform) -> None:
        colour = QColor(self._theme.pain)
        fill = QColor(colour)
        fill.setAlpha(46)
        for site in self._model.card.sites if self._model is not None else ():
            centre = transform.map(QPointF(site.x_mm, site.y_mm))
            radius = site.radius_mm * transform.m11()
            painter.setPen(QPen(colour, 1.2, Qt.PenStyle.DotLine))
            painter.setBrush(fill)
            painter.drawEllipse(centre, radius, radius)
            painter.setPen(colour)
            painter.setFont(self._font(11))
            box = QRectF(centre.x() - 80, centre.y() - radius - 18, 160, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, site.name)

    def _draw_presses(self, painter: QPainter, transform: QTransform) -> None:
        colour = QColor(self._theme.force)
        colour.setAlpha(120)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for press in self._model.presses if self._model is not None else ():
            radius = max(2.0, DOT_MM_PER_SQRT_NEWTON * math.sqrt(press.peak_newton) * transform.m11())
            painter.drawEllipse(transform.map(QPointF(press.x_mm, press.y_mm)), radius, radius)

    def _draw_names(self, painter: QPainter, transform: QTransform) -> None:
        geometry = self._geometry
        columns = (0.0, *geometry.vertical_lines_mm, geometry.width_mm)
        rows = (geometry.height_mm, *reversed(geometry.horizontal_lines_mm), 0.0)
        counts = self._model.region_counts if self._model is not None else {}
        for row, names in enumerate(REGIONS):
            for column, name in enumerate(names):
                cell = QRectF(
                    transform.map(QPointF(columns[column], rows[row])),
                    transform.map(QPointF(columns[column + 1], rows[row + 1])),
                ).adjusted(7, 5, -7, -5)
                count = counts.get(name, 0)
                painter.setPen(QColor(self._theme.muted))
                painter.setFont(self._font(11))
                flags = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
                painter.drawText(cell, flags, name.replace(" ", "\n"))
                if count:
                    painter.setPen(QColor(self._theme.text))
                    painter.setFont(self._font(13, bold=True))
                    painter.drawText(cell, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight, str(count))
        painter.setPen(QColor(self._theme.faint))
        painter.setFont(self._font(13, bold=True))
        for letter, x in (("R", -20.0), ("L", geometry.width_mm + 20.0)):
            spot = transform.map(QPointF(x, geometry.height_mm + 8.0))
            painter.drawText(QRectF(spot.x() - 20, spot.y() - 12, 40, 24), Qt.AlignmentFlag.AlignCenter, letter)

    def _font(self, pixels: int, bold: bool = False) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(pixels)
        font.setBold(bold)
        return font
