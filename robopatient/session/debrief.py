"""The debrief of a finished session: draws its faces, cuts its sounds, writes ``debrief.html``, ``.json`` and ``.pdf``.

Everything comes from the record, so ``robopatient debrief DIR`` makes the same page again.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from scipy.signal import resample_poly

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.errors import RobopatientError
from robopatient.face.identity import load_identity
from robopatient.face.render import make_renderer
from robopatient.record.debrief_figures import write_figures
from robopatient.record.debrief_session import Debriefing, load_debriefing
from robopatient.record.info import read_info
from robopatient.record.library import earlier_sessions
from robopatient.record.reader import Record
from robopatient.report.debrief import DebriefMoment, write_debrief
from robopatient.voice.wav import read_samples

__all__ = ["finish_training", "make_debrief"]

MOMENTS = 6
BEFORE_S, AFTER_S = 0.3, 0.7
"""How much sound is kept before a press and after its release."""
LONGEST_S = 4.0
CLIP_HZ = 24_000
"""Rate of the clips: the voice has little above 8 kHz, and a page of six stays below a megabyte and a half."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PDF_TIMEOUT_S = 60.0


def finish_training(folder: Path, log_line: Callable[[str], None]) -> None:
    """Write the debrief of a session whose configuration names a scenario or a trainee; tell why, if it cannot be."""
    try:
        with Record(folder) as record:
            config = read_info(record.start)
        if config.scenario or config.training.trainee:
            make_debrief(folder, log_line)
    except (RobopatientError, OSError, msgspec.DecodeError) as error:
        log_line(f"no debrief: {error}; type: robopatient debrief {folder}")


def make_debrief(folder: Path, log_line: Callable[[str], None], pdf: bool = True) -> None:
    """Write the debrief of a session; what cannot be drawn, cut or printed is logged and left out."""
    with Record(folder) as record:
        session = load_debriefing(record)
        page = folder / "debrief.html"
        write_debrief(session, _moments(session, log_line), earlier_sessions(folder, session.figures), page)
        write_figures(session.figures, folder)
    if pdf:
        print_pdf(page, folder / "debrief.pdf", log_line)


def print_pdf(page: Path, out: Path, log_line: Callable[[str], None]) -> None:
    """Print a page with a browser that is installed, if there is one."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        log_line(
            f"no debrief.pdf: no Chromium is installed; open {page} and print it, or type: apt-get install chromium"
        )
        return
    with tempfile.TemporaryDirectory(prefix="robopatient-") as profile:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={profile}", "--no-pdf-header-footer", f"--print-to-pdf={out.absolute()}",
            page.absolute().as_uri(),
        ]  # fmt: skip
        try:
            subprocess.run(command, capture_output=True, timeout=PDF_TIMEOUT_S, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            log_line(f"no debrief.pdf: {browser} could not print ({type(error).__name__}); open {page} and print it")


def _moments(session: Debriefing, log_line: Callable[[str], None]) -> list[DebriefMoment]:
    """The worst presses in order of time, with the face at its strongest and the voice around them."""
    felt = session.examination.press_nrs
    worst = sorted(range(len(felt)), key=lambda index: -felt[index])[:MOMENTS]
    shots: dict[int, m.Seen] = {}
    for index in worst:
        press = session.presses[index]
        first, last = np.searchsorted(session.seen["t_ns"], (press.t_ns, press.release_t_ns + round(AFTER_S * 1e9)))
        if last > first and not session.visible.lacks(press.t_ns, press.release_t_ns):
            strongest = first + int(np.argmax(session.seen["pspi"][first:last]))
            shots[index] = session.record.message("seen", int(session.seen["row"][strongest]))
    faces = _faces(session.config, shots, log_line)
    sound = _PlayedSound(session, log_line)
    return [
        DebriefMoment(
            press=index + 1,
            t_ns=shots[index].t_ns if index in shots else session.presses[index].peak_t_ns,
            rgb=faces.get(index),
            wav=sound.clip(session.presses[index]),
            pspi=shots[index].pspi if index in shots else float("nan"),
        )
        for index in sorted(worst)
    ]


def _faces(config: SessionConfig, shots: dict[int, m.Seen], log_line: Callable[[str], None]) -> dict[int, np.ndarray]:
    if not shots:
        log_line("no faces in the debrief: the record holds no frame of a press")
        return {}
    try:
        renderer = make_renderer(config.face.renderer, load_identity(config.face.identity), config.face.size_px)
    except RobopatientError as error:
        log_line(f"no faces in the debrief: {error}")
        return {}
    try:
        return {index: renderer.draw(shot.pose).copy() for index, shot in shots.items()}
    finally:
        renderer.close()


class _PlayedSound:
    """What was played, by the host's time."""

    def __init__(self, session: Debriefing, log_line: Callable[[str], None]) -> None:
        self._heard = session.heard
        self._block_frames = session.config.voice.block_frames
        self._samples = np.zeros(0, np.float32)
        self._rate_hz = session.config.voice.sample_rate_hz
        path = session.record.folder / "voice.wav"
        if not path.exists() or not len(self._heard["t_ns"]):
            log_line("no sounds in the debrief: the record holds none")
            return
        try:
            self._samples = read_samples(path, self._rate_hz)
        except RobopatientError as error:
            log_line(f"no sounds in the debrief: {error}")

    def clip(self, press: m.Press) -> bytes:
        """WAV file of the voice around a press, 16 bit mono; empty without sound."""
        if not len(self._samples):
            return b""
        begin_ns = press.t_ns - round(BEFORE_S * 1e9)
        length_s = min((press.release_t_ns - press.t_ns) * 1e-9 + BEFORE_S + AFTER_S, LONGEST_S)
        row = min(int(np.searchsorted(self._heard["t_ns"], begin_ns)), len(self._heard["t_ns"]) - 1)
        first = int(self._heard["block"][row]) * self._block_frames
        cut = self._samples[first : first + round(length_s * self._rate_hz)]
        if not len(cut):
            return b""
        low = resample_poly(cut, CLIP_HZ, self._rate_hz)
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(CLIP_HZ)
            out.writeframes(np.rint(np.clip(low, -1.0, 1.0) * 32767).astype("<i2").tobytes())
        return file.getvalue()
