"""One simulated press, or many: what was felt, seen and heard, as arrays, a table or a film."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import OutputError
from firmware_bridge.outputs import new_files
from robopatient.config import FaceConfig, SessionConfig, VoiceConfig
from robopatient.errors import ConfigError, require
from robopatient.face.rig import sided_intensities
from robopatient.facs import ACTION_UNITS
from robopatient.messages import FacePose, Heard
from robopatient.patient import PatientProfile, load_patient
from robopatient.simulation.presses import ForceSource, Palpation, PressProfile
from robopatient.simulation.rig import FaceFrame, Rig, RigTurn

if TYPE_CHECKING:
    import pandas

__all__ = ["TAIL_S", "Episode", "FilmFrame", "of_pain", "simulate", "simulation_config", "somebody"]

LEAD_S, TAIL_S = 0.5, 1.5
"""Untouched time before a press, and after it: the face eases."""


class FilmFrame(NamedTuple):
    """What happened at one frame of a film: its time, s, the pain that is felt, and the face."""

    t_s: float
    nrs: float
    pose: FacePose


class Episode:
    """What a rig showed.

    Parameters
    ----------
    turns
        Of ``Rig.play`` or ``Rig.feel``; they are taken to their end.
    face
        Identity that ``film`` draws: a name under ``assets/faces``, or a file.

    Attributes
    ----------
    frames
        Frames of the face, each with its time and what a record would hold of it, its whole pose among it.
    heard
        What a record would hold of each block of the voice.
    sample_rate_hz
        Of ``sound``.
    note
        Why the face is not moved by what was asked for, or "".

    Examples
    --------
    >>> import robopatient as rp
    >>> episode = rp.simulate("healthy", rp.press(newton=5), seconds=1.0)
    >>> episode.pain.shape, episode.sample_rate_hz, len(episode.motion)
    ((250,), 48000, 31)
    """

    def __init__(self, turns: Iterable[RigTurn], rig: Rig, face: str) -> None:
        rows, blocks = [], []
        self.frames: list[FaceFrame] = []
        self.heard: list[Heard] = []
        self.note = rig.note
        self.sample_rate_hz, self._fps, self._face = rig.sample_rate_hz, rig.fps, face
        begin_ns = rig.t_ns
        self._frame_nrs: list[float] = []
        for turn in turns:
            pain = turn.outputs.pain
            rows.append(
                (
                    (turn.t_ns - begin_ns) * 1e-9,
                    turn.outputs.force.total_newton,
                    pain.nrs,
                    pain.report_nrs,
                    pain.face_nrs,
                    pain.voice_nrs,
                )
            )
            self.frames += turn.frames
            self._frame_nrs += [pain.nrs] * len(turn.frames)
            blocks += [block.samples for block in turn.sound]
            self.heard += [block.heard for block in turn.sound]
        names = ("t_s", "force_newton", "nrs", "report_nrs", "face_nrs", "voice_nrs")
        self._pain = np.array(rows, dtype=[(name, float) for name in names])
        self._sound = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)

    @property
    def pain(self) -> NDArray[np.void]:
        """Force and pain at every turn of the loop, shape (n,), by field.

        ``t_s``; ``force_newton``; ``nrs`` felt, 0 to 10; ``report_nrs``, ``face_nrs`` and ``voice_nrs``, what of
        it reaches each way of telling.
        """
        return self._pain

    @property
    def sound(self) -> NDArray[np.float32]:
        """The voice, shape (samples,), full scale 1, at ``sample_rate_hz``; sample 0 is at 0 s."""
        return self._sound

    @cached_property
    def motion(self) -> NDArray[np.void]:
        """Every frame of the face, shape (m,), by field.

        ``t_s``; ``pspi`` 0 to 16; every action unit ("AU4", …) 0 to 5, the stronger side; ``pitch_deg``, ``yaw_deg``,
        ``roll_deg``; ``gaze_pitch_deg``, ``gaze_yaw_deg``; ``breath``, ``flush``, ``sweat``, ``tears``; ``forward_mm``.
        """
        names = ["t_s", "pspi", *ACTION_UNITS, "pitch_deg", "yaw_deg", "roll_deg", "gaze_pitch_deg", "gaze_yaw_deg"]
        names += ["breath", "flush", "sweat", "tears", "forward_mm"]
        rows = [
            (
                t_s,
                seen.pspi,
                *_stronger(pose.au),
                *pose.head_deg,
                *pose.gaze_deg,
                pose.breath,
                pose.flush,
                pose.sweat,
                pose.tears,
                pose.forward_mm,
            )
            for t_s, seen in self.frames
            for pose in (seen.pose,)
        ]
        return np.array(rows, dtype=[(name, float) for name in names])

    @property
    def moments(self) -> list[FilmFrame]:
        """Time, felt pain and pose of every frame."""
        return [FilmFrame(one.t_s, nrs, one.seen.pose) for one, nrs in zip(self.frames, self._frame_nrs, strict=True)]

    def frame(self) -> pandas.DataFrame:
        """A table with a row for each frame of the face: the fields of ``motion``; force, pain and voice of its moment.

        Raises
        ------
        MissingPackageError
            Without pandas, with what to type.
        """
        pd = require("pandas", "study")
        table = pd.DataFrame({name: self.motion[name] for name in self.motion.dtype.names or ()})
        t_s = self.motion["t_s"]
        turns = np.clip(np.searchsorted(self._pain["t_s"], t_s, side="right") - 1, 0, None)
        for name in (self._pain.dtype.names or ())[1:]:
            table[name] = self._pain[name][turns]
        if self.heard:
            block_s = len(self._sound) / len(self.heard) / self.sample_rate_hz
            blocks = np.minimum((t_s / block_s).astype(int), len(self.heard) - 1)
            for name in ("level_dbfs", "f0_hz", "call"):
                table[name] = [getattr(self.heard[block], name) for block in blocks]
        return table

    def film(
        self,
        path: str | Path,
        *,
        size_px: int = 512,
        view: str = "frontal",
        light: str = "window",
        background: str = "wall",
        renderer: Any = "auto",
        replace: bool = False,
    ) -> Path:
        """Write the face with its voice as a film (.mp4, H.264 and AAC); returns its path.

        Parameters
        ----------
        replace
            Write over a file that exists.

        Raises
        ------
        RobopatientError
            When there is no frame, the view or light is unknown, nothing can draw here, the file exists and ``replace``
            is not given, or it cannot be written.

        Examples
        --------
        >>> import robopatient as rp
        >>> rp.simulate("appendicitis", rp.press(newton=20)).film("press.mp4")  # doctest: +SKIP
        """
        from robopatient.face.film import write_film
        from robopatient.face.identity import load_identity
        from robopatient.face.light import make_look
        from robopatient.face.render import make_renderer

        path = Path(path)
        if not self.frames or path.suffix != ".mp4":
            raise ConfigError(f"{path}: needs a name ending in .mp4 and a simulation with a face (face.enabled)")
        if path.exists() and not replace:
            raise ConfigError(f"{path}: exists; give another name, or replace=True")
        poses = ((one.t_s, one.seen.pose) for one in self.frames)
        try:
            with new_files(path, force=replace) as [part]:
                drawer = make_renderer(renderer, load_identity(self._face), size_px, make_look(view, light, background))
                try:
                    write_film(part, poses, drawer, self._fps, self._sound, self.sample_rate_hz)
                finally:
                    drawer.close()
        except OutputError as error:
            raise ConfigError(str(error)) from error
        return path


def simulate(
    patient: PatientProfile | str,
    press: PressProfile | Sequence[PressProfile] | ForceSource,
    *,
    seed: int = 1,
    seconds: float = 0.0,
    config: SessionConfig | None = None,
) -> Episode:
    """Press a patient without any hardware, and keep what was felt, heard and seen. Equal arguments give equal results.

    Parameters
    ----------
    patient
        From ``load_patient``, or its name.
    press
        One press, several (by their ``onset_s``), or a source of forces such as a recording. The hand comes half a
        second after the start.
    seed
        Of all that is drawn: voice, face, and what the patient draws.
    seconds
        Length; 0: to 1.5 s after the last press.
    config
        Of a session: who speaks, what moves the face, which policy; None: as a session without a file.

    Raises
    ------
    ConfigError
        When the press has no such place, or a source without an end is given without ``seconds``.
    RobopatientError
        When anything else that is named does not exist.

    Examples
    --------
    >>> import robopatient as rp
    >>> episode = rp.simulate("appendicitis", rp.press(newton=20, region="right iliac"), seed=1)
    >>> bool(episode.pain["nrs"].max() > 3.0)
    True
    """
    profile = load_patient(patient) if isinstance(patient, str) else patient
    config = _settled(config or SessionConfig(), profile, seed)
    rig = Rig(config, profile)
    rig.settle()
    source: Any = press
    if isinstance(press, PressProfile):
        source = [press]
    if isinstance(source, Sequence):
        later = [msgspec.structs.replace(one, onset_s=one.onset_s + LEAD_S) for one in source]
        source = Palpation(later, phantom=rig.pipeline.sensing.phantom, sites=profile.sites)
    end_s = getattr(source, "end_s", getattr(source, "duration_s", 0.0))
    if not seconds and not end_s:
        raise ConfigError("simulate: these forces have no end; give seconds=...")
    return Episode(rig.play(source, seconds or end_s + TAIL_S), rig, config.face.identity)


def of_pain(levels_nrs: Iterable[float], config: SessionConfig, profile: PatientProfile) -> Episode:
    """What a patient shows of a pain that is given at every ``TICK_S``, NRS, untouched."""
    rig = Rig(config, profile)
    return Episode(rig.feel(levels_nrs), rig, config.face.identity or profile.face)


def simulation_config(
    seed: int, *, voice: str = "", face: str = "", engine: str = "", fps: float = 30.0, **parts: Any
) -> SessionConfig:
    """A session as shipped, with this voice, face ("": nobody's in particular) and what moves it ("": as shipped)."""
    shipped = FaceConfig()
    return SessionConfig(
        seed=seed,
        voice=VoiceConfig(identity=voice),
        face=msgspec.structs.replace(shipped, engine=engine or shipped.engine, identity=face, fps=fps),
        **parts,
    )


def somebody(sex: str, voice: str, expressiveness: float = 1.0) -> PatientProfile:
    """A patient of whom only this is known; pain must be given, since nothing of theirs is tender."""
    return PatientProfile(
        name="somebody",
        age_years=40,
        sex="female" if sex == "female" else "male",
        complaint="",
        history="",
        voice=voice,
        face="",
        expressiveness=expressiveness,
    )


def _stronger(au: Mapping[str, float]) -> list[float]:
    """Intensity of every action unit on its stronger side."""
    sides = sided_intensities(au)
    return [max(sides["L"].get(unit, 0.0), sides["R"].get(unit, 0.0)) for unit in ACTION_UNITS]


def _settled(config: SessionConfig, profile: PatientProfile, seed: int) -> SessionConfig:
    face = msgspec.structs.replace(config.face, identity=config.face.identity or profile.face)
    return msgspec.structs.replace(config, seed=seed, face=face)
