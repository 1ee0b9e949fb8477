"""A scripted session without a bus: to view the console, to photograph it and to measure its cost.

Type ``python -m robopatient.console.preview --help``.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.clock import FakeClock, HostClock
from robopatient.config import FaceConfig, SensingConfig, SessionConfig
from robopatient.console.model import ConsoleModel
from robopatient.patient import PatientProfile, TenderSite
from robopatient.phantom import load_phantom
from robopatient.simulation.presses import Palpation, PressProfile
from robopatient.simulation.rig import Rig, RigTurn

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
    (88.0, 72.0),
    (10.0, 74.0),
    (-84.0, 70.0),
    (-92.0, 8.0),
    (8.0, 6.0),
    (84.0, -84.0),
    (-82.0, -60.0),
)
"""Where the rehearsed hand presses, mm from the navel to the left and towards the head."""
PRESS_S = 1.3
PERIOD_S = 2.6
STEP_NS = 33_333_333


def rehearse(t_s: float, t_ns: int) -> Iterator[m.Message]:
    """What a session would say at ``t_s`` seconds of a steady examination, told at ``t_ns``."""
    turns = _examination()
    turn = turns[round(t_s * 1e9 / STEP_NS) % len(turns)]
    since_ns = t_ns - turn.t_ns
    outputs = turn.outputs
    yield msgspec.structs.replace(outputs.force, t_ns=t_ns, received_ns=t_ns)
    yield msgspec.structs.replace(outputs.pain, t_ns=t_ns)
    yield msgspec.structs.replace(turn.sound[-1].heard, t_ns=t_ns)
    yield msgspec.structs.replace(turn.frames[-1].seen, t_ns=t_ns)
    for press in outputs.presses:
        times = {name: getattr(press, name) + since_ns for name in ("t_ns", "peak_t_ns", "release_t_ns")}
        yield msgspec.structs.replace(press, **times)


@cache
def _examination() -> list[RigTurn]:
    """Every turn of a hand that goes round ``PLACES`` with forces that change from press to press."""
    config = SessionConfig(sensing=SensingConfig(tare_at_start=False), face=FaceConfig(engine="blend"))
    rig = Rig(config, PATIENT, tick_s=STEP_NS * 1e-9)
    presses = [
        PressProfile(
            peak_newton=12.0 + 7.0 * (index % 4),
            at_mm=PLACES[index % len(PLACES)],
            rise_s=PRESS_S / 2,
            hold_s=0.0,
            fall_s=PRESS_S / 2,
            onset_s=index * PERIOD_S,
        )
        for index in range(4 * len(PLACES))
    ]
    return list(rig.play(Palpation(presses, phantom=PHANTOM), len(presses) * PERIOD_S))


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

    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from robopatient.console.theme import DARK, LIGHT
    from robopatient.console.window import ConsoleWindow

    app = QApplication([])
    width, height = (int(part) for part in args.size.split("x"))
    if args.png:
        model, clock = still(link="down" if args.state == "unplugged" else "streaming")
        if args.state == "waiting":
            model = ConsoleModel(SessionConfig(), clock, PATIENT, PHANTOM)
    else:
        host = HostClock()
        model = ConsoleModel(SessionConfig(), host, PATIENT, PHANTOM)
    window = ConsoleWindow(model, lambda action: None, None)
    window.resize(width, height)
    window.set_theme(LIGHT if args.theme == "light" else DARK)
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
        window.set_theme(window.theme)
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
