"""Esc, seen by a process of its own: the patient falls silent even when the console hangs, is starting, or is gone.

It listens to the X server's raw key events (XInput 2.0), which come whatever window has the keyboard, and takes them
from no window. Under Wayland no client may listen so; there Esc works in the console and the participant's screen.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from pathlib import Path
from typing import Any

import zmq

from robopatient import messages as m
from robopatient.actor import Actor, serve
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig

__all__ = ["KeyWatch", "main"]

ESCAPE_KEYSYM = 0xFF1B
GENERIC_EVENT, RAW_KEY_PRESS, ALL_MASTER_DEVICES = 35, 13, 1
"""X11's GenericEvent; XInput 2's XI_RawKeyPress and XIAllMasterDevices (XI2.h)."""
XINPUT_MAJOR = 2
POLL_MS = 200


class _Cookie(ctypes.Structure):
    """XGenericEventCookie."""

    _fields_ = (
        ("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int), ("display", ctypes.c_void_p),
        ("extension", ctypes.c_int), ("evtype", ctypes.c_int), ("cookie", ctypes.c_uint), ("data", ctypes.c_void_p),
    )  # fmt: skip


class _Event(ctypes.Union):
    """XEvent: 24 longs."""

    _fields_ = (("type", ctypes.c_int), ("cookie", _Cookie), ("pad", ctypes.c_long * 24))


class _RawEvent(ctypes.Structure):
    """XIRawEvent, as far as the key's code."""

    _fields_ = (
        ("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int), ("display", ctypes.c_void_p),
        ("extension", ctypes.c_int), ("evtype", ctypes.c_int), ("time", ctypes.c_ulong), ("deviceid", ctypes.c_int),
        ("sourceid", ctypes.c_int), ("detail", ctypes.c_int),
    )  # fmt: skip


class _Mask(ctypes.Structure):
    """XIEventMask."""

    _fields_ = (("deviceid", ctypes.c_int), ("mask_len", ctypes.c_int), ("mask", ctypes.POINTER(ctypes.c_ubyte)))


class KeyWatch:
    """One key of an X display.

    Raises
    ------
    OSError
        When there is no display, or it has no XInput 2: naming what is missing.
    """

    def __init__(self, display: str, keysym: int = ESCAPE_KEYSYM) -> None:
        self._x, self._xi = _library("X11"), _library("Xi")
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._x.XDefaultRootWindow.restype = ctypes.c_ulong
        pointer = self._x.XOpenDisplay(display.encode())
        if not pointer:
            raise OSError(f"the X display {display} cannot be opened")
        self._display = ctypes.c_void_p(pointer)
        try:
            self._extension = self._select()
        except OSError:
            self.close()
            raise
        self._code = self._x.XKeysymToKeycode(self._display, ctypes.c_ulong(keysym))
        self.file = self._x.XConnectionNumber(self._display)
        """File descriptor that is readable when something has come."""

    def pressed(self) -> bool:
        """Whether the key has gone down since the last call."""
        event = _Event()
        found = False
        while self._x.XPending(self._display):
            self._x.XNextEvent(self._display, ctypes.byref(event))
            cookie = event.cookie
            if event.type != GENERIC_EVENT or cookie.extension != self._extension:
                continue
            if not self._x.XGetEventData(self._display, ctypes.byref(cookie)):
                continue
            if cookie.evtype == RAW_KEY_PRESS:
                raw = ctypes.cast(cookie.data, ctypes.POINTER(_RawEvent)).contents
                found = found or raw.detail == self._code
            self._x.XFreeEventData(self._display, ctypes.byref(cookie))
        return found

    def close(self) -> None:
        """Let go of the display."""
        self._x.XCloseDisplay(self._display)

    def _select(self) -> int:
        """Ask for raw key presses; the number of the extension."""
        numbers = [ctypes.c_int() for _ in range(3)]
        given = (ctypes.byref(number) for number in numbers)
        if not self._x.XQueryExtension(self._display, b"XInputExtension", *given):
            raise OSError("the X display has no XInput extension")
        major, minor = ctypes.c_int(XINPUT_MAJOR), ctypes.c_int(0)
        if self._xi.XIQueryVersion(self._display, ctypes.byref(major), ctypes.byref(minor)) != 0:
            raise OSError("the X display has no XInput 2")
        bits = (ctypes.c_ubyte * 4)()
        bits[RAW_KEY_PRESS >> 3] = 1 << (RAW_KEY_PRESS & 7)
        mask = _Mask(ALL_MASTER_DEVICES, len(bits), ctypes.cast(bits, ctypes.POINTER(ctypes.c_ubyte)))
        root = ctypes.c_ulong(self._x.XDefaultRootWindow(self._display))
        self._xi.XISelectEvents(self._display, root, ctypes.byref(mask), 1)
        self._x.XFlush(self._display)
        return numbers[0].value


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Watch the key until the session stops; without an X display say so and leave."""
    del config, folder
    serve(lambda: StopKey(ActorPort(endpoints, ("stop",)), HostClock()))


class StopKey(Actor):
    """Turns each press of the key into a hush at once."""

    def __init__(self, port: ActorPort, clock: Clock) -> None:
        super().__init__(port, "stop key", clock)
        self._why = ""
        self._tell_state("starting")

    def run(self) -> None:
        """Until told to leave; at once without a display."""
        try:
            watch = KeyWatch(os.environ.get("DISPLAY", ""))
        except OSError as error:
            self._why = f"{error}: Esc works in the windows of this session alone"
            return
        self._tell_state(*self._condition())
        poller = zmq.Poller()
        poller.register(watch.file, zmq.POLLIN)
        try:
            while not self._leaving:
                poller.poll(POLL_MS)
                if watch.pressed():
                    self._port.tell(m.OperatorAction(self._clock.now_ns(), "hush", source="stop key"))
                self._beat()
                self._leaving = self._leaving or any(isinstance(one, m.SessionStop) for one in self._port.receive())
        finally:
            watch.close()

    def close(self) -> None:
        """Say goodbye, and why if there was no display."""
        self._tell_state("stopped", self._why)
        self._port.close()


def _library(name: str) -> Any:
    """A library of X; OSError naming its package when it is absent."""
    found = ctypes.util.find_library(name)
    if found is None:
        raise OSError(f"lib{name} is not installed (apt-get install lib{name.lower()}6)")
    return ctypes.CDLL(found)
