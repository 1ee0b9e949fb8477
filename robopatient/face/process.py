"""The face's own process: the newest command becomes a pose, the pose a picture, the picture a ``Seen``.

One thread, absolute deadlines: the command is taken at the last moment before a frame is drawn, and what was swapped
to the display is told right after it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from robopatient.bus import ActorPort, Endpoints, MirrorSender
from robopatient.clock import Clock, HostClock, Metronome
from robopatient.config import SessionConfig
from robopatient.errors import MissingPackageError, RobopatientError
from robopatient.face.bodies.scene import load_face
from robopatient.face.bodystate import BodyState
from robopatient.face.display.finish import Finish
from robopatient.face.display.patch import ChangePatch
from robopatient.face.display.profile import DisplayProfile, load_profile
from robopatient.face.generator import Engine, make_engine_or_blend, note_of
from robopatient.face.identity import load_identity
from robopatient.face.light import Look
from robopatient.face.render import Kind, Renderer, make_renderer
from robopatient.face.tier import TieredRenderer
from robopatient.facs import pspi
from robopatient.messages import ActorState, FaceCommand, FacePose, Seen, SessionStop

__all__ = ["FaceActor", "main"]

MIRROR_HZ = 12.0
MIRROR_PX = 256
"""The console's picture of the face: at most this large, this often."""

LOST_AGAIN_NS = 60_000_000_000
"""A GL context that is lost twice within a minute is not made a third time."""

WARM_UP_POSES = tuple(
    FacePose(au=au)
    for au in ({}, {"AU4": 4.0, "AU6": 4.0, "AU7": 4.0, "AU9": 3.0, "AU10": 3.0, "AU26": 2.0, "AU43": 4.0})
    for _ in range(5)
)


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Be the face of a session until it ends, SIGTERM arrives or the parent is gone."""
    del folder  # the face leaves nothing there: ``Seen`` is enough to draw every frame again
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    actor = FaceActor(config, endpoints, HostClock())
    signal.signal(signal.SIGTERM, lambda *_: actor.leave())
    try:
        actor.prepare()
        actor.run()
    finally:
        actor.close()


class Display(Protocol):
    """Where a picture goes."""

    problem: str
    """Why nothing is seen at the moment, or ""."""

    def show(self, pixels: np.ndarray, patch: bool = False) -> bool:
        """Show a picture, shape (height, width, 3), and the state of the photodiode's patch; False once closed."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class FaceActor:
    """Receive, step, draw, show, tell.

    Parameters
    ----------
    clock
        The machine's clock; a fake one in tests.
    renderers
        Called with the kind and the name of an identity, gives what makes a renderer of a size.
    """

    def __init__(
        self,
        config: SessionConfig,
        endpoints: Endpoints,
        clock: Clock,
        renderers: Callable[[Kind, str], Callable[[int], Renderer]] | None = None,
    ) -> None:
        self._config = config.face
        self._seed = config.seed
        self._clock = clock
        self._given = renderers
        self._profile: DisplayProfile | None = None
        self._look: Look | None = None
        self._finish: Finish | None = None
        self._patch = ChangePatch()
        self._body = BodyState()
        self._port = ActorPort(endpoints, ("face", "stop"))
        self._mirror = MirrorSender(endpoints)
        self._mirror_every = max(1, round(self._config.fps / MIRROR_HZ))
        self._leaving = False
        self._command: FaceCommand | None = None
        self._engine: Engine | None = None
        self._renderer: TieredRenderer | None = None
        self._display: Display | None = None
        self._problems: list[str] = []
        self._frame = 0
        self._beat_ns = 0
        self._lost_ns = -LOST_AGAIN_NS
        self._tell_state("starting")

    def prepare(self) -> None:
        """Load the engine, the face and the window, as far as they are there, and warm them up."""
        self._engine = self._load_engine()
        with contextlib.suppress(RobopatientError):  # said again, aloud, where the face is loaded
            self._body = BodyState(load_identity(self._config.identity).body)
        self._profile = self._load_profile()
        if self._profile is not None:  # the window's shape is part of the clip matrix
            self._display = self._open_display()
            self._look = self._profile.look(self._aspect())
        self._renderer = self._load_renderer()
        if self._renderer is not None and self._profile is None:
            self._display = self._open_display()
        gc.collect()
        gc.freeze()
        self._tell_state(self._state)

    def run(self) -> None:
        """Frame after frame until it is time to leave."""
        pace = Metronome(self._clock, self._config.fps)
        missed = 0
        while not self._leaving:
            pace.wait()
            self._hear()
            self.present(pace.missed - missed)
            missed = pace.missed
            self._beat()

    def present(self, dropped: int) -> Seen:
        """Make one frame of the newest command, show it and tell so; ``dropped`` periods were missed before it."""
        assert self._engine is not None
        command = self._command
        now_ns = self._clock.now_ns()
        pose = self._body.step(self._engine.step(command, now_ns), command, now_ns)
        pixels = self._draw(pose)
        patch = self._patch.step(pose.au)
        if self._display is not None and pixels is not None and not self._display.show(self._finished(pixels), patch):
            self._display = None  # the trainee's window was closed: the session goes on without it
            self._problems.append("the face window was closed")
            self._tell_state(self._state)
        seen = Seen(
            t_ns=self._clock.now_ns(),
            frame=self._frame,
            cause_seq=command.cause_seq if command else 0,
            cause_received_ns=command.received_ns if command else 0,
            pose=pose,
            pspi=pspi(pose.au),
            dropped=dropped,
            patch=patch,
        )
        self._port.tell(seen)
        if pixels is not None and self._frame % self._mirror_every == 0:
            small = self._finish.upright(pixels, MIRROR_PX) if self._finish else _shrunk(pixels)
            self._mirror.send(small.shape[0], small.shape[1], small.tobytes())
        self._frame += 1
        return seen

    def leave(self) -> None:
        """End after the frame in hand; safe in a signal handler."""
        self._leaving = True

    def close(self) -> None:
        """Say goodbye and let go of everything."""
        self._tell_state("stopped")
        for part in (self._display, self._renderer, self._port, self._mirror):
            if part is not None:
                with contextlib.suppress(RobopatientError, RuntimeError):
                    part.close()

    @property
    def _state(self) -> str:
        return "degraded" if self._problems or self._unseen else "ready"

    @property
    def _unseen(self) -> str:
        """What the display says about itself."""
        return self._display.problem if self._display is not None else ""

    def _finished(self, pixels: np.ndarray) -> np.ndarray:
        """What the display profile makes of a picture."""
        if self._profile is None:
            return pixels
        height, width = pixels.shape[:2]
        if self._finish is None or (self._finish.width_px, self._finish.height_px) != (width, height):
            self._finish = Finish(self._profile, width, height)
        return self._finish.apply(pixels)

    def _aspect(self) -> float:
        """Width over height of the window; of a square without one."""
        width, height = getattr(self._display, "canvas_px", (1, 1))
        return float(width / height)

    def _hear(self) -> None:
        """Take what has been said since the last frame; of the commands only the newest is there."""
        for message in self._port.receive():
            if isinstance(message, FaceCommand):
                self._command = message
            elif isinstance(message, SessionStop):
                self._leaving = True

    def _beat(self) -> None:
        """Repeat the state once a second; a window of another shape gets a picture of that shape."""
        if self._clock.now_ns() - self._beat_ns < 1_000_000_000:
            return
        self._tell_state(self._state)
        if self._profile is not None and self._look is not None and self._display is not None and not self._unseen:
            aspect = self._aspect()
            if abs(aspect - self._look.aspect) > 0.01 * aspect:
                self._look = self._profile.look(aspect)
                self._replace_renderer(None)

    def _tell_state(self, state: str) -> None:
        self._beat_ns = self._clock.now_ns()
        late = note_of(self._engine) if self._engine is not None else ""
        notes = [note for note in (*self._problems, self._unseen, late) if note]
        if self._renderer is not None and state in ("ready", "degraded"):
            notes.append(f"{self._renderer.kind} {self._renderer.size_px} px, {self._renderer.draw_ms:.0f} ms a frame")
        self._port.tell(ActorState(self._beat_ns, "face", state, "; ".join(notes), os.getpid()))

    def _draw(self, pose: FacePose) -> np.ndarray | None:
        """Picture of a pose, or None without a renderer."""
        if self._renderer is None:
            return None
        try:
            return self._renderer.draw(pose)
        except Exception as error:  # a lost GL context raises whatever its library likes
            now_ns = self._clock.now_ns()
            again = self._renderer.kind == "gl" and now_ns - self._lost_ns > LOST_AGAIN_NS
            self._lost_ns = now_ns
            self._problems.append(f"drawing failed ({error}); {'once more with GL' if again else 'now without GL'}")
            self._replace_renderer(None if again else "numba")
            return None

    def _replace_renderer(self, kind: Kind | None) -> None:
        with contextlib.suppress(Exception):
            if self._renderer is not None:
                self._renderer.close()
        self._renderer = self._load_renderer(kind)

    def _load_engine(self) -> Engine:
        engine, problem = make_engine_or_blend(self._config, self._seed)
        if problem:
            self._problems.append(problem)
        return engine

    def _load_profile(self) -> DisplayProfile | None:
        """Profile of the display, or None without one, or when it cannot be used."""
        if not self._config.display:
            return None
        try:
            return load_profile(self._config.display)
        except RobopatientError as error:
            self._problems.append(f"face.display: {error}; a plain window is shown instead")
            return None

    def _load_renderer(self, kind: Kind | None = None) -> TieredRenderer | None:
        """Renderer of the configured face, warmed up; None, with the reason noted, when there is none."""
        kind = kind or self._config.renderer
        try:
            make = (self._given or partial(_renderers, look=self._look))(kind, self._config.identity)
            renderer = TieredRenderer(make, self._config.size_px, 1.0 / self._config.fps, self._clock)
            renderer.warm_up(WARM_UP_POSES)
        except (RobopatientError, ImportError) as error:
            self._problems.append(f"no picture: {error}")
            return None
        if renderer.kind != "gl" and kind != "numba":
            self._problems.append("no GL: drawn without it; install libegl1 and libgl1-mesa-dri")
        return renderer

    def _open_display(self) -> Display | None:
        """Window for the trainee, or None: without a display, or when none is wanted."""
        config = self._config
        if config.window == "no":
            return None
        try:
            from robopatient.face.window import FaceWindow, display_problem, has_display

            if not has_display() and (config.window == "auto" or not os.environ.get("QT_QPA_PLATFORM")):
                if config.window == "yes":
                    self._problems.append('no display for face.window = "yes": neither $DISPLAY nor $WAYLAND_DISPLAY')
                return None
            problem = display_problem()
            if problem:
                self._problems.append(problem)
                return None
            return FaceWindow(
                config.size_px, full_screen=config.full_screen, screen=config.screen, profile=self._profile
            )
        except MissingPackageError as error:
            if config.window == "yes":
                self._problems.append(str(error))
        except RobopatientError as error:
            self._problems.append(str(error))
        return None


def _renderers(kind: Kind, identity_name: str, look: Look | None = None) -> Callable[[int], Renderer]:
    """What makes renderers of a face, for any size."""
    subject = load_face(identity_name)
    return lambda size_px: make_renderer(kind, subject, size_px, look)


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """Picture of at most ``MIRROR_PX``: every n-th pixel, which costs next to nothing."""
    step = -(-max(pixels.shape[:2]) // MIRROR_PX)
    return np.ascontiguousarray(pixels[::step, ::step])
