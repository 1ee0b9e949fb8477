"""The help sheet: every key and what it does, laid over the window without stopping it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

__all__ = ["KEYS", "HelpSheet"]

KEYS: tuple[tuple[str, str], ...] = (
    ("Esc", "Hush: voice silent, face neutral, at once, even when this window hangs"),
    ("H", "Hush, or end it"),
    ("Space", "Start the patient's expression, or pause it"),
    ("T", "Tare: the present load becomes zero (hand off first)"),
    ("N", "Write a note; Enter puts it on the record"),
    ("S", "Show or hide where it hurts"),
    ("I", "The instructor's window: the examination so far, questions, scenario, marks"),
    ("1 2 3 4 5", "In the instructor's window: ask how much, where, what like, feeling, history"),
    ("6 7 8", "There too: say “this may hurt”, “breathe in”, “breathe out”"),
    ("R", "Enter the trainee's rating of the pain"),
    ("Ctrl Q", "Stop the session; press twice"),
    ("Ctrl T", "Dark or light"),
    ("Tab", "Next control; Enter presses it"),
    ("F1  or  ?", "This sheet"),
)
"""The one list of keys: the window's shortcuts are tested against it."""


class HelpSheet(QFrame):
    """Closed by the key that opened it or by a click; Esc still hushes."""

    def __init__(
        self,
        parent: QWidget,
        keys: Sequence[tuple[str, str]] = KEYS,
        foot_text: str = "Closing this window does not end the session.",
    ) -> None:
        super().__init__(parent)
        self._window = parent
        self.setProperty("role", "sheet")
        grid = QGridLayout(self)
        grid.setContentsMargins(28, 22, 28, 24)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(10)
        title = QLabel("Keys", self)
        title.setProperty("role", "patient")
        grid.addWidget(title, 0, 0, 1, 2)
        for row, (key, what) in enumerate(keys, start=1):
            cap = QLabel(key, self)
            cap.setProperty("role", "cap")
            grid.addWidget(cap, row, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(QLabel(what, self), row, 1)
        foot = QLabel(foot_text, self)
        foot.setProperty("role", "muted")
        grid.addWidget(foot, len(keys) + 1, 0, 1, 2)
        self.hide()

    def toggle(self) -> None:
        """Open in the middle of the window, or close."""
        if self.isVisible():
            self.hide()
            return
        self.adjustSize()
        self.move((self._window.width() - self.width()) // 2, (self._window.height() - self.height()) // 2)
        self.show()
        self.raise_()

    def mousePressEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        """A click closes the sheet."""
        self.hide()
