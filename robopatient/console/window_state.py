"""Theme, shortcuts and stored layout of the operator's windows.

All windows share one theme; each stores its geometry and layout under a prefix of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QWidget

from robopatient.console.theme import DARK, LIGHT, Theme, style_sheet

__all__ = ["Layout", "RestoredWindow", "bind_keys", "saved_theme"]

Layout = dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]
"""Key of the settings -> (getter, setter) of a part of the layout."""


class RestoredWindow(QMainWindow):
    """A window that stores its theme and its layout and restores them at the next start.

    Parameters
    ----------
    settings
        Where they are stored; None: nowhere. (Not a device file: Qt replaces the file.)
    prefix
        Prefix of this window's keys in the settings.
    """

    def __init__(self, settings: QSettings | None, prefix: str = "") -> None:
        super().__init__()
        self.theme = DARK
        self._settings = settings
        self._prefix = prefix

    def toggle_theme(self) -> None:
        """Switch between the dark and the light theme."""
        self.set_theme(LIGHT if self.theme is DARK else DARK)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme to the whole window."""
        self.theme = theme
        self.setStyleSheet(style_sheet(theme))

    def layout_parts(self) -> Layout:
        """Parts of the layout that are stored, in the order in which they are restored."""
        return {f"{self._prefix}geometry": (self.saveGeometry, self.restoreGeometry)}

    def remember(self) -> None:
        """Store layout and theme."""
        if self._settings is None:
            return
        for key, (give, _) in self.layout_parts().items():
            self._settings.setValue(key, give())
        self._settings.setValue("theme", self.theme.name)
        self._settings.sync()

    def restore(self) -> None:
        """Restore the stored layout and theme."""
        if self._settings is None:
            self.set_theme(DARK)
            return
        for key, (_, take) in self.layout_parts().items():
            kept = self._settings.value(key)
            if kept is not None:
                take(kept)
        self.set_theme(saved_theme(self._settings))


def saved_theme(settings: QSettings) -> Theme:
    """The theme that was used last."""
    return LIGHT if settings.value("theme") == LIGHT.name else DARK


def bind_keys(
    window: QWidget,
    keys: Iterable[tuple[str, Callable[[], object]]],
    *,
    repeat: bool = False,
    everywhere: bool = False,
) -> None:
    """Bind keyboard shortcuts to functions.

    Parameters
    ----------
    repeat
        Whether a key that is held down triggers repeatedly; never for a key that toggles.
    everywhere
        Whether they also work while another window of this process has the keyboard.
    """
    for key, what in keys:
        shortcut = QShortcut(QKeySequence(key), window)
        shortcut.setAutoRepeat(repeat)
        if everywhere:
            shortcut.setContext(Qt.ShortcutContext.ApplicationShortcut)
        shortcut.activated.connect(what)
