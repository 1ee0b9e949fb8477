"""STOP while the console hangs: Esc goes through the X server to the stop key, and the voice ends within a block."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from support.desk import LIFE_S, Desk, virtual_display
from support.whole_session import COMMAND

from robopatient import messages as m
from robopatient.bus import ActorPort, make_endpoints
from robopatient.record.reader import Record

pytestmark = [pytest.mark.system, pytest.mark.qt, pytest.mark.timeout(280)]

AUDIBLE_DBFS, SILENT_DBFS = -45.0, -100.0


def wait(port: ActorPort, met, what: str, timeout_s: float = 150.0):
    end_s = time.monotonic() + timeout_s
    while True:
        for message in port.receive(20):
            if met(message):
                return message
        assert time.monotonic() < end_s, f"waited in vain for {what}"


def test_escape_silences_within_one_audio_block_while_the_console_hangs():
    folder = Path(tempfile.mkdtemp(prefix="rp-"))
    pids: dict[str, int] = {}
    with virtual_display((1300, 820)) as display:
        environment = {
            **os.environ,
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "TMPDIR": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        process = subprocess.Popen(
            [
                "timeout", "--foreground", "--kill-after=5", str(LIFE_S), *COMMAND, "run", "--out", str(folder / "out"),
                "--set", "voice.device=none", "--set", "face.enabled=false", "--set", "record.report=false",
            ],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            while not (found := list(folder.glob("robopatient-*/control-pub"))):
                time.sleep(0.1)
            port = ActorPort(make_endpoints(found[0].parent), ("actor", "heard", "action", "stop"))

            def ready(message: m.Message) -> bool:
                if isinstance(message, m.ActorState) and message.state == "ready":
                    pids[message.actor] = message.pid
                return {"console", "stop key", "voice"} <= pids.keys()

            wait(port, ready, "console, voice and stop key")
            os.kill(pids["console"], signal.SIGSTOP)
            wait(port, lambda x: isinstance(x, m.Heard) and x.level_dbfs > AUDIBLE_DBFS, "a voice")
            pressed_ns = time.monotonic_ns()
            Desk(display).press("Escape")
            action = wait(port, lambda x: isinstance(x, m.OperatorAction), "the hush")
            assert (action.action, action.source) == ("hush", "stop key")
            time.sleep(1.0)
            os.kill(pids["console"], signal.SIGCONT)
            port.tell(m.OperatorAction(time.monotonic_ns(), "quit"))
            process.wait(timeout=90)
            port.close()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    with Record(folder / "out") as record:
        hushed = next(command.t_ns for command in record.messages("voice") if command.hush)
        heard = [block for block in record.messages("heard") if block.command_t_ns >= hushed]
    shutil.rmtree(folder, ignore_errors=True)
    assert [block.level_dbfs < SILENT_DBFS for block in heard[1:100]] == [True] * 99, "all but the block that fades"
    key_ms, loop_ms = (action.t_ns - pressed_ns) / 1e6, (hushed - action.t_ns) / 1e6
    print(f"key to hush {key_ms:.1f} ms, to the command {loop_ms:.1f} ms, to the fading block "
          f"{(heard[0].t_ns - hushed) / 1e6:.1f} ms, load {os.getloadavg()[0]:.1f}")  # fmt: skip
