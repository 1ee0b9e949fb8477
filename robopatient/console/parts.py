"""Small widgets: plain-text labels, and mouse buttons that never take the keyboard focus."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

__all__ = ["mouse_button", "mouse_switch", "plain_label"]


def plain_label(text: str, role: str, parent: QWidget, *, wraps: bool = False) -> QLabel:
    """Text that is never taken for mark-up; its role is the style sheet's."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wraps)
    if role:
        label.setProperty("role", role)
    return label


def mouse_button(text: str, role: str, pressed: Callable[[], object], parent: QWidget) -> QPushButton:
    """A button for the mouse; what has the keyboard keeps it."""
    button = QPushButton(text, parent)
    button.setProperty("role", role)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.clicked.connect(lambda _checked=False: pressed())
    return button


def mouse_switch(text: str, toggled: Callable[[bool], object], parent: QWidget) -> QPushButton:
    """A quiet button that stays down until it is pressed again."""
    button = QPushButton(text, parent)
    button.setProperty("role", "quiet")
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setCheckable(True)
    button.toggled.connect(toggled)
    return button
