import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.needs import module

from robopatient.bus import HubPort, MirrorReceiver, make_endpoints
from robopatient.clock import FakeClock
from robopatient.config import FaceConfig, SessionConfig
from robopatient.errors import AssetError, DeviceError
from robopatient.face.process import FaceActor
from robopatient.facs import pspi
from robopatient.messages import ActorState, FaceAsk, FaceCommand, FacePose, Message, Seen, SessionStop

PERIOD_NS = round(1e9 / 30)


class Canvas:
    """A renderer that takes its time on the test's clock; brighter with AU7."""

    kind = "gl"

    def __init__(self, clock: FakeClock, size_px: int, ns_per_px: float = 0.0) -> None:
        self.size_px, self._clock, self._ns_per_px = size_px, clock, ns_per_px

    def draw(self, pose: FacePose) -> np.ndarray:
        self._clock.advance_s(self._ns_per_px * self.size_px**2 * 1e-9)
        return np.full((self.size_px, self.size_px, 3), round(40 * pose.au.get("AU7", 0.0)), np.uint8)

    def resize(self, size_px: int) -> None:
        self.size_px = size_px

    def close(self) -> None:
        pass


class Stage:
    """An actor with control's end of the bus in the same thread."""

    def __init__(self, tmp_path: Path, ns_per_px: float = 0.0, **face: object) -> None:
        self.endpoints = make_endpoints(tmp_path)
        self.hub = HubPort(self.endpoints)
        self.mirror = MirrorReceiver(self.endpoints)
        self.clock = FakeClock(10**9)
        self.sizes: list[int] = []
        self.error: Exception | None = None

        def make(size_px: int) -> Canvas:
            if self.error is not None:
                raise self.error
            self.sizes.append(size_px)
            return Canvas(self.clock, size_px, ns_per_px)

        # attack-decay: what it shows does not depend on how fast a network answers while this test's clock stands still
        config = SessionConfig(face=FaceConfig(**{"window": "no", "engine": "blend", **face}))  # type: ignore[arg-type]
        self.actor = FaceActor(config, self.endpoints, self.clock, lambda kind, identity: make)

    def say(self, message: Message) -> None:
        """Publish, and wait until it has arrived."""
        self.hub.publish(message)
        self.actor._port._poller.poll(2000)

    def told(self, kind: type[Message], n: int = 1) -> list[Message]:
        """Messages of a kind that the actor has told, at least ``n`` of them."""
        messages: list[Message] = []
        for _ in range(200):
            messages += [one for one in self.hub.receive() if isinstance(one, kind)]
            if len(messages) >= n:
                break
            self.hub._pull.poll(10)
        return messages

    def close(self) -> None:
        if not self.actor._port._push.closed:
            self.actor.close()
        self.mirror.close()
        self.hub.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


def command(t_ns: int, seq: int, nrs: float) -> FaceCommand:
    return FaceCommand(t_ns, seq, t_ns - 3_000_000, nrs, "hold" if nrs else "rest", FaceAsk(nrs), nrs > 0.0)


def test_seen_tells_the_command_behind_the_frame_and_what_was_drawn(stage: Stage) -> None:
    stage.actor.prepare()
    stage.actor.present(0)
    stage.clock.advance_s(1 / 30)
    for seq in range(5):
        stage.say(command(stage.clock.now_ns(), 100 + seq, 7.0))
    stage.actor._hear()
    seen = stage.actor.present(2)
    assert 100 <= seen.cause_seq <= 104
    assert seen.cause_received_ns == stage.clock.now_ns() - 3_000_000
    assert seen.pose.au["AU7"] > 0.2
    assert seen.pspi == pytest.approx(pspi(seen.pose.au))
    assert (seen.frame, seen.dropped) == (1, 2)
    assert stage.told(Seen, 2)[-1] == seen


def test_missed_frames_are_counted_and_the_rate_is_kept(stage: Stage) -> None:
    stage.actor.prepare()
    frames: list[Seen] = []
    present = stage.actor.present

    def slow_once(dropped: int) -> Seen:
        frames.append(present(dropped))
        if len(frames) == 3:
            stage.clock.advance_s(0.1)  # a stall of three periods
        if len(frames) == 8:
            stage.actor.leave()
        return frames[-1]

    stage.actor.present = slow_once  # type: ignore[method-assign]
    stage.actor.run()
    assert [one.dropped for one in frames] == [0, 0, 0, 2, 0, 0, 0, 0]
    late = [(one.t_ns - frames[0].t_ns) % PERIOD_NS for one in frames if one.frame != 3]
    assert all(min(off, PERIOD_NS - off) < 10 for off in late)


def test_states_are_told_and_repeated_once_a_second(stage: Stage) -> None:
    stage.actor.prepare()
    beats = 0
    present = stage.actor.present

    def count(dropped: int) -> Seen:
        nonlocal beats
        beats += 1
        if beats == 95:
            stage.actor.leave()
        return present(dropped)

    stage.actor.present = count  # type: ignore[method-assign]
    stage.actor.run()
    stage.actor.close()
    states = stage.told(ActorState, 6)
    assert [one.state for one in states] == ["starting", *["ready"] * 4, "stopped"]
    assert states[1].detail == "gl 512 px, 0 ms a frame"
    assert states[0].pid == os.getpid()


def test_the_stop_of_the_session_ends_the_process(stage: Stage) -> None:
    stage.actor.prepare()
    for _ in range(50):  # a subscription takes a moment to reach the speaker
        stage.say(SessionStop(0, "done"))
        time.sleep(0.01)
    stage.actor.run()
    assert len(stage.told(Seen)) == 1


def test_a_slow_machine_gets_a_smaller_picture_before_the_first_frame(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ns_per_px=152.0)  # 40 ms at 512 px, 31 ms at 448 px
    stage.actor.prepare()
    seen = stage.actor.present(0)
    assert stage.actor._renderer is not None
    assert (stage.sizes, stage.actor._renderer.size_px) == ([512], 448)
    assert seen.frame == 0
    assert "gl 448 px" in stage.told(ActorState, 2)[-1].detail
    stage.close()


def size_after(stage: Stage, frames: int, ns_per_px: float) -> int:
    """Size of the pictures after some frames that take so long."""
    renderer = stage.actor._renderer
    assert renderer is not None
    renderer._renderer._ns_per_px = ns_per_px  # type: ignore[attr-defined]
    for _ in range(frames):
        stage.actor.present(0)
    return renderer.size_px


def test_a_machine_that_becomes_slow_gets_a_smaller_picture_and_a_free_one_the_large_one_back(stage: Stage) -> None:
    stage.actor.prepare()
    assert size_after(stage, 60, 190.0) == 512  # 50 ms a frame: two seconds may be a stall
    assert size_after(stage, 60, 190.0) == 384
    assert size_after(stage, 240, 63.0) == 384
    assert size_after(stage, 600, 63.0) == 512


def test_a_stall_of_the_host_does_not_shrink_the_picture(stage: Stage) -> None:
    stage.actor.prepare()
    for _ in range(6):
        size_after(stage, 40, 500.0)
        assert size_after(stage, 20, 63.0) == 512


def test_a_size_that_proves_too_much_is_tried_less_and_less_often(stage: Stage) -> None:
    stage.actor.prepare()
    size_after(stage, 120, 190.0)
    tried = []
    for frame in range(4000):
        before = stage.actor._renderer.size_px  # type: ignore[union-attr]
        if size_after(stage, 1, 76.0 if before < 448 else 190.0) > before:
            tried.append(frame)
    gaps = np.diff(tried)
    assert len(tried) >= 3
    assert all(later > 1.5 * sooner for sooner, later in itertools.pairwise(gaps))


def test_the_console_gets_a_small_picture_twelve_times_a_second(stage: Stage) -> None:
    stage.actor.prepare()
    pictures = []
    for _ in range(200):  # until the mirror's subscription has arrived
        stage.actor.present(0)
        stage.mirror._sub.poll(5)
        pictures.append(stage.mirror.latest())
        if pictures[-1]:
            break
    for _ in range(30):
        stage.actor.present(0)
        stage.mirror._sub.poll(2)
        pictures.append(stage.mirror.latest())
    arrived = [one for one in pictures if one]
    assert 10 <= len(arrived) <= 17
    assert arrived[0][:2] == (256, 256)


@pytest.mark.parametrize("error", [DeviceError("no EGL"), AssetError("no anny"), ImportError("no moderngl")])
def test_without_a_picture_the_face_goes_on_degraded(stage: Stage, error: Exception) -> None:
    stage.error = error
    stage.actor.prepare()
    assert stage.actor.present(0).frame == 0
    state = stage.told(ActorState, 2)[-1]
    assert state.state == "degraded"
    assert str(error) in state.detail


def test_a_lost_gl_context_costs_one_picture(stage: Stage) -> None:
    stage.actor.prepare()
    assert stage.actor._renderer is not None

    def lost(pose: FacePose) -> np.ndarray:
        raise RuntimeError("context lost")

    stage.actor._renderer.draw = lost  # type: ignore[method-assign]
    stage.actor.present(0)
    assert stage.actor._draw(FacePose()) is not None
    assert stage.actor._state == "degraded"


def test_an_unknown_engine_is_replaced_and_said(tmp_path: Path) -> None:
    stage = Stage(tmp_path, engine="nowhere:Engine")
    stage.actor.prepare()
    assert stage.actor.present(0).frame == 0
    assert "nowhere" in stage.told(ActorState, 2)[-1].detail
    stage.close()


def test_a_window_that_is_wanted_without_a_display_is_missed_aloud(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module("PySide6", "console")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    stage = Stage(tmp_path, window="yes")
    stage.actor.prepare()
    stage.actor.present(0)
    assert "no display" in stage.told(ActorState, 2)[-1].detail
    stage.close()


def test_closing_the_window_does_not_stop_the_session(stage: Stage) -> None:
    class Closed:
        problem = ""

        def show(self, pixels: np.ndarray, patch: bool = False) -> bool:
            return False

        def close(self) -> None:
            pass

    stage.actor.prepare()
    stage.actor._display = Closed()
    stage.actor.present(0)
    assert stage.actor.present(0).frame == 1
    assert "window was closed" in stage.told(ActorState, 3)[-1].detail


class Beamer:
    """A window of 200 x 100 pixels that keeps what it was given, and may lose its screen."""

    canvas_px = (200, 100)
    problem = ""

    def __init__(self) -> None:
        self.shown: list[tuple[np.ndarray, bool]] = []

    def show(self, pixels: np.ndarray, patch: bool = False) -> bool:
        self.shown.append((pixels, patch))
        return True

    def close(self) -> None:
        pass


def test_a_display_profile_finishes_the_picture_and_its_patch_is_on_the_record(tmp_path: Path) -> None:
    profile = tmp_path / "beamer.toml"
    profile.write_text('soft_edge = 0.2\npatch = "lower left"\n')
    stage = Stage(tmp_path, display=str(profile), size_px=128)
    beamer = Beamer()
    stage.actor._open_display = lambda: beamer  # type: ignore[method-assign]
    stage.actor.prepare()
    assert stage.actor._look is not None
    assert stage.actor._look.aspect == 2.0
    patches = []
    for frame in range(45):
        stage.clock.advance_s(1 / 30)
        stage.actor._command = command(stage.clock.now_ns(), frame, 8.0)
        patches.append(stage.actor.present(0).patch)
    assert len(set(patches)) == 2
    assert [patch for _, patch in beamer.shown] == patches
    pixels = beamer.shown[-1][0]
    assert pixels[64, 64].max() > 0
    assert pixels[0, 0].max() == 0  # the soft edge
    stage.close()


def test_a_lost_screen_is_said_once_a_second_and_the_session_goes_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.actor.prepare()
    beamer = stage.actor._display = Beamer()
    beamer.problem = 'screen "HDMI-1" is not connected: the face waits for it'
    stage.clock.advance_s(1.1)
    stage.actor._beat()
    assert stage.actor.present(0).frame == 0
    told = stage.told(ActorState, 3)[-1]
    assert told.state == "degraded"
    assert "HDMI-1" in told.detail
    beamer.problem = ""
    stage.clock.advance_s(1.1)
    stage.actor._beat()
    assert stage.told(ActorState, 1)[-1].state == "ready"
    stage.close()


def test_a_bad_profile_is_named_and_a_plain_window_shown(tmp_path: Path) -> None:
    stage = Stage(tmp_path, display="attic")
    stage.actor.prepare()
    assert stage.actor.present(0).frame == 0
    assert "face.display" in stage.told(ActorState, 2)[-1].detail
    stage.close()


def test_a_lost_context_gets_one_more_and_then_none(stage: Stage) -> None:
    made: list[str] = []
    stage.actor._given = lambda kind, name: made.append(kind) or (lambda size: Canvas(stage.clock, size))  # type: ignore
    stage.actor.prepare()

    def lost(pose: FacePose) -> np.ndarray:
        raise DeviceError("the context is lost")

    for _ in range(2):
        stage.actor._renderer.draw = lost  # type: ignore[method-assign,union-attr]
        assert stage.actor._draw(FacePose()) is None
        stage.clock.advance_s(1.0)
        assert stage.actor._draw(FacePose()) is not None
    assert made == ["auto", "auto", "numba"]


def test_skin_that_is_asked_for_is_seen_and_on_the_record(stage: Stage) -> None:
    stage.actor.prepare()
    for frame in range(90):
        stage.clock.advance_s(1 / 30)
        t_ns = stage.clock.now_ns()
        ask = FaceAsk(0.0, 1.0, -0.5, 0.4, 1.0)
        stage.actor._command = FaceCommand(t_ns, frame, t_ns, 0.0, "rest", ask)
        seen = stage.actor.present(0)
    assert seen.flush < -0.3
    assert seen.sweat > 0.2
    assert seen.tears > 0.6
