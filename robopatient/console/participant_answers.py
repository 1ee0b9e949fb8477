"""The row of answers: big labelled buttons with their number keys, for hand, mouse, keys and the rater's dial."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import (
    QAbstractButton,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from robopatient.console.theme import DARK, Theme

__all__ = ["AnswerButton", "AnswerRow", "NumberPad"]

MOST = 11
"""Answers of the longest scale (NRS 0 to 10)."""


class AnswerButton(QAbstractButton):
    """A number in a cap, the answer in words beneath; given answers are framed and ticked, not only coloured."""

    def __init__(self, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.index = index
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMaximumWidth(360)
        self.cap = ""
        self.chosen = self.pointed = self.dimmed = False
        self._theme = DARK
        self._px = 22

    def apply(self, theme: Theme, px: int) -> None:
        """Wear a theme, with letters this high."""
        self._theme, self._px = theme, px
        self.update()

    def show_answer(self, label: str, cap: str, chosen: bool, pointed: bool, dimmed: bool) -> None:
        """Say what it stands for and how it stands; without a cap the label is its own key."""
        if (label, cap, chosen, pointed, dimmed) != (
            self.text(),
            self.cap,
            self.chosen,
            self.pointed,
            self.dimmed,
        ):
            self.setText(label)
            self.cap, self.chosen, self.pointed, self.dimmed = cap, chosen, pointed, dimmed
            self.setAccessibleName(f"{cap}: {label}" if cap else label)
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for a finger."""
        return QSize(120, 150)

    def enterEvent(self, event) -> None:  # type: ignore[no-untyped-def]  # noqa: N802
        """Show that it can be pressed."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event) -> None:  # type: ignore[no-untyped-def]  # noqa: N802
        """And no longer."""
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Frame, cap, words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._theme
        box = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        ground = QColor(theme.control_hover if self.underMouse() or self.pointed else theme.control)
        if self.isDown() or self.chosen:
            ground = QColor(theme.accent)
        ink = QColor(theme.window if self.isDown() or self.chosen else theme.text)
        if self.dimmed:
            ink.setAlpha(90)
        wide = self.chosen or self.pointed
        painter.setPen(
            QPen(QColor(theme.text if self.chosen else theme.accent if wide else theme.edge), 4 if wide else 2)
        )
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 14, 14)
        if self.cap or self.chosen:
            self._draw_cap(painter, box, ink)
        font = QFont(self.font())
        font.setPixelSize(self._px if self.cap else round(1.3 * self._px))
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(ink)
        words = box.adjusted(8, (2.4 if self.cap else 0.6) * self._px, -8, -10)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(words, flags, self.text())
        if self.pointed and not self.chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.accent))
            x, y, r = box.center().x(), box.bottom() - 8.0, 9.0
            painter.drawPolygon(QPolygonF([QPointF(x - r, y), QPointF(x + r, y), QPointF(x, y - r)]))

    def _draw_cap(self, painter: QPainter, box: QRectF, ink: QColor) -> None:
        side = 1.7 * self._px
        cap = QRectF(box.center().x() - side / 2, box.top() + 0.6 * self._px, side, side)
        painter.setPen(QPen(ink, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(cap, 7, 7)
        font = QFont(self.font())
        font.setPixelSize(self._px)
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, "✓" if self.chosen else self.cap)


class AnswerRow(QWidget):
    """As many buttons as the question has answers, and words for the ends of a scale of numbers.

    Parameters
    ----------
    answered
        Called with the index of the answer.
    """

    def __init__(self, answered: Callable[[int], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addStretch(1)
        self.buttons = [AnswerButton(index, self) for index in range(MOST)]
        for button in self.buttons:
            row.addWidget(button, 100)
            button.clicked.connect(lambda _checked=False, index=button.index: answered(index))
        row.addStretch(1)
        self.ends = QLabel(self), QLabel(self)
        foot = QHBoxLayout()
        foot.addWidget(self.ends[0])
        foot.addStretch(1)
        foot.addWidget(self.ends[1])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row, 1)
        column.addLayout(foot)
        for end in self.ends:
            end.setProperty("role", "text")

    def apply(self, theme: Theme, px: int) -> None:
        """Wear a theme."""
        for button in self.buttons:
            button.apply(theme, px)

    def show_answers(
        self, labels: tuple[str, ...], caps: tuple[str, ...], ends: tuple[str, str], chosen: int, pointed: int
    ) -> None:
        """Show the answers and which one was given or is pointed at."""
        for index, button in enumerate(self.buttons):
            button.setVisible(index < len(labels))
            if index < len(labels):
                cap = caps[index] if caps else ""
                dimmed = chosen >= 0 and index != chosen
                button.show_answer(labels[index], cap, index == chosen, index == pointed, dimmed)
        for end, words in zip(self.ends, ends, strict=True):
            end.setText(words)
            end.setVisible(bool(words))


class NumberPad(QWidget):
    """A number that is typed: its digits so far, and keys for fingers.

    Parameters
    ----------
    typed
        Called with a digit, "." or "<".
    """

    def __init__(self, typed: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = QLabel(self)
        self.number.setProperty("role", "number")
        self.number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        keys = QGridLayout()
        keys.setSpacing(10)
        self.keys: dict[str, QPushButton] = {}
        for place, letter in enumerate("123456789.0<"):
            key = QPushButton({"<": "⌫"}.get(letter, letter), self)
            key.setProperty("role", "back")
            key.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            key.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
            key.clicked.connect(lambda _checked=False, letter=letter: typed(letter))
            keys.addWidget(key, place // 3, place % 3)
            self.keys[letter] = key
        column = QVBoxLayout()
        column.addWidget(self.number)
        column.addLayout(keys, 1)
        page = QHBoxLayout(self)
        page.addStretch(1)
        page.addLayout(column, 2)
        page.addStretch(1)

    def show_number(self, typed: str) -> None:
        """Show what was typed."""
        self.number.setText(typed or "–")
