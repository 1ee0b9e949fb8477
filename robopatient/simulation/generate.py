"""A film of a face in pain from a file of pain or of forces: the verb ``face generate``.

What is filmed is what a session shows of the same pain or forces.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from firmware_bridge.inputs import read_table, sample_gaps
from firmware_bridge.outputs import new_files, new_folder
from firmware_bridge.recordings import read_curve
from robopatient.config import SessionConfig
from robopatient.errors import ConfigError, RecordError, require
from robopatient.face.film import Drawer, write_film
from robopatient.face.heat import HeatMap
from robopatient.face.identity import FaceIdentity
from robopatient.face.identity import load_identity as load_face
from robopatient.face.light import make_look
from robopatient.face.render import Kind, make_renderer
from robopatient.face.render_queue import RenderQueue, worth_it
from robopatient.facs import ACTION_UNITS, by_side, pspi
from robopatient.levels import MAX_NRS
from robopatient.messages import FacePose
from robopatient.patient import PatientProfile, load_patient
from robopatient.simulation.episode import TAIL_S, Episode, FilmFrame, of_pain, simulation_config
from robopatient.simulation.presses import recorded
from robopatient.simulation.rig import TICK_S, Rig

__all__ = ["generate", "write_lossless"]

HEAT = "heat"
"""View that shows displacement in place of a face."""
FRAME_FORMATS = {"png": "PNG", "jpg": "JPEG"}
JPEG_QUALITY = 92


def generate(
    pain: str,
    out: Path,
    face: str = "",
    patient: str = "appendicitis",
    views: str = "frontal",
    frames: str = "png",
    fps: float = 30.0,
    size_px: int = 512,
    seed: int = 1,
    light: str = "window",
    background: str = "wall",
    renderer: Kind = "auto",
    engine: str = "",
    force: bool = False,
) -> None:
    """Film a face in pain.

    Parameters
    ----------
    pain
        CSV file with the columns ``t_s,nrs``, or a recording of forces as ``robopatient board`` plays them.
    out
        ``.mp4`` (H.264 and AAC), ``.mkv`` (FFV1, lossless, without sound) or a folder for ``frames``. Action units
        and PSPI of every frame go into a table of the same name ending in ``.csv`` (in ``_frames.csv`` where the first
        is ``pain`` itself), or into ``frames.csv`` of the folder.
    face, patient
        Names of assets; without ``face`` the patient's own.
    force
        Replace files that exist.
    engine
        What moves it, as ``face.engine`` of a session; "" is that of a session.
    views
        One or more of the camera's presets, separated by commas, drawn side by side; "heat" among them shows how far
        every place of the skin has moved from rest.

    Raises
    ------
    RobopatientError, BridgeError
        Naming the file and place of what is wrong.
    """
    if frames not in FRAME_FORMATS or out.suffix not in ("", ".mp4", ".mkv") or background == "transparent":
        raise ConfigError(
            f"--out {out} --frames {frames} --background {background}: give NAME.mp4, NAME.mkv, or a folder with "
            "--frames png or jpg; films have no transparent background"
        )
    profile = load_patient(patient)
    identity = load_face(face or profile.face)
    inputs = (pain.partition("#")[0], face, patient)
    with contextlib.ExitStack() as kept:
        if out.suffix:
            table = out.with_suffix(".csv")
            if table.resolve() == Path(inputs[0]).resolve():
                table = out.with_name(f"{out.stem}_frames.csv")
            place, table_part = kept.enter_context(new_files(out, table, inputs=inputs, force=force, keep_partial=True))
        else:
            table = out / "frames.csv"
            place = kept.enter_context(new_folder(out, inputs, force))
            table_part = place / table.name
        moments = _film(
            place, table_part, pain, profile, identity, face, views, frames, fps, size_px, seed, light, background,
            renderer, engine,
        )  # fmt: skip
    print(f"{out}: {len(moments)} frames, {len(moments) / fps:.1f} s; action units and PSPI in {table}")


def _film(
    out: Path, table: Path, pain: str, profile: PatientProfile, identity: FaceIdentity, face: str, views: str,
    frames: str, fps: float, size_px: int, seed: int, light: str, background: str, renderer: Kind, engine: str,
) -> list[FilmFrame]:  # fmt: skip
    """Feel, draw and write; returns the frames."""
    names = [view.strip() for view in views.split(",")]
    looks = [None if name == HEAT else make_look(name, light, background) for name in names]
    config = simulation_config(seed, voice=profile.voice, face=face or profile.face, engine=engine, fps=fps)
    episode = _played(pain, profile, config)
    moments, sound, rate_hz = episode.moments, episode.sound, episode.sample_rate_hz
    if episode.note:
        print(episode.note, file=sys.stderr)
    _write_table(table, moments)
    ahead = worth_it(len(moments)) and out.suffix != ".mkv"
    drawers: list[Any] = []
    try:
        for look in looks:
            if look is None:
                drawers.append(HeatMap(identity, size_px))
            elif ahead:
                drawers.append(RenderQueue(renderer, identity, size_px, look))
            else:
                drawers.append(make_renderer(renderer, identity, size_px, look))
        with _Progress(len(moments)) as progress:
            _write(out, frames, moments, _SideBySide(drawers), sound, rate_hz, fps, progress)
    finally:
        for drawer in drawers:
            drawer.close()
    return moments


def _played(pain: str, profile: PatientProfile, config: SessionConfig) -> Episode:
    """What is shown of a file of pain or of forces."""
    path = Path(pain)
    if path.suffix in (".csv", ".tsv") and "nrs" in read_table(path, RecordError).header:
        return of_pain(_traced(path), config, profile)
    rig = Rig(config, profile)
    recording = recorded(pain, profile, rig.pipeline.sensing.phantom)
    rig.settle()
    return Episode(rig.play(recording, recording.duration_s + TAIL_S), rig, config.face.identity)


def _traced(path: Path) -> list[float]:
    """Pain of a trace at every turn, NRS, straight lines between its rows; none where samples were lost."""
    t_s, nrs = read_curve(path, ("nrs",), RecordError).T
    if nrs.min() < 0.0 or nrs.max() > MAX_NRS:
        raise RecordError(f"{path}: nrs is {nrs.min():g} to {nrs.max():g}; pain is a number from 0 to {MAX_NRS:g}")
    t_s = t_s - t_s[0]
    now_s = np.arange(round((t_s[-1] + TAIL_S) / TICK_S)) * TICK_S
    felt = np.interp(now_s, [*t_s, t_s[-1] + 0.3], [*nrs, 0.0])
    for gap in sample_gaps(t_s):
        felt[(now_s > t_s[gap]) & (now_s < t_s[gap + 1])] = 0.0
    levels: list[float] = felt.tolist()
    return levels


class _SideBySide:
    """Several views of one face as one picture."""

    def __init__(self, drawers: list[Any]) -> None:
        self._drawers = drawers

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (size, views * size, 3)."""
        return np.concatenate([drawer.draw(pose) for drawer in self._drawers], axis=1)

    def draw_many(self, poses: Iterable[FacePose]) -> Iterator[np.ndarray]:
        """Pictures of poses in their order, ahead where a view is drawn by several processes."""
        many = [
            drawer.draw_many(each) if isinstance(drawer, RenderQueue) else map(drawer.draw, each)
            for drawer, each in zip(self._drawers, itertools.tee(poses, len(self._drawers)), strict=True)
        ]
        for pictures in zip(*many, strict=True):
            yield np.concatenate(pictures, axis=1)


def _write(
    out: Path, frames: str, moments: list[FilmFrame], drawer: _SideBySide, sound: np.ndarray, rate_hz: int, fps: float,
    progress: Callable[[float], None],
) -> None:  # fmt: skip
    poses = ((t_s, pose) for t_s, _, pose in moments)
    if out.suffix == ".mp4":
        write_film(out, poses, drawer, fps, sound, rate_hz, progress=lambda done_s: progress(done_s * fps))
        return
    if out.suffix == ".mkv":
        write_lossless(out, (pose for *_, pose in moments), drawer, fps, progress)
        return
    image = require("PIL.Image", "face")
    options: dict[str, Any] = {"quality": JPEG_QUALITY} if frames == "jpg" else {"compress_level": 1}
    try:
        for number, picture in enumerate(drawer.draw_many(pose for *_, pose in moments)):
            path = out / f"{number:06d}.{frames}"
            image.fromarray(picture).save(path, format=FRAME_FORMATS[frames], **options)
            progress(number + 1)
    except OSError as error:
        raise RecordError(f"{out}: the frames stopped: {error}") from error


def write_lossless(
    path: Path, poses: Iterable[FacePose], drawer: Drawer, fps: float, progress: Callable[[float], None] | None = None
) -> None:
    """FFV1 in Matroska: every pixel as drawn.

    Raises
    ------
    RecordError
        When the file cannot be written.
    """
    av = require("av", "face")
    try:
        with av.open(str(path), "w", format="matroska") as container:
            stream = container.add_stream("ffv1", rate=round(fps))
            stream.pix_fmt = "bgr0"
            for number, pose in enumerate(poses):
                picture = np.ascontiguousarray(drawer.draw(pose))
                if number == 0:
                    stream.height, stream.width = picture.shape[:2]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                if progress:
                    progress(number + 1)
            container.mux(stream.encode(None))
    except (OSError, av.FFmpegError) as error:
        raise RecordError(f"{path}: the film stopped: {error}") from error


def _write_table(path: Path, moments: list[FilmFrame]) -> None:
    """Time, pain, PSPI, every action unit (``by_side``), head, gaze and breath of each frame."""
    head = ["pitch_deg", "yaw_deg", "roll_deg", "gaze_pitch_deg", "gaze_yaw_deg", "breath"]
    try:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["frame", "t_s", "nrs", "pspi", *by_side({}, ACTION_UNITS), *head])
            for number, (t_s, nrs, pose) in enumerate(moments):
                numbers = [t_s, nrs, pspi(pose.au), *by_side(pose.au, ACTION_UNITS).values()]
                numbers += [*pose.head_deg, *pose.gaze_deg, pose.breath]
                writer.writerow([number, *(f"{value:.4f}" for value in numbers)])
    except OSError as error:
        raise RecordError(f"{path}: the table cannot be written ({error.strerror})") from error


class _Progress:
    """A bar on a terminal, a line every tenth when piped."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._told = 0
        self._bar: Any = None

    def __enter__(self) -> Callable[[float], None]:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("drawing", total=self._total)
        return self._step

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _step(self, done: float) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
        elif int(10 * done / self._total) > self._told:
            self._told = int(10 * done / self._total)
            print(f"drawing: {10 * self._told} %", file=sys.stderr)
