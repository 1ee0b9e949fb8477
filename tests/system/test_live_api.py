"""A session driven from Python, with the real processes: no hardware, no windows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from support.needs import module
from support.whole_session import PRESSES, press_recording, wait_until

import robopatient as rp
from robopatient.errors import RecordError, SessionError
from robopatient.record.reader import Record

pytestmark = [pytest.mark.system, pytest.mark.timeout(280)]

QUIET = ["voice.device=none", "face.engine=blend", "face.size_px=128"]
MUTE = ["voice.enabled=false", "face.enabled=false"]

SCRIPT = """
import json, sys
import robopatient as rp

with rp.Live("demo", {settings}, board={board!r}, headless=True, out="out", seed=1) as live:
    live.set(stress=0.25)
    live.cue("this may hurt")
    press = live.wait_for_press(timeout_s=60)
    answer = live.ask("nrs")
    live.hush()
    live.unhush()
    live.note("a line of a script")
    told = dict(newton=press.peak_newton, nrs=answer.nrs, felt_nrs=answer.felt_nrs, pain=live.pain.nrs)
print(json.dumps(told | dict(ended=live.ended)))
"""


def script(tmp_path, code: str, **options) -> subprocess.Popen[str]:
    """Run a program as a user has it: a file without ``if __name__``, in a folder of its own."""
    (tmp_path / "drive.py").write_text(code)
    return subprocess.Popen([sys.executable, "drive.py"], cwd=tmp_path, text=True, stdout=subprocess.PIPE, **options)


def test_a_script_waits_for_a_press_asks_and_leaves_a_closed_record(tmp_path):
    module("pandas", "study")
    recording = press_recording(tmp_path / "presses.npz")
    program = script(tmp_path, SCRIPT.format(settings=QUIET, board=f"replay:{recording}"))
    output, _ = program.communicate(timeout=240)
    assert program.returncode == 0
    told = json.loads(output)
    assert told["newton"] == pytest.approx(PRESSES[0][1], rel=0.03)
    assert 0 <= told["nrs"] <= 10
    assert told["ended"]
    session = rp.read_session(tmp_path / "out")
    actions = [
        text for text, source in zip(*map(session.events().get, ("text", "source")), strict=True) if source == "python"
    ]
    assert actions[:3] == ["stress 0.25", "cue this may hurt", "ask nrs"]
    assert {"hush", "unhush", "a line of a script", "quit"} <= set(actions)
    [said] = Record(tmp_path / "out").messages("said")
    assert (said.nrs, said.felt_nrs) == (told["nrs"], told["felt_nrs"])
    assert session.presses()["peak_newton"].iloc[0] == pytest.approx(told["newton"])
    assert len(session.voice()) > 50
    assert len(session.face()) > 5
    assert Record(tmp_path / "out").stop.reason == "operator"


def test_a_session_ends_when_the_program_that_drives_it_is_killed(tmp_path):
    code = f"import time\nimport robopatient as rp\nwith rp.Live('demo', {MUTE}, headless=True, out='out'):\n"
    code += "    print('up', flush=True)\n    time.sleep(600)\n"
    program = script(tmp_path, code)
    assert program.stdout.readline() == "up\n"
    pids = {state.pid for state in Record(tmp_path / "out").messages("actor") if state.pid}
    assert pids
    os.kill(program.pid, signal.SIGKILL)
    program.wait()
    program.stdout.close()
    stop = wait_until(lambda: Record(tmp_path / "out").stop, "the record is closed", timeout_s=30)
    assert stop.reason in ("interrupted", "supervisor lost")
    wait_until(lambda: not any(lives(pid) for pid in pids), "all processes are gone", timeout_s=30)


def lives(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_error_in_the_script_ends_the_session_and_is_the_error_that_is_raised(tmp_path):
    live = rp.Live("demo", MUTE, headless=True, out=tmp_path / "out")

    def clumsy() -> None:
        with live:
            with pytest.raises(TimeoutError, match="waited 0 s for a press"):
                live.wait_for_press(timeout_s=0)
            with pytest.raises(rp.RobopatientError, match="relief is 2"):
                live.set(relief=2)
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        clumsy()
    assert Record(tmp_path / "out").stop.reason == "operator"
    with pytest.raises(SessionError, match=r"has ended \(operator\)"):
        live.cue("too late")


def test_what_ends_by_itself_says_so(tmp_path):
    with rp.Live("demo", MUTE, headless=True, out=tmp_path / "out", duration_s=0.5) as live:
        with pytest.raises(SessionError, match=r"has ended \(done\)"):
            live.wait_for_press()
        assert live.ended
    assert live.pain.nrs == 0.0


def test_what_cannot_start_says_what_the_terminal_would(tmp_path):
    with (
        pytest.raises(SessionError, match=r"/dev/nowhere: No such file.*type: robopatient board list"),
        rp.Live("demo", MUTE, headless=True, board="/dev/nowhere", out=tmp_path / "out"),
    ):
        raise AssertionError("it has begun")
    with (
        pytest.raises(SessionError, match="already holds a session"),
        rp.Live("demo", MUTE, headless=True, out=tmp_path / "out"),
    ):
        raise AssertionError("it has begun")
    with pytest.raises(rp.RobopatientError, match="choose one of demo"):
        rp.Live("nobody")
    with pytest.raises(rp.RobopatientError, match="levl"):
        rp.Live("demo", ["voice.levl=3"])
    unused = rp.Live("demo", headless=True, out=tmp_path / "unused")
    with pytest.raises(SessionError, match="write: with Live"):
        unused.note("too early")
    with pytest.raises(RecordError):
        rp.read_session(unused.folder)
