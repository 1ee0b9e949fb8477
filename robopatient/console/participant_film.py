"""Films for a participant: the pictures of each file at their times, one film after the other, each with its number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from robopatient.clock import Clock
from robopatient.console.theme import DARK, Theme
from robopatient.errors import RobopatientError, require

__all__ = ["FilmPanel"]

GAP_S = 0.6
"""Blank between two films, so that they are not seen as one (assumption)."""


class FilmPanel(QWidget):
    """Plays once; what cannot be played is told in ``fault`` and skipped."""

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Film")
        self.fault = ""
        self.finished = False
        self._clock = clock
        self._theme = DARK
        self._media: tuple[str, ...] = ()
        self._number = 0
        self._frames: Iterator[tuple[float, QImage]] | None = None
        self._next: tuple[float, QImage] | None = None
        self._image: QImage | None = None
        self._begun_ns = 0

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self.update()

    def play(self, media: tuple[str, ...]) -> None:
        """Begin; the same films again only after ``stop``."""
        if media == self._media:
            return
        self._media, self._number, self.finished, self.fault = media, 0, not media, ""
        self._open()

    def stop(self) -> None:
        """Forget the films."""
        self._media, self._frames, self._next, self._image = (), None, None, None

    def refresh(self) -> None:
        """Show the picture whose time has come."""
        if not self._media or self.finished:
            return
        age_s = (self._clock.now_ns() - self._begun_ns) * 1e-9
        changed = False
        while self._next is not None and age_s >= self._next[0]:
            self._image, changed = self._next[1], True
            self._advance()
        if self._next is None and age_s >= self._last_s + GAP_S:
            self._image, changed = None, True
            self._number += 1
            self._open()
        if changed:
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """The picture, and the film's number beneath."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        foot = 44
        room = QRectF(0, 0, self.width(), self.height() - foot)
        if self._image is not None:
            scale = min(room.width() / self._image.width(), room.height() / self._image.height())
            target = QRectF(0, 0, self._image.width() * scale, self._image.height() * scale)
            target.moveCenter(room.center())
            painter.drawImage(target, self._image)
        if self._media and not self.finished:
            font = QFont(self.font())
            font.setPixelSize(28)
            font.setBold(True)
            painter.setFont(font)
            painter.setPen(QColor(self._theme.text))
            box = QRectF(0, self.height() - foot, self.width(), foot)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(self._number + 1))

    def _open(self) -> None:
        """Begin the next film that can be read."""
        self._begun_ns, self._last_s, self._next = self._clock.now_ns(), 0.0, None
        while self._number < len(self._media):
            try:
                self._frames = _pictures(self._media[self._number])
                self._advance()
            except (RobopatientError, OSError, ValueError) as error:
                self.fault = f"{self._media[self._number]}: cannot be shown ({error})"
            if self._next is not None:
                return
            self._number += 1
        self.finished = True

    def _advance(self) -> None:
        self._next = next(self._frames, None) if self._frames is not None else None
        if self._next is not None:
            self._last_s = self._next[0]


def _pictures(path: str) -> Iterator[tuple[float, QImage]]:
    """Time, s, and picture of each frame of a film."""
    av: Any = require("av", "face")
    with av.open(path) as film:
        for frame in film.decode(video=0):
            rgb = frame.to_ndarray(format="rgb24")
            height, width = rgb.shape[:2]
            yield float(frame.time), QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
