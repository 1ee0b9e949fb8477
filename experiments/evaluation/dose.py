"""What a face shows of a press: measured for every shipped face and patient, and set right by ``face calibrate``.

A press hurts for one second, with a ramp at both ends, as a session sends it to the face: touched, at a place, and with
the voice that the shipped expression preset gives that pain. What counts is the peak of PSPI until a second after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from experiments.benchmarks.figures import Figure, value
from robopatient.config import FaceConfig, asset_names
from robopatient.expression.prior import Prior
from robopatient.expression.split import loudness_of
from robopatient.face.generator import FaceEngine
from robopatient.face.generator.checkpoint import STEP, checkpoint_folder, read_stream
from robopatient.face.generator.condition import Archetype
from robopatient.face.generator.diffusion import OWN_ARCHETYPES, Diffusion, traits_of_face
from robopatient.face.generator.dose import ASKED_NRS, DOSE, Dose, read_doses
from robopatient.face.generator.motion import CHANNELS, settled
from robopatient.face.generator.motion import pspi as motion_pspi
from robopatient.face.generator.noise import SETTLE_FRAMES
from robopatient.face.generator.stream import Stepper
from robopatient.messages import FaceAsk, FaceCommand, FacePose, Phase
from robopatient.patient.profile import load_patient

__all__ = ["AIM_PSPI", "FLOOR_PSPI", "calibrate", "dose_figures", "press"]

FLOOR_PSPI = {3.0: 1.5, 6.0: 4.0, 9.0: 8.0}
"""PSPI that a press of this pain shows at least (assumption: what a trainee sees at a glance on the shipped faces)."""
AIM_PSPI = {3.0: 3.0, 6.0: 7.5, 9.0: 11.1}
"""Median that ``face calibrate`` sets (assumption: above the floor by the spread of people and presses)."""
MOST_PSPI = 13.0
"""More looks unlike a person at pain 9 (assumption: by eye)."""
CALM_PSPI = 1.0
FPS = 30.0
REST_S, PRESS_S, RAMP_S, AFTER_S = 0.5, 1.0, 0.12, 1.0
SITE_MM = (-60.0, -40.0)
MISSED_SHARE = 0.05
"""Of the presses at the edge that are left out: 19 of 20 must do."""
SIDE_BY_SIDE = 120
"""Presses in a batch."""
TOLD_NRS = np.array([0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 9.0, 10.0])

Say = Callable[[str], None]


def press(engine: FaceEngine, nrs: float, *, expressiveness: float = 1.0, press_s: float = PRESS_S) -> list[FacePose]:
    """Poses of an engine that has just been made: half a second of rest, a press, a second after it."""
    voice = Prior()
    poses = []
    for frame in range(round((REST_S + press_s + AFTER_S) * FPS)):
        t_s = frame / FPS - REST_S
        touched = 0.0 <= t_s < press_s
        into_s, left_s = t_s + 1.0 / FPS, press_s + RAMP_S - t_s
        felt = nrs * min(1.0, max(0.0, min(into_s, left_s) / RAMP_S)) if t_s >= 0.0 else 0.0
        t_ns = round(frame * 1e9 / FPS)
        phase: Phase = "hold" if touched else "rest"
        loudness = loudness_of(voice.voice(felt).level_db)
        command = FaceCommand(
            t_ns, frame, t_ns, felt, phase, FaceAsk(felt, expressiveness), touched, False,
            SITE_MM if touched else None, loudness,
        )  # fmt: skip
        poses.append(engine.step(command, t_ns))
    return poses


def dose_figures(seed: int, repeats: int, say: Say = lambda _: None) -> list[Figure]:
    """Peak PSPI of presses: of every shipped face, and of every shipped patient by its own expressiveness.

    Parameters
    ----------
    repeats
        Seeds; each plays every press once.
    """
    faces = {(name, 1.0) for name in asset_names("faces")}
    patients = {name: load_patient(name) for name in asset_names("patients")}
    worn = {name: (one.face, one.expressiveness) for name, one in patients.items()}
    peaks: dict[tuple[str, float], np.ndarray] = {}
    calm = []
    doses = read_doses(checkpoint_folder(FaceConfig().checkpoint))
    for face, expressiveness in sorted(faces | set(worn.values())):
        say(f"dose: {face}, expressiveness {expressiveness:g}")
        config = FaceConfig(identity=face, deadline_ms=0.0)
        played = [
            Played(config, seed + turn, nrs, expressiveness) for turn in range(repeats) for nrs in (*FLOOR_PSPI, 0.0)
        ]
        found = peaks_of(played, doses, config.checkpoint).reshape(repeats, -1)
        peaks[face, expressiveness] = found[:, :-1]
        calm.append(float(found[:, -1].max()))
    typical = {face: peaks[face, 1.0] for face, _ in sorted(faces)}
    figures = []
    for column, (nrs, floor) in enumerate(FLOOR_PSPI.items()):
        least = {face: _edge(found[:, column]) for face, found in typical.items()}
        figures.append(_worst(f"press_pspi_nrs{nrs:g}_min", least, repeats, at_least=floor))
    most = {face: -_edge(-found[:, -1]) for face, found in typical.items()}
    figures.append(_worst("press_pspi_nrs9_max", most, repeats, at_most=MOST_PSPI))
    order = {face: float((np.diff(found, axis=1) > 0.0).all(axis=1).mean()) for face, found in typical.items()}
    figures.append(_worst("press_pspi_in_order_fraction", order, repeats, at_least=1.0 - MISSED_SHARE))
    floors = np.array(list(FLOOR_PSPI.values()))
    share = {}
    for name, one in worn.items():
        edges = np.array([_edge(column) for column in peaks[one].T])
        share[name] = float((edges / (floors * min(1.0, one[1]))).min())
    figures.append(_worst("patient_press_pspi_of_floor_min", share, repeats, at_least=1.0))
    own = {name: float((np.diff(peaks[one], axis=1) > 0.0).all(axis=1).mean()) for name, one in worn.items()}
    figures.append(_worst("patient_press_pspi_in_order_fraction", own, repeats, at_least=1.0 - MISSED_SHARE))
    figures.append(value("rest_pspi_max", round(max(calm), 2), at_most=CALM_PSPI, n=len(calm)))
    return figures


def calibrate(checkpoint: str = "default", repeats: int = 3, seed: int = 1) -> None:
    """Measure which pain the network needs for ``AIM_PSPI``, for every archetype that a face may have by itself.

    Writes ``dose.toml`` into the checkpoint's folder. Mixtures and factors on expressiveness are those of that file, or
    of the shipped one where there is none: they are chosen by hand, not measured.

    Parameters
    ----------
    checkpoint
        Name under ``assets/generators``, or a folder.
    repeats
        Seeds; each plays every press on each shipped face, which lends its sex, age and habits.

    Raises
    ------
    AssetError
        When the checkpoint cannot be used.
    """
    folder, shipped = checkpoint_folder(checkpoint), checkpoint_folder(FaceConfig().checkpoint)
    card, _, _ = read_stream(folder)
    source = folder if (folder / DOSE).is_file() else shipped
    chosen = read_doses(source)
    told = {name: _told(checkpoint, name, chosen.get(name, Dose()), repeats, seed) for name in OWN_ARCHETYPES}
    (folder / DOSE).write_text(_text(folder.name, card.sha256[STEP], told), encoding="utf-8")
    print(f"{folder / DOSE}: written; see what it does: robopatient bench face")


def _told(checkpoint: str, archetype: Archetype, dose: Dose, repeats: int, seed: int) -> Dose:
    """Dose whose pains reach the aim."""
    plain = msgspec.structs.replace(dose, told_nrs=ASKED_NRS)
    medians = [0.0]
    faces = [FaceConfig(identity=face, archetype=archetype, deadline_ms=0.0) for face in asset_names("faces")]
    for nrs in TOLD_NRS[1:].tolist():
        played = [Played(config, seed + turn, nrs) for config in faces for turn in range(repeats)]
        found = peaks_of(played, {archetype: plain}, checkpoint)
        medians.append(float(np.median(found)))
        print(f"{archetype}: told {nrs:g}: PSPI {medians[-1]:.1f} ({min(found):.1f} to {max(found):.1f})", flush=True)
    shown = np.maximum.accumulate(medians)
    pains = {nrs: round(float(np.interp(aim, shown, TOLD_NRS)), 2) for nrs, aim in AIM_PSPI.items()}
    if shown[-1] < max(AIM_PSPI.values()):
        print(f"{archetype}: shows PSPI {shown[-1]:.1f} at most: raise its expressiveness in {DOSE}, then go on here")
    return msgspec.structs.replace(dose, told_nrs=tuple(pains.get(nrs, nrs) for nrs in ASKED_NRS))


class Played(msgspec.Struct, frozen=True):
    """One press on one face."""

    config: FaceConfig
    seed: int
    nrs: float
    expressiveness: float = 1.0


class _Told:
    """Stands in for the network and keeps its inputs."""

    def __init__(self) -> None:
        self.state: dict[str, np.ndarray] = {}
        self.rows: list[tuple[np.ndarray, ...]] = []

    def step(self, condition: np.ndarray, noise: np.ndarray, dice: np.ndarray, guidance: np.ndarray) -> np.ndarray:
        self.rows.append((condition, noise, dice, guidance))
        return np.zeros((1, len(CHANNELS)))


def peaks_of(played: Sequence[Played], doses: Mapping[Archetype, Dose], checkpoint: str) -> np.ndarray:
    """Peak PSPI of every press, shape (n,).

    The inputs of the network do not depend on its outputs: so they are computed first, press by press, and
    all presses are answered side by side, which takes a tenth of the time.
    """
    rows = []
    for one in played:
        told = _Told()
        archetype = traits_of_face(one.config).archetype
        engine = Diffusion(one.config, one.seed, maker=told, dose=doses.get(archetype))
        press(engine, one.nrs, expressiveness=one.expressiveness)
        rows.append([np.concatenate(arrays) for arrays in zip(*told.rows, strict=True)])
    _, path, start = read_stream(checkpoint_folder(checkpoint))
    peaks = []
    for begin in range(0, len(rows), SIDE_BY_SIDE):
        batch = [np.stack(arrays, axis=1) for arrays in zip(*rows[begin : begin + SIDE_BY_SIDE], strict=True)]
        step = Stepper(path, start, batch[0].shape[1])
        shown = [motion_pspi(settled(step.step(*frame))) for frame in zip(*batch, strict=True)]
        peaks.append(np.max(shown[SETTLE_FRAMES:], axis=0))
    return np.concatenate(peaks)


def _edge(peaks: np.ndarray) -> float:
    """What all but the lowest twentieth of the presses reach."""
    return float(np.sort(peaks)[int(MISSED_SHARE * len(peaks))])


def _worst(
    name: str, by_name: dict[str, float], n: int, at_least: float | None = None, at_most: float | None = None
) -> Figure:
    """Figure of the one that is furthest off, and who the three furthest are."""
    order = sorted(by_name, key=lambda one: by_name[one], reverse=at_most is not None)
    remark = ", ".join(f"{one} {by_name[one]:.2f}" for one in order[:3])
    return msgspec.structs.replace(value(name, round(by_name[order[0]], 2), at_most, at_least, n), remark=remark)


def _text(name: str, step_sha256: str, doses: dict[Archetype, Dose]) -> str:
    rows = [
        f"# Written by: robopatient face calibrate {name}",
        f"# told_nrs: network input at pain {', '.join(f'{nrs:g}' for nrs in ASKED_NRS)}; measured: median peak PSPI",
        f"# of presses of {PRESS_S:g} s over the shipped faces is "
        f"{', '.join(f'{aim:g} at {nrs:g}' for nrs, aim in AIM_PSPI.items())}.",
        "# mixture and expressiveness: assumption, chosen by hand; the command keeps them."
        " docs/explanation/generator.md says why.",
        f'step_sha256 = "{step_sha256}"',
    ]
    for archetype, dose in doses.items():
        mixture = ", ".join(f"{one} = {weight:g}" for one, weight in dose.mixture.items())
        rows += ["", f"[archetype.{archetype}]"]
        rows += [f"mixture = {{ {mixture} }}"] if mixture else []
        rows += [
            f"expressiveness = {dose.expressiveness:g}",
            f"told_nrs = [{', '.join(f'{nrs:.2f}' for nrs in dose.told_nrs)}]",
        ]
    return "\n".join(rows) + "\n"
