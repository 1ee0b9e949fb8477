"""The face's own process: the newest command becomes a pose, the pose a picture, the picture a ``Seen``.

One thread, absolute deadlines: the command is taken at the last moment before a frame is drawn, and what was swapped
to the display is told right after it. A frame that nobody can have seen is not told: it is missing from the record.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from robopatient.actor import HEARTBEAT_NS, Actor
from robopatient.bus import ActorPort, Endpoints, MirrorSender
from robopatient.clock import Clock, HostClock, Metronome
from robopatient.config import SessionConfig
from robopatient.errors import MissingPackageError, RobopatientError
from robopatient.face.bodies.scene import load_face
from robopatient.face.bodystate import BodyState
from robopatient.face.display.finish import Finish
from robopatient.face.display.patch import ChangePatch
from robopatient.face.display.profile import DisplayProfile, load_profile
from robopatient.face.generator import FaceEngine, make_engine_or_blend, note_of
from robopatient.face.identity import load_identity
from robopatient.face.light import Look
from robopatient.face.render import Kind, Renderer, make_renderer
from robopatient.face.tier import TieredRenderer
from robopatient.facs import pspi
from robopatient.messages import FaceCommand, FacePose, Seen, SessionStop
from robopatient.urgency import FACE, calm, hurry, own_threads

__all__ = ["FaceActor", "main"]

T = TypeVar("T")

MIRROR_HZ = 12.0
MIRROR_PX = 256
"""The console's picture of the face: at most this large, this often."""

REST_SHARE = 0.25
"""Of the time that a picture took, what a face that is behind leaves to ordinary programs before the next one: a
console must answer on two cores, too (assumption)."""

AGAIN_NS = 60_000_000_000
"""How long a face without a picture waits for its next try; a GL context lost twice within it gives way to numba."""

WARM_UP_POSES = tuple(
    FacePose(au=au, flush=body, sweat=body, tears=body)
    for body in (0.0, 0.5)  # a body that shows has shaders and maps of its own: 2 s if first met in the session
    for au in ({}, {"AU4": 4.0, "AU6": 4.0, "AU7": 4.0, "AU9": 3.0, "AU10": 3.0, "AU26": 2.0, "AU43": 4.0})
)


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Be the face of a session until it ends, SIGTERM arrives or the parent is gone."""
    del folder  # the face leaves nothing there: ``Seen`` is enough to draw every frame again
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    actor = FaceActor(config, endpoints, HostClock(), own_process=True)
    actor.obey()
    try:
        actor.prepare()
        actor.run()
    finally:
        actor.close()


class PictureSink(Protocol):
    """Where a picture goes."""

    @property
    def problem(self) -> str:
        """Why nothing is seen at the moment, or ""."""
        ...

    def show(self, pixels: np.ndarray | None, patch: bool = False) -> bool:
        """Show a picture, shape (height, width, 3), or no face, and the photodiode's patch; False once closed."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class FaceActor(Actor):
    """Receive, step, draw, show, tell.

    Parameters
    ----------
    clock
        The machine's clock; a fake one in tests.
    renderers
        Called with the kind and the name of an identity, gives what makes a renderer of a size.
    own_process
        Whether all threads of this process are the face's, and may be given its priority.
    """

    def __init__(
        self,
        config: SessionConfig,
        endpoints: Endpoints,
        clock: Clock,
        renderers: Callable[[Kind, str], Callable[[int], Renderer]] | None = None,
        own_process: bool = False,
    ) -> None:
        super().__init__(ActorPort(endpoints, ("face", "stop")), "face", clock)
        self._config = config.face
        self._seed = config.seed
        self._given = renderers
        self._profile: DisplayProfile | None = None
        self._look: Look | None = None
        self._finish: Finish | None = None
        self._patch = ChangePatch()
        self._body = BodyState()
        self._mirror = MirrorSender(endpoints)
        self._command: FaceCommand | None = None
        self._engine: FaceEngine | None = None
        self._renderer: TieredRenderer | None = None
        self._display: PictureSink | None = None
        self._window_missing = False
        self._problems: list[str] = []
        self._no_picture = ""
        self._makeshift = ""
        self._lost = ""
        self._frame = 0
        self._unshown = 0
        self._tried_ns = 0
        self._lost_ns = -AGAIN_NS
        self._own_process = own_process
        self._urgent = False
        self._tell_face("starting")

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
        self._tell_face(self._state)

    def run(self) -> None:
        """Frame after frame until it is time to leave."""
        pace = Metronome(self._clock, self._config.fps)
        missed, drawn_ns = 0, self._clock.now_ns()
        while not self._leaving:
            pace.period_ns = round(1e9 / self._fps)
            begun_ns = self._clock.now_ns()
            pace.wait()
            if self._urgent and pace.missed > missed:
                self._clock.sleep_until_ns(self._clock.now_ns() + round(REST_SHARE * (begun_ns - drawn_ns)))
            drawn_ns = self._clock.now_ns()
            self._hear()
            self.present(pace.missed - missed)
            missed = pace.missed
            self._beat()

    def present(self, dropped: int) -> Seen | None:
        """Make one frame of the newest command, show it and, if it could be seen, tell so.

        Parameters
        ----------
        dropped
            Periods missed before this one.

        Returns
        -------
        Seen
            What was told, or None: there was no picture, or the window that is wanted did not take it.
        """
        assert self._engine is not None
        command = self._command
        now_ns = self._clock.now_ns()
        pose = self._body.step(self._engine.step(command, now_ns), command, now_ns)
        pixels = self._draw(pose)
        patch = self._patch.step(pose.au)
        self._unshown += dropped
        if not self._shown(pixels, patch):
            self._unshown += 1
            return None
        assert pixels is not None
        seen = Seen(
            t_ns=self._clock.now_ns(),
            frame=self._frame,
            cause_seq=command.cause_seq if command else 0,
            cause_received_ns=command.received_ns if command else 0,
            pose=pose,
            pspi=pspi(pose.au),
            dropped=self._unshown,
            patch=patch,
        )
        self._port.tell(seen)
        self._unshown = 0
        if self._frame % max(1, round(self._fps / MIRROR_HZ)) == 0:  # of a face that nobody sees it grows old there
            small = self._finish.upright(pixels, MIRROR_PX) if self._finish else _shrunk(pixels)
            self._mirror.send(small.shape[0], small.shape[1], small.tobytes())
        self._frame += 1
        return seen

    def close(self) -> None:
        """Say goodbye and let go of everything."""
        self._tell_face("stopped")
        for part in (self._display, self._renderer, self._port, self._mirror):
            if part is not None:
                with contextlib.suppress(RobopatientError, RuntimeError):
                    part.close()

    @property
    def _fps(self) -> float:
        return self._renderer.fps if self._renderer is not None else self._config.fps

    @property
    def _state(self) -> str:
        return "degraded" if any(self._faults) else "ready"

    @property
    def _faults(self) -> tuple[str, ...]:
        """What is wrong and what to do about it: what nobody sees first."""
        hidden = self._display.problem if self._display is not None else ""
        return tuple(
            fault for fault in (self._no_picture, hidden, *self._problems, self._makeshift, self._lost) if fault
        )

    def _shown(self, pixels: np.ndarray | None, patch: bool) -> bool:
        """Put a picture, or none, on the display; True when it could be seen there, or no window is wanted."""
        if self._display is None:
            return pixels is not None and not self._window_missing
        if not self._display.show(None if pixels is None else self._finished(pixels), patch):
            self._display, self._window_missing = None, True  # the session goes on: there still is the voice
            self._problems.append(
                "the face window was closed: nobody sees the face, nor is it recorded; end the session and start again"
            )
            self._tell_face(self._state)
            return False
        return pixels is not None and not self._display.problem

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
                first, self._command = self._command is None, message
                if first:
                    self._hurry()
            elif isinstance(message, SessionStop):
                self._leaving = True

    def _beat(self) -> None:
        """Repeat the state once a second; a window of another shape gets a picture of that shape."""
        if self._clock.now_ns() - self._told_ns < HEARTBEAT_NS:
            return
        if self._renderer is not None and self._told_ns - self._lost_ns > AGAIN_NS:
            self._lost = ""  # mended
        self._tell_face(self._state)
        if (
            self._profile is not None
            and self._look is not None
            and self._display is not None
            and not self._display.problem
        ):
            aspect = self._aspect()
            if abs(aspect - self._look.aspect) > 0.01 * aspect:
                self._look = self._profile.look(aspect)
                self._replace_renderer("the window has another shape")

    def _tell_face(self, state: str) -> None:
        late = note_of(self._engine) if self._engine is not None else ""
        notes = [*self._faults, late] if late else [*self._faults]
        if self._renderer is not None and state in ("ready", "degraded"):
            drawn = self._renderer
            notes.append(f"{drawn.kind} {drawn.size_px} px at {drawn.fps:.0f} fps, {drawn.draw_ms:.0f} ms a frame")
        self._tell_state(state, "; ".join(notes))

    def _draw(self, pose: FacePose) -> np.ndarray | None:
        """Picture of a pose; None without a renderer, which is then tried again once a minute.

        A renderer that fails is made anew; one that fails again within the minute gives way to numba, numba to none.
        """
        now_ns = self._clock.now_ns()
        renderer = self._renderer
        if renderer is None:
            if now_ns - self._tried_ns >= AGAIN_NS:
                self._renderer = self._load_renderer()
                self._hurry()
                self._tell_face(self._state)
            return None
        pixels, error = _or_why(lambda: renderer.draw(pose, judged=self._command is not None))  # it comes with the loop
        if pixels is None:
            again = now_ns - self._lost_ns > AGAIN_NS
            self._lost_ns = now_ns
            self._lost = f"a picture was lost ({error}) and the face drawn anew"
            if again or renderer.kind == "gl":
                self._replace_renderer(error, None if again else "numba")
            else:
                self._no_renderer(error)
                self._blank()
        return pixels

    def _replace_renderer(self, why: str, kind: Kind | None = None) -> None:
        """Draw by another renderer from now on; nothing is seen meanwhile, for a compilation takes long."""
        self._no_picture = f"no picture: {why}; another renderer is being made"
        self._blank()
        self._renderer = self._load_renderer(kind, why)
        self._hurry()
        self._tell_face(self._state)

    def _blank(self) -> None:
        """Take the face away and say why, rather than leave it standing as if it lived."""
        if self._display is not None:
            self._display.show(None)
        self._tell_face(self._state)
        renderer, self._renderer = self._renderer, None
        if renderer is not None:
            _or_why(renderer.close)

    def _hurry(self) -> None:
        """Go before ordinary programs, where permitted; numba takes all cores and would leave them none.

        Before the first command nobody waits for the face, but the voice may still be compiling.
        """
        if not self._own_process or self._command is None:
            return
        if self._renderer is not None and self._renderer.kind == "gl":
            self._urgent = hurry(own_threads(), FACE, heirs=True)
        else:
            calm(own_threads())
            self._urgent = False

    def _no_renderer(self, why: str) -> None:
        """Be without a picture until the next try."""
        self._tried_ns = self._clock.now_ns()
        self._no_picture = f"no picture: {why}; trying again every {AGAIN_NS / 1e9:.0f} s"

    def _load_engine(self) -> FaceEngine:
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

    def _load_renderer(self, kind: Kind | None = None, why: str = "") -> TieredRenderer | None:
        """Renderer of the configured face, warmed up: as configured, else smaller, else without OpenGL.

        None, with the reason in the state, when nothing draws. ``kind`` and ``why``: instead of the configured one.
        """
        reasons = [why] if kind else []
        kind, size_px = kind or self._config.renderer, self._config.size_px
        tries: list[tuple[Kind, int]] = [(kind, size_px)]
        if kind != "numba":
            tries += [(kind, size_px // 2), ("numba", size_px)]
        for by, px in tries:
            renderer, error = _or_why(lambda by=by, px=px: self._make_renderer(by, px))  # type: ignore[misc]
            if renderer is not None:
                self._no_picture = self._makeshift = ""
                if renderer.kind != "gl" and self._config.renderer != "numba":
                    why = "; ".join(dict.fromkeys(reasons)) or "install libegl1 and libgl1-mesa-dri"
                    self._makeshift = f"no GL: drawn without it ({why})"
                elif reasons:
                    self._makeshift = f"drawn small ({reasons[0]})"
                return renderer
            reasons.append(error)
        self._no_renderer("; ".join(dict.fromkeys(reasons)))
        return None

    def _make_renderer(self, kind: Kind, size_px: int) -> TieredRenderer:
        make = (self._given or partial(_renderers, look=self._look))(kind, self._config.identity)
        renderer = TieredRenderer(make, size_px, 1.0 / self._config.fps, self._clock)
        try:
            renderer.warm_up(WARM_UP_POSES)
        except BaseException:
            renderer.close()
            raise
        return renderer

    def _open_display(self) -> PictureSink | None:
        """Window for the trainee, or None: without a display, or when none is wanted.

        "auto" wants one wherever there is a display and Qt; from then on only what a window shows has been seen.
        """
        config = self._config
        if config.window == "no":
            return None
        self._window_missing = config.window == "yes"
        try:
            from robopatient.face.window import FaceWindow, display_problem, has_display

            if not has_display() and (config.window == "auto" or not os.environ.get("QT_QPA_PLATFORM")):
                if config.window == "yes":
                    self._problems.append('no display for face.window = "yes": neither $DISPLAY nor $WAYLAND_DISPLAY')
                return None
            self._window_missing = True
            problem = display_problem()
            if problem:
                self._problems.append(problem)
                return None
            window = FaceWindow(
                config.size_px, full_screen=config.full_screen, screen=config.screen, profile=self._profile
            )
        except MissingPackageError as error:
            if config.window == "yes":
                self._problems.append(str(error))
            return None
        except RobopatientError as error:
            self._problems.append(str(error))
            return None
        self._window_missing = False
        return window


def _or_why(attempt: Callable[[], T]) -> tuple[T | None, str]:
    """What an attempt gives, and ""; or None, and why it failed."""
    try:
        return attempt(), ""
    except Exception as error:  # a lost GL context or a compiler without its cache raise whatever they like
        return None, str(error) or type(error).__name__


def _renderers(kind: Kind, identity_name: str, look: Look | None = None) -> Callable[[int], Renderer]:
    """What makes renderers of a face, for any size."""
    subject = load_face(identity_name)
    return lambda size_px: make_renderer(kind, subject, size_px, look)


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """Picture of at most ``MIRROR_PX``: every n-th pixel, which costs next to nothing."""
    step = -(-max(pixels.shape[:2]) // MIRROR_PX)
    return np.ascontiguousarray(pixels[::step, ::step])
