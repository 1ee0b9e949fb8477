"""Real receivers: an LSL inlet and an OSC server hear what a session says."""

import json
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from support.needs import module

from robopatient import messages as m
from robopatient.bus import Endpoints, HubPort, make_endpoints
from robopatient.clock import HostClock
from robopatient.config import InteropConfig, SessionConfig, load_session
from robopatient.errors import ConfigError, MissingPackageError
from robopatient.interop.lsl import LslOutlets
from robopatient.interop.markers import Markers
from robopatient.interop.osc import OscSender, parse_address
from robopatient.interop.process import InteropActor, main
from robopatient.session.supervisor import PROCESSES

pylsl = module("pylsl", "interop")
module("pythonosc", "interop")
PATIENCE_S = 20.0


def force(seq: int, t_ns: int, newton: float = 10.0) -> m.ForceFrame:
    return m.ForceFrame(t_ns, t_ns, seq, (newton, 1.0, 2.0, 3.0), (120.0, 80.0) if seq % 2 else None)


def press(t_ns: int) -> m.Press:
    return m.Press(t_ns, 1, t_ns + 200_000_000, 2, t_ns + 700_000_000, 33.3, 150.0, 120.0, 80.0, "umbilical")


def pain(t_ns: int, nrs: float) -> m.PainState:
    return m.PainState(t_ns, 1, nrs, "appendix", "hold")


@pytest.fixture
def session(tmp_path):
    """A hub, and the interop process as the supervisor starts it."""
    started = []

    def start(interop: InteropConfig) -> HubPort:
        endpoints = make_endpoints(tmp_path)
        hub = HubPort(endpoints)
        config = SessionConfig(interop=interop)
        process = multiprocessing.get_context("spawn").Process(
            target=main, args=(config, endpoints, Path(f"session-{tmp_path.name}")), daemon=True
        )
        process.start()
        started.append((process, hub))
        wait(lambda: any(s.state == "ready" for s in states(hub)), "interop is ready")
        return hub

    yield start
    for process, hub in started:
        for _ in range(25):  # a subscription takes a moment to reach the speaker
            hub.publish(m.SessionStop(0, "done"))
            process.join(0.2)
            if process.exitcode is not None:
                break
        exitcode = process.exitcode
        if exitcode is None:
            process.kill()
        hub.close()
        assert exitcode == 0


def states(hub: HubPort) -> list[m.ActorState]:
    return [message for message in hub.receive() if isinstance(message, m.ActorState)]


def wait(condition, what: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, what
        time.sleep(0.01)


def inlet(name: str, tmp_path: Path):
    (info,) = pylsl.resolve_byprop("source_id", f"robopatient-session-{tmp_path.name}-{name}", timeout=PATIENCE_S)
    stream = pylsl.StreamInlet(info)
    stream.open_stream(timeout=PATIENCE_S)
    return stream


def test_an_lsl_inlet_receives_force_pain_and_markers_at_their_own_times(session, tmp_path):
    hub = session(InteropConfig(lsl=True))
    forces, pains, marks = (inlet(name, tmp_path) for name in ("force", "pain", "markers"))
    info = forces.info()
    assert (info.channel_count(), info.nominal_srate()) == (7, 250.0)
    labels = info.desc().child("channels").child("channel")
    assert labels.child_value("label") == "cell1"
    begin_ns = time.monotonic_ns()
    for seq in range(500):
        hub.publish(force(seq, begin_ns + seq * 4_000_000))
        hub.publish(force(seq, begin_ns + seq * 4_000_000))  # the loop repeats what is not new
        hub.publish(pain(begin_ns + seq * 4_000_000, 0.01 * seq))
    hub.publish(press(begin_ns))
    rows, times_s = [], []
    while len(rows) < 500:
        row, t_s = forces.pull_sample(timeout=PATIENCE_S)
        rows.append(row)
        times_s.append(t_s)
    assert times_s == pytest.approx([begin_ns * 1e-9 + 0.004 * seq for seq in range(500)], abs=1e-3)
    assert rows[1] == pytest.approx([10.0, 1.0, 2.0, 3.0, 16.0, 120.0, 80.0])
    assert math.isnan(rows[0][5])
    felt = [pains.pull_sample(timeout=PATIENCE_S)[0][0] for _ in range(500)]
    assert felt[-1] == pytest.approx(4.99)
    told = json.loads(marks.pull_sample(timeout=PATIENCE_S)[0][0])
    while told["event"] != "press":
        told = json.loads(marks.pull_sample(timeout=PATIENCE_S)[0][0])
    assert told["peak_newton"] == 33.3
    assert told["peak_after_s"] == 0.2


def test_an_osc_server_receives_every_kind_of_message(session):
    from pythonosc.dispatcher import Dispatcher
    from pythonosc.osc_server import BlockingOSCUDPServer

    heard: dict[str, list[tuple]] = {}
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda address, *values: heard.setdefault(address, []).append(values))
    server = BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        hub = session(InteropConfig(osc=f"127.0.0.1:{server.server_address[1]}"))
        now_ns = time.monotonic_ns()
        hub.publish(force(1, now_ns, newton=7.5))
        hub.publish(pain(now_ns, 6.5))
        hub.publish(press(now_ns))
        hub.publish(m.Seen(now_ns, 1, 1, now_ns, m.FacePose({"AU4": 3.0}), 8.0))
        hub.publish(m.Heard(now_ns, 1, 1, now_ns, 220.0, -20.0, 0.1, "groan", 0))
        hub.publish(m.OperatorAction(now_ns, "hush"))
        wanted = {"force", "cells", "pain", "press", "seen", "heard", "marker"}
        wait(lambda: wanted <= {address.removeprefix("/robopatient/") for address in heard}, f"all of {wanted}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert heard["/robopatient/force"][0] == pytest.approx((13.5, 120.0, 80.0))
    assert heard["/robopatient/pain"][0] == (6.5, "hold", "appendix")
    assert {json.loads(text)["event"] for (text,) in heard["/robopatient/marker"]} >= {"press", "action"}


def test_nothing_leaves_this_machine_unless_it_is_asked_for():
    assert InteropConfig() == SessionConfig().interop == InteropConfig(lsl=False, osc="", lsl_scope="machine")
    (row,) = (row for row in PROCESSES if row.name == "interop")
    assert not row.wanted(SessionConfig())
    assert row.wanted(SessionConfig(interop=InteropConfig(lsl=True)))
    assert row.wanted(SessionConfig(interop=InteropConfig(osc="127.0.0.1:9000")))
    assert parse_address("127.0.0.1:9000") == ("127.0.0.1", 9000)


@pytest.mark.parametrize("address", ["localhost", "9000", "1.2.3.4:", "host:70000", "host:-1"])
def test_a_wrong_osc_address_is_named(address):
    with pytest.raises(ConfigError, match=r"interop\.osc is"):
        parse_address(address)


def test_a_wrong_osc_address_stops_the_session_before_it_begins():
    with pytest.raises(ConfigError, match=r"interop\.osc"):
        load_session(None, ['interop.osc="localhost"'])


@pytest.mark.parametrize(("module", "make"), [("pylsl", LslOutlets), ("pythonosc.udp_client", OscSender)])
def test_a_missing_package_is_named_with_the_command_to_type(monkeypatch, module, make):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError, match=r"pip install 'robopatient\[interop\]'"):
        make(*(("s", 4, 250.0, 250.0) if make is LslOutlets else ("127.0.0.1:9000",)))


def test_without_its_package_interop_goes_on_degraded_and_says_why(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pylsl", None)
    endpoints: Endpoints = make_endpoints(tmp_path)
    hub = HubPort(endpoints)
    actor = InteropActor(SessionConfig(interop=InteropConfig(lsl=True)), endpoints, "s", HostClock())
    thread = threading.Thread(target=actor.run)
    thread.start()
    told: list[m.ActorState] = []
    wait(
        lambda: any(s.state == "degraded" and "pylsl" in s.detail for s in told.extend(states(hub)) or told), "degraded"
    )
    actor.leave()
    thread.join(5.0)
    actor.close()
    hub.close()


def test_the_link_is_marked_when_it_changes_only():
    def health(link: str) -> m.Health:
        return m.Health(5, link, "b", 1000.0, 1, 0, 0, 0.1, 0, 1.0, True, False)

    markers = Markers()
    told = [markers.of(health(link)) for link in ("streaming", "streaming", "down", "streaming")]
    assert [json.loads(marker.text)["state"] for marker in told if marker] == ["streaming", "down", "streaming"]


def test_sigterm_ends_the_process(tmp_path):
    endpoints = make_endpoints(tmp_path)
    hub = HubPort(endpoints)
    process = multiprocessing.get_context("spawn").Process(
        target=main, args=(SessionConfig(interop=InteropConfig(osc="127.0.0.1:9")), endpoints, tmp_path), daemon=True
    )
    process.start()
    wait(lambda: any(s.state == "ready" for s in states(hub)), "interop is ready")
    os.kill(process.pid, signal.SIGTERM)
    process.join(5.0)
    assert process.exitcode == 0
    hub.close()
