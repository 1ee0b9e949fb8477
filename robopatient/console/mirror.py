"""The face mirror: the picture of the face at this moment, or why there is none."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from robopatient.console.model import ConsoleModel, Picture
from robopatient.console.theme import DARK, Theme

__all__ = ["FaceMirror"]

STALE_S = 1.0
"""A picture older than this is veiled: the face may be doing something else by now (assumption)."""
RADIUS = 8.0


class FaceMirror(QWidget):
    """A picture that fills what room there is; what does not fit is cut off evenly at the sides or ends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(160, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Face of the patient")
        self._theme = DARK
        self._picture: Picture | None = None
        self._image: QImage | None = None
        self._words = ""
        self._stale = False

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self.update()

    def refresh(self, model: ConsoleModel) -> None:
        """Take the newest picture; repaint only when there is something new to see."""
        picture = model.picture
        stale = picture is not None and model.clock.now_ns() - picture.t_ns > STALE_S * 1e9
        words = _words(model, stale)
        if picture is self._picture and stale == self._stale and words == self._words:
            return
        if picture is not None and picture is not self._picture:
            told = QImage(picture.rgb, picture.width, picture.height, 3 * picture.width, QImage.Format.Format_RGB888)
            self._image = told.convertToFormat(QImage.Format.Format_RGB32)  # scaled in half the time of 24 bits
        self._picture, self._stale, self._words = picture, stale, words
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw the picture, veiled when it is old, with a word when there is one."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        frame = self.rect()
        if self._image is None:
            painter.fillRect(frame, QColor(self._theme.plot))
        else:
            painter.drawImage(frame, self._image, self._crop())
            if self._stale:
                veil = QColor(self._theme.panel)
                veil.setAlpha(190)
                painter.fillRect(frame, veil)
        if self._words:
            painter.setPen(QColor(self._theme.muted))
            inner = frame.adjusted(16, 16, -16, -16)
            painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)
        corners = QPainterPath()
        corners.addRect(frame.toRectF())
        rounded = QPainterPath()
        rounded.addRoundedRect(frame.toRectF(), RADIUS, RADIUS)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(corners.subtracted(rounded), QColor(self._theme.panel))

    def _crop(self) -> QRect:
        """Middle part of the picture that has the shape of this widget."""
        if self._image is None:
            return QRect()
        width, height = self._image.width(), self._image.height()
        scale = min(width / max(1, self.width()), height / max(1, self.height()))
        crop = QRect(0, 0, round(self.width() * scale), round(self.height() * scale))
        crop.moveCenter(QRect(0, 0, width, height).center())
        return crop


def _words(model: ConsoleModel, stale: bool) -> str:
    if not model.config.face.enabled:
        return "This session has no face"
    told = model.actors.get("face")
    if model.picture is None:
        if told is not None and told.state in ("degraded", "failed"):
            return f"No picture\n{told.detail}"
        return "Waiting for the face"
    return "The picture has stopped" if stale else ""
