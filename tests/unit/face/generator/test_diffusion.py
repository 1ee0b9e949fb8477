import itertools
import sys
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from robopatient.config import FaceConfig
from robopatient.errors import RobopatientError
from robopatient.face.generator import make_engine, make_engine_or_blend, note_of
from robopatient.face.generator.blend import Blend
from robopatient.face.generator.diffusion import Diffusion, traits_of_face
from robopatient.face.generator.motion import CHANNELS, column
from robopatient.messages import FaceAsk, FaceCommand, FacePose

MS = 1_000_000


class Plain:
    """Stands in for the network: AU4 is half the pain of the moment, breath counts the frames of this life."""

    def __init__(self) -> None:
        self.state: dict[str, np.ndarray] = {"count": np.zeros(1)}
        self.wait: threading.Event | None = None
        self.broken = False

    def step(self, condition: np.ndarray, noise: np.ndarray, dice: np.ndarray, guidance: np.ndarray) -> np.ndarray:
        if self.wait is not None:
            self.wait.wait(5.0)
        self.state = {"count": self.state["count"] + 1.0}
        frame = np.zeros(len(CHANNELS))
        frame[column("AU4")] = 0.5 * condition[0, 0] * condition[0, 9] + (np.nan if self.broken else 0.0)
        frame[column("breath")] = 0.001 * self.state["count"][0]
        frame[column("AU1")] = 0.5 + 0.01 * noise[0, 0]
        return frame[None]


def ask(t_ns: int, nrs: float, *, expressiveness: float = 1.0, hush: bool = False) -> FaceCommand:
    return FaceCommand(t_ns, 0, t_ns, nrs, "hold", FaceAsk(nrs, expressiveness), nrs > 0.0, hush, (40.0, -30.0), 0.2)


def engine(maker: Plain | None = None, **config: object) -> Diffusion:
    settings = {"engine": "diffusion", "deadline_ms": 0.0} | config
    return Diffusion(msgspec.convert(settings, FaceConfig), 1, maker or Plain())


def play(face: Diffusion, nrs, seconds: float, fps: float = 30.0, start_s: float = 0.0) -> list[FacePose]:
    times = [start_s + k / fps for k in range(round(seconds * fps))]
    return [face.step(ask(round(t * 1e9), nrs(t)), round(t * 1e9)) for t in times]


def test_the_first_frame_after_a_change_is_made_from_it() -> None:
    poses = play(engine(), lambda t: 6.0 * (t >= 0.5), 1.0)
    shown = [pose.au.get("AU4", 0.0) for pose in poses]
    assert shown[14] == 0.0
    assert shown[15] == pytest.approx(3.0)


@pytest.mark.parametrize("fps", [15.0, 24.0, 60.0, 120.0])
def test_other_displays_see_the_same_motion_between_its_frames(fps: float) -> None:
    face = engine(fps=fps)
    poses = play(face, lambda t: 4.0 * t, 1.5, fps)
    shown = np.array([pose.au.get("AU4", 0.0) for pose in poses])
    assert face.missed == 0
    assert np.all(np.diff(shown) >= 0.0)
    lag_s = np.arange(len(shown)) / fps - shown / 2.0
    assert np.all(np.abs(lag_s) < 0.070)
    if fps > 30.0:
        assert np.diff(shown).max() < 2.0 / 30.0  # no jump of a whole inner frame


def test_frames_follow_the_clock_and_not_the_calls() -> None:
    calm, trembling = engine(), engine()
    wobble = itertools.cycle([0, 6 * MS, -5 * MS, 3 * MS])
    for k in range(60):
        t_ns = 10**9 + round(k * 1e9 / 30)
        calm.step(ask(t_ns, 0.0), t_ns)
        moved = t_ns + (next(wobble) if k else 0)
        trembling.step(ask(moved, 0.0), moved)
    assert calm._maker.state["count"] == trembling._maker.state["count"]


def test_seeds_decide_the_face(toy_checkpoint: Path) -> None:
    def poses(seed: int) -> list[FacePose]:
        config = FaceConfig(engine="diffusion", checkpoint=str(toy_checkpoint), deadline_ms=0.0)
        return play(Diffusion(config, seed), lambda t: 5.0 * (t > 0.3), 1.0)

    assert poses(1) == poses(1)
    assert poses(1) != poses(2)


def test_a_late_network_is_held_counted_and_told() -> None:
    maker = Plain()
    face = engine(maker, deadline_ms=5.0)
    play(face, lambda t: 12.0 * t, 0.5)
    assert (face.missed, face.note) == (0, "")
    before = face._frame[column("AU4")]
    maker.wait = threading.Event()
    held = play(face, lambda t: 12.0 * t, 0.4, start_s=0.5)
    shown = np.array([pose.au["AU4"] for pose in held])
    assert face.missed == 12
    assert face.note == "face generator: 12 frames late"
    assert np.all(np.diff(shown) >= 0.0)  # it drifts on …
    assert np.diff(shown)[-1] < 0.05 * np.diff(shown)[0]  # … and slows down
    assert before < shown[0] < before + 0.3
    maker.wait.set()
    maker.wait = None
    late = face.missed
    play(face, lambda t: 12.0 * t, 0.3, start_s=0.9)
    assert face.missed <= late + 1
    face.close()


def test_a_caller_that_was_away_gets_no_burst() -> None:
    maker = Plain()
    face = engine(maker)
    face.step(ask(0, 0.0), 0)
    count = maker.state["count"][0]
    face.step(ask(10**10, 0.0), 10**10)
    assert maker.state["count"][0] - count <= 5
    assert face.missed > 290


@pytest.mark.parametrize("way", ["hush", "stale", "none"])
def test_quiet_eases_the_face_to_calm_within_300_ms(way: str) -> None:
    face = engine()
    play(face, lambda _: 8.0, 1.0)
    shown = []
    for k in range(12):
        t_ns = 10**9 + round(k * 1e9 / 30)
        command = None if way == "none" else ask(t_ns, 8.0, hush=True) if way == "hush" else ask(t_ns - 10**9, 8.0)
        shown.append(face.step(command, t_ns).au.get("AU4", 0.0))
    assert shown[0] > 3.5
    assert np.all(np.diff(shown) <= 0.0)
    assert shown[9] == pytest.approx(0.0, abs=0.02)
    assert play(face, lambda _: 8.0, 0.1, start_s=1.4)[-1].au["AU4"] == pytest.approx(4.0)


def test_a_paused_face_stands_still_and_goes_on() -> None:
    face = engine()
    play(face, lambda t: 5.0 * t, 1.0)
    still = face.step(ask(10**9, 5.0), 10**9)
    face.pause()
    assert face.step(ask(2 * 10**9, 9.0), 2 * 10**9) == face.step(ask(3 * 10**9, 0.0), 3 * 10**9) == still
    face.pause(False)
    assert face.step(ask(10**11, 5.0), 10**11).au["AU4"] == pytest.approx(2.5)
    assert face.missed == 0


def test_a_stoic_shows_nothing_and_a_broken_policy_does_not_freeze_the_face() -> None:
    face = engine()
    assert face.step(ask(0, 9.0, expressiveness=0.0), 0).au.get("AU4", 0.0) == 0.0
    assert "AU4" not in face.step(ask(34 * MS, float("nan")), 34 * MS).au
    assert face.step(ask(67 * MS, 8.0), 67 * MS).au["AU4"] == pytest.approx(4.0)


def test_a_network_that_has_lost_its_way_starts_again() -> None:
    maker = Plain()
    face = engine(maker)
    shown = play(face, lambda _: 6.0, 0.5)[-1]
    maker.broken = True
    assert face.step(ask(5 * 10**8, 6.0), 5 * 10**8).au["AU4"] == shown.au["AU4"]
    maker.broken = False
    assert face.step(ask(533 * MS, 4.0), 533 * MS).au["AU4"] == pytest.approx(2.0, abs=0.05)


def test_a_face_has_habits_of_its_own_and_may_be_given_others() -> None:
    margaret = traits_of_face(FaceConfig(identity="margaret"))
    assert margaret == traits_of_face(FaceConfig(identity="margaret"))
    assert (margaret.sex, margaret.age_years) == (0.0, 68.0)
    assert traits_of_face(FaceConfig(identity="jonas")) != margaret
    assert traits_of_face(FaceConfig(identity="margaret", archetype="stoic")).archetype == "stoic"


def test_what_cannot_be_used_falls_back_to_blend_and_says_why(
    toy_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, note = make_engine_or_blend(FaceConfig(engine="diffusion", checkpoint="nobody"), 1)
    assert isinstance(moved, Blend)
    assert "nobody" in note
    assert "blend engine moves the face" in note
    assert note_of(moved) == ""
    config = FaceConfig(engine="diffusion", checkpoint=str(toy_checkpoint))
    assert make_engine_or_blend(config, 1)[1] == ""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "pip install 'robopatient[face]'" in make_engine_or_blend(config, 1)[1]
    monkeypatch.undo()
    with pytest.raises(RobopatientError, match="guidance: weather"):
        make_engine(FaceConfig(engine="diffusion", checkpoint=str(toy_checkpoint), guidance={"weather": 1.0}), 1)


def test_the_face_blinks_glances_and_breathes_by_clocks_of_its_own() -> None:
    poses = play(engine(), lambda t: 0.0, 60.0)
    shut = np.array([pose.au.get("AU45", 0.0) > 3.0 for pose in poses])
    assert 8 <= np.count_nonzero(np.diff(shut.astype(int)) > 0) <= 30
    assert np.ptp([pose.gaze_deg[1] for pose in poses]) > 3.0
    breath = np.array([pose.breath for pose in poses])
    breaths = np.count_nonzero(np.diff((breath > 0.35).astype(int)) > 0)
    assert 12 <= breaths <= 16


def test_the_chest_follows_the_breath_that_is_told() -> None:
    face, shown = engine(), []
    told = [0.5 + 0.5 * np.sin(2.0 * np.pi * 0.25 * k / 30.0) for k in range(300)]
    for k, breath in enumerate(told):
        t_ns = round(k * 1e9 / 30.0)
        shown.append(face.step(msgspec.structs.replace(ask(t_ns, 0.0), breath=breath), t_ns).breath)
    assert np.abs(np.array(shown[60:]) - told[60:]).max() < 0.06  # at most a frame late
    assert np.corrcoef(shown[60:], told[60:])[0, 1] > 0.99


def test_the_breath_is_caught_when_it_hurts() -> None:
    poses = play(engine(), lambda t: 6.0 * (3.0 < t < 6.0), 8.0)
    breath = np.array([pose.breath for pose in poses])
    assert breath[110:175].min() > 0.75
