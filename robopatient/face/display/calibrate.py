"""The verb ``face display``: show a face or a test picture by a display profile, and bend it into place by keys."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from firmware_bridge.outputs import check_outputs, new_files
from robopatient.clock import HostClock, Metronome
from robopatient.config import FaceConfig
from robopatient.errors import AssetError, ConfigError, DeviceError, require
from robopatient.face.bodystate import BodyState
from robopatient.face.display.editor import Editor
from robopatient.face.display.finish import Finish
from robopatient.face.display.patch import ChangePatch
from robopatient.face.display.patterns import PATTERNS, pattern
from robopatient.face.display.profile import (
    DisplayProfile,
    ScreenId,
    load_profile,
    profile_names,
    save_profile,
    user_folder,
)
from robopatient.face.generator import make_engine
from robopatient.face.identity import load_identity
from robopatient.face.render import Kind, Renderer, make_renderer
from robopatient.folders import user_path
from robopatient.messages import FaceAsk, FaceCommand, Phase

__all__ = ["Stage", "display"]

FPS = 30.0
PATTERN_PX = 1024
PRESS_S = 4.0
"""The face is pressed for the first half of every so long, when it shows pain."""


def display(
    profile: str = "",
    picture: str = "face",
    edit: bool = False,
    face: str = "margaret",
    nrs: float = 0.0,
    screen: str = "",
    renderer: Kind = "auto",
    size_px: int = 720,
    seconds: float = 0.0,
    list_only: bool = False,
    out: Path | None = None,
    window_px: str = "1280x800",
    force: bool = False,
) -> None:
    """Show a face or a test picture until the window is closed, Esc or Ctrl-C.

    Parameters
    ----------
    profile
        Name or file of a display profile; with ``edit`` a new name makes a new one.
    picture
        "face" or one of ``PATTERNS``.
    nrs
        Pain of the face's presses.
    screen
        Name, number or serial number of the screen, in place of the profile's.
    size_px
        Height of the rendered picture, and of the window where it is not full screen.
    seconds
        End after so long; 0: never.
    out
        Write what would be seen in a window of ``window_px`` as a PNG, and open none.
    force
        Replace a file that exists.

    Raises
    ------
    RobopatientError
        Naming what is wrong: the profile's key, the screen, the picture.
    """
    if picture != "face" and picture not in PATTERNS:
        raise ConfigError(f'--pattern "{picture}" is unknown; there are face, {", ".join(PATTERNS)}')
    chosen, path = _open_profile(profile, edit, screen)
    if out is not None:
        _write(chosen, picture, face, nrs, renderer, size_px, window_px, out, force)
        return
    from robopatient.face.display.screens import list_screens, need_screen
    from robopatient.face.window import FaceWindow, QtWidgets, display_problem

    problem = display_problem()
    if problem:
        raise DeviceError(f"{problem}; give --out FILE.png to write the picture instead")
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["robopatient"])
    if list_only:
        print("\n".join([*list_screens(), f"profiles: {', '.join(profile_names()) or '(none)'}"]))
        return
    need_screen(chosen.screen)
    window = FaceWindow(size_px, profile=chosen)
    stage = Stage(window, chosen, path, face, renderer, size_px, picture, nrs, edit)
    stopped = signal.signal(signal.SIGINT, lambda *_: stage.leave())
    pace = Metronome(HostClock(), FPS)
    try:
        while stage.step() and not (seconds and stage.shown >= seconds * FPS):
            pace.wait()
    finally:
        stage.close()
        signal.signal(signal.SIGINT, stopped)
        app.processEvents()
    if stage.editor.changed:
        print("left without saving")


def _open_profile(name: str, edit: bool, screen: str) -> tuple[DisplayProfile, Path]:
    """Profile to show, and the file that ``S`` writes."""
    own = user_folder() / f"{name or 'display'}.toml"
    path = user_path(name) if name.endswith(".toml") else own
    try:
        profile = load_profile(name) if name else DisplayProfile()
    except AssetError:
        if not edit:
            raise
        profile = DisplayProfile()  # a new one is about to be made
    if screen:
        profile = msgspec.structs.replace(profile, screen=ScreenId(name=screen))
    return profile, path


class Stage:
    """What the window shows, step by step, and what the keys do to it.

    Parameters
    ----------
    window
        A ``FaceWindow``; its events are handled in ``step``.
    path
        File of the profile.
    """

    def __init__(
        self,
        window: Any,
        profile: DisplayProfile,
        path: Path,
        face: str,
        renderer: Kind,
        size_px: int,
        picture: str,
        nrs: float,
        edit: bool,
    ) -> None:
        self._window = window
        self._path = path
        self._identity = load_identity(face)
        self._kind: Kind = renderer
        self._size_px = size_px
        self._player = _Player(nrs, BodyState(self._identity.body))
        width_px, height_px = window.canvas_px
        self.editor = Editor(profile, width_px, height_px, picture)
        self.editing = edit
        self.help = edit
        self.shown = 0
        self._left = False
        self._renderer: Renderer | None = None
        self._finish: Finish | None = None
        self._drawn: tuple[Any, ...] = ()
        self._pixels: np.ndarray | None = None
        self._keys: Any = None
        if edit:
            from robopatient.face.display.keys import Keys

            self._keys = Keys(window.view, self)

    def step(self) -> bool:
        """Show one frame; False when it is time to leave."""
        window, editor = self._window, self.editor
        editor.resized(*window.canvas_px)
        key = (editor.profile, *window.canvas_px)
        if self._drawn != key:
            self._drawn = key
            self._rebuild()
        patch = False
        assert self._finish is not None
        if editor.picture == "face":
            assert self._renderer is not None
            pose, patch = self._player.step(self.shown / FPS)
            self._pixels = self._finish.apply(self._renderer.draw(pose))
        elif self._pixels is None:
            self._pixels = self._finish.pattern(pattern(editor.picture, PATTERN_PX), editor.picture == "white")
        self.shown += 1
        return bool(window.show(self._pixels, patch)) and not self._left

    def changed_picture(self) -> None:
        """The test picture is another one."""
        self._pixels = None
        self._drawn = ()

    def save(self) -> None:
        """Write the profile, with the screen that it was made on."""
        from robopatient.face.display.screens import id_of

        editor = self.editor
        editor.profile = msgspec.structs.replace(editor.profile, screen=id_of(self._window.view.screen()))
        try:
            save_profile(editor.profile, self._path)
        except (AssetError, ConfigError) as error:
            editor.message = str(error)
            return
        editor.saved()
        editor.message = f"saved as {self._path.name}"

    def leave(self) -> None:
        """End after the frame in hand."""
        self._left = True

    def close(self) -> None:
        """Let go of window and renderer."""
        if self._renderer is not None:
            self._renderer.close()
        self._window.close()

    def _rebuild(self) -> None:
        """Renderer and warp for what the profile says now."""
        editor = self.editor
        look = editor.profile.look(editor.aspect)
        self._window.take(editor.profile)
        self._pixels = None
        if editor.picture == "face":
            height = min(self._size_px, editor.height_px)
            if self._renderer is None or getattr(self._renderer, "look", None) != look:
                if self._renderer is not None:
                    self._renderer.close()
                self._renderer = make_renderer(self._kind, self._identity, height, look)
            self._finish = Finish(editor.profile, look.width_px(height), height)
        else:
            self._finish = Finish(editor.profile, editor.width_px, editor.height_px)


class _Player:
    """A living face, pressed now and then when it shall show pain."""

    def __init__(self, nrs: float, body: BodyState) -> None:
        self._nrs = nrs
        self._engine = make_engine(FaceConfig(), 1)
        self._body = body
        self._patch = ChangePatch()

    def step(self, t_s: float) -> tuple[Any, bool]:
        """Pose at a time, and the state of the photodiode's patch."""
        pressed = self._nrs > 0.0 and t_s % PRESS_S < 0.5 * PRESS_S
        nrs = self._nrs if pressed else 0.0
        phase: Phase = "hold" if pressed else "rest"
        t_ns = round(t_s * 1e9)
        command = FaceCommand(t_ns, 0, t_ns, nrs, phase, FaceAsk(nrs))
        pose = self._body.step(self._engine.step(command, t_ns), command, t_ns)
        return pose, self._patch.step(pose.au)


def _write(
    profile: DisplayProfile, picture: str, face: str, nrs: float, renderer: Kind, size_px: int, window: str, out: Path,
    force: bool,
) -> None:  # fmt: skip
    """What a window of a size would show, as a PNG."""
    from robopatient.face.apex import apex_au
    from robopatient.messages import FacePose

    try:
        width, height = (int(part) for part in window.split("x"))
    except ValueError as error:
        raise ConfigError(f"--window {window} is no WIDTHxHEIGHT such as 1280x800") from error
    if not (64 <= width <= 8192 and 64 <= height <= 8192):
        raise ConfigError(f"--window {window}: give sides of 64 to 8192 pixels")
    check_outputs([out], [face], force)
    if picture == "face":
        look = profile.look(width / height)
        drawer = make_renderer(renderer, load_identity(face), min(size_px, height), look)
        try:
            pixels = drawer.draw(FacePose(au=apex_au(nrs)))
        finally:
            drawer.close()
        seen = Finish(profile, pixels.shape[1], pixels.shape[0]).apply(pixels)
    else:
        seen = Finish(profile, width, height).pattern(pattern(picture, PATTERN_PX), picture == "white")
    image = require("PIL.Image", "face").fromarray(seen)
    try:
        with new_files(out, force=force) as (part,):
            image.resize((width, height), 2).save(part)
    except (OSError, ValueError) as error:
        raise AssetError(f"{out}: the picture cannot be written ({error}); choose another --out") from error
    print(f"{out}: {picture}, {width} x {height}")
