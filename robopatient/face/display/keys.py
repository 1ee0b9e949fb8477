"""Keys and pointer of the calibration, and the handles drawn over the picture: Qt's side of ``editor.py``."""

from __future__ import annotations

from typing import Any, Protocol

from robopatient.errors import require
from robopatient.face.display.editor import Editor

QtCore = require("PySide6.QtCore", "console")
QtGui = require("PySide6.QtGui", "console")

__all__ = ["HELP_LINES", "Keys", "Worked"]

TEXT_PX = 16
HANDLE_PX = 7
MESH_HANDLE_PX = 4
HELP_LINES = (
    "Tab, 1-4         next handle, corner",
    "arrows           move by 1 px (Shift 10, Ctrl 0.1)",
    "Alt+arrows       move the whole picture",
    "+ -, [ ]         larger, smaller; turn",
    "M, N, B          mesh or corners; finer; coarser",
    "H, V, R          mirror sideways, upside down; rear",
    "E, G, L + Shift  soft edge, gamma, brightness",
    "D                patch for a photodiode",
    "P                next picture",
    "Z, Y             undo, redo;  0: start again",
    "S                save;  ?: this help;  Esc: leave",
)


class Worked(Protocol):
    """What the keys work on."""

    editor: Editor
    help: bool

    def changed_picture(self) -> None:
        """Another picture is wanted."""
        ...

    def save(self) -> None:
        """Write the profile."""
        ...

    def leave(self) -> None:
        """Stop."""
        ...


class Keys(QtCore.QObject):  # type: ignore[name-defined]
    """Listens to a view and draws over it."""

    def __init__(self, view: Any, stage: Worked) -> None:
        super().__init__(view)
        self._view, self._stage = view, stage
        view.installEventFilter(self)
        view.setCursor(QtCore.Qt.CursorShape.CrossCursor)
        view.setMouseTracking(True)
        view.overlay = self._paint

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802
        """Qt hands over an event before the view sees it."""
        del watched
        kind, types = event.type(), QtCore.QEvent.Type
        if kind == types.KeyPress:
            return self._press(event.key(), event.modifiers(), event.text())
        ratio = self._view.devicePixelRatio()
        editor = self._stage.editor
        if kind == types.MouseButtonPress:
            found = editor.nearest(event.position().x() * ratio, event.position().y() * ratio)
            if found is not None:
                editor.select(found)
                return True
        if kind == types.MouseMove and event.buttons() & QtCore.Qt.MouseButton.LeftButton:
            editor.move_to(event.position().x() * ratio, event.position().y() * ratio)
            return True
        return False

    def _press(self, key: int, modifiers: Any, text: str) -> bool:
        editor, keys = self._stage.editor, QtCore.Qt.Key
        shift = bool(modifiers & QtCore.Qt.KeyboardModifier.ShiftModifier)
        control = bool(modifiers & QtCore.Qt.KeyboardModifier.ControlModifier)
        alt = bool(modifiers & QtCore.Qt.KeyboardModifier.AltModifier)
        arrows = {keys.Key_Left: (-1, 0), keys.Key_Right: (1, 0), keys.Key_Up: (0, -1), keys.Key_Down: (0, 1)}
        if key in arrows:
            step = 10.0 if shift else 0.1 if control else 1.0
            move = editor.shift if alt else editor.nudge
            move(step * arrows[key][0], step * arrows[key][1])
            return True
        sign = -1 if shift else 1
        acts = {
            keys.Key_Tab: lambda: editor.select(editor.selected + 1),
            keys.Key_Backtab: lambda: editor.select(editor.selected - 1),
            keys.Key_M: editor.toggle_mesh,
            keys.Key_N: lambda: editor.change_mesh(1),
            keys.Key_B: lambda: editor.change_mesh(-1),
            keys.Key_H: lambda: editor.flip("mirror_horizontal"),
            keys.Key_V: lambda: editor.flip("mirror_vertical"),
            keys.Key_R: lambda: editor.flip("rear"),
            keys.Key_E: lambda: editor.adjust("soft_edge", sign),
            keys.Key_G: lambda: editor.adjust("gamma", sign),
            keys.Key_L: lambda: editor.adjust("brightness", sign),
            keys.Key_D: editor.next_patch,
            keys.Key_P: lambda: editor.next_picture(sign),
            keys.Key_Z: editor.redo if shift else editor.undo,
            keys.Key_Y: editor.redo,
            keys.Key_S: self._stage.save,
            keys.Key_0: editor.reset,
            keys.Key_Escape: self._stage.leave,
            keys.Key_F1: self._toggle_help,
        }
        if text == "?":
            self._toggle_help()
        elif text in ("+", "="):
            editor.scale(1.01)
        elif text in ("-", "_"):
            editor.scale(1 / 1.01)
        elif text in ("[", "]"):
            editor.turn(0.25 if text == "]" else -0.25)
        elif text in ("1", "2", "3", "4"):
            editor.mesh = False
            editor.select(int(text) - 1)
        elif key in acts:
            acts[key]()
            if key == keys.Key_P:
                self._stage.changed_picture()
        else:
            return False
        return True

    def _toggle_help(self) -> None:
        self._stage.help = not self._stage.help

    def _paint(self, painter: Any) -> None:
        """Outline, handles, what was done last, and the keys."""
        editor, ratio = self._stage.editor, self._view.devicePixelRatio()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, True)
        colour, chosen = QtGui.QColor(255, 160, 0), QtGui.QColor(0, 230, 255)
        points = [QtCore.QPointF(x / ratio, y / ratio) for x, y in editor.handles()]
        painter.setPen(QtGui.QPen(colour, 1.5))
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        edge = [QtCore.QPointF(x / ratio, y / ratio) for x, y in editor.outline()]
        painter.drawPolygon(QtGui.QPolygonF(edge))
        for number, point in enumerate(points):
            mine = number == editor.selected
            size = HANDLE_PX + 4 if mine else MESH_HANDLE_PX if editor.mesh else HANDLE_PX
            painter.setPen(QtGui.QPen(chosen if mine else colour, 2.5 if mine else 1.5))
            painter.drawEllipse(point, size, size)
        self._write(painter, HELP_LINES if self._stage.help else ())

    def _write(self, painter: Any, lines: tuple[str, ...]) -> None:
        editor = self._stage.editor
        profile = editor.profile
        flips = [name for name in ("mirror_horizontal", "mirror_vertical", "rear") if getattr(profile, name)]
        words = (
            f"{editor.picture}   edge {profile.soft_edge:.2f}   brightness {profile.brightness:.2f}   "
            f"gamma {profile.gamma:.2f}   {' '.join(name.replace('_', ' ') for name in flips)}"
        )
        shown = [*lines, words, editor.message + ("   (not saved)" if editor.changed else "")]
        font = QtGui.QFont("monospace")
        font.setStyleHint(QtGui.QFont.StyleHint.Monospace)
        font.setPixelSize(TEXT_PX)
        painter.setFont(font)
        metrics = QtGui.QFontMetrics(font)
        width = max(metrics.horizontalAdvance(line) for line in shown) + 24
        height = len(shown) * (TEXT_PX + 6) + 16
        left, top = (self._view.width() - width) // 2, self._view.height() - height - TEXT_PX
        if lines:
            top //= 2
        painter.fillRect(QtCore.QRect(left, top, width, height), QtGui.QColor(0, 0, 0, 170))
        painter.setPen(QtGui.QColor(235, 235, 235))
        for number, line in enumerate(shown):
            painter.drawText(left + 12, top + 8 + (number + 1) * (TEXT_PX + 6) - 8, line)
