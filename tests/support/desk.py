"""A desk to sit at: a virtual X display whose keys and mouse are pressed as a keyboard and a mouse would (XTEST)."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import os
import subprocess
import time
from collections.abc import Iterator

from support.needs import APT, need, program

SIZE = (2600, 860)
LIFE_S = 270
"""Nothing that a test starts outlives it by more than this, even when the test is killed."""
NAMED = {"Return": 0xFF0D, "Escape": 0xFF1B, "BackSpace": 0xFF08, "Control": 0xFFE3, "space": 0x20}


@contextlib.contextmanager
def virtual_display(size: tuple[int, int] = SIZE) -> Iterator[str]:
    """An X server of one's own."""
    xvfb = program("Xvfb", "xvfb")
    read, write = os.pipe()
    words = f"-displayfd {write} -screen 0 {size[0]}x{size[1]}x24 -nolisten tcp"
    command = ["timeout", "--kill-after=5", str(LIFE_S), xvfb, *words.split()]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        try:
            with os.fdopen(read) as number:
                yield f":{number.readline().strip()}"
        finally:
            server.terminate()


_FORGIVE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda _display, _event: 0)


class Desk:
    """Keyboard and mouse of a display, and the windows on it."""

    def __init__(self, display: str) -> None:
        found = ctypes.util.find_library("Xtst")
        need("libXtst", found, f"{APT} libxtst6")
        self._x, self._test = ctypes.CDLL(ctypes.util.find_library("X11")), ctypes.CDLL(found)
        self._x.XSetErrorHandler(_FORGIVE)  # a window may be gone; Xlib's own handler would end the tests
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._x.XDefaultRootWindow.restype = ctypes.c_ulong
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))
        self._root = self._x.XDefaultRootWindow(self._display)

    def windows(self) -> dict[str, int]:
        """Visible windows by title."""
        root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
        children = ctypes.POINTER(ctypes.c_ulong)()
        self._x.XQueryTree(
            self._display, ctypes.c_ulong(self._root), ctypes.byref(root), ctypes.byref(parent),
            ctypes.byref(children), ctypes.byref(count),
        )  # fmt: skip
        found = {}
        for index in range(count.value):
            name = ctypes.c_char_p()
            if self._x.XFetchName(self._display, ctypes.c_ulong(children[index]), ctypes.byref(name)) and name.value:
                found[name.value.decode("latin-1")] = int(children[index])
        return found

    def window(self, title: str, timeout_s: float = 90.0) -> int:
        """The window with this title, once it is there."""
        end_s = time.monotonic() + timeout_s
        while True:
            for name, window in self.windows().items():
                if name == title or (title.endswith("…") and name.startswith(title[:-1])):
                    return window
            assert time.monotonic() < end_s, f"no window {title!r} among {list(self.windows())}"
            time.sleep(0.1)

    def place(self, window: int, x: int, y: int, width: int, height: int) -> None:
        """Move a window, as a window manager would."""
        self._x.XMoveResizeWindow(self._display, ctypes.c_ulong(window), x, y, width, height)
        self._x.XSync(self._display, 0)

    def turn_to(self, window: int) -> None:
        """Give a window the keyboard, as a window manager would."""
        self._x.XRaiseWindow(self._display, ctypes.c_ulong(window))
        self._x.XSetInputFocus(self._display, ctypes.c_ulong(window), 1, ctypes.c_ulong(0))
        self._x.XSync(self._display, 0)
        time.sleep(0.1)

    def press(self, *names: str) -> None:
        """Press keys together: names of ``NAMED`` or single letters."""
        codes = [self._x.XKeysymToKeycode(self._display, ctypes.c_ulong(NAMED.get(n) or ord(n))) for n in names]
        for code in codes:
            self._test.XTestFakeKeyEvent(self._display, code, 1, 0)
        for code in reversed(codes):
            self._test.XTestFakeKeyEvent(self._display, code, 0, 0)
        self._x.XSync(self._display, 0)

    def click(self, x: int, y: int) -> None:
        """Click with the left button."""
        self._test.XTestFakeMotionEvent(self._display, -1, x, y, 0)
        self._x.XSync(self._display, 0)
        time.sleep(0.05)
        for down in (1, 0):
            self._test.XTestFakeButtonEvent(self._display, 1, down, 0)
        self._x.XSync(self._display, 0)
