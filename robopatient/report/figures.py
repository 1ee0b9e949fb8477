"""Figures of a page: drawn by matplotlib, put into the page as SVG in the page's own colours.

A figure has no background; every colour of the palette is replaced by a variable of the style sheet, so that it follows
the page's light and dark themes and print. The same figure gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from markupsafe import Markup

from robopatient.errors import require

__all__ = [
    "ACCENTS",
    "FAINT",
    "INK",
    "PALETTE",
    "QUIET",
    "RAMP",
    "RULE",
    "WIDTH_IN",
    "inline_svg",
    "new_figure",
    "save_png",
    "styled",
]

INK, QUIET, RULE, FAINT = "#1f2328", "#62686f", "#dedad2", "#8d939a"
ACCENTS = ("#0f5fa6", "#c04a12", "#0b7f6b", "#7a4b9d")
"""Blue, vermilion, green-blue, purple: distinct to readers with any common colour blindness (after Okabe and Ito)."""
RAMP = ("#86b6dd", "#4c8fc7", "#1d66a6", "#0b3d6b")
"""One hue from light to dark, for ordered levels: lightness alone distinguishes them."""
PALETTE: dict[str, str] = {
    INK: "text", QUIET: "quiet", RULE: "rule", FAINT: "faint",
    **dict(zip(ACCENTS, ("pressed", "felt", "heard", "seen"), strict=True)),
    **{colour: f"ramp{index}" for index, colour in enumerate(RAMP)},
    "#f7ede4": "body", "#d9c7b6": "edge", "#fefefe": "card", "#a85b01": "look",
}  # fmt: skip
"""Variables of the style sheet by the colours that are drawn."""
WIDTH_IN = 9.2
DPI = 100
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "robopatient",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": RULE,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.titlepad": 9,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.linewidth": 1.5,
    "path.simplify": True,
}


@contextmanager
def styled() -> Iterator[None]:
    """Within it matplotlib draws as the pages want it."""
    with require("matplotlib", "study").rc_context(STYLE):
        yield


def new_figure(width_in: float, height_in: float, **layout: Any) -> Any:
    """A matplotlib Figure that belongs to no window; draw on it within ``styled``."""
    return require("matplotlib.figure", "study").Figure(figsize=(width_in, height_in), dpi=DPI, **layout)


def inline_svg(
    figure: Any, alternative: str, kind: str = "", told: Mapping[str, str] | None = None, data: str = ""
) -> Markup:
    """The figure as an ``<svg>`` element.

    Parameters
    ----------
    alternative
        What it shows, for those who do not see it.
    kind
        Class of the element.
    told
        Texts that appear beside the pointer, by the ``gid`` of what was drawn.
    data
        Further attributes of the element, written out.
    """
    buffer = io.StringIO()
    with styled():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.S)
    for gid, words in (told or {}).items():
        text = text.replace(f'<g id="{gid}">', f'<g id="{gid}"><title>{escape(words)}</title>', 1)
    # Ids are counted anew in every figure; on one page they would collide.
    unique = f"f{sha256((alternative + text).encode()).hexdigest()[:8]}-"
    text = re.sub(r'(id="|href="#|url\(#)', lambda match: match.group(1) + unique, text)
    for colour, variable in PALETTE.items():
        text = text.replace(colour, f"var(--{variable})")
    head = f'<svg class="{kind}" viewBox="\\1" role="img" aria-label="{escape(alternative)}" {data}>'
    text = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', head, text, count=1)
    return Markup(re.sub(r"\s*\n\s*", "\n", text).strip())


def save_png(figure: Any, path: Path) -> None:
    """The figure on white, 200 dots an inch."""
    with styled():
        figure.savefig(path, dpi=200, facecolor="white")
