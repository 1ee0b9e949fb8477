"""One person of a data set, drawn: every picture, clip and label, the same bytes wherever and however often it runs."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from experiments.datasets.design import AGES, SKINS, DatasetDesign, DatasetPerson, Shot
from experiments.datasets.expressions import overlay, pain_course, still
from experiments.datasets.labels import Deformed, Labeller, png_bytes
from experiments.datasets.tables import checksum_of
from robopatient.config import asset_names
from robopatient.errors import require
from robopatient.face.arkit import arkit_weights
from robopatient.face.cache import not_stored
from robopatient.face.film import write_film
from robopatient.face.identity import FaceIdentity
from robopatient.face.light import Look, make_look
from robopatient.face.render import Renderer, make_renderer
from robopatient.face.rig import sided_intensities
from robopatient.face.sampler import Cell, draw_identity
from robopatient.face.scene import load_scene
from robopatient.face.texels import load_texels
from robopatient.facs import ACTION_UNITS, pspi, pspi_no_au43
from robopatient.messages import FacePose
from robopatient.simulation.episode import of_pain, simulation_config, somebody
from robopatient.simulation.generate import write_lossless
from robopatient.simulation.rig import TICK_S
from robopatient.voice.identity import load_identity as load_voice

__all__ = [
    "AU_COLUMNS", "LINEAGE", "DrawJob", "StillRenderer", "Take", "draw_person", "encoded", "identity_of", "label_row",
    "lineage_of", "looks_of", "pose_of_row", "seen_row", "take_of",
]  # fmt: skip

JPEG_QUALITY = 92
LINEAGE = {"stills": "rig/apex-1", "sequences": "rig/{engine}-1"}
"""What made the expressions: judges that learnt from one lineage must not score it (``experiments.judges``)."""
AU_COLUMNS = tuple(f"{unit.lower()}_{side}" for unit in ACTION_UNITS for side in ("left", "right"))


class DrawJob(NamedTuple):
    """One person to draw into a folder."""

    design: DatasetDesign
    person: DatasetPerson
    folder: Path


def lineage_of(design: DatasetDesign) -> str:
    """Name of what moved the faces of a data set."""
    return LINEAGE[design.picture.form].format(engine=design.picture.engine)


def looks_of(design: DatasetDesign) -> list[Look]:
    """Camera and light of every person's frames."""
    picture = design.picture
    return [make_look(view, light, picture.background) for view in picture.views for light in picture.lights]


def identity_of(design: DatasetDesign, person: DatasetPerson) -> FaceIdentity:
    """The face of a person of the design."""
    cell = Cell(AGES[person.age], person.sex, person.ancestry, SKINS[person.skin])
    drawn = draw_identity(cell, person.number, design.seed)
    return msgspec.structs.replace(drawn, name=person.name)


class StillRenderer:
    """Renderers of a design, one a look: they stay, people come and go.

    A context and its shaders take longer to make than a picture, so a process keeps its studio.
    """

    def __init__(self, design: DatasetDesign) -> None:
        self._design = design
        self._renderers: list[Renderer] = []

    def set_appearance(self, identity: FaceIdentity) -> list[Renderer]:
        """Everything ready to draw a person, in the order of ``looks_of``."""
        picture = self._design.picture
        load_texels()  # made once a machine and kept; the simulated people are never met again
        with not_stored():
            load_scene(identity)
        if not self._renderers:
            self._renderers = [
                make_renderer(picture.renderer, identity, picture.size_px, look) for look in looks_of(self._design)
            ]
        else:
            for renderer in self._renderers:
                renderer.wear(identity)
        return self._renderers

    def close(self) -> None:
        """Give back what the device lent."""
        for renderer in self._renderers:
            renderer.close()
        self._renderers.clear()


def draw_person(job: DrawJob, studio: StillRenderer) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Write every file of a person into ``job.folder``.

    Returns
    -------
    tuple
        The rows of labels, one a frame; and the SHA-256 of every file.
    """
    design, person, folder = job
    identity = identity_of(design, person)
    looks, renderers = looks_of(design), studio.set_appearance(identity)
    labeller = Labeller(load_scene(identity).head, design.picture.size_px, design.picture.label_px)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    digests: dict[str, str] = {}
    for shot in design.shots():
        take = take_of(design, person, identity, shot)
        labels = [label_row(pose) for pose in take.poses]
        faces = map(labeller.deform, map(pose_of_row, labels))
        seen = [[seen_row(labeller, face, look) for look in looks] for face in faces]
        for number, (look, renderer) in enumerate(zip(looks, renderers, strict=True)):
            name = f"{_stem(person, shot.number, look)}.{design.picture.file}"
            for path, digest in _write(folder / name, take, renderer, design):
                digests[path.name] = digest
            common = _common(design, person, identity, shot, look)
            rows += [
                {"file_name": name, **common, "frame": frame, "t_s": t_s, "stimulus_nrs": nrs, **labels[frame]}
                | seen[frame][number]
                for frame, (t_s, nrs) in enumerate(zip(take.times_s, take.nrs, strict=True))
            ]
    return rows, digests


class Take(NamedTuple):
    """What a person does in one shot, before any camera: times, pain, poses, and the voice with its rate."""

    times_s: list[float]
    nrs: list[float]
    poses: list[FacePose]
    sound: np.ndarray
    rate_hz: int


def take_of(design: DatasetDesign, person: DatasetPerson, identity: FaceIdentity, shot: Shot) -> Take:
    """Perform a shot."""
    picture, seed = design.picture, _seed(design, person, shot)
    if picture.form == "stills":
        return Take([0.0], [shot.nrs], [still(shot, np.random.default_rng(seed))], np.zeros(0, np.float32), 0)
    levels = [pain_course(shot, picture.seconds, tick * TICK_S) for tick in range(round(picture.seconds / TICK_S) + 1)]
    profile = somebody(person.sex, _voice(person.sex, identity.age_years), shot.expressiveness)
    episode = of_pain(levels, simulation_config(seed, engine=picture.engine, fps=picture.fps), profile)
    moments = episode.moments[: round(picture.seconds * picture.fps)]
    poses = overlay([moment.pose for moment in moments], shot, picture.seconds, picture.fps, seed)
    times = [frame / picture.fps for frame in range(len(poses))]
    return Take(
        times, [pain_course(shot, picture.seconds, t_s) for t_s in times], poses, episode.sound, episode.sample_rate_hz
    )


def _write(path: Path, take: Take, renderer: Renderer, design: DatasetDesign) -> Iterator[tuple[Path, str]]:
    """Write a picture, or a clip with its sound; every file with its SHA-256."""
    if design.picture.form == "stills":
        data = encoded(renderer.draw(take.poses[0]), design.picture.file)
        path.write_bytes(data)
        yield path, hashlib.sha256(data).hexdigest()
    elif path.suffix == ".mp4":
        frames = zip(take.times_s, take.poses, strict=True)
        write_film(path, frames, renderer, design.picture.fps, take.sound, take.rate_hz)
        yield path, checksum_of(path)
    else:
        write_lossless(path, take.poses, renderer, design.picture.fps)
        yield path, checksum_of(path)
        sound = path.with_suffix(".wav")
        _write_wav(sound, take.sound, take.rate_hz)
        yield sound, checksum_of(sound)


def _stem(person: DatasetPerson, shot: int, look: Look) -> str:
    return f"{person.name}-{shot:03d}-{look.view}-{look.light}"


def _seed(design: DatasetDesign, person: DatasetPerson, shot: Shot) -> int:
    """A seed of its own for every shot of every person, whatever the views and lights."""
    text = f"{design.seed}/{person.number}/{shot.number}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _common(
    design: DatasetDesign, person: DatasetPerson, identity: FaceIdentity, shot: Shot, look: Look
) -> dict[str, Any]:
    return {
        "person": person.name,
        "split": person.split,
        "shot": shot.number,
        "kind": shot.kind,
        "nrs": shot.nrs,
        "archetype": shot.archetype,
        "expressiveness": shot.expressiveness,
        "view": look.view,
        "light": look.light,
        "neutral": f"{_stem(person, 0, look)}.{design.picture.file}",
        "age_band": person.age,
        "age_years": identity.age_years,
        "sex": person.sex,
        "ancestry": person.ancestry,
        "skin_band": person.skin,
        "monk_tone": identity.skin.monk_tone,
        "hair": identity.hair.style,
        "lineage": lineage_of(design),
        "seed": _seed(design, person, shot),
    }


def label_row(pose: FacePose) -> dict[str, Any]:
    """Labels that follow from a pose alone."""
    sided = sided_intensities(pose.au)
    row: dict[str, Any] = {}
    for unit in ACTION_UNITS:
        row[f"{unit.lower()}_left"] = float(np.float32(sided["L"].get(unit, 0.0)))
        row[f"{unit.lower()}_right"] = float(np.float32(sided["R"].get(unit, 0.0)))
    stored = _au_of(row)
    row |= {"pspi": pspi(stored), "pspi_no_au43": pspi_no_au43(stored), "arkit": arkit_weights(pose).tolist()}
    for name, value in zip(("pitch", "yaw", "roll"), pose.head_deg, strict=True):
        row[f"head_{name}_deg"] = float(value)
    row |= {"gaze_pitch_deg": pose.gaze_deg[0], "gaze_yaw_deg": pose.gaze_deg[1], "breath": pose.breath}
    return row


def pose_of_row(row: dict[str, Any]) -> FacePose:
    """The pose that a row's action units, head, gaze and breath describe."""
    head = (row["head_pitch_deg"], row["head_yaw_deg"], row["head_roll_deg"])
    au = {name: value for name, value in _au_of(row).items() if value}
    return FacePose(au, head, (row["gaze_pitch_deg"], row["gaze_yaw_deg"]), row["breath"])


def _au_of(row: dict[str, Any]) -> dict[str, float]:
    """Intensities of a row by name, one name where both sides are the same."""
    au: dict[str, float] = {}
    for unit in ACTION_UNITS:
        left, right = row[f"{unit.lower()}_left"], row[f"{unit.lower()}_right"]
        au |= {unit: left} if left == right else {f"{unit}L": left, f"{unit}R": right}
    return au


def seen_row(labeller: Labeller, face: Deformed, look: Look) -> dict[str, Any]:
    """Labels that take a camera."""
    found = labeller.label(face, look)
    return {
        "landmarks_px": found.landmarks_px.ravel().tolist(),
        "region_mask": png_bytes(found.regions),
        "displacement_map": png_bytes(found.displacement),
    }


def encoded(pixels: np.ndarray, kind: str) -> bytes:
    """A picture as the bytes of a file, "jpg" or "png"."""
    if kind == "png":
        return png_bytes(pixels)
    file = io.BytesIO()
    require("PIL.Image", "face").fromarray(pixels).save(file, format="JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _write_wav(path: Path, sound: np.ndarray, rate_hz: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.rint(np.clip(sound, -1.0, 1.0) * 32767).astype("<i2").tobytes())


def _voice(sex: str, age_years: float) -> str:
    """Shipped voice of the same sex and the nearest age."""
    voices = [(name, load_voice(name)) for name in asset_names("voices")]
    return min((abs(v.age_years - age_years), name) for name, v in voices if v.sex == sex)[1]
