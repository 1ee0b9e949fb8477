"""The verb ``bench face``: what a picture costs, how fast faces change and are labelled, and what judges make of them.

The geometry oracle's landmarks are vertices of the project's own mesh, so it tests the rig and no stranger's eye. The
detector is OpenCV's Haar cascade; with ``--judge PYTHON`` a face mesh model of another environment judges too.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
from scipy import ndimage, stats

from experiments.benchmarks.figures import Figure, distribution, machine, new_result, reference_process, show, value
from experiments.evaluation.dose import dose_figures
from robopatient.config import VoiceConfig
from robopatient.errors import DeviceError, MissingPackageError, require
from robopatient.face.apex import apex_au
from robopatient.face.film import write_film
from robopatient.face.head import Head
from robopatient.face.identity import FaceIdentity, load_identity
from robopatient.face.keystone import apply, homography
from robopatient.face.light import Look, inside, picture_places
from robopatient.face.mesh import Material, load_template
from robopatient.face.render import Renderer, make_renderer
from robopatient.face.render_queue import RenderQueue
from robopatient.face.sampler import sample_identities
from robopatient.facs import pspi
from robopatient.messages import FacePose
from robopatient.simulation.episode import simulation_config, somebody
from robopatient.simulation.rig import Rig

__all__ = ["bench_face"]

SIZE_PX = 512
FPS = 30.0
BATCH = 6
"""Frames between two readings of the process's CPU clock."""
FACE = "margaret"
LEVELS_NRS = (0.0, 5.0, 9.0)
JUDGED_PX = 320
CORNERS = ((-0.9, 0.95), (0.8, 0.88), (0.92, -0.85), (-0.82, -0.97))
STEPS = np.linspace(0.0, 5.0, 6)
ORACLE_IDENTITIES = 10


def bench_face(as_json: bool, seconds: float, identities: int, seed: int, judge: str = "", presses: int = 20) -> None:
    """Measure and print.

    Parameters
    ----------
    identities
        Simulated patients that the detectors look at, at three pains each.
    judge
        Python with mediapipe 0.10.21 for the independent landmarks; "" leaves them out.
    presses
        Of each pain on every shipped face and patient, for what they show of it; 0 leaves that out.
    """
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
    figures += _seen_by_others(drawn, judge)
    figures += [_oracle(drawn[:ORACLE_IDENTITIES]), _homography_error()]
    if presses:
        figures += dose_figures(seed, presses, lambda text: print(text, file=sys.stderr, flush=True))
    show(new_result("face", figures, [], machine(reference), seed), as_json)


def _living_poses(seconds: float, seed: int) -> list[FacePose]:
    """A face that is pressed for two seconds in every four."""
    config = msgspec.structs.replace(simulation_config(seed, fps=FPS), voice=VoiceConfig(enabled=False))
    rig = Rig(config, somebody("female", "rosa"), tick_s=1.0 / FPS)
    pains = [8.0 * (frame / FPS % 4.0 < 2.0) for frame in range(round(seconds * FPS))]
    poses = [frame.seen.pose for turn in rig.feel(pains) for frame in turn.frames]
    return poses[: len(pains)]


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
    """Time from another name to its first picture by a renderer that is at work, textures and meshes cached, ms."""
    faces = [load_identity(name) for name in (FACE, "tomas")]
    renderer = make_renderer("auto", faces[0], SIZE_PX)
    for identity in (*faces, *faces):
        renderer.wear(identity)
        renderer.draw(FacePose())
    took = []
    for k in range(10):
        start = time.perf_counter()
        renderer.wear(faces[k % 2])
        renderer.draw(FacePose())
        took.append((time.perf_counter() - start) * 1e3)
    renderer.close()
    return np.array(took)


def _labelled(poses: list[FacePose], folder: Path) -> float:
    """Frames a second with a row of labels each, as H.264, drawn by a process a core that has warmed up."""
    labels: list[tuple[float, ...]] = []

    def labelled() -> Iterator[tuple[float, FacePose]]:
        for frame, pose in enumerate(poses):
            labels.append((frame / FPS, pspi(pose.au), *pose.au.values(), *pose.head_deg, *pose.gaze_deg))
            yield frame / FPS, pose

    with RenderQueue("auto", load_identity(FACE), SIZE_PX) as drawer:
        for _ in drawer.draw_many(poses[:16]):
            pass
        start = time.perf_counter()
        write_film(folder / "labelled.mp4", labelled(), drawer, FPS)
        took_s = time.perf_counter() - start
    return len(labels) / took_s


def _seen_by_others(identities: list[FaceIdentity], judge: str) -> list[Figure]:
    """Faces found by the cascade and by the landmark judge, and what its landmarks and lines say of action units."""
    cascade = _cascade()
    if cascade is None and not judge:
        return []
    poses = [FacePose(au=apex_au(nrs)) for nrs in LEVELS_NRS]
    by_cascade = by_judge = 0
    ramps: dict[str, list[float]] = {unit: [] for unit in JUDGED}
    with tempfile.TemporaryDirectory(prefix="robopatient-") as cache, _Landmarks(judge) as landmarks:
        before = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = cache  # simulated patients are used once
        try:
            renderer = make_renderer("auto", identities[0], JUDGED_PX)
            for number, identity in enumerate(identities):
                renderer.wear(identity)
                for pose in poses:
                    picture = renderer.draw(pose)
                    by_cascade += cascade is not None and cascade(picture)
                    by_judge += landmarks.measure(picture) is not None
                if judge and number < ORACLE_IDENTITIES:
                    for unit, rho in _ramps(renderer, landmarks).items():
                        ramps[unit].append(rho)
                for path in Path(cache).rglob("scene-*.npz"):
                    path.unlink()
            renderer.close()
        finally:
            os.environ.pop("XDG_CACHE_HOME")
            if before is not None:
                os.environ["XDG_CACHE_HOME"] = before
    count = len(identities) * len(poses)
    figures = []
    if cascade is not None:
        figures.append(value("faces_found_fraction", by_cascade / count, at_least=0.99, n=count))
    if judge:
        figures.append(value("faces_found_by_face_mesh_fraction", by_judge / count, at_least=0.99, n=count))
        medians = {unit: float(np.median(rho)) for unit, rho in ramps.items()}
        asked = {unit: number for unit, number in medians.items() if unit not in BY_LINES}
        remark = ", ".join(f"{unit} {number:+.2f}" for unit, number in medians.items())
        figures.append(
            msgspec.structs.replace(
                value("face_mesh_spearman_median", float(np.median(list(asked.values()))), at_least=0.9), remark=remark
            )
        )
        lowest = min(medians[unit] for unit in BY_LINES)
        figures.append(value("au6_au9_lines_spearman", lowest, at_least=0.7, n=len(ramps["AU6"])))
    return figures


def _cascade() -> Callable[[np.ndarray], bool] | None:
    """Whether OpenCV's frontal cascade finds a face in a picture; None without OpenCV."""
    try:
        cv2 = require("cv2", "face")
    except MissingPackageError:  # not a dependency of this program
        return None
    detector = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def found(picture: np.ndarray) -> bool:
        grey, least = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), len(picture) // 4
        return len(detector.detectMultiScale(grey, 1.1, 4, minSize=(least, least))) > 0

    return found


JUDGED: dict[str, tuple[str, float]] = {
    "AU1": ("inner_brow", 1.0), "AU4": ("inner_brow", -1.0), "AU6": ("crow_lines", 1.0), "AU7": ("lids", -1.0),
    "AU9": ("bridge_lines", 1.0), "AU10": ("nose_lip", -1.0), "AU12": ("mouth_width", 1.0),
    "AU15": ("corner_drop", 1.0), "AU20": ("mouth_width", 1.0), "AU26": ("lip_gap", 1.0), "AU43": ("lids", -1.0),
}  # fmt: skip
"""Measure of ``face_landmarks.py`` and the sign of its change."""
BY_LINES = ("AU6", "AU9")
"""Judged by the lines in the picture: landmarks hardly move (facts: 5)."""


class _Landmarks:
    """The judge in its own process; measures nothing without one."""

    def __init__(self, python: str) -> None:
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        if python:
            script = Path(__file__).with_name("face_landmarks.py")
            command = [python, str(script), str(JUDGED_PX)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )

    def __enter__(self) -> _Landmarks:
        return self

    def __exit__(self, *said: object) -> None:
        if self._process is not None:
            self._process.communicate()

    def measure(self, picture: np.ndarray) -> dict[str, float] | None:
        """Measures of the face in a picture, or None."""
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            return None
        try:
            self._process.stdin.write(np.ascontiguousarray(picture).tobytes())
            self._process.stdin.flush()
        except OSError as error:
            raise DeviceError(f"--judge {self._python}: does not run; give a Python with mediapipe") from error
        line = self._process.stdout.readline()
        if not line:
            raise DeviceError(f"--judge {self._python}: ended; give a Python with mediapipe 0.10.21")
        told: dict[str, float] | None = msgspec.json.decode(line)
        return told


def _ramps(renderer: Renderer, landmarks: _Landmarks) -> dict[str, float]:
    """Spearman of each measure with six steps of its action unit on one face."""
    found = {}
    for unit, (name, sign) in JUDGED.items():
        told = [landmarks.measure(renderer.draw(FacePose(au={unit: float(step)}))) for step in STEPS]
        shown = [one[name] if one is not None else math.nan for one in told]
        rho = float(stats.spearmanr(STEPS, shown, nan_policy="omit").statistic) if np.ptp(shown) > 0.0 else 0.0
        found[unit] = sign * (rho if math.isfinite(rho) else 0.0)
    return found


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


def _oracle(identities: list[FaceIdentity]) -> Figure:
    """Spearman of a landmark measure with the commanded intensity, median over action units and identities."""
    template = load_template()
    skin = template.points_of(Material.SKIN)
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


def _homography_error() -> Figure:
    """Mean difference of a folded keystone from a warp of the picture, of 255, over the warped picture.

    Both are drawn at twice the size and averaged, as a projector's lens would; unaveraged beside it, where the warp
    blurs edges that drawing leaves hard.
    """
    rows = homography(CORNERS)
    identity, pose = load_identity("tomas"), FacePose(au=apex_au(5.0))
    size = 2 * SIZE_PX
    plain, folded = (
        make_renderer("auto", identity, size, Look(background="black", keystone=keystone)).draw(pose).astype(float)
        for keystone in (Look().keystone, rows)
    )
    places = apply(tuple(map(tuple, np.linalg.inv(np.array(rows)).tolist())), picture_places(size, Look()))
    at = [(1.0 - places[..., 1]) / 2.0 * size - 0.5, (places[..., 0] + 1.0) / 2.0 * size - 0.5]
    warped = np.stack([ndimage.map_coordinates(plain[..., n], at, order=1) for n in range(3)], axis=-1)
    within = inside(1.01 * places)

    def halved(values: np.ndarray) -> np.ndarray:
        mean: np.ndarray = (values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]) / 4.0
        return mean

    difference = np.abs(halved(folded) - halved(warped))[halved(within.astype(float)) == 1.0]
    unaveraged = np.abs(folded - warped)[within].mean()
    return msgspec.structs.replace(
        value("homography_error", float(difference.mean()), at_most=0.5), remark=f"{unaveraged:.2f} unaveraged"
    )
