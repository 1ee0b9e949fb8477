"""The big controls along the bottom: start or pause, tare, note, stop, and the red one."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QSizePolicy, QWidget

from robopatient.console.model import ConsoleModel

__all__ = ["Controls", "KeyButton", "set_role"]


class KeyButton(QPushButton):
    """A button that names its key; Return presses it, because Space belongs to the whole window."""

    def __init__(self, name: str, key: str, pressed: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLabel(name, self)
        self.key = QLabel(key, self)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(18, 0, 14, 0)
        row.setSpacing(12)
        row.addWidget(self.name, 0, Qt.AlignmentFlag.AlignCenter)
        row.addStretch(1)
        row.addWidget(self.key, 0, Qt.AlignmentFlag.AlignCenter)
        for label in (self.name, self.key):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.key.setProperty("role", "key")
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(pressed)

    def show_name(self, name: str) -> None:
        """Change what the button does, in words."""
        if name != self.name.text():
            self.name.setText(name)
            self.setAccessibleName(name)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for the name and the key."""
        return QSize(self._row.sizeHint().width(), 54)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Return and Enter press the button."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)


class Controls(QWidget):
    """Each control calls what the window gives it; none of them knows the bus.

    Parameters
    ----------
    run, tare, stop, hush
        Called when pressed.
    note
        Called with the text of a note.
    """

    def __init__(
        self,
        run: Callable[[], None],
        tare: Callable[[], None],
        note: Callable[[str], None],
        stop: Callable[[], None],
        hush: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.names: Callable[[ConsoleModel], tuple[str, str]] = _names
        """What the first and the red button are called now."""
        self._note = note
        self.run = KeyButton("Start", "Space", run, self)
        self.tare = KeyButton("Tare", "T", tare, self)
        self.note = QLineEdit(self)
        self.note.setPlaceholderText("Note for the record  (N, then Enter)")
        self.note.setAccessibleName("Note")
        self.note.setMaxLength(500)
        self.note.returnPressed.connect(self._send_note)
        self.stop = KeyButton("Stop session", "Ctrl Q", stop, self)
        self.hush = KeyButton("HUSH", "Esc", hush, self)
        set_role(self.hush, "hush")
        self.run.setMinimumWidth(140)
        self.stop.setMinimumWidth(196)
        self.hush.setMinimumWidth(220)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.run)
        row.addWidget(self.tare)
        row.addWidget(self.note, 1)
        row.addWidget(self.stop)
        row.addWidget(self.hush)
        order = (self.run, self.tare, self.note, self.stop, self.hush)
        for before, after in itertools.pairwise(order):
            QWidget.setTabOrder(before, after)

    def refresh(self, model: ConsoleModel) -> None:
        """Say what each button does now."""
        run, hush = self.names(model)
        self.run.show_name(run)
        self.hush.show_name(hush)
        armed = model.stop_armed
        self.stop.show_name("Press again" if armed else "Stop session")
        set_role(self.stop, "armed" if armed else "")
        set_role(self.hush, "hushed" if model.hushed else "hush")

    def _send_note(self) -> None:
        text = self.note.text()
        self.note.clear()
        self.run.setFocus()
        self._note(text)


def _names(model: ConsoleModel) -> tuple[str, str]:
    return "Pause" if model.running else "Start", "HUSHED" if model.hushed else "HUSH"


def set_role(widget: QWidget, role: str) -> None:
    """Let the style sheet draw a widget in another role."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        for part in (widget, *widget.findChildren(QLabel)):
            part.style().unpolish(part)
            part.style().polish(part)
