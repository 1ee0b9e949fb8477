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
        self.error: Exception | None = None

        def make(size_px: int) -> Canvas:
            if self.error is not None:
                raise self.error
            return Canvas(self.clock, size_px, ns_per_px)

        self.make = make
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

    def begin(self) -> None:
        """A session under way: control has said what the face is to show."""
        self.actor.prepare()
        self.actor._command = command(self.clock.now_ns(), 0, 0.0)

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
    assert seen is not None
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
        seen = present(dropped)
        assert seen is not None
        frames.append(seen)
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

    def count(dropped: int) -> Seen | None:
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
    assert states[1].detail == "gl 512 px at 30 fps, 0 ms a frame"
    assert states[0].pid == os.getpid()


def test_the_stop_of_the_session_ends_the_process(stage: Stage) -> None:
    stage.actor.prepare()
    for _ in range(50):  # a subscription takes a moment to reach the speaker
        stage.say(SessionStop(0, "done"))
        time.sleep(0.01)
    stage.actor.run()
    assert len(stage.told(Seen)) == 1


def test_a_slow_machine_gets_fewer_pictures_a_second_before_smaller_ones(stage: Stage) -> None:
    stage.begin()
    assert drawn_after(stage, 120, 152.0) == (512, 20.0)  # 40 ms
    stage.clock.advance_s(1.0)
    stage.actor._beat()
    assert "gl 512 px at 20 fps" in stage.told(ActorState, 3)[-1].detail


def test_the_picture_keeps_448_px_at_20_a_second_unless_that_proves_too_slow_as_well(stage: Stage) -> None:
    stage.begin()
    assert drawn_after(stage, 120, 900.0) == (448, 20.0)  # 236 ms: no size would do, and yet
    assert drawn_after(stage, 119, 300.0) == (448, 20.0)  # 60 ms
    assert drawn_after(stage, 1, 300.0) == (384, 20.0)
    assert drawn_after(stage, 120, 600.0) == (256, 20.0)


def test_the_loop_keeps_the_rate_that_the_machine_can_draw_and_misses_none_of_it(stage: Stage) -> None:
    stage.begin()
    drawn_after(stage, 120, 152.0)  # 40 ms
    frames: list[Seen] = []
    present = stage.actor.present

    def ten(dropped: int) -> Seen | None:
        seen = present(dropped)
        assert seen is not None
        frames.append(seen)
        if len(frames) == 10:
            stage.actor.leave()
        return seen

    stage.actor.present = ten  # type: ignore[method-assign]
    stage.actor.run()
    gaps_ms = np.diff([one.t_ns for one in frames]) * 1e-6
    assert gaps_ms[1:] == pytest.approx(50.0, abs=0.01)
    assert [one.dropped for one in frames[2:]] == [0] * 8


def test_what_the_start_of_a_session_takes_from_the_machine_is_no_reason_to_step_down(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ns_per_px=800.0)  # 210 ms: the voice compiles beside it
    stage.actor.prepare()
    assert drawn_after(stage, 600, 800.0) == (512, 30.0)
    stage.actor._command = command(stage.clock.now_ns(), 0, 0.0)
    assert drawn_after(stage, 120, 63.0) == (512, 30.0)
    stage.close()


def drawn(stage: Stage) -> tuple[int, float]:
    """Size and rate of the pictures."""
    renderer = stage.actor._renderer
    assert renderer is not None
    return renderer.size_px, renderer.fps


def drawn_after(stage: Stage, frames: int, ns_per_px: float) -> tuple[int, float]:
    """Size and rate of the pictures after some frames that take so long."""
    renderer = stage.actor._renderer
    assert renderer is not None
    renderer._renderer._ns_per_px = ns_per_px  # type: ignore[attr-defined]
    for _ in range(frames):
        stage.actor.present(0)
    return drawn(stage)


def test_a_machine_that_becomes_slow_steps_down_and_a_free_one_up_again(stage: Stage) -> None:
    stage.begin()
    assert drawn_after(stage, 60, 190.0) == (512, 30.0)  # 50 ms a frame: two seconds may be a stall
    assert drawn_after(stage, 60, 190.0) == (448, 20.0)  # 38 ms
    assert drawn_after(stage, 240, 63.0) == (448, 20.0)
    assert drawn_after(stage, 60, 63.0) == (512, 20.0)
    assert drawn_after(stage, 300, 63.0) == (512, 30.0)


def test_a_stall_of_the_host_does_not_shrink_the_picture(stage: Stage) -> None:
    stage.begin()
    for _ in range(6):
        drawn_after(stage, 40, 500.0)
        assert drawn_after(stage, 20, 63.0) == (512, 30.0)


def test_a_size_that_proves_too_much_is_tried_less_and_less_often(stage: Stage) -> None:
    stage.begin()
    drawn_after(stage, 120, 190.0)
    tried = []
    for frame in range(4000):
        before = drawn(stage)
        if drawn_after(stage, 1, 76.0 if before[0] < 512 else 190.0) > before:
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
    assert stage.actor.present(0) is None
    state = stage.told(ActorState, 2)[-1]
    assert state.state == "degraded"
    assert state.detail == f"no picture: {error}; trying again every 60 s"


def test_a_face_without_a_picture_tries_again_once_a_minute_and_is_then_seen(stage: Stage) -> None:
    stage.error = DeviceError("no EGL")
    tries = []
    stage.actor._given = lambda kind, name: (tries.append(kind), stage.make)[1]  # type: ignore[assignment]
    stage.actor.prepare()
    for _ in range(30 * 61):
        assert stage.actor.present(0) is None
        stage.clock.advance_s(1 / 30)
    assert tries == ["auto", "auto", "numba"] * 2
    stage.error = None
    seen = None
    for _ in range(30 * 60):
        seen = stage.actor.present(0)
        if seen:
            break
        stage.clock.advance_s(1 / 30)
    assert seen is not None
    assert seen.frame == 0
    assert 30 * 118 <= seen.dropped <= 30 * 122
    assert stage.actor._state == "ready"
    assert stage.told(Seen)[0] == seen


def test_where_the_size_fails_a_smaller_picture_is_drawn_and_that_is_said(stage: Stage) -> None:
    def make(size_px: int) -> Canvas:
        if size_px > 300:
            raise DeviceError("out of memory")
        return Canvas(stage.clock, size_px)

    stage.actor._given = lambda kind, name: make  # type: ignore[assignment]
    stage.actor.prepare()
    assert drawn(stage)[0] == 256
    assert "drawn small (out of memory)" in stage.told(ActorState, 2)[-1].detail


def test_a_lost_gl_context_costs_one_picture(stage: Stage) -> None:
    stage.actor.prepare()
    assert stage.actor._renderer is not None

    def lost(pose: FacePose) -> np.ndarray:
        raise RuntimeError("context lost")

    stage.actor._renderer.draw = lost  # type: ignore[method-assign]
    assert stage.actor.present(0) is None
    seen = stage.actor.present(0)
    assert seen is not None
    assert (seen.frame, seen.dropped) == (0, 1)
    assert stage.actor._state == "degraded"
    stage.clock.advance_s(61.0)
    for _ in range(2):
        stage.actor._beat()
        stage.clock.advance_s(1.1)
    assert stage.actor._state == "ready"


def test_a_renderer_that_fails_again_and_again_is_left_alone_for_a_minute(stage: Stage) -> None:
    made: list[str] = []

    class Failing(Canvas):
        def draw(self, pose: FacePose) -> np.ndarray:
            if self.warm > 2000:
                raise DeviceError("lost")
            self.warm += 1
            return super().draw(pose)

        warm = 0

    def make(kind: str) -> object:
        made.append(kind)

        def of(size_px: int) -> Failing:
            canvas = Failing(stage.clock, size_px)
            canvas.kind = "gl" if kind == "auto" else kind
            return canvas

        return of

    stage.actor._given = lambda kind, name: make(kind)  # type: ignore[assignment,return-value]
    stage.actor.prepare()
    for _ in range(6):
        if stage.actor._renderer is not None:
            stage.actor._renderer._renderer.warm = 9999  # type: ignore[attr-defined]
        assert stage.actor.present(0) is None
        stage.clock.advance_s(1 / 30)
    assert made == ["auto", "auto", "numba"]
    assert "no picture: lost; trying again every 60 s" in stage.told(ActorState, 2)[-1].detail


def test_an_unknown_engine_is_replaced_and_said(tmp_path: Path) -> None:
    stage = Stage(tmp_path, engine="nowhere:Engine")
    stage.actor.prepare()
    assert stage.actor.present(0) is not None
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

        def show(self, pixels: np.ndarray | None, patch: bool = False) -> bool:
            return False

        def close(self) -> None:
            pass

    stage.actor.prepare()
    stage.actor._display = Closed()
    for _ in range(3):  # from then on nobody sees it
        assert stage.actor.present(0) is None
    assert "window was closed" in stage.told(ActorState, 3)[-1].detail


class Beamer:
    """A window of 200 x 100 pixels that keeps what it was given, and may lose its screen."""

    canvas_px = (200, 100)
    problem = ""

    def __init__(self) -> None:
        self.shown: list[tuple[np.ndarray | None, bool]] = []

    def show(self, pixels: np.ndarray | None, patch: bool = False) -> bool:
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
        seen = stage.actor.present(0)
        assert seen is not None
        patches.append(seen.patch)
    assert len(set(patches)) == 2
    assert [patch for _, patch in beamer.shown] == patches
    pixels = beamer.shown[-1][0]
    assert pixels is not None
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
    for _ in range(4):
        assert stage.actor.present(0) is None
    assert stage.actor.present(2) is None
    told = stage.told(ActorState, 3)[-1]
    assert told.state == "degraded"
    assert "HDMI-1" in told.detail
    beamer.problem = ""
    seen = stage.actor.present(1)
    assert seen is not None
    assert (seen.frame, seen.dropped) == (0, 8)  # five that nobody saw, three that were missed
    stage.clock.advance_s(1.1)
    stage.actor._beat()
    assert stage.told(ActorState, 1)[-1].state == "ready"
    stage.close()


def test_a_bad_profile_is_named_and_a_plain_window_shown(tmp_path: Path) -> None:
    stage = Stage(tmp_path, display="attic")
    stage.actor.prepare()
    assert stage.actor.present(0) is not None
    assert "face.display" in stage.told(ActorState, 2)[-1].detail
    stage.close()


def test_a_lost_context_gets_one_more_and_then_none(stage: Stage) -> None:
    made: list[str] = []
    stage.actor._given = lambda kind, name: made.append(kind) or (lambda size: Canvas(stage.clock, size))  # type: ignore
    stage.actor.prepare()

    def lost(pose: FacePose) -> np.ndarray:
        raise DeviceError("the context is lost")

    beamer = stage.actor._display = Beamer()
    for _ in range(2):
        stage.actor._renderer.draw = lost  # type: ignore[method-assign,union-attr]
        assert stage.actor.present(0) is None
        assert beamer.shown[-1][0] is None  # no frozen face
        stage.clock.advance_s(1.0)
        assert stage.actor.present(0) is not None
        assert beamer.shown[-1][0] is not None
    assert made == ["auto", "auto", "numba"]


def test_skin_that_is_asked_for_is_seen_and_on_the_record(stage: Stage) -> None:
    stage.actor.prepare()
    for frame in range(90):
        stage.clock.advance_s(1 / 30)
        t_ns = stage.clock.now_ns()
        ask = FaceAsk(0.0, 1.0, -0.5, 0.4, 1.0)
        stage.actor._command = FaceCommand(t_ns, frame, t_ns, 0.0, "rest", ask)
        seen = stage.actor.present(0)
        assert seen is not None
    assert seen.pose.flush < -0.3
    assert seen.pose.sweat > 0.2
    assert seen.pose.tears > 0.6
