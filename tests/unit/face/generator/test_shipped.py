"""The checkpoint that is shipped: small, whole, and its face answers what it is told."""

import numpy as np
import pytest
from support.needs import module

from robopatient.config import FaceConfig
from robopatient.face.generator.checkpoint import LARGEST_BYTES, checkpoint_folder, read_stream
from robopatient.face.generator.diffusion import Diffusion
from robopatient.face.generator.motion import ACTION_UNIT_CHANNELS, column, frame_of, pspi
from robopatient.messages import FaceAsk, FaceCommand

module("onnxruntime", "face")

ONSET, RELEASE, END = 30, 105, 150
UNITS = slice(0, len(ACTION_UNIT_CHANNELS))


def play(nrs: float, seed: int, *, expressiveness: float = 1.0, voice: float = 0.2, **config: object) -> np.ndarray:
    """Motion of a press of 2.5 s that hurts, shape (END, D)."""
    face = Diffusion(FaceConfig(engine="diffusion", deadline_ms=0.0, **config), seed)  # type: ignore[arg-type]
    frames = []
    for k in range(END):
        pressed = ONSET <= k < RELEASE
        pain = min(nrs, (k - ONSET + 1) * nrs / 5.0) if pressed else 0.0
        t_ns = round(k * 1e9 / 30)
        ask = FaceAsk(pain, expressiveness)
        place = (-60.0, -40.0) if pressed else None
        command = FaceCommand(t_ns, 0, t_ns, pain, "hold", ask, pressed, False, place, voice * pressed)
        frames.append(frame_of(face.step(command, t_ns)))
    return np.array(frames)


def test_it_is_whole_small_and_agrees_with_its_pipeline() -> None:
    folder = checkpoint_folder("default")
    card, _, _ = read_stream(folder)
    assert card.agreement < 1e-5
    assert card.parameters < 4_000_000
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < LARGEST_BYTES


def test_more_pain_shows_more_and_a_stoic_shows_less() -> None:
    def shown(nrs: float, **more: object) -> float:
        return float(np.mean([pspi(play(nrs, seed, **more))[ONSET + 20 : RELEASE].mean() for seed in range(4)]))

    none, some, strong = shown(0.0), shown(4.0), shown(9.0)
    assert none < 1.0
    assert none < some < strong
    assert shown(9.0, archetype="stoic") < 0.5 * strong
    assert shown(9.0, expressiveness=0.3) < shown(9.0, expressiveness=2.0)


def test_guidance_pushes_what_its_name_says() -> None:
    def shown(weight: float) -> float:
        return float(
            np.mean([pspi(play(7.0, seed, guidance={"pain": weight}))[ONSET:RELEASE].max() for seed in range(4)])
        )

    assert shown(-0.5) < shown(0.0) < shown(1.0)


def test_like_presses_are_answered_alike_unless_variety_is_asked_for() -> None:
    def spread(variety: float) -> float:
        peaks = [pspi(play(7.0, seed, variety=variety))[ONSET:RELEASE].max() for seed in range(6)]
        return float(np.std(peaks))

    assert spread(0.0) < spread(1.0)


def test_the_mouth_goes_with_the_voice() -> None:
    def jaw(voice: float) -> float:
        return float(np.mean([play(6.0, seed, voice=voice)[ONSET:RELEASE, column("jaw_mm")] for seed in range(4)]))

    assert jaw(0.6) > jaw(0.0) + 2.0


@pytest.mark.parametrize("seed", range(3))
def test_a_press_changes_the_face_within_two_frames(seed: int) -> None:
    change = np.abs(play(7.0, seed) - play(0.0, seed, voice=0.0))[:, UNITS].max(axis=1)
    assert change[:ONSET].max() == 0.0  # the same noise: what differs is answer
    assert change[ONSET] > 0.01
    assert change[ONSET + 1] > 0.03


def test_a_face_left_alone_neither_freezes_nor_wanders_off() -> None:
    face = Diffusion(FaceConfig(engine="diffusion", deadline_ms=0.0), 1)
    motion = np.array([frame_of(face.step(None, round(k * 1e9 / 30))) for k in range(3600)])
    early, late = motion[:1800], motion[1800:]
    assert pspi(late).mean() < 1.0
    assert late[:, column("breath")].std() > 0.05
    assert abs(late.mean(axis=0) - early.mean(axis=0))[UNITS].max() < 0.5
