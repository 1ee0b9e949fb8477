"""A sound server killed under a voice that plays, and started again at another rate: the record goes on throughout."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from support.needs import program

pytestmark = pytest.mark.audio

CONFIG = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
load-module module-null-sink sink_name=voice_null rate={rate_hz} channels=2 norewinds=1
set-default-sink voice_null
"""

PLAY = """
import sys, time
from pathlib import Path
import numpy as np
from robopatient.clock import HostClock
from robopatient.config import VoiceConfig
from robopatient.messages import VoiceAsk, VoiceCommand
from robopatient.voice.engine import VoiceEngine
from robopatient.voice.identity import load_identity
from robopatient.voice.player import Player

told, out = Path(sys.argv[1]), sys.argv[2]
config = VoiceConfig(identity="mei", device="pulse", latency_s=0.1)
warm = VoiceEngine(load_identity("mei"), config, 1)
warm.render(VoiceCommand(1, 1, 1, 5.0, "hold", VoiceAsk(-8.0, 10.0, 0.3, 0.2)), np.zeros(256, np.float32))
player = Player(VoiceEngine(load_identity("mei"), config, 1), config, HostClock())
player.start()
states, blocks, end_s = [player.state], 0, time.monotonic() + 60.0
polled_s = 0.0
while time.monotonic() < end_s and len(states) < 3:
    now_ns = time.monotonic_ns()
    player.submit(VoiceCommand(now_ns, 1, now_ns, 5.0, "hold", VoiceAsk(-8.0, 10.0, 0.3, 0.2)))
    time.sleep(0.004)
    blocks += len(player.samples())
    if time.monotonic() - polled_s > 0.1:
        polled_s = time.monotonic()
        if player.poll() and player.state != states[-1]:
            states.append(player.state)
    told.write_text(f"{states[-1]} {blocks}")
before = blocks
time.sleep(0.5)
blocks += len(player.samples())
np.savez(out, states=states, blocks=blocks, after=blocks - before)
player.stop()
"""


def start(tmp_path, rate_hz: int) -> subprocess.Popen:
    (tmp_path / "null.pa").write_text(CONFIG.format(socket=tmp_path / "socket", rate_hz=rate_hz))
    (tmp_path / "socket").unlink(missing_ok=True)
    daemon = subprocess.Popen(
        [
            *("pulseaudio", "-n", "-F", str(tmp_path / "null.pa"), "--daemonize=no", "--exit-idle-time=-1"),
            *("--realtime=no", "--high-priority=no", "--use-pid-file=no"),
        ],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run"), "HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(400):
        if (tmp_path / "socket").exists():
            return daemon
        time.sleep(0.05)
    raise AssertionError("PulseAudio did not start")


def test_the_sound_comes_back_after_the_server_does_at_whatever_rate(tmp_path) -> None:
    program("pulseaudio", "pulseaudio libasound2-plugins")
    (tmp_path / "run").mkdir(mode=0o700)
    daemon = start(tmp_path, 48_000)
    told, out = tmp_path / "told", tmp_path / "out.npz"
    environment = {**os.environ, "PULSE_SERVER": f"unix:{tmp_path}/socket", "HOME": str(tmp_path)}
    player = subprocess.Popen(
        [sys.executable, "-c", PLAY, str(told), str(out)], env=environment, stderr=subprocess.DEVNULL
    )

    def wait_for(state: str, more: int) -> int:
        """Blocks played when the player has been in this state for ``more`` blocks."""
        since = None
        for _ in range(2400):
            assert player.poll() is None or out.exists(), "the player died"
            words = told.read_text().split() if told.exists() else []
            if len(words) == 2 and words[0] == state:
                since = int(words[1]) if since is None else since
                if int(words[1]) >= since + more:
                    return int(words[1])
            time.sleep(0.05)
        raise AssertionError(f"never {state}: {words}")

    try:
        played = wait_for("ready", 100)
        daemon.send_signal(signal.SIGKILL)
        daemon.wait(10)
        silent = wait_for("degraded", 100)
        assert silent > played  # the record goes on
        daemon = start(tmp_path, 44_100)
        player.wait(60)
    finally:
        player.kill()
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(10)
    result = np.load(out)
    assert result["states"].tolist() == ["ready", "degraded", "ready"]
    assert int(result["after"]) > 20
