"""A film of what was seen, with what was heard: MP4 with H.264 and AAC on one time axis.

The file is written in fragments of a second, so that it plays up to the last of them whatever happens, and becomes
an ordinary MP4 when it is finished.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np

from robopatient.errors import RecordError, require
from robopatient.messages import FacePose, Seen

__all__ = ["Film", "poses_of", "write_film"]

CRF = "20"
"""Constant rate factor of x264: visually lossless for faces at this size, about 40 kB a second."""

MUXER = {"movflags": "+hybrid_fragmented+delay_moov", "flush_packets": "1"}
"""Fragments while the file grows, an ordinary index at its end (FFmpeg 7.1); the delayed header tells players to skip
the encoder's 1024 samples of run-in, without which the sound comes 21 ms late."""

AUDIO_BIT_RATE = 128_000
AUDIO_BLOCK = 1024
"""Samples handed to the encoder at a time: one AAC frame."""

LONGEST_GAP_S = 3600.0
"""A pause between two poses longer than this is a clock error, not a film."""


class Drawer(Protocol):
    """What a film needs of a renderer."""

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (height, width, 3), uint8, top row first."""
        ...


class Film(msgspec.Struct, frozen=True):
    """What was written."""

    path: Path
    duration_s: float
    frames: int


def poses_of(seen: Iterable[Seen]) -> list[tuple[float, FacePose]]:
    """Poses of recorded frames with the host's monotonic time in seconds, as ``write_film`` takes them."""
    return [(one.t_ns * 1e-9, one.pose) for one in seen]


def write_film(
    path: Path,
    frames: Iterable[tuple[float, FacePose]],
    renderer: Drawer,
    fps: float = 30.0,
    audio: np.ndarray | None = None,
    sample_rate_hz: int = 48_000,
    audio_start_s: float = 0.0,
    progress: Callable[[float], None] | None = None,
) -> Film:
    """Draw poses and write them as a film of constant frame rate.

    Parameters
    ----------
    frames
        (time in seconds, pose), times not decreasing. Each picture shows the newest pose of its moment; the film
        begins with the first and ends one frame after the last.
    audio
        Mono sound, shape (n,), float in -1 to 1. It is cut or padded with silence to the length of the film.
    audio_start_s
        Time of its first sample on the axis of ``frames``.
    progress
        Called with the seconds written so far, after each frame.

    Raises
    ------
    RecordError
        When there is nothing to film, or the file cannot be written; what was written until then plays.
    MissingPackageError
        Without PyAV.
    """
    av = require("av", "face")
    moments = iter(frames)
    first = next(moments, None)
    if first is None:
        raise RecordError(f"{path}: no frame to film: the record holds no face")
    sound = None if audio is None else _Sound(audio, sample_rate_hz, first[0] - audio_start_s)
    count = 0
    try:
        with av.open(str(path), "w", format="mp4", options=MUXER) as container:
            tracks = _Tracks(container, fps, sound)
            for pixels in _pictures(renderer, _at_constant_rate(itertools.chain([first], moments), fps)):
                tracks.picture(pixels)
                count += 1
                if progress is not None:
                    progress(count / fps)
            tracks.finish()
    except (OSError, av.FFmpegError) as error:
        raise RecordError(f"{path}: the film stopped after {count / fps:.1f} s: {error}") from error
    return Film(path, count / fps, count)


def _pictures(renderer: Drawer, poses: Iterator[FacePose]) -> Iterator[np.ndarray]:
    """Pictures of poses, one that is shown again not drawn again; by several processes where the renderer has them."""
    repeats: deque[int] = deque()

    def changed() -> Iterator[FacePose]:
        shown: FacePose | None = None
        for pose in poses:
            if pose is shown:
                repeats[-1] += 1
                continue
            repeats.append(1)
            shown = pose
            yield pose

    many = getattr(renderer, "draw_many", None)
    drawn = many(changed()) if many is not None else (renderer.draw(pose) for pose in changed())
    waiting: np.ndarray | None = None
    for pixels in drawn:  # one behind: only the next pose tells how often the last one is shown
        if waiting is not None:
            for _ in range(repeats.popleft()):
                yield waiting
        waiting = _even(pixels)
    if waiting is not None:
        for _ in range(repeats.popleft()):
            yield waiting


def _at_constant_rate(frames: Iterable[tuple[float, FacePose]], fps: float) -> Iterator[FacePose]:
    """Newest pose at every multiple of the frame period after the first one's time.

    A pose up to half a period late belongs to the moment: the live frames tremble around their deadlines.
    """
    held: tuple[float, FacePose] | None = None
    start_s, count = 0.0, 0
    for t_s, pose in frames:
        if held is None:
            start_s = t_s
        elif not 0.0 <= t_s - held[0] <= LONGEST_GAP_S:
            raise RecordError(f"frames: a pose at {t_s:.3f} s follows one at {held[0]:.3f} s; sort them by time")
        else:
            while start_s + (count + 0.5) / fps < t_s:
                yield held[1]
                count += 1
        held = (t_s, pose)
    if held is not None:
        yield held[1]


def _even(pixels: np.ndarray) -> np.ndarray:
    """Picture cut to even sides: H.264 with 4:2:0 colour has no others."""
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    return np.ascontiguousarray(pixels[:height, :width])


class _Sound:
    """Mono sound read from a given moment on, silent before its start and after its end."""

    def __init__(self, samples: np.ndarray, rate_hz: int, offset_s: float) -> None:
        self.rate_hz = rate_hz
        self._samples = np.asarray(samples, dtype=np.float32).reshape(-1)
        self._offset = round(offset_s * rate_hz)

    def read(self, start: int, count: int) -> np.ndarray:
        """Samples ``start`` to ``start + count`` of the film, shape (1, count)."""
        block = np.zeros((1, count), dtype=np.float32)
        low = max(0, start + self._offset)
        high = min(len(self._samples), start + self._offset + count)
        if high > low:
            at = low - start - self._offset
            block[0, at : at + high - low] = np.clip(self._samples[low:high], -1.0, 1.0)
        return block


class _Tracks:
    """The two streams of one file, written side by side."""

    def __init__(self, container: Any, fps: float, sound: _Sound | None) -> None:
        self._container = container
        self._fps = Fraction(fps).limit_denominator(1001)
        self._video: Any = None
        self._sound = sound
        self._audio: Any = None
        self._pictures = 0
        self._samples = 0

    def _begin(self, height: int, width: int) -> None:
        """Add the streams, once the size of the picture is known."""
        options = {"preset": "veryfast", "crf": CRF, "bf": "0"}  # no frame is shown out of order
        video = self._container.add_stream("libx264", rate=self._fps, options=options)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.gop_size = max(1, round(self._fps))  # a fragment a second
        self._video = video
        if self._sound is not None:
            audio = self._container.add_stream("aac", rate=self._sound.rate_hz, layout="mono")
            audio.bit_rate = AUDIO_BIT_RATE
            self._audio = audio

    def picture(self, pixels: np.ndarray) -> None:
        """Add one picture and the sound that goes with it."""
        import av

        if self._video is None:
            self._begin(*pixels.shape[:2])
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts = self._pictures
        frame.time_base = 1 / self._fps
        self._container.mux(self._video.encode(frame))
        self._pictures += 1
        self._speak(round(self._pictures / self._fps * self._sound.rate_hz) if self._sound else 0)

    def finish(self) -> None:
        """Write what the encoders still hold."""
        self._speak(self._samples + AUDIO_BLOCK)
        self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))

    def _speak(self, until: int) -> None:
        """Encode sound in whole blocks up to a sample."""
        import av

        while self._sound is not None and self._samples + AUDIO_BLOCK <= until:
            block = av.AudioFrame.from_ndarray(self._sound.read(self._samples, AUDIO_BLOCK), "fltp", "mono")
            block.sample_rate = self._sound.rate_hz
            block.pts = self._samples
            block.time_base = Fraction(1, self._sound.rate_hz)
            self._container.mux(self._audio.encode(block))
            self._samples += AUDIO_BLOCK
