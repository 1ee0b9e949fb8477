"""A film of what was seen, with what was heard: MP4 with H.264 and AAC on one time axis.

The file is written in fragments of a second, so that it plays up to the last of them whatever happens, and becomes
an ordinary MP4 when it is finished.
"""

from __future__ import annotations

import itertools
import math
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

SHOWN_S = 1.0 / 30.0
"""How long the last picture before a gap stays in a film."""

CARD_GREY, CARD_WORDS = 96, "face not shown"
"""What a film shows where the face was not seen."""


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


def poses_of(seen: Iterable[Seen], gaps: Iterable[tuple[int, int]] = ()) -> list[tuple[float, FacePose | None]]:
    """Poses of recorded frames with the host's monotonic time in seconds, as ``write_film`` takes them.

    Parameters
    ----------
    gaps
        Spans in which the face was not shown, ns: each begins with a None just after the last picture before it, and
        one that no picture ends reaches to its own end.
    """
    poses: list[tuple[float, FacePose | None]] = [(one.t_ns * 1e-9, one.pose) for one in seen]
    newest_s = poses[-1][0] if poses else -math.inf
    for begin_ns, end_ns in gaps:
        poses.append((begin_ns * 1e-9 + SHOWN_S, None))
        if end_ns * 1e-9 > newest_s:
            poses.append((end_ns * 1e-9, None))
    return sorted(poses, key=lambda pose: pose[0])


def write_film(
    path: Path,
    frames: Iterable[tuple[float, FacePose | None]],
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
        begins with the first and ends one frame after the last. Of a None, the face not shown, it is a plain card.
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


def _pictures(renderer: Drawer, poses: Iterator[FacePose | None]) -> Iterator[np.ndarray]:
    """Pictures of poses, one that is shown again not drawn again; by several processes where the renderer has them."""
    runs: deque[tuple[bool, int]] = deque()
    """Whether it is a face, and how often it is shown: one entry a run of the same."""

    def changed() -> Iterator[FacePose]:
        shown: FacePose | None = None
        for pose in poses:
            if runs and pose is shown:
                runs[-1] = (runs[-1][0], runs[-1][1] + 1)
                continue
            runs.append((pose is not None, 1))
            shown = pose
            if pose is not None:
                yield pose

    def cards(height: int, width: int) -> Iterator[np.ndarray]:
        """The cards before the next face."""
        card = _card(height, width) if runs and not runs[0][0] else None
        while card is not None and runs and not runs[0][0]:
            for _ in range(runs.popleft()[1]):
                yield card

    many = getattr(renderer, "draw_many", None)
    drawn = many(changed()) if many is not None else (renderer.draw(pose) for pose in changed())
    waiting: np.ndarray | None = None
    for pixels in drawn:  # one behind: only the next pose tells how often the last one is shown
        if waiting is not None:
            for _ in range(runs.popleft()[1]):
                yield waiting
        waiting = _even(pixels)
        yield from cards(*waiting.shape[:2])
    if waiting is not None:
        for _ in range(runs.popleft()[1]):
            yield waiting
        yield from cards(*waiting.shape[:2])


def _card(height: int, width: int) -> np.ndarray:
    """Plain grey with words in its middle, shape (height, width, 3), uint8."""
    card = require("PIL.Image", "face").new("RGB", (width, height), (CARD_GREY,) * 3)
    font = require("PIL.ImageFont", "face").load_default(max(10, width // 16))
    pen = require("PIL.ImageDraw", "face").Draw(card)
    pen.text((width / 2, height / 2), CARD_WORDS, fill=(255, 255, 255), font=font, anchor="mm")
    return np.asarray(card)


def _at_constant_rate(frames: Iterable[tuple[float, FacePose | None]], fps: float) -> Iterator[FacePose | None]:
    """Newest pose at every multiple of the frame period after the first one's time.

    A pose up to half a period late belongs to the moment: the live frames tremble around their deadlines.
    """
    held: tuple[float, FacePose | None] | None = None
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
