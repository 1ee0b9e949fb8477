"""Calibration as a model without a window: handles that are nudged, settings that are turned, and every step undone.

Lengths are pixels of the window as the user sees them; the profile keeps normalised device coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from robopatient.errors import ConfigError
from robopatient.face.display.finish import mesh_shift
from robopatient.face.display.patterns import PATTERNS
from robopatient.face.display.profile import MOST_MESH, DisplayProfile, Patch, centred, check
from robopatient.face.keystone import apply

__all__ = ["PICTURES", "STEPS", "Editor"]

PICTURES = ("face", *PATTERNS)
"""What is looked at while calibrating, in the order of the key that changes it."""
PATCHES: tuple[Patch, ...] = ("none", "upper left", "upper right", "lower right", "lower left")
STEPS = {"soft_edge": 0.05, "brightness": 0.05, "gamma": 0.05, "patch_px": 8.0}
LIMITS = {"soft_edge": (0.0, 1.0), "brightness": (0.1, 2.0), "gamma": (0.3, 3.0), "patch_px": (8.0, 400.0)}
MESH_SIDES = (0, 2, 3, 4, 5, 7, 9, 13, MOST_MESH)
"""Points along a side; 0 is no mesh."""
MOST_STEPS = 1000
NEAR_PX = 40.0
"""How far from a handle the pointer may be to take it."""


@dataclass(frozen=True)
class _State:
    profile: DisplayProfile
    mesh: bool
    selected: int


class Editor:
    """One calibration in progress.

    Attributes
    ----------
    profile
        As it is now; always possible, because impossible steps are refused.
    mesh
        Whether the mesh's points are the handles, and not the four corners.
    selected
        Number of the handle that keys move.
    picture
        What is shown: one of ``PICTURES``.
    message
        What the last step did, or why it was refused.
    """

    def __init__(self, profile: DisplayProfile, width_px: int, height_px: int, picture: str = "grid") -> None:
        self.width_px, self.height_px = width_px, height_px
        self.profile = self._saved = profile
        self.mesh = False
        self.selected = 0
        self.picture = picture
        self.message = ""
        self._past: list[_State] = []
        self._future: list[_State] = []

    @property
    def aspect(self) -> float:
        """Width over height of the window."""
        return self.width_px / self.height_px

    @property
    def changed(self) -> bool:
        """Whether there is something to save."""
        return self.profile != self._saved

    def resized(self, width_px: int, height_px: int) -> None:
        """The window has another size."""
        self.width_px, self.height_px = width_px, height_px

    def handles(self) -> np.ndarray:
        """Places of the handles in the window, pixels from the upper left, shape (n, 2).

        Corners clockwise from the upper left, or mesh points by rows.
        """
        mesh = self.profile.mesh
        places = (self._grid() + np.array(mesh)).reshape(-1, 2) if self.mesh else np.array(self._corners())
        return np.stack(
            [(places[:, 0] + 1.0) * 0.5 * self.width_px, (1.0 - places[:, 1]) * 0.5 * self.height_px], axis=1
        )

    def outline(self) -> np.ndarray:
        """The picture's edge without mesh, pixels, shape (4, 2)."""
        before, self.mesh = self.mesh, False
        found = self.handles()
        self.mesh = before
        return found

    def select(self, number: int) -> None:
        """Take a handle; numbers wrap around."""
        self.selected = number % (len(self.handles()))
        self.message = f"{'point' if self.mesh else 'corner'} {self.selected + 1}"

    def nearest(self, x_px: float, y_px: float) -> int | None:
        """Handle within reach of the pointer."""
        away = np.hypot(*(self.handles() - (x_px, y_px)).T)
        return int(np.argmin(away)) if away.min() <= NEAR_PX else None

    def nudge(self, right_px: float, down_px: float) -> bool:
        """Move the handle; False when that would turn the picture inside out."""
        shift = np.array([2.0 * right_px / self.width_px, -2.0 * down_px / self.height_px])
        if self.mesh:
            mesh = np.array(self.profile.mesh)
            mesh.reshape(-1, 2)[self.selected] += shift
            return self._change(mesh=_tuples(mesh))
        corners = np.array(self._corners())
        corners[self.selected] += shift
        return self._change(corners=_tuples(corners))

    def move_to(self, x_px: float, y_px: float) -> bool:
        """Put the handle under the pointer."""
        x, y = self.handles()[self.selected]
        return self.nudge(x_px - float(x), y_px - float(y))

    def shift(self, right_px: float, down_px: float) -> bool:
        """Move the whole picture."""
        step = np.array([2.0 * right_px / self.width_px, -2.0 * down_px / self.height_px])
        return self._change(corners=_tuples(np.array(self._corners()) + step))

    def scale(self, factor: float) -> bool:
        """Enlarge the whole picture about its middle."""
        corners = np.array(self._corners())
        middle = corners.mean(axis=0)
        return self._change(corners=_tuples(middle + factor * (corners - middle)))

    def turn(self, degrees: float) -> bool:
        """Turn the whole picture clockwise about its middle."""
        corners = np.array(self._corners())
        middle = corners.mean(axis=0)
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        offset = (corners - middle) * (self.aspect, 1.0)
        turned = offset @ np.array([[cos, -sin], [sin, cos]]) / (self.aspect, 1.0)
        return self._change(corners=_tuples(middle + turned))

    def flip(self, name: str) -> bool:
        """Turn over one of ``mirror_horizontal``, ``mirror_vertical`` and ``rear``."""
        return self._change(**{name: not getattr(self.profile, name)})

    def adjust(self, name: str, steps: int) -> bool:
        """Turn a setting of ``STEPS`` up or down."""
        low, high = LIMITS[name]
        value = min(max(round(getattr(self.profile, name) + steps * STEPS[name], 4), low), high)
        return self._change(**{name: int(value) if name == "patch_px" else value})

    def next_patch(self) -> bool:
        """Put the photodiode's patch into the next corner."""
        return self._change(patch=PATCHES[(PATCHES.index(self.profile.patch) + 1) % len(PATCHES)])

    def next_picture(self, steps: int = 1) -> None:
        """Look at the next test picture, or at the face."""
        self.picture = PICTURES[(PICTURES.index(self.picture) + steps) % len(PICTURES)]
        self.message = self.picture

    def change_mesh(self, steps: int) -> bool:
        """Take a finer or coarser mesh; what it bends stays bent."""
        rows = self.profile.mesh
        now = max((n for n, side in enumerate(MESH_SIDES) if side <= len(rows)), default=0)
        side = MESH_SIDES[min(max(now + steps, 0), len(MESH_SIDES) - 1)]
        if side == 0:
            fresh: Any = ()
        else:
            axis = np.linspace(-1.0, 1.0, side)
            places = np.stack(np.meshgrid(axis, -axis), axis=-1)
            fresh = _tuples(mesh_shift(rows, places) if rows else np.zeros_like(places))
        done = self._change(mesh=fresh)
        self.selected = 0
        self.mesh = bool(self.profile.mesh)
        return done

    def toggle_mesh(self) -> None:
        """Take the mesh's points for handles, or the corners again."""
        if not self.profile.mesh:
            self.change_mesh(2)
            return
        self.mesh = not self.mesh
        self.selected = 0
        self.message = "mesh" if self.mesh else "corners"

    def reset(self) -> bool:
        """Geometry as if nothing had been moved; settings stay."""
        self.mesh, self.selected = False, 0
        return self._change(corners=(), mesh=(), mirror_horizontal=False, mirror_vertical=False, rear=False)

    def undo(self) -> bool:
        """Take the last step back."""
        return self._travel(self._past, self._future, "undone")

    def redo(self) -> bool:
        """Make the step again that was taken back."""
        return self._travel(self._future, self._past, "done again")

    def saved(self) -> None:
        """The profile has been written."""
        self._saved = self.profile
        self.message = "saved"

    def _corners(self) -> tuple[tuple[float, float], ...]:
        return self.profile.corners or centred(self.aspect)

    def _grid(self) -> np.ndarray:
        """Where the mesh's points are before they are shifted, shape (rows, columns, 2)."""
        rows = len(self.profile.mesh)
        axis = np.linspace(-1.0, 1.0, rows)
        return apply(self.profile.keystone(self.aspect), np.stack(np.meshgrid(axis, -axis), axis=-1))

    def _change(self, **values: Any) -> bool:
        fresh = msgspec.structs.replace(self.profile, **values)
        try:
            fresh = msgspec.convert(msgspec.to_builtins(fresh), DisplayProfile)
            check(fresh)
        except (msgspec.ValidationError, ConfigError) as error:
            self.message = f"not done: {error}"
            return False
        if fresh != self.profile:
            self._past = [*self._past[-MOST_STEPS:], self._state()]
            self._future.clear()
            self.profile = fresh
        self.message = ", ".join(f"{name} {_short(value)}" for name, value in values.items())
        return True

    def _state(self) -> _State:
        return _State(self.profile, self.mesh, self.selected)

    def _travel(self, source: list[_State], target: list[_State], word: str) -> bool:
        if not source:
            self.message = f"nothing to be {word}"
            return False
        target.append(self._state())
        state = source.pop()
        self.profile, self.mesh, self.selected = state.profile, state.mesh and bool(state.profile.mesh), state.selected
        self.message = word
        return True


def _tuples(values: np.ndarray) -> Any:
    """Nested tuples of floats, as the profile keeps them."""
    return tuple(_tuples(row) for row in values) if values.ndim > 1 else tuple(float(value) for value in values)


def _short(value: object) -> str:
    return "moved" if isinstance(value, tuple) and value else "none" if isinstance(value, tuple) else str(value)
