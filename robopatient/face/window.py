"""The window that the trainee sees: the newest picture, scaled to fit, on the screen that was asked for.

There is no timer and no second thread: the caller shows a picture at its own pace and Qt's events are handled then.
With a display profile the window belongs to one screen: it goes when that is unplugged and comes back with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from robopatient.errors import DeviceError, require
from robopatient.face.display.profile import DisplayProfile, Patch, ScreenId
from robopatient.face.display.screens import ScreenWatch
from robopatient.face.gl_device import emulated

QtCore = require("PySide6.QtCore", "console")
QtGui = require("PySide6.QtGui", "console")
QtWidgets = require("PySide6.QtWidgets", "console")

__all__ = ["FaceWindow", "display_problem", "has_display"]

WITHOUT_GL = ("offscreen", "minimal", "vnc", "linuxfb")
"""Qt platforms on which a QOpenGLWidget cannot be shown."""

GL_RENDERER = 0x1F01
"""Name of the GL string that tells who draws (OpenGL 4.6 core, table 23.74)."""

BACKGROUND = (24, 24, 26)
"""Around the picture on a desk, and in place of a face that is not drawn; a projector's is black."""

APPEARS_WITHIN_S = 2.0
"""A window of a server that answers is there within this (assumption); one that is not is told as hidden."""


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
        self.surround = BACKGROUND
        self.patch: Patch = "none"
        self.patch_px = 0
        self.patch_bright = False
        self.overlay: Callable[[Any], None] | None = None
        self.was_closed = False

    def show_image(self, pixels: np.ndarray | None) -> None:
        """Paint now and hand over to the display; ``pixels`` shape (height, width, 3), uint8, None: no face."""
        self._image = None
        if pixels is not None:
            self._pixels = np.ascontiguousarray(pixels)  # the image only borrows them
            height, width = pixels.shape[:2]
            self._image = QtGui.QImage(self._pixels.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888)
        self.repaint()  # type: ignore[attr-defined]

    def paint_image(self) -> None:
        """Draw the picture into the widget, then the photodiode's patch and the calibration's handles over it."""
        widget: Any = self
        painter = QtGui.QPainter(widget)
        painter.fillRect(widget.rect(), QtGui.QColor(*self.surround))
        if self._image is not None:
            scale = min(widget.width() / self._image.width(), widget.height() / self._image.height())
            width, height = round(scale * self._image.width()), round(scale * self._image.height())
            place = QtCore.QRect((widget.width() - width) // 2, (widget.height() - height) // 2, width, height)
            painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform, width != self._image.width())
            painter.drawImage(place, self._image)
        if self.patch != "none":
            left = 0 if self.patch.endswith("left") else widget.width() - self.patch_px
            top = 0 if self.patch.startswith("upper") else widget.height() - self.patch_px
            shade = 255 if self.patch_bright else 0
            painter.fillRect(QtCore.QRect(left, top, self.patch_px, self.patch_px), QtGui.QColor(shade, shade, shade))
        if self.overlay is not None:
            self.overlay(painter)
        painter.end()

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """The user closed the window; hiding it does not count."""
        self.was_closed = True
        event.accept()

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
    profile
        Where and how to show instead of ``full_screen`` and ``screen``. While its screen is not connected there is no
        window, and ``problem`` says so.

    Raises
    ------
    DeviceError
        When the screen does not exist, without a profile.
    """

    def __init__(
        self,
        size_px: int,
        *,
        full_screen: bool = False,
        screen: str = "",
        gl: bool | None = None,
        profile: DisplayProfile | None = None,
    ) -> None:
        self._app = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["robopatient"])
        self._app.setQuitOnLastWindowClosed(False)
        place = None if profile else _screen(screen)
        self.painted_by = "gpu" if (_has_gpu() if gl is None else gl) else "processor"
        self.view: Any = _gl_view() if self.painted_by == "gpu" else _RasterView()
        self.view.setWindowTitle("robopatient: face")
        self._size_px = size_px
        self._full_screen = profile.full_screen if profile else full_screen
        wanted = profile.screen if profile else ScreenId()
        self._absent = ""
        self._wanted = wanted
        self._watch = ScreenWatch(wanted, self._on_came, self._on_went)
        if profile is not None:
            self.take(profile)
        else:
            self._watch.screen = place
        if self._watch.screen is None:
            self._on_went()
        else:
            self._on_came(self._watch.screen)
        waited = QtCore.QElapsedTimer()
        waited.start()
        self._app.processEvents()
        while not self._absent and not self._exposed and waited.elapsed() < 1000.0 * APPEARS_WITHIN_S:
            QtCore.QThread.msleep(5)
            self._app.processEvents()

    @property
    def problem(self) -> str:
        """Why nothing is seen at the moment, or ""."""
        if self._absent or self._exposed:
            return self._absent
        return (
            "the face window is hidden (minimised, or on another desktop): bring it back; what it shows is not recorded"
        )

    @property
    def _exposed(self) -> bool:
        """Whether the display shows the window: not minimised, not on another desktop."""
        handle = self.view.windowHandle()
        return handle is not None and bool(handle.isExposed()) and not self.view.isMinimized()

    @property
    def canvas_px(self) -> tuple[int, int]:
        """Width and height of the window's content, in pixels of the device; of its screen while there is no window."""
        if not self.view.isVisible() and self._full_screen and self._watch.screen is not None:
            size, ratio = self._watch.screen.geometry(), self._watch.screen.devicePixelRatio()
        else:
            size, ratio = self.view, self.view.devicePixelRatio()
        return max(2, round(size.width() * ratio)), max(2, round(size.height() * ratio))

    def take(self, profile: DisplayProfile) -> None:
        """Show by another profile of the same screen."""
        self.view.surround = (0, 0, 0)
        self.view.patch, self.view.patch_px = profile.patch, profile.patch_px

    def show(self, pixels: np.ndarray | None, patch: bool = False) -> bool:
        """Show a picture, shape (height, width, 3), or for None a blank; False once the window has been closed.

        Parameters
        ----------
        patch
            Whether the photodiode's patch is bright, where the profile has one.
        """
        self.view.patch_bright = patch
        if self.view.isVisible():
            self.view.show_image(pixels)
        self._app.processEvents()
        return not self.view.was_closed

    def close(self) -> None:
        """Take the window off the screen."""
        self._watch.close()
        self.view.close()
        self._app.processEvents()

    def _on_came(self, screen: Any) -> None:
        """Its screen is there: stand on it and nowhere else."""
        self._absent = ""
        self.view.setScreen(screen)
        if self._full_screen:
            self.view.setGeometry(screen.geometry())
            self.view.setCursor(QtCore.Qt.CursorShape.BlankCursor)
            self.view.showFullScreen()
        else:
            corner = screen.availableGeometry().topLeft()
            self.view.setGeometry(corner.x() + 40, corner.y() + 60, self._size_px, self._size_px)
            self.view.show()

    def _on_went(self) -> None:
        """Its screen is gone: hide before Qt puts the window over the operator's."""
        self.view.hide()
        self._absent = f"screen {self._wanted} is not connected: the face waits for it"


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
    drawn_by = str(context.functions().glGetString(GL_RENDERER))
    context.doneCurrent()
    return not emulated(drawn_by)


def _gl_view() -> Any:
    """View painted through GL: scaling to the screen costs the processor nothing."""
    widgets = require("PySide6.QtOpenGLWidgets", "console")

    class _GlView(_View, widgets.QOpenGLWidget):  # type: ignore[name-defined]
        def paintGL(self) -> None:  # noqa: N802
            self.paint_image()

    return _GlView()
