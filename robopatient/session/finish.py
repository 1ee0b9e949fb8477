"""Files made after a session: ``presses.csv``, ``session.mp4`` and ``report.html``, made from its record.

Everything here is computed from the record alone, so ``robopatient report DIR`` makes the same files again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.errors import RobopatientError, require
from robopatient.face.film import poses_of, write_film
from robopatient.face.identity import load_identity
from robopatient.face.moments import key_poses
from robopatient.face.render import Renderer, make_renderer
from robopatient.record.latency import summary as percentiles
from robopatient.record.latency import touch_to_face, touch_to_sound
from robopatient.record.presses import press_rows, write_presses
from robopatient.record.reader import Record
from robopatient.record.soundtrack import soundtrack
from robopatient.record.visibility import Visibility, load_visibility
from robopatient.report.session import KeyFrame, write_report
from robopatient.session.debrief import finish_training

__all__ = ["finish", "summary"]

FILES = (
    ("report", "report.html"),
    ("film", "session.mp4"),
    ("presses", "presses.csv"),
    ("debrief", "debrief.html"),
)
KEY_FRAMES = 8
FILM_FPS = 30.0


def finish(folder: Path, log_line: Callable[[str], None], film: bool = True) -> None:
    """Write presses, film and report of a session.

    A missing package or an unreadable part costs that part only, and ``log_line`` gets which part and how to fix it.
    """
    finish_training(folder, log_line)  # first: people wait for it, and a film takes minutes
    with Record(folder) as record:
        try:
            write_presses(press_rows(record), folder / "presses.csv")
        except OSError as error:
            log_line(f"no presses.csv: {error.strerror}; free some space, then type: robopatient report {folder}")
        frames, film_path = _pictures(folder, record, log_line, film)
        try:
            write_report(record, frames, film_path, folder / "report.html")
        except RobopatientError as error:
            log_line(f"no report: {error}")


def summary(folder: Path) -> list[str]:
    """Where things are and how late the patient was, a line each."""
    lines = [f"record   {folder / 'record.sqlite'}"]
    for label, name in FILES:
        if (folder / name).exists():
            lines.append(f"{label:<8} {folder / name}")
    with Record(folder) as record:
        lines += [
            _line("touch to sound", touch_to_sound(record.table("voice"), record.table("heard")).latency_ms),
            _line("touch to face", touch_to_face(record.table("face"), load_visibility(record).table()).latency_ms),
        ]
    return lines


def _line(what: str, latency_ms: np.ndarray) -> str:
    numbers = percentiles(latency_ms)
    if not numbers["n"]:
        return f"{what}: not measured (nothing answered)"
    return f"{what}: p50 {numbers['p50']:.1f} ms, p95 {numbers['p95']:.1f} ms, n {numbers['n']:.0f}"


def _pictures(
    folder: Path, record: Record, log_line: Callable[[str], None], film: bool
) -> tuple[list[KeyFrame], Path | None]:
    """Key frames and film, as far as they can be drawn here."""
    config = msgspec.json.decode(record.start.config_json, type=SessionConfig)
    visible = load_visibility(record)  # the face is there before the first force, while the voice still warms up
    seen = [message for message in visible.messages() if message.t_ns >= visible.begin_ns]
    if not seen:
        log_line("no film: the record holds no frame of the face")
        return [], None
    frames: list[KeyFrame] = []
    try:
        renderer = make_renderer(config.face.renderer, load_identity(config.face.identity), config.face.size_px)
        try:
            frames = [_key_frame(renderer, seen[index]) for index in key_poses(seen, KEY_FRAMES)]
            return frames, _film(folder, visible, seen, renderer, config, log_line) if film else None
        finally:
            renderer.close()
    except RobopatientError as error:
        log_line(f"no film: {error}")
        return frames, None


def _key_frame(renderer: Renderer, seen: m.Seen) -> KeyFrame:
    return KeyFrame(seen, renderer.draw(seen.pose))


def _film(
    folder: Path,
    visible: Visibility,
    seen: list[m.Seen],
    renderer: Renderer,
    config: SessionConfig,
    log_line: Callable[[str], None],
) -> Path:
    """Draw what was seen and lay what was heard under it, by the times at which they left this computer."""
    audio, rate_hz, begin_ns = _sound(folder, visible.record, config.voice.block_frames, log_line)
    path = folder / "session.mp4"
    write_film(
        path,
        poses_of(seen, [span for span in visible.spans if span[1] > seen[0].t_ns]),
        renderer,
        FILM_FPS,
        audio=audio,
        sample_rate_hz=rate_hz,
        audio_start_s=begin_ns * 1e-9,
        progress=_progress(len(seen) / FILM_FPS),
    )
    return path


def _sound(
    folder: Path, record: Record, block_frames: int, log_line: Callable[[str], None]
) -> tuple[np.ndarray | None, int, int]:
    """Played samples, their rate, and the host time at which the first of them left."""
    heard = record.table("heard")
    path = folder / "voice.wav"
    if not path.exists() or not len(heard["t_ns"]):
        log_line("the film is silent: the record holds no sound")
        return None, 48_000, 0
    samples, rate_hz = require("soundfile", "audio").read(path, dtype="float32")
    begin_ns = int(heard["t_ns"][0])
    return soundtrack(samples, heard["block"], heard["t_ns"], block_frames, rate_hz), rate_hz, begin_ns


def _progress(total_s: float) -> Callable[[float], None] | None:
    """A line on a terminal that shows how far the film is; nothing when piped."""
    if not sys.stderr.isatty():
        return None

    def show(done_s: float) -> None:
        print(f"\rfilm {done_s:.0f} of {total_s:.0f} s ", end="", file=sys.stderr, flush=True)

    return show
