"""How one projector, screen or robot head shows the face: a TOML file under ``assets/displays`` or the user's own.

Places are in the window's normalised device coordinates: x right, y up, -1 to 1 over the whole window.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from robopatient.config import asset_names, asset_path, decode_toml
from robopatient.errors import AssetError, ConfigError
from robopatient.face.keystone import SQUARE, Rows, homography, mirrored
from robopatient.face.light import LightName, Look, ViewName
from robopatient.folders import user_settings

__all__ = [
    "MOST_MESH",
    "DisplayProfile",
    "Patch",
    "ScreenId",
    "centred",
    "check",
    "load_profile",
    "profile_names",
    "save_profile",
    "to_toml",
    "user_folder",
]

Place = tuple[Annotated[float, Meta(ge=-2, le=2)], Annotated[float, Meta(ge=-2, le=2)]]
Shift = tuple[Annotated[float, Meta(ge=-0.5, le=0.5)], Annotated[float, Meta(ge=-0.5, le=0.5)]]
Patch = Literal["none", "upper left", "upper right", "lower left", "lower right"]

MOST_MESH = 17
"""Points along a side of the mesh at most: what projectors with a warp of their own offer."""


class ScreenId(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which screen: the serial number decides where the screen tells one, else the name of its connector."""

    name: str = ""
    serial: str = ""

    def __str__(self) -> str:
        serial = f", serial {self.serial}" if self.serial else ""
        return f'"{self.name}"{serial}' if self.name or serial else "the first screen"


class DisplayProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything between the rendered face and the light.

    Attributes
    ----------
    corners
        Where the picture's corners go: upper left, upper right, lower right, lower left; none: the largest upright
        square in the middle.
    mirror_horizontal, mirror_vertical
        Flip the picture left to right (a mirror in the beam), or upside down (a projector hung from a ceiling).
    rear
        Projection from behind: flips left to right, on top of the two.
    mesh
        Shifts of a grid of points over the picture, rows from the top: for what four corners cannot correct.
    soft_edge
        Width of the fade to black towards the edge of an ellipse in the picture, as a part of its half; 0 for none.
    brightness, gamma
        Of the finished picture: out = brightness * in ** (1 / gamma), of encoded values.
    patch, patch_px
        Corner and side of a square for a photodiode: it changes with the frame whose action units changed.
    """

    description: str = ""
    screen: ScreenId = ScreenId()
    full_screen: bool = True
    view: ViewName = "frontal"
    light: LightName = "window"
    background: Literal["wall", "black", "white", "green"] = "black"
    corners: tuple[Place, ...] = ()
    mirror_horizontal: bool = False
    mirror_vertical: bool = False
    rear: bool = False
    mesh: tuple[tuple[Shift, ...], ...] = ()
    soft_edge: Annotated[float, Meta(ge=0, le=1)] = 0.0
    brightness: Annotated[float, Meta(ge=0.1, le=2)] = 1.0
    gamma: Annotated[float, Meta(ge=0.3, le=3)] = 1.0
    patch: Patch = "none"
    patch_px: Annotated[int, Meta(ge=8, le=400)] = 48

    def keystone(self, aspect: float) -> Rows:
        """Homography from the picture to a window of an aspect (width over height), mirroring included.

        Raises
        ------
        ConfigError
            When the corners make no convex quadrangle.
        """
        return mirrored(
            homography(self.corners or centred(aspect)), self.mirror_horizontal != self.rear, self.mirror_vertical
        )

    def look(self, aspect: float) -> Look:
        """What the renderer is told: it draws the window's picture, so that the keystone costs nothing."""
        return Look(
            view=self.view,
            light=self.light,
            background=self.background,
            keystone=self.keystone(aspect),
            aspect=aspect,
        )


def centred(aspect: float) -> tuple[Place, ...]:
    """Corners of the largest upright square in the middle of a window, in the order of ``SQUARE``."""
    x, y = min(1.0, 1.0 / aspect), min(1.0, aspect)
    return tuple((x * u, y * v) for u, v in SQUARE)


def user_folder() -> Path:
    """Folder of the profiles that calibration writes: ``$XDG_CONFIG_HOME/robopatient/displays``."""
    return user_settings() / "displays"


def profile_names() -> list[str]:
    """Names of the user's profiles and of the shipped ones."""
    own = {path.stem for path in user_folder().glob("*.toml")}
    return sorted(own | set(asset_names("displays")))


def load_profile(name: str) -> DisplayProfile:
    """Profile of a name, the user's before the shipped one, or of a TOML file; checked.

    Raises
    ------
    AssetError
        When there is no such profile, or it cannot be read.
    ConfigError
        Naming the file and the key that is unknown, out of range or impossible.
    """
    path = profile_path(name)
    profile: DisplayProfile = decode_toml(path, DisplayProfile)
    try:
        check(profile)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return profile


def profile_path(name: str) -> Path:
    """File that a name stands for."""
    own = user_folder() / f"{name}.toml"
    if name and os.sep not in name and own.is_file():
        return own
    try:
        return asset_path("displays", name)
    except AssetError as error:
        raise AssetError(
            f"display profile {name!r}: {error}; your own are {', '.join(profile_names()) or '(none)'}; make one with "
            "`robopatient face display --profile NAME --edit`"
        ) from error


def check(profile: DisplayProfile) -> None:
    """What the types cannot say: a convex keystone, and a rectangular mesh that folds nowhere."""
    if profile.corners:
        homography(profile.corners)
    rows = profile.mesh
    if not rows:
        return
    widths = {len(row) for row in rows}
    if len(widths) != 1 or not (2 <= len(rows) <= MOST_MESH and 2 <= len(rows[0]) <= MOST_MESH):
        raise ConfigError(
            f"`mesh` has {len(rows)} rows of {', '.join(map(str, sorted(widths)))} points; give 2 to {MOST_MESH} rows "
            f"of 2 to {MOST_MESH} points each"
        )
    place = np.stack(
        np.meshgrid(np.linspace(-1.0, 1.0, len(rows[0])), np.linspace(1.0, -1.0, len(rows))), axis=-1
    ) + np.array(rows)
    along, down = np.diff(place, axis=1)[:-1], np.diff(place, axis=0)[:, :-1]
    turned = along[..., 0] * down[..., 1] - along[..., 1] * down[..., 0]
    if (turned >= 0.0).any():
        row, column = np.argwhere(turned >= 0.0)[0]
        raise ConfigError(
            f"`mesh` folds over itself at row {row + 1}, point {column + 1}; bring its shifts nearer to 0"
        )


def save_profile(profile: DisplayProfile, path: Path) -> None:
    """Write a profile as TOML, whole or not at all; only what differs from the defaults.

    Raises
    ------
    ConfigError
        When it is impossible; nothing is written then.
    AssetError
        When the file cannot be written.
    """
    check(profile)
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(to_toml(profile), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise AssetError(
            f"{path}: the profile cannot be written ({error.strerror}); choose another --profile"
        ) from error


def to_toml(profile: DisplayProfile) -> str:
    """A profile as TOML text."""
    lines = ["# Written by the calibration editor: robopatient face display --edit", ""]
    data, default = msgspec.to_builtins(profile), msgspec.to_builtins(DisplayProfile())
    screen = data.pop("screen")
    lines += [f"{name} = {_value(value)}" for name, value in data.items() if value != default[name]]
    named = [f"{name} = {_value(value)}" for name, value in screen.items() if value]
    return "\n".join([*lines, *(["", "[screen]", *named] if named else [])]) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(round(value, 6))
    if isinstance(value, (list, tuple)):
        inside = ", ".join(_value(one) for one in value)
        deep = value and isinstance(value[0], (list, tuple)) and isinstance(value[0][0], (list, tuple))
        return "[\n" + "".join(f"    {_value(one)},\n" for one in value) + "]" if deep else f"[{inside}]"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()  # a JSON string is a TOML basic string
    return str(value)
