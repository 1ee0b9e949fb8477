"""What a session leaves to watch and read: ``presses.csv``, ``session.mp4`` and ``report.html``, made from its record.

Everything here is computed from the record alone, so ``robopatient report DIR`` makes the same files again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.errors import RobopatientError
from robopatient.face.film import key_poses, poses_of, write_film
from robopatient.face.pose import FacePose
from robopatient.face.render import Renderer, make_renderer
from robopatient.record.presses import write_presses
from robopatient.record.reader import Record
from robopatient.record.report import KeyFrame, write_report

__all__ = ["finish"]

KEY_FRAMES = 8
KEY_FRAME_PX = 384
FILM_FPS = 30.0


def finish(folder: Path, told: Callable[[str], None], film: bool = True) -> list[Path]:
    """Write presses, film and report of a session; return what was written.

    A missing package or an unreadable part costs that part only, and ``told`` says which and how to mend it.
    """
    record = Record(folder)
    config = msgspec.json.decode(record.start.config_json, type=SessionConfig)
    written = [write_presses(record, folder / "presses.csv")]
    seen = [message for message in record.messages("seen") if isinstance(message, m.Seen)]
    frames: list[KeyFrame] = []
    film_path: Path | None = None
    if seen:
        try:
            renderer = make_renderer(config.face.renderer, _identity(config), config.face.size_px)
        except RobopatientError as error:
            told(f"no film and no key frames: {error}")
        else:
            try:
                frames = [_key_frame(renderer, seen[index], record) for index in key_poses(seen, KEY_FRAMES)]
                if film:
                    film_path = _film(folder, record, seen, renderer, told)
                    written.append(film_path)
            finally:
                renderer.close()
    else:
        told("no film: the record holds no frame of the face")
    written.append(write_report(record, frames, film_path, folder / "report.html"))
    return written


def _film(
    folder: Path, record: Record, seen: list[m.Seen], renderer: Renderer, told: Callable[[str], None]
) -> Path:
    audio, rate_hz, start_ns = _audio(folder, record, told)
    begin_ns = seen[0].t_ns
    write_film(
        folder / "session.mp4",
        poses_of(seen),
        renderer,
        FILM_FPS,
        audio=audio,
        sample_rate_hz=rate_hz,
        audio_start_s=(start_ns - begin_ns) * 1e-9,
    )
    return folder / "session.mp4"
