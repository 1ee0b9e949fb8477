"""One page: a template on the one base, filled with facts; self-contained, so that it can be sent as one file."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy as np
from markupsafe import Markup

from robopatient.errors import RecordError, require
from robopatient.report import numbers

__all__ = [
    "PageCell",
    "PageColumn",
    "PageRow",
    "PageSection",
    "PageTile",
    "columns",
    "data_uri",
    "figure",
    "listed",
    "render",
    "table",
    "write_page",
]

PageCell = str | Markup


class PageColumn(NamedTuple):
    """Head of a table's column: its name, its unit, and what stands in it: "number", "word" or "text"."""

    name: str
    unit: str = ""
    kind: str = "number"


class PageRow(NamedTuple):
    """Row of a table; ``at_s`` is the moment of a film that a click on it shows, ``kind`` its class."""

    cells: Sequence[PageCell]
    at_s: float | None = None
    kind: str = ""


class PageSection(NamedTuple):
    """A part of a page: its heading ("" for the first, which needs none) and what stands under it."""

    title: str
    body: Markup


class PageTile(NamedTuple):
    """A large number with its unit and its name."""

    value: str
    unit: str
    name: str


def columns(*heads: str) -> list[PageColumn]:
    """Columns of a table from ``name|unit``; a word column begins with ``:``, one of running text with ``::``."""
    made = []
    for head in heads:
        kind = "text" if head.startswith("::") else "word" if head.startswith(":") else "number"
        name, _, unit = head.lstrip(":").partition("|")
        made.append(PageColumn(name, unit, kind))
    return made


def render(template: str, package: str = "robopatient.report.templates", **facts: Any) -> str:
    """A page.

    Parameters
    ----------
    template
        File name, in the folder of ``package``; it extends ``base.html`` and may import ``parts.html``.
    facts
        What it is filled with. Text is escaped; ``Markup`` is not. A fact that the template names and that is missing
        is an error.
    """
    style = Markup((files("robopatient.report.templates") / "style.css").read_text(encoding="utf-8"))
    environment = _environment((package, "robopatient.report.templates"))
    return environment.get_template(template).render(style=style, **facts)


@cache
def _environment(packages: tuple[str, ...]) -> jinja2.Environment:
    folders = [str(files(name)) for name in dict.fromkeys(packages)]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("number", "signed", "percent", "duration", "date"):
        environment.filters[name] = getattr(numbers, name)
    return environment


def table(caption: str, heads: Sequence[PageColumn], rows: Iterable[Any], row_heads: bool = True) -> Markup:
    """A table, for a page whose sections are put together in Python."""
    made = _parts().table(caption, heads, list(rows), row_heads)
    return Markup(made)


def figure(svg: Markup | None, caption: str = "") -> Markup:
    """A figure with its caption; nothing for None."""
    return Markup(_parts().figure(svg, caption))


def _parts() -> Any:
    return _environment(("robopatient.report.templates",)).get_template("parts.html").module


def write_page(text: str, out: Path, what: str = "page") -> None:
    """Write a page that this program made, over an older one of the same name.

    Raises
    ------
    RecordError
        When the file cannot be written.
    """
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{out}: the {what} cannot be written ({error.strerror or error})") from error


def data_uri(rgb: np.ndarray, width_px: int) -> str:
    """A picture, shape (height, width, 3), uint8, of at most ``width_px``, as the address of an image in the page."""
    image_module = require("PIL.Image", "face")
    image = image_module.fromarray(np.ascontiguousarray(rgb))
    if image.width > width_px:
        image = image.resize((width_px, round(image.height * width_px / image.width)), image_module.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def listed(items: Iterable[str]) -> str:
    """What there is of some facts, on one line."""
    return " · ".join(item for item in items if item)
