"""Esc by way of the X server itself: injected as a keyboard would, heard without any window."""

import multiprocessing
import time
from pathlib import Path

import pytest
import zmq
from support.desk import Desk, virtual_display

from robopatient import messages as m
from robopatient.bus import HubPort, make_endpoints
from robopatient.config import SessionConfig
from robopatient.console.stop_key import KeyWatch, main

pytestmark = pytest.mark.qt

PATIENCE_S = 30.0


def heard(watch: KeyWatch) -> bool:
    poller = zmq.Poller()
    poller.register(watch.file, zmq.POLLIN)
    poller.poll(2000)
    return watch.pressed()


def test_escape_is_heard_without_any_window_and_other_keys_are_not():
    with virtual_display() as display:
        watch, keyboard = KeyWatch(display), Desk(display)
        keyboard.press("a")
        assert not heard(watch)
        keyboard.press("Escape")
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
            Desk(display).press("Escape")
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
