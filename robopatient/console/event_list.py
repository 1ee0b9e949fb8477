"""The latest events, newest first: presses, notes and reports of the processes."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from robopatient.console.model import ConsoleModel, EventLine
from robopatient.console.theme import DARK, Theme

__all__ = ["EventList"]

LINE_PX = 20
TIME_PX = 58
KINDS = {"press": "force", "info": "faint", "warning": "warn", "error": "bad"}
"""Colour of the mark before each line."""


class EventList(QWidget):
    """As many of the newest events as there is room for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(3 * LINE_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Events")
        self._theme = DARK
        self._lines: list[tuple[str, EventLine]] = []
        self._count = -1

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self.update()

    def refresh(self, model: ConsoleModel) -> None:
        """Show the newest events; repaint only when there is a new one."""
        if model.event_count == self._count:
            return
        self._count = model.event_count
        self._lines = [(clock_text(model.elapsed_at(event.t_ns)), event) for event in reversed(model.events)]
        self.setAccessibleDescription(self._lines[0][1].text if self._lines else "")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Time, mark and text of each line."""
        painter = QPainter(self)
        font = QFont(self.font())
        font.setPixelSize(12)
        painter.setFont(font)
        room = max(0, self.width() - TIME_PX)
        for row, (time_text, event) in enumerate(self._lines[: self.height() // LINE_PX]):
            y = row * LINE_PX
            painter.setPen(QColor(self._theme.faint))
            painter.drawText(0, y, TIME_PX, LINE_PX, Qt.AlignmentFlag.AlignVCenter, time_text)
            painter.fillRect(TIME_PX - 12, y + 4, 3, LINE_PX - 8, QColor(getattr(self._theme, KINDS[event.kind])))
            painter.setPen(QColor(self._theme.text if event.kind in ("warning", "error") else self._theme.muted))
            text = painter.fontMetrics().elidedText(event.text, Qt.TextElideMode.ElideRight, room)
            painter.drawText(TIME_PX, y, room, LINE_PX, Qt.AlignmentFlag.AlignVCenter, text)


def clock_text(seconds: float) -> str:
    """Minutes and seconds, and hours once there are any."""
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{whole:02d}" if hours else f"{minutes:02d}:{whole:02d}"
