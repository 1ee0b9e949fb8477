"""Esc by way of the X server itself: injected as a keyboard would, heard without any window."""

import contextlib
import ctypes
import ctypes.util
import multiprocessing
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from robopatient import messages as m
from robopatient.bus import HubPort, make_endpoints
from robopatient.config import SessionConfig
from robopatient.console.stop_key import ESCAPE_KEYSYM, KeyWatch, main

pytestmark = pytest.mark.qt

PATIENCE_S = 30.0


@contextlib.contextmanager
def virtual_display() -> Iterator[str]:
    if shutil.which("Xvfb") is None:
        assert os.environ.get("CI") != "true", "CI must have Xvfb: apt-get install xvfb"
        pytest.skip("Xvfb is not installed (Debian package xvfb)")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        try:
            with os.fdopen(read) as number:
                yield f":{number.readline().strip()}"
        finally:
            server.terminate()


class Keyboard:
    """Presses keys of a display (XTEST)."""

    def __init__(self, display: str) -> None:
        found = ctypes.util.find_library("Xtst")
        if found is None:
            assert os.environ.get("CI") != "true", "CI must have libXtst: apt-get install libxtst6"
            pytest.skip("libXtst is not installed (Debian package libxtst6)")
        self._x, self._test = ctypes.CDLL(ctypes.util.find_library("X11")), ctypes.CDLL(found)
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))

    def press(self, keysym: int) -> None:
        code = self._x.XKeysymToKeycode(self._display, ctypes.c_ulong(keysym))
        for down in (1, 0):
            self._test.XTestFakeKeyEvent(self._display, code, down, 0)
        self._x.XSync(self._display, 0)


def heard(watch: KeyWatch) -> bool:
    poller = zmq.Poller()
    poller.register(watch.file, zmq.POLLIN)
    poller.poll(2000)
    return watch.pressed()


def test_escape_is_heard_without_any_window_and_other_keys_are_not():
    with virtual_display() as display:
        watch, keyboard = KeyWatch(display), Keyboard(display)
        keyboard.press(ord("a"))
        assert not heard(watch)
        keyboard.press(ESCAPE_KEYSYM)
        assert heard(watch)
        assert not watch.pressed(), "once a press"
        watch.close()


def test_a_press_becomes_a_hush_while_no_console_lives(tmp_path: Path, monkeypatch):
    with virtual_display() as display:
        monkeypatch.setenv("DISPLAY", display)
        hub = HubPort(make_endpoints(tmp_path))
        process = multiprocessing.get_context("spawn").Process(
            target=main, args=(SessionConfig(), make_endpoints(tmp_path), tmp_path)
        )
        process.start()
        told: list[m.Message] = []

        def wait_for(kind: type, word: str) -> m.Message:
            end_s = time.monotonic() + PATIENCE_S
            while True:
                for message in told:
                    if isinstance(message, kind) and word in (
                        getattr(message, "state", ""),
                        getattr(message, "action", ""),
                    ):
                        return message
                assert time.monotonic() < end_s, f"no {word} in {told}"
                told.extend(hub.receive())
                time.sleep(0.01)

        try:
            wait_for(m.ActorState, "ready")
            Keyboard(display).press(ESCAPE_KEYSYM)
            action = wait_for(m.OperatorAction, "hush")
            assert action.source == "stop key"
        finally:
            process.kill()
            process.join()
            hub.close()


def test_without_a_display_it_says_where_escape_still_works(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("DISPLAY", "")
    hub = HubPort(make_endpoints(tmp_path))
    main(SessionConfig(), make_endpoints(tmp_path), tmp_path)
    end_s = time.monotonic() + PATIENCE_S
    told: list[m.Message] = []
    while not any(message.state == "stopped" for message in told) and time.monotonic() < end_s:
        told += hub.receive()
        time.sleep(0.01)
    hub.close()
    assert "Esc works in the windows of this session alone" in told[-1].detail
