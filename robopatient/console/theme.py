"""Colours and the style sheet: dark for dim laboratories, light for wards; both safe for the colour-blind.

The hues follow Okabe and Ito (2008), tuned in lightness for either background; state is also told by shape and word.
"""

from __future__ import annotations

import string
from importlib import resources

import msgspec

__all__ = ["DARK", "LIGHT", "Theme", "style_sheet"]


class Theme(msgspec.Struct, frozen=True):
    """Named colours, as #rrggbb."""

    name: str
    window: str
    panel: str
    plot: str
    edge: str
    control: str
    control_hover: str
    text: str
    muted: str
    faint: str
    force: str
    pain: str
    level: str
    f0: str
    pspi: str
    ok: str
    warn: str
    bad: str
    off: str
    accent: str
    hush: str
    hush_hover: str
    hush_on: str
    on_hush: str
    skin: str
    skin_edge: str


DARK = Theme(
    name="dark",
    window="#12161b",
    panel="#1a2027",
    plot="#151a20",
    edge="#2b333d",
    control="#262e38",
    control_hover="#303a46",
    text="#e8edf2",
    muted="#9aa7b4",
    faint="#5d6976",
    force="#56b4e9",
    pain="#f2a33c",
    level="#3fc6a3",
    f0="#a6d86a",
    pspi="#d78fbd",
    ok="#3fbf9b",
    warn="#f0b429",
    bad="#ff6b57",
    off="#7c8894",
    accent="#56b4e9",
    hush="#a3241c",
    hush_hover="#b82b22",
    hush_on="#ff4a3d",
    on_hush="#ffffff",
    skin="#252c35",
    skin_edge="#46515e",
)

LIGHT = Theme(
    name="light",
    window="#e9edf1",
    panel="#ffffff",
    plot="#fafbfc",
    edge="#d3dae1",
    control="#eef1f5",
    control_hover="#e1e7ed",
    text="#17202a",
    muted="#51606e",
    faint="#93a0ac",
    force="#0068a8",
    pain="#b35c00",
    level="#00735a",
    f0="#4f7a12",
    pspi="#8f3f7c",
    ok="#00795e",
    warn="#946300",
    bad="#c3271b",
    off="#73808c",
    accent="#0068a8",
    hush="#c3271b",
    hush_hover="#d0352a",
    hush_on="#e3170a",
    on_hush="#ffffff",
    skin="#f1ece6",
    skin_edge="#c4b8aa",
)


def style_sheet(theme: Theme) -> str:
    """Qt style sheet of the whole window in one theme."""
    template = resources.files("robopatient.console").joinpath("theme.qss").read_text(encoding="utf-8")
    return string.Template(template).substitute(msgspec.structs.asdict(theme))
