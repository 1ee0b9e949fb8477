"""The nine regions filling in: what has been palpated lightly and deeply, and how hard."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from robopatient.console.theme import DARK, Theme
from robopatient.phantom import REGIONS
from robopatient.record.osce import Examination, RegionFigures

__all__ = ["CoverageMap"]

GAP_PX = 4


class CoverageMap(QWidget):
    """A grid as the operator sees the patient: the patient's right on the left, the head above."""

    def __init__(self, tender: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(330, 190)
        self.setAccessibleName("Regions palpated")
        self._tender = tender
        self._theme = DARK
        self._regions: dict[str, RegionFigures] = {}

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self.update()

    def show_figures(self, examination: Examination) -> None:
        """Draw what has been examined; nothing is repainted when it is what is already there."""
        if examination.regions != self._regions:
            self._regions = examination.regions
            done = sum(figures.light + figures.deep > 0 for figures in self._regions.values())
            self.setAccessibleDescription(f"{done} of 9 regions palpated")
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for three lines in each region."""
        return QSize(420, 230)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Nine boxes."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, height = (self.width() + GAP_PX) / 3, (self.height() + GAP_PX) / 3
        for row, names in enumerate(REGIONS):
            for column, name in enumerate(names):
                box = QRectF(column * width, row * height, width - GAP_PX, height - GAP_PX)
                self._paint(painter, box, name, self._regions.get(name, RegionFigures()))

    def _paint(self, painter: QPainter, box: QRectF, name: str, figures: RegionFigures) -> None:
        theme = self._theme
        fill = QColor(theme.level)
        fill.setAlphaF(0.16 * ((figures.light > 0) + (figures.deep > 0)))
        painter.setPen(QPen(QColor(theme.edge), 1))
        painter.setBrush(QColor(theme.plot))
        painter.drawRoundedRect(box, 6, 6)
        painter.setBrush(fill)
        edge = QPen(QColor(theme.pain if name in self._tender else theme.edge), 1)
        edge.setStyle(Qt.PenStyle.DashLine if name in self._tender else Qt.PenStyle.SolidLine)
        painter.setPen(edge)
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 6, 6)
        inside = box.adjusted(8, 5, -4, -4)
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(QColor(theme.muted))
        painter.drawText(inside, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        if not (figures.light or figures.deep):
            return
        font.setPixelSize(13)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        text = f"light {figures.light or '–'}  deep {figures.deep or '–'}\nup to {figures.peak_newton:.0f} N"
        painter.drawText(inside.adjusted(0, 15, 0, 0), Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, text)
