"""What the windows of the operator share: one theme, keys, and coming back as they were left.

The theme belongs to all of them; place and layout to each, under a prefix of its own.
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
"""By key of the settings: what gives a part of the layout, and what takes it back."""


class RestoredWindow(QMainWindow):
    """A window that remembers its theme and its layout.

    Parameters
    ----------
    settings
        Where they are remembered; None: nowhere. (A device will not do: Qt puts a new file in its place.)
    prefix
        Of this window's keys there.
    """

    def __init__(self, settings: QSettings | None, prefix: str = "") -> None:
        super().__init__()
        self.theme = DARK
        self._settings = settings
        self._prefix = prefix

    def toggle_theme(self) -> None:
        """Dark or light."""
        self.set_theme(LIGHT if self.theme is DARK else DARK)

    def set_theme(self, theme: Theme) -> None:
        """Put on a theme."""
        self.theme = theme
        self.setStyleSheet(style_sheet(theme))

    def layout_parts(self) -> Layout:
        """What is remembered of the layout, in the order in which it is taken back."""
        return {f"{self._prefix}geometry": (self.saveGeometry, self.restoreGeometry)}

    def remember(self) -> None:
        """Keep layout and theme."""
        if self._settings is None:
            return
        for key, (give, _) in self.layout_parts().items():
            self._settings.setValue(key, give())
        self._settings.setValue("theme", self.theme.name)
        self._settings.sync()

    def restore(self) -> None:
        """Layout and theme as they were left."""
        if self._settings is None:
            self.set_theme(DARK)
            return
        for key, (_, take) in self.layout_parts().items():
            kept = self._settings.value(key)
            if kept is not None:
                take(kept)
        self.set_theme(saved_theme(self._settings))


def saved_theme(settings: QSettings) -> Theme:
    """The theme that was worn last."""
    return LIGHT if settings.value("theme") == LIGHT.name else DARK


def bind_keys(
    window: QWidget,
    keys: Iterable[tuple[str, Callable[[], object]]],
    *,
    repeat: bool = False,
    everywhere: bool = False,
) -> None:
    """Let keys act.

    Parameters
    ----------
    repeat
        Whether a key that is held down acts again and again: never where it would hush and speak in turns.
    everywhere
        Also while another window of this process has the keyboard.
    """
    for key, what in keys:
        shortcut = QShortcut(QKeySequence(key), window)
        shortcut.setAutoRepeat(repeat)
        if everywhere:
            shortcut.setContext(Qt.ShortcutContext.ApplicationShortcut)
        shortcut.activated.connect(what)
