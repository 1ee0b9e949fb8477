"""A real renderer that changes its size in a real session's face, and fails for real."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.needs import HEAD

from robopatient.bus import HubPort, make_endpoints
from robopatient.clock import FakeClock
from robopatient.config import FaceConfig, SessionConfig
from robopatient.errors import DeviceError
from robopatient.face.apex import apex_au
from robopatient.face.identity import load_identity
from robopatient.face.light import Look
from robopatient.face.process import WARM_UP_POSES, FaceActor
from robopatient.face.render import Renderer, make_renderer
from robopatient.face.render_gl import GlRenderer
from robopatient.face.tier import TieredRenderer
from robopatient.messages import FaceAsk, FaceCommand, FacePose, Message, Seen

pytestmark = HEAD

SIZES = (512, 448, 384, 320, 256)
PAIN = FacePose(au=apex_au(7.0))


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("background", ["wall", "transparent"])
def test_opengl_draws_the_same_at_a_size_whichever_sizes_came_before(fine: bool, background: str) -> None:
    renderer = GlRenderer(load_identity("margaret"), 512, fine=fine, look=Look(background=background))
    order = [*SIZES, *SIZES[::-1], *random.Random(1).choices(SIZES, k=8), 700, 512]
    first: dict[int, np.ndarray] = {}
    for size_px in order:
        renderer.resize(size_px)
        image = renderer.draw(PAIN)
        assert image.shape[:2] == (size_px, size_px)
        assert image[..., :3].std() > 20.0
        np.testing.assert_array_equal(image, first.setdefault(size_px, image))
    renderer.close()


def test_an_error_flag_of_somebody_else_is_no_failure_of_a_picture() -> None:
    renderer = GlRenderer(load_identity("margaret"), 256)
    context = renderer._context
    with context:
        foreign = context.simple_framebuffer((8, 8))
        foreign.use()
        foreign.release()
        context.simple_framebuffer((8, 8))  # binds again what is gone: a flag that nobody reads
    assert renderer.draw(PAIN).std() > 20.0
    renderer.close()


def test_a_picture_that_opengl_does_not_draw_is_an_error_and_no_black_face() -> None:
    renderer = GlRenderer(load_identity("margaret"), 256)
    renderer.draw(PAIN)
    lose(renderer)
    with pytest.raises(DeviceError, match="failed while drawing"):
        renderer.draw(PAIN)
    renderer.close()


def test_a_size_that_the_driver_has_no_room_for_is_an_error_that_names_it() -> None:
    renderer = GlRenderer(load_identity("margaret"), 256)
    with pytest.raises(DeviceError, match="100000 px"):
        renderer.resize(100_000)
    renderer.close()


def lose(renderer: GlRenderer) -> None:
    """Take away what a picture is drawn on, behind the renderer's back: OpenGL refuses, as with a lost context."""
    with renderer._context:
        renderer._target.mglo.release()


class Slow:
    """The real renderer on a machine whose speed the test sets."""

    def __init__(self, real: Renderer, stage: Session) -> None:
        self._real, self._stage = real, stage
        self.kind = real.kind

    def draw(self, pose: FacePose) -> np.ndarray:
        self._stage.clock.advance_s(self._stage.ns_per_px * self._real.size_px**2 * 1e-9)
        return self._real.draw(pose)

    def resize(self, size_px: int) -> None:
        self._real.resize(size_px)

    def close(self) -> None:
        self._real.close()


class Session:
    """A real face actor with the real renderer; only the clock and the machine's speed are the test's."""

    def __init__(self, folder: Path) -> None:
        endpoints = make_endpoints(folder)
        self.hub = HubPort(endpoints)
        self.clock = FakeClock(10**9)
        self.ns_per_px = 63.0  # 16 ms at 512 px
        who = load_identity("margaret")
        config = SessionConfig(face=FaceConfig(window="no", engine="blend", identity="margaret", renderer="gl"))
        self.actor = FaceActor(
            config, endpoints, self.clock,
            lambda kind, name: lambda size_px: Slow(make_renderer(kind, who, size_px), self),  # type: ignore[arg-type,return-value]
        )  # fmt: skip

    @property
    def renderer(self) -> TieredRenderer:
        assert self.actor._renderer is not None
        return self.actor._renderer

    def frames(self, count: int) -> list[Seen]:
        """Frames of a session under way, all of which were seen."""
        seen = []
        for _ in range(count):
            t_ns = self.clock.now_ns()
            self.actor._command = FaceCommand(t_ns, 1, t_ns, 6.0, "hold", FaceAsk(6.0), True)
            seen.append(self.actor.present(0))
            self.told()
        assert None not in seen
        return [one for one in seen if one is not None]

    def told(self) -> list[Message]:
        return self.hub.receive()

    def close(self) -> None:
        self.actor.close()
        self.hub.close()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session(tmp_path)
    yield session
    session.close()


def test_the_face_of_a_session_is_drawn_by_opengl_through_every_step_down_and_up_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robopatient.face.tier.JUDGED_FRAMES", 6)  # drawn for real, so the fewer the better
    session.actor.prepare()
    been = []
    for ns_per_px in (300.0, 300.0, 400.0, 600.0, 63.0):
        session.ns_per_px = ns_per_px
        for _ in range(12 if ns_per_px > 100.0 else 150):
            session.frames(1)
            been.append((session.renderer.kind, session.renderer.size_px, session.renderer.fps))
    assert [step for step, _ in itertools.groupby(been)] == [
        ("gl", 512, 30.0), ("gl", 448, 20.0), ("gl", 384, 20.0), ("gl", 320, 20.0), ("gl", 256, 20.0),
        ("gl", 320, 20.0), ("gl", 384, 20.0), ("gl", 448, 20.0), ("gl", 512, 20.0), ("gl", 512, 30.0),
    ]  # fmt: skip
    assert session.actor._state == "ready"


def test_a_real_failure_of_opengl_costs_one_picture_and_numba_takes_over_at_the_second(session: Session) -> None:
    session.actor.prepare()
    for kind in ("gl", "numba"):
        session.frames(2)
        lose(session.renderer._renderer._real)  # type: ignore[attr-defined]
        assert session.actor.present(0) is None
        assert session.frames(1)[0].dropped == 1
        assert session.renderer.kind == kind
    assert "no GL" in " ".join(session.actor._faults)


def test_the_warm_up_draws_what_a_session_may_show() -> None:
    """Rest, pain, and a body that flushes, sweats and weeps: each has shaders or maps of its own."""
    assert {bool(pose.au) for pose in WARM_UP_POSES} == {False, True}
    assert {any(pose.body) for pose in WARM_UP_POSES} == {False, True}
