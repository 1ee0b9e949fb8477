"""The supervisor of a session is killed: all its processes leave, and what was recorded is whole."""

from __future__ import annotations

import os
import pty
import select
import signal
import sqlite3
import subprocess

import pytest
from support.whole_session import COMMAND, START_S, Running, default_signals, wait_until

from robopatient.errors import RecordError
from robopatient.record.reader import Record
from robopatient.session.journal import Tick, read_journal

pytestmark = [pytest.mark.system, pytest.mark.timeout(START_S + 300)]

QUIET = ("--headless", "--set", "voice.device=none", "--set", "face.size_px=192")


def recorded(out, topic: str) -> list:
    """Messages of a record that is being written; none while it is not there yet. It is not kept open."""
    try:
        with Record(out) as record:
            return record.messages(topic)
    except RecordError:
        return []


def assert_closed(out) -> None:
    """The record is one file, sound, and says how the session ended; its journal goes to the end of the pain."""
    left = {path.name: path.stat().st_size for path in out.iterdir()}
    assert not left.get("record.sqlite-wal"), f"SQLite was not closed: {left}"
    with sqlite3.connect(out / "record.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    stop = Record(out).stop
    assert stop is not None
    assert stop.reason == "supervisor lost"
    pain = Record(out).messages("pain")
    ticks = [entry.t_ns for entry in read_journal(out) if isinstance(entry, Tick)]
    assert len(ticks) == len(pain)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT])
def test_nobody_outlives_a_killed_supervisor_and_the_record_is_closed(number, tmp_path):
    out = tmp_path / "out"
    with Running("run", "assets/sessions/demo.toml", *QUIET, "--out", out) as running:
        wait_until(lambda: len(recorded(out, "seen")) > 20 and recorded(out, "heard"), "heard and seen")
        assert any("virtual_process" in line for line in running.processes().values())
        assert len(running.processes()) >= 5
        running.signal(number)
        running.finish()
        wait_until(lambda: not running.processes(), "all processes have left", timeout_s=20)
    assert_closed(out)


@pytest.mark.parametrize("when", ["nobody is there yet", "the record is open", "the board is being opened"])
def test_nobody_outlives_a_supervisor_that_is_killed_in_the_warm_up(when, tmp_path):
    out = tmp_path / "out"
    moments = {
        "nobody is there yet": lambda running: len(running.processes()) > 2,
        "the record is open": lambda running: recorded(out, "actor"),
        "the board is being opened": lambda running: any(
            "virtual_process" in line for line in running.processes().values()
        ),
    }
    with Running("run", "assets/sessions/demo.toml", *QUIET, "--out", out) as running:
        wait_until(lambda: moments[when](running), when, every_s=0.01)
        running.signal(signal.SIGKILL)
        running.finish()
        wait_until(lambda: not running.processes(), "all processes have left", timeout_s=20)
    if when != "nobody is there yet":
        assert_closed(out)


def test_a_closed_terminal_ends_a_session_as_ctrl_c_does(tmp_path):
    out = tmp_path / "out"
    pid, terminal = pty.fork()
    if pid == 0:
        default_signals()
        os.execv(COMMAND[0], [*COMMAND, "run", *QUIET, "--set", "record.film=false", "--out", str(out)])
    try:

        def flows() -> bool:
            if select.select([terminal], [], [], 0)[0]:
                os.read(terminal, 4096)
            return len(recorded(out, "pain")) > 200

        wait_until(flows, "pain flows")
    finally:
        os.close(terminal)
    wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, "the session has ended")
    stop = Record(out).stop
    assert stop is not None
    assert stop.reason == "interrupted"
    assert (out / "report.html").exists()


def test_nohup_is_respected(tmp_path):
    out = tmp_path / "out"
    command = ["nohup", *COMMAND, "run", *QUIET, "--set", "record.report=false", "--duration", "3", "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: len(recorded(out, "pain")) > 20, "pain flows", timeout_s=180)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 0
    stop = Record(out).stop
    assert stop is not None
    assert stop.reason == "done"
