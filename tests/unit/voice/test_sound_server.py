"""The real PortAudio path: into ALSA's null device, and through a PulseAudio null sink back from its monitor."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import correlate

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

SPEAK = """
import sys, time
import numpy as np
import sounddevice
from robopatient.clock import HostClock
from robopatient.config import VoiceConfig
from robopatient.messages import VoiceAsk, VoiceCommand
from robopatient.voice.engine import VoiceEngine
from robopatient.voice.identity import load_identity
from robopatient.voice.player import Player

device, seconds, out, listening = sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4] == "listen"
sys.setswitchinterval(0.0005)
config = VoiceConfig(identity="mei", device=device)
warm = VoiceEngine(load_identity("mei"), config, 1)
warm.render(VoiceCommand(1, 1, 1, 5.0, "hold", VoiceAsk(-8.0, 10.0, 0.3, 0.2)), np.zeros(256, np.float32))
player = Player(VoiceEngine(load_identity("mei"), config, 1), config, HostClock())
monitor, begins = [], []

def hear(data, frames, times, status):
    begins.append(time.monotonic_ns())
    monitor.append(data[:, 0].copy())

if listening:
    stream = sounddevice.InputStream(samplerate=48000, blocksize=256, latency=0.01, channels=1, dtype="float32",
                                     device=device, callback=hear)
    stream.start()
    time.sleep(0.5)
player.start()
played, heard = [], []
end_ns = time.monotonic_ns() + round(seconds * 1e9)
onsets_ns = []
while time.monotonic_ns() < end_ns:
    now_ns = time.monotonic_ns()
    loud = (end_ns - now_ns) // 400_000_000 % 2 == 0
    if loud and (not onsets_ns or now_ns - onsets_ns[-1] > 500_000_000):
        onsets_ns.append(now_ns)
    player.submit(VoiceCommand(now_ns, 1, now_ns, 7.0 if loud else 0.0, "hold" if loud else "rest",
                               VoiceAsk(-6.0 if loud else -60.0, 10.0, 0.3, 0.2), not loud))
    time.sleep(0.004)
    played.append(player.samples())
    heard.extend(player.heard())
state = player.state
player.stop()
if listening:
    time.sleep(0.1)
    stream.stop()
np.savez(out, played=np.concatenate(played).ravel(), monitor=np.concatenate(monitor) if monitor else np.zeros(0),
         onsets_ns=onsets_ns, begins_ns=np.array(begins), state=state, detail=player.detail,
         t_ns=[row.t_ns for row in heard], underruns=heard[-1].underruns if heard else 0,
         latency_ns=[row.t_ns - row.cause_received_ns for row in heard if row.cause_seq])
"""


def need(program: str) -> str:
    """Path of a program; skip without it, but never in CI."""
    path = shutil.which(program)
    if path is None:
        assert os.environ.get("CI") != "true", f"CI must have {program}: apt-get install pulseaudio libasound2-plugins"
        pytest.skip(f"{program} is not installed: apt-get install pulseaudio libasound2-plugins")
    return path


def speak(tmp_path: Path, device: str, seconds: float, mode: str, **environment: str) -> dict[str, np.ndarray]:
    """Play and, in mode "listen", record; in a process of its own, because PortAudio reads its world once."""
    out = tmp_path / "heard.npz"
    done = subprocess.run(
        [sys.executable, "-c", SPEAK, device, str(seconds), str(out), mode],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(np.load(out))


@pytest.fixture
def pulse(tmp_path):
    """A private PulseAudio with a null sink; yields PULSE_SERVER."""
    program = need("pulseaudio")
    socket, run = tmp_path / "socket", tmp_path / "run"
    run.mkdir(mode=0o700)
    (tmp_path / "null.pa").write_text(PULSE_CONFIG.format(socket=socket))
    daemon = subprocess.Popen(
        [
            *(program, "-n", "-F", str(tmp_path / "null.pa"), "--daemonize=no", "--exit-idle-time=-1"),
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


def best_correlation(played: np.ndarray, monitor: np.ndarray) -> float:
    """Highest normalised correlation of a second of sound with what came back."""
    part = played[len(played) // 3 :][:48000]
    product = correlate(monitor, part, mode="valid", method="fft")
    total = np.concatenate([[0.0], np.cumsum(monitor**2)])
    energy = total[len(part) :] - total[: -len(part)]
    return float(np.max(product / np.sqrt(np.maximum(energy, 1e-9) * np.sum(part**2))))


def monitor_latency_ms(result: dict[str, np.ndarray]) -> float:
    """Median time from a command after silence to its first sample in a block of the monitor; told, not asserted."""
    blocks = result["monitor"].reshape(-1, 256)
    loud = np.abs(blocks).max(axis=1) > 1e-4
    delays = []
    for onset_ns in result["onsets_ns"]:
        later = np.flatnonzero(loud & (result["begins_ns"] > onset_ns))
        if later.size:
            first = int(np.argmax(np.abs(blocks[later[0]]) > 1e-4))
            delays.append((result["begins_ns"][later[0]] - onset_ns) / 1e6 - (256 - first) / 48.0)
    return float(np.median(delays)) if delays else float("nan")


def test_alsa_gets_the_samples_that_were_rendered(tmp_path) -> None:
    raw = tmp_path / "smoke.raw"
    (tmp_path / ".asoundrc").write_text(ALSA_CONFIG.format(raw=raw))
    result = speak(tmp_path, "smoke", 0.1, "only", HOME=str(tmp_path))
    assert str(result["state"]) == "ready", result["detail"]
    written = np.fromfile(raw, np.float32)
    assert written.size > 2 * 256
    assert np.isfinite(written).all()


def test_the_monitor_of_a_sound_server_hears_what_was_played(tmp_path, pulse) -> None:
    for attempt in range(3):  # a host that stalls loses samples: correlation, and another try
        result = speak(tmp_path, "pulse", 4.0, "listen", PULSE_SERVER=pulse)
        assert str(result["state"]) == "ready", result["detail"]
        correlation = best_correlation(result["played"].astype(float), result["monitor"].astype(float))
        print(
            f"try {attempt}: correlation {correlation:.3f}, underruns {int(result['underruns'])}, command to DAC "
            f"median {np.median(result['latency_ns']) / 1e6:.1f} ms, to monitor {monitor_latency_ms(result):.1f} ms"
        )
        if correlation > 0.9:
            return
    pytest.fail(f"correlation with the monitor is {correlation:.2f} (expected > 0.9)")


def test_a_sound_server_that_dies_leaves_the_record_going(tmp_path) -> None:
    result = speak(tmp_path, "pulse", 0.5, "only", PULSE_SERVER=f"unix:{tmp_path}/nobody")
    assert str(result["state"]) == "degraded"
    assert "--set voice.device=none" in str(result["detail"])
    assert result["played"].size > 20 * 256
