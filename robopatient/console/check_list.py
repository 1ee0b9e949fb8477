"""A list of checks as a widget: a shape, what was looked at, what was found, and the command that fixes it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from robopatient.checks import Check, CheckState
from robopatient.console.light_bar import Shape
from robopatient.console.lights import State
from robopatient.console.parts import plain_label
from robopatient.console.theme import DARK, Theme

__all__ = ["CheckList"]

SHAPES: dict[CheckState, State] = {"ok": "ok", "warn": "warn", "fail": "bad"}
NAME_PX = 118
LONG_WORD = 40


class CheckList(QWidget):
    """One line a check, in the order given."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.checks: tuple[Check, ...] = ()
        self._theme = DARK
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnMinimumWidth(1, NAME_PX)
        self._grid.setColumnStretch(2, 1)

    def show_checks(self, checks: Sequence[Check], theme: Theme) -> None:
        """Replace the lines."""
        if (tuple(checks), theme) == (self.checks, self._theme):
            return
        self.checks, self._theme = tuple(checks), theme
        while (item := self._grid.takeAt(0)) is not None:
            del item
        for old in self.findChildren(QWidget):
            old.hide()
            old.deleteLater()
        for row, check in enumerate(self.checks):
            shape = Shape(self)
            shape.show_state(SHAPES[check.state], theme)
            shape.setAccessibleName(f"{check.name}: {check.state}, {check.found}")
            top = Qt.AlignmentFlag.AlignTop
            self._grid.addWidget(shape, row, 0, top)
            self._grid.addWidget(self._label(check.name, "muted"), row, 1, top)
            words = QVBoxLayout()
            words.setSpacing(0)
            words.addWidget(self._label(_breakable(check.found), ""))
            if check.fix and check.state != "ok":
                fix = self._label(f"To fix: {check.fix}", "muted")
                fix.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                words.addWidget(fix)
            words.addStretch(1)
            self._grid.addLayout(words, row, 2)

    def _label(self, text: str, role: str) -> QLabel:
        label = plain_label(text, role, self, wraps=True)
        label.setContentsMargins(0, 3, 0, 0)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # a long path must not widen it
        policy.setHeightForWidth(True)
        label.setSizePolicy(policy)
        return label


def _breakable(text: str) -> str:
    """Long words, such as the path of a serial adapter, may be broken anywhere (by spaces of no width)."""
    return " ".join("\u200b".join(word) if len(word) > LONG_WORD else word for word in text.split(" "))
