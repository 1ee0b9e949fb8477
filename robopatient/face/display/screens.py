"""Which connected screen a profile means, and its coming and going: the face never lands on another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from robopatient.errors import DeviceError, require
from robopatient.face.display.profile import ScreenId

QtGui = require("PySide6.QtGui", "console")

__all__ = ["ScreenWatch", "find_screen", "id_of", "list_screens", "need_screen"]


def id_of(screen: Any) -> ScreenId:
    """Name of a screen's connector and its serial number, where it tells one."""
    return ScreenId(name=screen.name(), serial=screen.serialNumber())


def list_screens() -> list[str]:
    """Connected screens, one line each."""
    lines = []
    for number, screen in enumerate(QtGui.QGuiApplication.screens()):
        size = screen.geometry()
        model = " ".join(filter(None, (screen.manufacturer(), screen.model())))
        serial = f", serial {screen.serialNumber()}" if screen.serialNumber() else ""
        lines.append(
            f"{number}: {screen.name()}, {size.width()} x {size.height()}{serial}{', ' + model if model else ''}"
        )
    return lines


def find_screen(wanted: ScreenId) -> Any:
    """The screen that a profile names, or None: by its serial number, or by its name when it tells no serial number.

    A projector with another serial number on the remembered connector is another projector, and not taken.
    """
    screens = QtGui.QGuiApplication.screens()
    if not wanted.name and not wanted.serial:
        return QtGui.QGuiApplication.primaryScreen()
    if wanted.serial:
        for screen in screens:
            if screen.serialNumber() == wanted.serial:
                return screen
    for number, screen in enumerate(screens):
        if wanted.name in (screen.name(), str(number)) and not (wanted.serial and screen.serialNumber()):
            return screen
    return None


def need_screen(wanted: ScreenId) -> Any:
    """As ``find_screen``.

    Raises
    ------
    DeviceError
        When it is not connected; names those that are.
    """
    screen = find_screen(wanted)
    if screen is None:
        raise DeviceError(f"screen {wanted} is not connected; connected: {'; '.join(list_screens())}")
    return screen


class ScreenWatch:
    """Tells when a profile's screen comes and goes.

    Parameters
    ----------
    came, went
        Called with the screen when it is plugged in; called before Qt would move its windows to another.
    """

    def __init__(self, wanted: ScreenId, came: Callable[[Any], None], went: Callable[[], None]) -> None:
        self._wanted = wanted
        self._came, self._went = came, went
        self.screen: Any = find_screen(wanted)
        self._app = QtGui.QGuiApplication.instance()
        self._app.screenAdded.connect(self._on_added)
        self._app.screenRemoved.connect(self._on_removed)

    def close(self) -> None:
        """Stop watching."""
        self._app.screenAdded.disconnect(self._on_added)
        self._app.screenRemoved.disconnect(self._on_removed)

    def _on_added(self, screen: Any) -> None:
        if self.screen is None and find_screen(self._wanted) == screen:
            self.screen = screen
            self._came(screen)

    def _on_removed(self, screen: Any) -> None:
        if self.screen is not None and id_of(self.screen) == id_of(screen):
            self.screen = None
            self._went()
