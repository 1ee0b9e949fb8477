"""The verb ``bench face``: what a picture costs, how fast faces change and are labelled, and what judges make of them.

The landmark judge here is the geometry oracle: landmarks are vertices of the project's own mesh, so it tests the rig
and not a stranger's eye. The detector is OpenCV's Haar cascade.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage, stats

from experiments.benchmarks.figures import Figure, distribution, machine, new_result, reference_process, show, value
from robopatient.config import FaceConfig
from robopatient.errors import require
from robopatient.face.apex import apex_au
from robopatient.face.film import write_film
from robopatient.face.generator import make_engine
from robopatient.face.head import Head
from robopatient.face.identity import Identity, load_identity
from robopatient.face.keystone import homography
from robopatient.face.light import Look
from robopatient.face.mesh import Part, load_template
from robopatient.face.pose import FacePose
from robopatient.face.render import make_renderer
from robopatient.face.sampler import sample_identities
from robopatient.facs import pspi
from robopatient.messages import FaceAsk, FaceCommand, Phase

__all__ = ["bench_face"]

SIZE_PX = 512
FPS = 30.0
BATCH = 6
"""Frames between two readings of the process's CPU clock."""
FACE = "margaret"
LEVELS_NRS = (0.0, 5.0, 9.0)
JUDGED_PX = 256
CORNERS = ((-0.9, 0.95), (0.8, 0.88), (0.92, -0.85), (-0.82, -0.97))
STEPS = np.linspace(0.0, 5.0, 6)
ORACLE_IDENTITIES = 10


def bench_face(as_json: bool, seconds: float, identities: int, seed: int) -> None:
    """Measure and print."""
    poses = _living_poses(seconds, seed)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="robopatient-") as folder:
        with reference_process(Path(folder)) as references:
            begin, end, cpu_ms, fps = _draw(poses)
            switch_ms = _switch()
            labelled = _labelled(poses[: min(len(poses), 240)], Path(folder))
        [reference] = references
        calm = reference.calm(begin, end)
        figures += [
            distribution("render_cpu_ms", cpu_ms, calm, target={"p50": 20.0}),
            value("live_fps", fps, at_least=FPS, n=len(poses)),
            distribution("identity_switch_ms", switch_ms, target={"p50": 150.0}),
            value("labelled_frames_per_s", labelled, at_least=40.0, n=min(len(poses), 240)),
        ]
    drawn = sample_identities(identities, seed)
    found = _found(drawn)
    if found is not None:
        figures.append(value("faces_found_fraction", found, at_least=0.99, n=len(drawn) * len(LEVELS_NRS)))
    figures += [_oracle(drawn[:ORACLE_IDENTITIES]), value("homography_error", _homography_error(), at_most=0.5)]
    show(new_result("face", figures, [], machine(reference), seed), as_json)


def _living_poses(seconds: float, seed: int) -> list[FacePose]:
    """A face that is pressed for two seconds in every four."""
    engine = make_engine(FaceConfig(), seed)
    poses = []
    for frame in range(round(seconds * FPS)):
        t_s = frame / FPS
        pressed = t_s % 4.0 < 2.0
        t_ns = round(t_s * 1e9)
        phase: Phase = "hold" if pressed else "rest"
        poses.append(engine.step(FaceCommand(t_ns, frame, t_ns, 8.0 * pressed, phase, FaceAsk(8.0 * pressed)), t_ns))
    return poses


def _draw(poses: list[FacePose]) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """When batches of frames began and ended, ns; CPU of the whole process a frame, ms; frames a second flat out."""
    renderer = make_renderer("auto", load_identity(FACE), SIZE_PX)
    for pose in poses[:BATCH]:
        renderer.draw(pose)
    begin, end, cpu_ms = [], [], []
    for k in range(0, len(poses) - BATCH + 1, BATCH):
        begin.append(time.monotonic_ns())
        used = time.process_time()
        for pose in poses[k : k + BATCH]:
            renderer.draw(pose)
        cpu_ms.append((time.process_time() - used) / BATCH * 1e3)
        end.append(time.monotonic_ns())
    renderer.close()
    took_s = (np.array(end) - np.array(begin)) * 1e-9 / BATCH
    return np.array(begin), np.array(end), np.array(cpu_ms), float(1.0 / np.median(took_s))


def _switch() -> np.ndarray:
    """Time from another name to its first picture, textures and meshes cached, ms."""
    names = (FACE, "tomas")
    for name in names:
        make_renderer("auto", load_identity(name), SIZE_PX).close()
    took = []
    for k in range(10):
        start = time.perf_counter()
        renderer = make_renderer("auto", load_identity(names[k % 2]), SIZE_PX)
        renderer.draw(FacePose())
        took.append((time.perf_counter() - start) * 1e3)
        renderer.close()
    return np.array(took)


def _labelled(poses: list[FacePose], folder: Path) -> float:
    """Frames a second with a row of labels each, as H.264."""
    renderer = make_renderer("auto", load_identity(FACE), SIZE_PX)
    renderer.draw(poses[0])
    labels: list[tuple[float, ...]] = []

    def labelled() -> object:
        for frame, pose in enumerate(poses):
            labels.append((frame / FPS, pspi(pose.au), *pose.au.values(), *pose.head_deg, *pose.gaze_deg))
            yield frame / FPS, pose

    start = time.perf_counter()
    write_film(folder / "labelled.mp4", labelled(), renderer, FPS)  # type: ignore[arg-type]
    took_s = time.perf_counter() - start
    renderer.close()
    return len(labels) / took_s


def _found(identities: list[Identity]) -> float | None:
    """Share of pictures in which the cascade finds exactly one face; None without OpenCV."""
    try:
        cv2 = require("cv2", "face")
        detector = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    except Exception:  # not a dependency of this program
        return None
    hits = 0
    for identity in identities:
        renderer = make_renderer("auto", identity, JUDGED_PX)
        for nrs in LEVELS_NRS:
            grey = cv2.cvtColor(renderer.draw(FacePose(au=apex_au(nrs))), cv2.COLOR_RGB2GRAY)
            hits += len(detector.detectMultiScale(grey, 1.1, 4, minSize=(JUDGED_PX // 4, JUDGED_PX // 4))) > 0
        renderer.close()
    return hits / (len(identities) * len(LEVELS_NRS))


LANDMARKS_DM = {
    "brow_in": (0.11, 7.47), "brow_out": (0.45, 7.49), "corner": (0.27, 6.64), "lip_up": (0.0, 6.72),
    "lip_low": (0.0, 6.58), "chin": (0.0, 6.30), "ala": (0.16, 6.94), "eye_up": (0.31, 7.31), "eye_low": (0.31, 7.20),
    "nose": (0.0, 7.05), "cheek": (0.36, 7.08),
}  # fmt: skip
"""Places on the template's face, patient's left, dm; the nearest skin in front is the landmark."""

MEASURES: dict[str, tuple[Callable[[dict[str, np.ndarray]], float], float]] = {
    "AU1": (lambda p: p["brow_in"][1] - p["nose"][1], 1.0),
    "AU4": (lambda p: p["brow_in"][1] - p["nose"][1], -1.0),
    "AU6": (lambda p: p["cheek"][1] - p["nose"][1], 1.0),
    "AU7": (lambda p: p["eye_up"][1] - p["eye_low"][1], -1.0),
    "AU9": (lambda p: p["ala"][1] - p["eye_low"][1], 1.0),
    "AU10": (lambda p: p["lip_up"][1] - p["nose"][1], 1.0),
    "AU12": (lambda p: p["corner"][0], 1.0),
    "AU15": (lambda p: p["corner"][1] - p["nose"][1], -1.0),
    "AU20": (lambda p: p["corner"][0], 1.0),
    "AU26": (lambda p: p["chin"][1] - p["nose"][1], -1.0),
    "AU43": (lambda p: p["eye_up"][1] - p["eye_low"][1], -1.0),
}


def _oracle(identities: list[Identity]) -> Figure:
    """Spearman of a landmark measure with the commanded intensity, median over action units and identities."""
    template = load_template()
    skin = template.points_of(Part.SKIN)
    front = skin[template.template_dm[skin, 2] > 0.9]
    where = {
        name: front[np.argmin(np.hypot(*(template.template_dm[front, :2] - place).T))]
        for name, place in LANDMARKS_DM.items()
    }
    rho: dict[str, list[float]] = {unit: [] for unit in MEASURES}
    for identity in identities:
        head = Head(identity, template)
        for unit, (measure, sign) in MEASURES.items():
            shown = []
            for step in STEPS:
                points = head.pose(FacePose(au={unit: float(step)})).points
                shown.append(measure({name: points[index] for name, index in where.items()}))
            rho[unit].append(sign * float(stats.spearmanr(STEPS, shown).statistic) if np.ptp(shown) > 1e-6 else 0.0)
    medians = {unit: float(np.median(values)) for unit, values in rho.items()}
    figure = value("au_landmark_spearman_median", float(np.median(list(medians.values()))), at_least=0.9)
    remark = "geometry oracle: " + ", ".join(f"{unit} {number:+.2f}" for unit, number in medians.items())
    return Figure(figure.name, figure.value, n=len(identities), target=figure.target, met=figure.met, remark=remark)


def _homography_error() -> float:
    """Mean difference of a folded keystone from a warp of the picture, of 255, within the warped picture."""
    rows = homography(CORNERS)
    identity, pose = load_identity("tomas"), FacePose(au=apex_au(5.0))
    plain, folded = (
        make_renderer("auto", identity, SIZE_PX, Look(background="black", keystone=keystone))
        for keystone in (Look().keystone, rows)
    )
    axis = (np.arange(SIZE_PX) + 0.5) / SIZE_PX * 2.0 - 1.0
    x, y = np.meshgrid(axis, -axis)
    u, v, w = np.einsum("ij,jrc->irc", np.linalg.inv(np.array(rows)), np.stack([x, y, np.ones_like(x)]))
    places = [(1.0 - v / w) / 2.0 * SIZE_PX - 0.5, (u / w + 1.0) / 2.0 * SIZE_PX - 0.5]
    picture = plain.draw(pose).astype(float)
    warped = np.stack([ndimage.map_coordinates(picture[..., n], places, order=1) for n in range(3)], axis=-1)
    inside = (np.abs(u / w) < 1.0) & (np.abs(v / w) < 1.0)
    return float((np.abs(folded.draw(pose) - warped) * inside[..., None]).mean())
