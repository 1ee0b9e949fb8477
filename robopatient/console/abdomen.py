"""The abdomen map: nine regions, the present and past places of pressing, and (if asked) the tender sites.

Drawn as the operator sees the patient: the patient's right on the left, the head above. All coordinates here are the
phantom's body coordinates, mm from the navel to the patient's left and towards the head.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap, QResizeEvent, QTransform
from PySide6.QtWidgets import QSizePolicy, QWidget

from robopatient.console.model import ConsoleModel
from robopatient.console.theme import DARK, Theme
from robopatient.phantom import REGIONS, Phantom

__all__ = ["AbdomenMap"]

VIEW_MM = QRectF(QPointF(-172.0, -194.0), QPointF(172.0, 142.0))
"""What is shown: from the tip of the breastbone to the groin of an adult, and all of the published plate."""
DOT_MM_PER_SQRT_NEWTON = 0.9
CONTACT_MM_PER_SQRT_NEWTON = 3.2
"""Area grows with force; 40 N covers a disc of 20 mm radius, about what two flat fingers cover."""
_TOP = Qt.AlignmentFlag.AlignTop
_LEFT, _CENTRE, _RIGHT = (
    _TOP | Qt.AlignmentFlag.AlignLeft,
    _TOP | Qt.AlignmentFlag.AlignHCenter,
    _TOP | Qt.AlignmentFlag.AlignRight,
)
FULL_COVER = 4
"""Presses from which a region is shown as examined in full (assumption: light and deep, twice)."""
LABEL_MM = 9.5
LABEL_PX = (10, 14)
"""Names of the regions grow with the map between these sizes."""


class AbdomenMap(QWidget):
    """A still picture of the abdomen, drawn when something lasting changes, with the hand on top of it."""

    def __init__(self, model: ConsoleModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(240, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Abdomen with the place of the hand")
        self._model = model
        self._phantom: Phantom = model.phantom
        self._theme = DARK
        self._show_sites = False
        self._still: QPixmap | None = None
        self._pressed = -1
        self._hand: tuple[float, float, float] | None = None

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self._redraw()

    def show_sites(self, shown: bool) -> None:
        """Show or hide where it hurts."""
        self._show_sites = shown
        self._redraw()

    def refresh(self) -> None:
        """Move the hand; repaint only when something has moved."""
        if self._model.press_count != self._pressed:
            self._pressed = self._model.press_count
            self._redraw()
        hand = self._read_hand()
        if hand != self._hand:
            self._hand = hand
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Square."""
        return QSize(360, 360)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Draw the still part again."""
        super().resizeEvent(event)
        self._redraw()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """The still picture, then the hand."""
        if self._still is None:
            self._still = self._draw_still()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._still)
        if self._hand is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_hand(painter, *self._hand)

    def _redraw(self) -> None:
        self._still = None
        self.update()

    def _read_hand(self) -> tuple[float, float, float] | None:
        """Body coordinates and force of the hand, rounded to what the eye can tell."""
        if self._model.contact_mm is None or self._model.is_stale("force"):
            return None
        left_mm, head_mm = self._phantom.body_mm(*self._model.contact_mm)
        return round(left_mm, 1), round(head_mm, 1), round(self._model.force_newton.latest, 1)

    def _to_pixels(self) -> QTransform:
        """From body coordinates (head up) to this widget (y down)."""
        scale = min(self.width() / VIEW_MM.width(), self.height() / VIEW_MM.height())
        transform = QTransform()
        transform.translate(self.width() / 2, self.height() / 2)
        transform.scale(scale, -scale)
        transform.translate(-VIEW_MM.center().x(), -VIEW_MM.center().y())
        return transform

    def _draw_hand(self, painter: QPainter, left_mm: float, head_mm: float, newton: float) -> None:
        transform = self._to_pixels()
        centre = transform.map(QPointF(left_mm, head_mm))
        radius = max(5.0, CONTACT_MM_PER_SQRT_NEWTON * math.sqrt(max(0.0, newton)) * transform.m11())
        colour = QColor(self._theme.force)
        painter.setPen(QPen(colour, 2.0))
        painter.setBrush(_faded(colour, 90))
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
        body = self._draw_body(painter, transform)
        self._draw_cover(painter, transform, body)
        self._draw_planes(painter, transform)
        if self._show_sites:
            self._draw_sites(painter, transform)
        self._draw_presses(painter, transform)
        self._draw_names(painter, transform)
        painter.end()
        return pixmap

    def _draw_body(self, painter: QPainter, transform: QTransform) -> QPainterPath:
        """A quiet outline to tell up from down: flanks, costal arch, groins and navel (drawn by eye); its flanks."""
        top, bottom = VIEW_MM.bottom() + 20, VIEW_MM.top() - 20
        body, bones = QPainterPath(), QPainterPath()
        body.moveTo(-150, top)
        body.cubicTo(-150, 80, -136, 60, -136, 20)
        body.cubicTo(-136, -30, -166, -60, -168, bottom)
        body.lineTo(168, bottom)
        body.cubicTo(166, -60, 136, -30, 136, 20)
        body.cubicTo(136, 60, 150, 80, 150, top)
        body.closeSubpath()
        for side in (-1, 1):
            bones.moveTo(side * 127, 58)
            bones.cubicTo(side * 112, 44, side * 92, 50, side * 72, 74)
            bones.cubicTo(side * 48, 104, side * 26, 112, side * 9, 134)
            bones.moveTo(side * 134, -46)
            bones.cubicTo(side * 118, -84, side * 70, -128, side * 24, -176)
        painter.setClipRect(transform.mapRect(VIEW_MM))
        painter.setPen(QPen(QColor(self._theme.skin_edge), 1.4))
        painter.setBrush(QColor(self._theme.skin))
        flanks = transform.map(body)
        painter.drawPath(flanks)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(transform.map(bones))
        painter.drawEllipse(transform.map(QPointF(0, 0)), 3.5, 5.0)
        painter.setClipping(False)
        return flanks

    def _draw_cover(self, painter: QPainter, transform: QTransform, body: QPainterPath) -> None:
        """A tint on the regions already pressed."""
        plate = self._plate()
        (left, right), (upper, lower) = self._planes()
        columns = ((plate.left(), left), (left, right), (right, plate.right()))
        rows = ((plate.bottom(), upper), (upper, lower), (lower, plate.top()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setClipPath(body)
        for (head, foot), names in zip(rows, REGIONS, strict=True):
            for (start, end), name in zip(columns, names, strict=True):
                cover = min(1.0, self._model.region_counts.get(name, 0) / FULL_COVER)
                if cover:
                    painter.setBrush(_faded(QColor(self._theme.force), round(12 + 28 * cover)))
                    painter.drawRect(transform.mapRect(QRectF(QPointF(start, foot), QPointF(end, head))))
        painter.setClipping(False)

    def _draw_planes(self, painter: QPainter, transform: QTransform) -> None:
        """The plate that feels, and the planes that part the regions on it."""
        plate = self._plate()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(_faded(QColor(self._theme.muted), 90), 1.0))
        painter.drawRoundedRect(transform.mapRect(plate), 6, 6)
        painter.setPen(QPen(_faded(QColor(self._theme.muted), 120), 1.0, Qt.PenStyle.DashLine))
        columns, rows = self._planes()
        for x in columns:
            painter.drawLine(transform.map(QPointF(x, plate.top())), transform.map(QPointF(x, plate.bottom())))
        for y in rows:
            painter.drawLine(transform.map(QPointF(plate.left(), y)), transform.map(QPointF(plate.right(), y)))

    def _plate(self) -> QRectF:
        """The plate in body coordinates; its bottom() is the edge nearest to the head."""
        phantom = self._phantom
        corners = (QPointF(*phantom.body_mm(0.0, 0.0)), QPointF(*phantom.body_mm(phantom.width_mm, phantom.height_mm)))
        return QRectF(*corners).normalized()

    def _planes(self) -> tuple[list[float], list[float]]:
        """Body coordinates of the planes: left ones ascending, head ones descending (from the head down)."""
        phantom = self._phantom
        columns = sorted(phantom.body_mm(x, 0.0)[0] for x in phantom.vertical_lines_mm)
        rows = sorted((phantom.body_mm(0.0, y)[1] for y in phantom.horizontal_lines_mm), reverse=True)
        return columns, rows

    def _draw_sites(self, painter: QPainter, transform: QTransform) -> None:
        colour = QColor(self._theme.pain)
        for site in self._model.patient.sites:
            centre = transform.map(QPointF(site.left_mm, site.head_mm))
            radius = site.sigma_mm * transform.m11()
            painter.setPen(QPen(colour, 1.4, Qt.PenStyle.DotLine))
            painter.setBrush(_faded(colour, round(30 + 50 * site.strength)))
            painter.drawEllipse(centre, radius, radius)
            painter.setPen(colour)
            painter.setFont(self._font(11, bold=True))
            box = QRectF(centre.x() - 90, centre.y() + radius + 2, 180, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, site.name)

    def _draw_presses(self, painter: QPainter, transform: QTransform) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_faded(QColor(self._theme.force), 110))
        for press in self._model.presses:
            radius = max(2.0, DOT_MM_PER_SQRT_NEWTON * math.sqrt(press.peak_newton) * transform.m11())
            painter.drawEllipse(transform.map(QPointF(*self._phantom.body_mm(press.x_mm, press.y_mm))), radius, radius)

    def _draw_names(self, painter: QPainter, transform: QTransform) -> None:
        """Each region's name and how often it was pressed."""
        size = min(max(round(LABEL_MM * transform.m11()), LABEL_PX[0]), LABEL_PX[1])
        (left, right), rows = self._planes()
        places = ((left - 5.0, _RIGHT), ((left + right) / 2, _CENTRE), (right + 5.0, _LEFT))
        tops = (self._plate().bottom(), *rows)
        painter.setFont(self._font(size))
        for row, names in enumerate(REGIONS):
            for (x, flags), name in zip(places, names, strict=True):
                spot = transform.map(QPointF(x, tops[row]))
                count = self._model.region_counts.get(name, 0)
                painter.setPen(QColor(self._theme.text if count else self._theme.muted))
                box = QRectF(spot.x() - 100, spot.y() + 4, 200, 2 * size)
                if flags == _RIGHT:
                    box.moveRight(spot.x())
                elif flags == _LEFT:
                    box.moveLeft(spot.x())
                label = name.replace("right ", "R ").replace("left ", "L ")
                painter.drawText(box, flags, f"{label}  {count}" if count else label)
        painter.setPen(QColor(self._theme.faint))
        painter.setFont(self._font(13, bold=True))
        for letter, x in (("R", VIEW_MM.left() + 8), ("L", VIEW_MM.right() - 8)):
            spot = transform.map(QPointF(x, VIEW_MM.bottom() - 10))
            painter.drawText(QRectF(spot.x() - 20, spot.y() - 12, 40, 24), Qt.AlignmentFlag.AlignCenter, letter)

    def _font(self, pixels: int, bold: bool = False) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(pixels)
        font.setBold(bold)
        return font


def _faded(colour: QColor, alpha: int) -> QColor:
    faded = QColor(colour)
    faded.setAlpha(alpha)
    return faded
