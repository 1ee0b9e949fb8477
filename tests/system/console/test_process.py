import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from robopatient import messages as m
from robopatient.bus import Endpoints, HubPort, make_endpoints
from robopatient.config import SessionConfig
from robopatient.console.process import catch_up, main
from robopatient.display import why_no_display
from robopatient.record.writer import RecordWriter

pytestmark = pytest.mark.qt

PATIENCE_S = 30.0


class Control:
    """The other end of the bus: what a console hears and says."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.hub = HubPort(endpoints)
        self.told: list[m.Message] = []

    def states(self) -> list[str]:
        return [said.state for said in self.told if isinstance(said, m.ActorState)]

    def wait_for(self, met: Callable[[], bool], say: m.Message | None = None) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not met():
            assert time.monotonic() < end_s, f"waited in vain; the console said {self.told}"
            if say is not None:
                self.hub.publish(say)
            self.told += self.hub.receive()
            time.sleep(0.02)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    there = Control(make_endpoints(tmp_path))
    yield there
    there.hub.close()


@pytest.fixture
def console(tmp_path: Path, monkeypatch, control) -> Iterator[Callable[[], SpawnProcess]]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    started: list[SpawnProcess] = []

    def start() -> SpawnProcess:
        process = multiprocessing.get_context("spawn").Process(
            target=main, args=(SessionConfig(), make_endpoints(tmp_path), tmp_path)
        )
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def test_a_console_lives_until_the_session_stops(control, console):
    process = console()
    control.wait_for(lambda: "ready" in control.states())
    stop = m.SessionStop(time.monotonic_ns(), "done")
    control.wait_for(lambda: not process.is_alive(), say=stop)
    control.told += control.hub.receive()
    assert process.exitcode == 0
    assert control.states()[0] == "starting"
    assert control.states()[-1] == "stopped"
    assert not any(isinstance(said, m.OperatorAction) for said in control.told)


def test_a_console_that_comes_late_learns_what_it_missed_from_the_record(model, clock, tmp_path):
    catch_up(model, tmp_path)  # no record yet: nothing to learn, nothing to complain about
    begun_ns = clock.now_ns()
    writer = RecordWriter(tmp_path)
    writer.put(m.Health(begun_ns, "streaming", "SIM", 1000.0, 1, 0, 0, 0.0, 0, 0.0, True, False))
    writer.put(m.Press(begun_ns + 5, 1, begun_ns + 6, 2, begun_ns + 7, 31.2, 90.0, 200.0, 150.0, "right iliac"))
    writer.close()
    clock.advance_s(60.0)
    catch_up(model, tmp_path)
    assert model.elapsed_s == pytest.approx(60.0)
    assert model.region_counts == {"right iliac": 1}
    assert model.events[-1].text == "Press 1: 31.2 N, right iliac"


def test_a_console_leaves_when_asked_to(control, console):
    process = console()
    control.wait_for(lambda: "ready" in control.states())
    os.kill(process.pid, signal.SIGTERM)
    control.wait_for(lambda: not process.is_alive())
    assert process.exitcode == 0


def test_without_a_display_the_console_says_so_and_the_session_goes_on(control, console, monkeypatch):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    process = console()
    control.wait_for(lambda: not process.is_alive())
    control.wait_for(lambda: "failed" in control.states())
    assert process.exitcode == 0
    detail = next(said.detail for said in control.told if isinstance(said, m.ActorState) and said.state == "failed")
    assert "no display" in detail


@pytest.mark.qt
def test_qt_starts_on_the_offscreen_platform():
    assert why_no_display({**os.environ, "QT_QPA_PLATFORM": "offscreen"}) == ""


@pytest.mark.qt
def test_a_display_that_refuses_is_told_and_does_not_end_this_process():
    environment = {**os.environ, "DISPLAY": ":4093", "QT_QPA_PLATFORM": "xcb"}
    assert "Qt cannot open a display" in why_no_display(environment, platform="linux")
