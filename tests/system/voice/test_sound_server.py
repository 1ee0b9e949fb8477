"""The real PortAudio path: into ALSA's null device, and through a PulseAudio null sink back from its monitor."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import correlate
from support.needs import program

pytestmark = pytest.mark.audio

PULSE_CONFIG = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
load-module module-null-sink sink_name=voice_null rate=48000 channels=2 norewinds=1
set-default-sink voice_null
set-default-source voice_null.monitor
"""

ALSA_CONFIG = """\
pcm.smoke {{ type file slave.pcm {{ type null }} file "{raw}" format raw }}
"""

PACKAGES = "pulseaudio pulseaudio-utils libasound2-plugins"
PIECE = 2880  # samples: 60 ms

SPEAK = """
import sys, time
import numpy as np
from robopatient.clock import HostClock
from robopatient.config import VoiceConfig
from robopatient.messages import VoiceAsk, VoiceCommand
from robopatient.voice.engine import VoiceEngine
from robopatient.voice.identity import load_identity
from robopatient.voice.player import Player

device, seconds, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
sys.setswitchinterval(0.0005)
config = VoiceConfig(identity="mei", device=device, latency_s=0.1)  # what is heard, not how soon: a bench does that
warm = VoiceEngine(load_identity("mei"), config, 1)
warm.render(VoiceCommand(1, 1, 1, 5.0, "hold", VoiceAsk(-8.0, 10.0, 0.3, 0.2)), np.zeros(256, np.float32))
player = Player(VoiceEngine(load_identity("mei"), config, 1), config, HostClock())
player.start()
played, heard = [], []
end_ns = time.monotonic_ns() + round(seconds * 1e9)
while time.monotonic_ns() < end_ns:
    now_ns = time.monotonic_ns()
    loud = (end_ns - now_ns) // 400_000_000 % 2 == 0
    player.submit(VoiceCommand(now_ns, 1, now_ns, 7.0 if loud else 0.0, "hold" if loud else "rest",
                               VoiceAsk(-6.0 if loud else -60.0, 10.0, 0.3, 0.2), not loud))
    time.sleep(0.004)
    played.append(player.samples())
    heard.extend(player.heard())
state = player.state
player.stop()
np.savez(out, played=np.concatenate(played).ravel(), state=state, detail=player.detail,
         underruns=heard[-1].underruns if heard else 0,
         latency_ns=[row.t_ns - row.cause_received_ns for row in heard if row.cause_seq])
"""


def speak(tmp_path: Path, device: str, seconds: float, **environment: str) -> dict[str, np.ndarray]:
    """Play; in a process of its own, because PortAudio reads its world once."""
    out = tmp_path / "heard.npz"
    done = subprocess.run(
        [sys.executable, "-c", SPEAK, device, str(seconds), str(out)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(np.load(out))


@contextmanager
def monitored(raw: Path, server: str) -> Iterator[None]:
    """Record the monitor of the sink; by a process of its own, so that listening does not disturb the speaker."""
    with raw.open("wb") as file:
        recorder = subprocess.Popen(
            [
                program("parec", PACKAGES),
                "--raw",
                "--format=float32le",
                "--rate=48000",
                "--channels=1",
                "--device=voice_null.monitor",
            ],
            env={**os.environ, "PULSE_SERVER": server},
            stdout=file,
        )
        try:
            yield
        finally:
            time.sleep(0.5)
            recorder.send_signal(signal.SIGTERM)
            recorder.wait(10)


@pytest.fixture
def pulse(tmp_path):
    """A private PulseAudio with a null sink; yields PULSE_SERVER."""
    server = program("pulseaudio", PACKAGES)
    socket, run = tmp_path / "socket", tmp_path / "run"
    run.mkdir(mode=0o700)
    (tmp_path / "null.pa").write_text(PULSE_CONFIG.format(socket=socket))
    daemon = subprocess.Popen(
        [
            *(server, "-n", "-F", str(tmp_path / "null.pa"), "--daemonize=no", "--exit-idle-time=-1"),
            *("--realtime=no", "--high-priority=no", "--use-pid-file=no"),
        ],
        env={**os.environ, "XDG_RUNTIME_DIR": str(run), "HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(200):
        if socket.exists() or daemon.poll() is not None:
            break
        time.sleep(0.05)
    assert socket.exists(), "PulseAudio did not start"
    yield f"unix:{socket}"
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(10)


def best_correlations(played: np.ndarray, monitor: np.ndarray) -> np.ndarray:
    """Highest normalised correlation of each loud 60 ms of sound with anything that came back.

    Pieces, because each underrun of a busy host puts a hole into the monitor: a piece between two holes is whole.
    """
    pieces = [p for p in played[: played.size // PIECE * PIECE].reshape(-1, PIECE) if np.abs(p).max() > 0.05]
    total = np.concatenate([[0.0], np.cumsum(monitor**2)])
    energy = total[PIECE:] - total[:-PIECE]
    return np.array(
        [
            np.max(correlate(monitor, p, mode="valid", method="fft") / np.sqrt(np.maximum(energy, 1e-9) * np.sum(p**2)))
            for p in pieces
        ]
    )


def test_alsa_gets_the_samples_that_were_rendered(tmp_path) -> None:
    raw = tmp_path / "smoke.raw"
    (tmp_path / ".asoundrc").write_text(ALSA_CONFIG.format(raw=raw))
    result = speak(tmp_path, "smoke", 0.1, HOME=str(tmp_path))
    assert str(result["state"]) == "ready", result["detail"]
    written = np.fromfile(raw, np.float32)
    assert written.size > 2 * 256
    assert np.isfinite(written).all()


def test_the_monitor_of_a_sound_server_hears_what_was_played(tmp_path, pulse) -> None:
    with monitored(tmp_path / "monitor.raw", pulse):
        result = speak(tmp_path, "pulse", 4.0, PULSE_SERVER=pulse)
    assert str(result["state"]) == "ready", result["detail"]
    played, monitor = result["played"].astype(float), np.fromfile(tmp_path / "monitor.raw", np.float32).astype(float)
    same, backwards = (float(np.median(best_correlations(sound, monitor))) for sound in (played, played[::-1]))
    print(
        f"correlation {same:.3f} (backwards {backwards:.3f}), underruns {int(result['underruns'])}, command to DAC "
        f"median {np.median(result['latency_ns']) / 1e6:.1f} ms"
    )
    assert same > 0.9
    assert backwards < 0.9, "any sound would correlate: this test says nothing"


def test_a_sound_server_that_dies_leaves_the_record_going(tmp_path) -> None:
    result = speak(tmp_path, "pulse", 0.5, PULSE_SERVER=f"unix:{tmp_path}/nobody")
    assert str(result["state"]) == "degraded"
    assert "--set voice.device=none" in str(result["detail"])
    assert result["played"].size > 20 * 256
