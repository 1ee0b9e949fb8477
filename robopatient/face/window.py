"""The window that the trainee sees: the newest picture, scaled to fit, on the screen that was asked for.

There is no timer and no second thread: the caller shows a picture at its own pace and Qt's events are handled then.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np

from robopatient.errors import DeviceError, require

QtCore = require("PySide6.QtCore", "console")
QtGui = require("PySide6.QtGui", "console")
QtWidgets = require("PySide6.QtWidgets", "console")

__all__ = ["FaceWindow", "display_problem", "has_display"]

WITHOUT_GL = ("offscreen", "minimal", "vnc", "linuxfb")
"""Qt platforms on which a QOpenGLWidget cannot be shown."""

GL_RENDERER = 0x1F01
"""Name of the GL string that tells who draws (OpenGL 4.6 core, table 23.74)."""

BACKGROUND = (24, 24, 26)
"""Around the picture: dark enough for a projector."""


def has_display() -> bool:
    """Whether this process was started where people can see a window."""
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def display_problem(timeout_s: float = 15.0) -> str:
    """Why Qt cannot open the display, or "" when it can.

    Asked of another process, because Qt aborts the one that asks when a platform library or the server is missing.
    """
    program = "from PySide6.QtGui import QGuiApplication; QGuiApplication([]).primaryScreen().name()"
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Qt does not answer ({error})"
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"Qt cannot open the display ({said[0] if said else f'exit status {done.returncode}'})"


class _View:
    """Paints the newest picture in the middle, as large as fits; mixed into a widget class."""

    def __init__(self) -> None:
        super().__init__()
        self._image: Any = None
        self._pixels: np.ndarray | None = None

    def show_image(self, pixels: np.ndarray) -> None:
        """Paint now and hand over to the display; ``pixels`` shape (height, width, 3), uint8."""
        self._pixels = np.ascontiguousarray(pixels)  # the image only borrows them
        height, width = pixels.shape[:2]
        self._image = QtGui.QImage(self._pixels.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888)
        self.repaint()  # type: ignore[attr-defined]

    def paint_image(self) -> None:
        """Draw the picture into the widget."""
        widget: Any = self
        painter = QtGui.QPainter(widget)
        painter.fillRect(widget.rect(), QtGui.QColor(*BACKGROUND))
        if self._image is not None:
            side = min(widget.width(), widget.height())
            place = QtCore.QRect((widget.width() - side) // 2, (widget.height() - side) // 2, side, side)
            painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform, side != self._image.width())
            painter.drawImage(place, self._image)
        painter.end()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Esc leaves full screen, F11 enters or leaves it."""
        widget: Any = self
        if event.key() == QtCore.Qt.Key.Key_F11:
            widget.showNormal() if widget.isFullScreen() else widget.showFullScreen()
        elif event.key() == QtCore.Qt.Key.Key_Escape and widget.isFullScreen():
            widget.showNormal()


class _RasterView(_View, QtWidgets.QWidget):  # type: ignore[name-defined]
    """Painted by the processor: the quickest way where GL is emulated, and the only one without GL."""

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Qt asks for the picture."""
        del event
        self.paint_image()


class FaceWindow:
    """One window with the face.

    Parameters
    ----------
    size_px
        Side of the window's content when not full screen.
    full_screen
        Fill the screen and hide the pointer.
    screen
        Name or number of the screen, "" for the first.
    gl
        True or False to force how the picture is painted; None lets a real GPU paint and the processor otherwise.

    Raises
    ------
    DeviceError
        When the screen does not exist.
    """

    def __init__(self, size_px: int, *, full_screen: bool = False, screen: str = "", gl: bool | None = None) -> None:
        self._app = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["robopatient"])
        self._app.setQuitOnLastWindowClosed(False)
        place = _screen(screen)
        self.painted_by = "gpu" if (_has_gpu() if gl is None else gl) else "processor"
        self.view: Any = _gl_view() if self.painted_by == "gpu" else _RasterView()
        self.view.setWindowTitle("robopatient: face")
        self.view.setScreen(place)
        corner = place.availableGeometry().topLeft()
        self.view.setGeometry(corner.x() + 40, corner.y() + 60, size_px, size_px)
        if full_screen:
            self.view.setGeometry(place.geometry())
            self.view.setCursor(QtCore.Qt.CursorShape.BlankCursor)
            self.view.showFullScreen()
        else:
            self.view.show()
        self._app.processEvents()

    def show(self, pixels: np.ndarray) -> bool:
        """Show a picture, shape (height, width, 3); False once the window has been closed."""
        if self.view.isVisible():
            self.view.show_image(pixels)
        self._app.processEvents()
        return bool(self.view.isVisible())

    def close(self) -> None:
        """Take the window off the screen."""
        self.view.close()
        self._app.processEvents()


def _screen(wanted: str) -> Any:
    """Screen of a name or number."""
    screens = QtGui.QGuiApplication.screens()
    if not wanted:
        return QtGui.QGuiApplication.primaryScreen()
    for number, screen in enumerate(screens):
        if wanted in (screen.name(), str(number)):
            return screen
    known = ", ".join(f"{number} ({screen.name()})" for number, screen in enumerate(screens))
    raise DeviceError(f'face.screen = "{wanted}": no such screen; connected: {known}')


def _has_gpu() -> bool:
    """Whether GL is there and drawn by hardware."""
    if QtGui.QGuiApplication.platformName() in WITHOUT_GL:
        return False
    surface = QtGui.QOffscreenSurface()
    surface.create()
    context = QtGui.QOpenGLContext()
    if not (context.create() and context.makeCurrent(surface)):
        return False
    drawn_by = str(context.functions().glGetString(GL_RENDERER)).lower()
    context.doneCurrent()
    return not any(word in drawn_by for word in ("llvmpipe", "softpipe", "swrast", "software"))


def _gl_view() -> Any:
    """View painted through GL: scaling to the screen costs the processor nothing."""
    widgets = require("PySide6.QtOpenGLWidgets", "console")

    class _GlView(_View, widgets.QOpenGLWidget):  # type: ignore[name-defined]
        def paintGL(self) -> None:  # noqa: N802
            self.paint_image()

    return _GlView()
