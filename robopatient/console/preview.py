"""A rehearsed session that touches no bus: to look at the console, to photograph it and to measure what it costs.

Type ``python -m robopatient.console.preview --help``.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from robopatient import messages as m
from robopatient.clock import FakeClock, HostClock
from robopatient.config import SessionConfig
from robopatient.console.model import ConsoleModel
from robopatient.levels import SILENCE_DBFS
from robopatient.patient import PatientProfile, TenderSite
from robopatient.phantom import load_phantom

__all__ = ["feed_state", "portrait", "rehearse", "still"]

PHANTOM = load_phantom(SessionConfig().sensing.phantom)
PATIENT = PatientProfile(
    name="Margaret Ellis",
    age_years=58,
    sex="female",
    complaint="Pain in the right lower belly since last night",
    history="",
    voice="margaret",
    face="margaret",
    sites=(
        TenderSite(name="McBurney's point", region="right iliac", left_mm=-80.0, head_mm=-58.0),
        TenderSite(name="periumbilical", region="umbilical", left_mm=0.0, head_mm=4.0, sigma_mm=20.0, strength=0.4),
    ),
)
PLACES = (
    (88.0, 72.0, 0.1),
    (10.0, 74.0, 0.15),
    (-84.0, 70.0, 0.15),
    (-92.0, 8.0, 0.3),
    (8.0, 6.0, 0.4),
    (84.0, -84.0, 0.2),
    (-82.0, -60.0, 1.0),
)
"""Where the rehearsed hand presses, mm from the navel to the left and towards the head, and how tender it is."""
PERIOD_S = 2.6
STEP_NS = 33_333_333


def rehearse(t_s: float, t_ns: int) -> Iterator[m.Message]:
    """What control would say at ``t_s`` seconds of a steady examination."""
    turn, phase_s = divmod(t_s, PERIOD_S)
    index = int(turn)
    left_mm, head_mm, tender = PLACES[index % len(PLACES)]
    x_mm, y_mm = PHANTOM.plate_mm(left_mm, head_mm)
    peak = 12.0 + 7.0 * (index % 4)
    width_s = 1.3
    inside = phase_s < width_s
    newton = peak * math.sin(math.pi * phase_s / width_s) ** 1.5 if inside else 0.0
    newton += 0.05 * math.sin(37.0 * t_s)
    previous = PLACES[(index - 1) % len(PLACES)][2] * (12.0 + 7.0 * ((index - 1) % 4))
    felt = (
        0.31 * peak * tender * (1 - math.exp(-3 * phase_s))
        if inside
        else 0.31 * peak * tender * math.exp(-(phase_s - width_s) / 0.35)
    )
    nrs = min(10.0, max(0.0, felt) + (0.2 * previous * math.exp(-phase_s / 0.4) if index else 0.0))
    contact = (x_mm + 3 * math.sin(2.1 * t_s), y_mm + 3 * math.cos(1.7 * t_s)) if newton > 2.0 else None
    phase: m.Phase = "rest" if not inside else "onset" if phase_s < 0.3 else "hold" if phase_s < 0.9 else "release"
    yield m.ForceFrame(t_ns, t_ns, 0, (newton / 4,) * 4, contact)
    yield m.PainState(t_ns, 0, nrs, "McBurney's point" if tender == 1.0 and nrs > 1 else "", phase)
    loud = nrs > 1.5
    level = -42.0 + 3.2 * nrs + 1.5 * math.sin(23 * t_s) if loud else SILENCE_DBFS
    f0_hz = 190.0 * 2 ** (nrs / 14) * (1 + 0.02 * math.sin(33 * t_s)) if loud else 0.0
    yield m.Heard(t_ns, 0, 0, 0, f0_hz, level, 0.2, "auto", 0)
    yield m.Seen(t_ns, 0, 0, 0, m.FacePose(), min(16.0, 1.35 * nrs + 0.3 + 0.2 * math.sin(3 * t_s)))
    if width_s <= phase_s < width_s + STEP_NS * 1e-9:
        onset_ns = t_ns - round(width_s * 1e9)
        yield m.Press(onset_ns, 0, onset_ns, 0, t_ns, peak, peak / 0.3, x_mm, y_mm, PHANTOM.region(x_mm, y_mm))


def feed_state(model: ConsoleModel, t_ns: int, link: str = "streaming", face: str = "ready") -> None:
    """What the parts report once a second."""
    model.feed(m.ActorState(t_ns, "voice", "ready", "Speakers, 48 kHz, 5.3 ms blocks"))
    detail = "numba at 512 px: no GL driver" if face == "degraded" else "OpenGL, 512 px"
    model.feed(m.ActorState(t_ns, "face", face, detail))
    model.feed(m.Health(t_ns, link, "SIM square-290", 1000.0, 51_200, 0, 0, 0.04, 0, 220.0, True, False))


def portrait(size_px: int, t_s: float = 0.0) -> bytes:
    """A stand-in for the mirrored face: soft shapes of light, RGB bytes."""
    y, x = np.mgrid[-1.0 : 1.0 : size_px * 1j, -1.0 : 1.0 : size_px * 1j]
    head = np.clip(1.25 - ((x / 0.62) ** 2 + ((y + 0.05) / 0.82) ** 2), 0, 1) ** 0.35
    eyes = sum(np.exp(-(((x - side * 0.24) / 0.09) ** 2 + ((y + 0.12) / 0.045) ** 2)) for side in (-1, 1))
    mouth = np.exp(-((x / 0.2) ** 2 + ((y - 0.42 - 0.01 * math.sin(t_s)) / 0.05) ** 2))
    shade = head * (1 - 0.18 * x) * (1 - 0.75 * np.clip(eyes, 0, 1)) * (1 - 0.5 * mouth)
    ground = 0.16 + 0.05 * (1 - y)
    rgb = np.stack([np.where(head > 0, shade * tint, ground) for tint in (0.86, 0.68, 0.58)], axis=-1)
    return np.ascontiguousarray((255 * np.clip(rgb, 0, 1)).astype(np.uint8)).tobytes()


def still(seconds: float = 24.3, link: str = "streaming", face: str = "ready") -> tuple[ConsoleModel, FakeClock]:
    """A model as it stands after some seconds of rehearsal, with a clock that stands still."""
    clock = FakeClock(10_000_000_000)
    model = ConsoleModel(SessionConfig(), clock, PATIENT, PHANTOM)
    feed_state(model, clock.now_ns())
    steps = round(seconds * 1e9 / STEP_NS)
    for step in range(steps):
        for message in rehearse(step * STEP_NS * 1e-9, clock.now_ns()):
            model.feed(message)
        if step < steps - 1:
            clock.advance_s(STEP_NS * 1e-9)
    feed_state(model, clock.now_ns(), link, face)
    model.show(512, 512, portrait(512))
    return model, clock


def main() -> None:
    """Show, photograph or measure the console."""
    parser = argparse.ArgumentParser(description="Look at the console without a session.")
    parser.add_argument("--png", type=Path, help="photograph the window into this file and leave")
    parser.add_argument("--size", default="1280x800", help="width x height, pixels")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--state", choices=("well", "hushed", "unplugged", "waiting", "help", "sites"), default="well")
    parser.add_argument("--seconds", type=float, default=0.0, help="run live for so long, then print the CPU share")
    args = parser.parse_args()

    from PySide6.QtCore import QSettings, QTimer
    from PySide6.QtWidgets import QApplication

    from robopatient.console.theme import DARK, LIGHT
    from robopatient.console.window import ConsoleWindow

    app = QApplication([])
    width, height = (int(part) for part in args.size.split("x"))
    settings = QSettings(os.devnull, QSettings.Format.IniFormat)
    if args.png:
        model, clock = still(link="down" if args.state == "unplugged" else "streaming")
        if args.state == "waiting":
            model = ConsoleModel(SessionConfig(), clock, PATIENT, PHANTOM)
    else:
        host = HostClock()
        model = ConsoleModel(SessionConfig(), host, PATIENT, PHANTOM)
    window = ConsoleWindow(model, lambda action: None, settings)
    window.resize(width, height)
    window.wear(LIGHT if args.theme == "light" else DARK)
    window.show()
    if args.png:
        if args.state == "hushed":
            window.toggle_hush()
        if args.state == "unplugged":
            clock.advance_s(0.8)
        if args.state == "sites":
            window.sites.setChecked(True)
        app.processEvents()
        if args.state == "help":
            window.help.toggle()
        window.wear(window.theme)
        app.processEvents()
        window.grab().save(str(args.png))
        return

    begun_ns = host.now_ns()
    pictures = [portrait(512, step / 10) for step in range(8)]
    gaps: list[int] = []
    turns = 0

    def turn() -> None:
        nonlocal turns
        now_ns = host.now_ns()
        gaps.append(now_ns)
        for message in rehearse((now_ns - begun_ns) * 1e-9, now_ns):
            model.feed(message)
        if turns % 30 == 0:
            feed_state(model, now_ns)
        model.show(512, 512, pictures[turns % len(pictures)])
        window.refresh()
        turns += 1

    timer = QTimer()
    timer.timeout.connect(turn)
    timer.start(33)
    if args.seconds:
        QTimer.singleShot(round(args.seconds * 1e3), app.quit)
    cpu_s, wall_s = time.process_time(), time.monotonic()
    app.exec()
    share = (time.process_time() - cpu_s) / (time.monotonic() - wall_s)
    gap_ms = np.diff(gaps) / 1e6
    print(
        f"{turns} pictures, {share:.0%} of one core, "
        f"gap p50 {np.median(gap_ms):.1f} ms, p99 {np.percentile(gap_ms, 99):.1f} ms, max {gap_ms.max():.1f} ms"
    )


if __name__ == "__main__":
    main()
