"""The pictures of these pages, made again: ``python docs/pictures.py`` or ``make pictures``; a name makes one picture.

Every window is the program's own, and every face is drawn by the face's own renderer. What the console shows comes
from the session's own chain on a simulated clock (``robopatient.simulation``). Needs no screen.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QWidget

from experiments.benchmarks import rehearsal
from robopatient import messages as m
from robopatient.clock import HostClock
from robopatient.console.participant_screen import ParticipantScreen
from robopatient.console.replay_window import ReplayWindow
from robopatient.console.theme import DARK
from robopatient.console.timeline import load_timeline
from robopatient.console.transport import Transport
from robopatient.console.window import ConsoleWindow
from robopatient.face.display.calibrate import display
from robopatient.face.identity import load_identity
from robopatient.face.render import make_renderer
from robopatient.face.sheet import sheet

IMAGES = Path(__file__).parent / "images"
FACE_PX = 512
HURTING_S = 16.5
"""Into the simulated examination: the hand presses the tender site."""
SESSION_S = 40
JPEG_QUALITY = 88
application = QApplication([])


def faces(out: Path) -> None:
    """All patients at rest and in pain."""
    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder) / "faces.png"
        sheet(png, size_px=384)
        Image.open(png).reduce(2).save(out, quality=JPEG_QUALITY)


def console(out: Path) -> None:
    """The operator's console while a press hurts."""
    model, _ = rehearsal.still(HURTING_S)
    model.show(FACE_PX, FACE_PX, _face(HURTING_S))
    _console(model, out)


def study_console(out: Path) -> None:
    """The console while a participant of a study answers."""
    _operator("question", out)


def lesson_console(out: Path) -> None:
    """The console while ratings teach a policy."""
    _operator(next(iter(rehearsal.LESSON_STATES)), out)


def participant(out: Path) -> None:
    """Two pages of the participant's screen, side by side."""
    pages = []
    for state in ("press-within", "question-agree"):
        model, _ = rehearsal.participant_at(state)
        screen = ParticipantScreen(model, lambda action: None)
        screen.set_theme(DARK)
        pages.append(_grab(screen, 1280, 800, screen.refresh))
        screen.closing = True
        screen.close()
    gap = np.full((pages[0].shape[0], 16, 3), 90, np.uint8)
    Image.fromarray(np.concatenate([pages[0], gap, pages[1]], axis=1)).resize((1290, 403)).save(out)


def replay(out: Path) -> None:
    """A training session watched again, at its most painful moment."""
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder) / "session"
        run = ["run", "training_appendicitis", "--headless", "--duration", str(SESSION_S), "--out", str(session)]
        subprocess.run([sys.executable, "-m", "robopatient", *run], check=True)
        timeline = load_timeline(session)
        drawer = make_renderer("numba", load_identity(timeline.config.face.identity), FACE_PX)
        transport = Transport(timeline.length_s, HostClock(), None)
        window = ReplayWindow(
            timeline, transport, drawer.draw, QSettings(f"{folder}/none.ini", QSettings.Format.IniFormat)
        )
        worst = max(range(len(timeline.seen)), key=lambda index: timeline.seen[index].pspi)
        window.seek(float(timeline.seen_t_s[worst]))
        Image.fromarray(_grab(window, 1280, 820, window.refresh)).save(out)
        window.close()
        transport.close()
        drawer.close()


def displays(out: Path) -> None:
    """A display profile: the grid, the mask look, and a face for a robot's head."""
    with tempfile.TemporaryDirectory() as folder:
        panels = []
        for profile, picture, face, nrs in (
            ("mask-projector", "grid", "margaret", 0.0),
            ("mask-projector", "face", "rosa", 8.0),
            ("robot-head", "face", "rosa", 8.0),
        ):
            path = Path(folder) / f"{len(panels)}.png"
            display(profile, picture, face=face, nrs=nrs, window_px="960x600", out=path)
            panels.append(np.asarray(Image.open(path).convert("RGB").resize((480, 300))))
        Image.fromarray(np.concatenate(panels, axis=1)).save(out, quality=JPEG_QUALITY)


def _operator(state: str, out: Path) -> None:
    model, _ = rehearsal.operator_at(state, HURTING_S)
    model.show(FACE_PX, FACE_PX, _face(HURTING_S))
    _console(model, out)


def _face(t_s: float) -> bytes:
    """The face of the simulated examination at a time, RGB bytes."""
    seen = next(message for message in rehearsal.rehearse(t_s, 0) if isinstance(message, m.Seen))
    drawer = make_renderer("numba", load_identity(rehearsal.PATIENT.face), FACE_PX)
    try:
        return np.ascontiguousarray(drawer.draw(seen.pose)[..., :3]).tobytes()
    finally:
        drawer.close()


def _console(model: Any, out: Path) -> None:
    window = ConsoleWindow(model, lambda action: None, None)
    window.set_theme(DARK)
    Image.fromarray(_grab(window, 1280, 800, lambda: window.set_theme(DARK))).save(out)
    window.close()


def _grab(window: QWidget, width_px: int, height_px: int, settle: Callable[[], object]) -> np.ndarray:
    """Picture of a window, shape (height, width, 3)."""
    window.resize(width_px, height_px)
    window.show()
    for _ in range(3):
        application.processEvents()
        settle()
    application.processEvents()
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        window.grab().save(file.name)
        return np.asarray(Image.open(file.name).convert("RGB"))


PICTURES: dict[str, Callable[[Path], None]] = {
    "faces.jpg": faces,
    "console.png": console,
    "study_console.png": study_console,
    "lesson_console.png": lesson_console,
    "participant.png": participant,
    "replay.png": replay,
    "display.jpg": displays,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or PICTURES:
        PICTURES[name](IMAGES / name)
        print(IMAGES / name)
