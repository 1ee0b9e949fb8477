"""Every parameter of a patient in one table: key, default, unit, range, meaning with source or "assumption".

Read from the structs themselves, so that the table in ``docs/reference/patient.md`` cannot differ from what is checked.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
import typing
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import msgspec

from robopatient.patient.profile import PatientProfile
from robopatient.patient.section import PatientSection

__all__ = ["Parameter", "parameter_rows", "parameters", "to_markdown"]

UNITS = {
    "nrs_per_newton_per_s": "NRS s/N",
    "nrs_per_s": "1/(NRS s)",
    "gain_per_nrs_s": "1/(NRS s)",
    "newton_per_mm": "N/mm",
    "per_min": "1/min",
    "newton": "N",
    "nrs": "NRS",
    "eta": "NRS",
    "years": "years",
    "mm": "mm",
    "ms": "ms",
    "min": "min",
    "s": "s",
}
"""Unit by the last words of a key, longest match first; what has none is a share, a count or a word."""


class Parameter(NamedTuple):
    """One row."""

    section: str
    key: str
    default: str
    unit: str
    range: str
    meaning: str


def parameters() -> Iterator[tuple[str, str, list[Parameter]]]:
    """Section, its docstring's first paragraph and its parameters, in the order of the file."""
    for section, kind in _sections(PatientProfile, ""):
        about = (inspect.getdoc(kind) or "").partition("\n\n")
        yield section, " ".join(f"{about[0]} {about[2]}".split()), list(parameter_rows(section, kind))


def to_markdown() -> str:
    """The tables of ``docs/reference/patient.md``."""
    lines: list[str] = []
    for section, about, rows in parameters():
        lines += [f"**`[{section}]`** {about}", "", "| key | default | unit | range | meaning, source |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        for row in rows:
            meaning = row.meaning.replace("|", "/")
            lines.append(f"| `{row.key}` | {row.default} | {row.unit} | {row.range} | {meaning} |")
        lines.append("")
    return "\n".join(lines)


def _sections(kind: type[msgspec.Struct], at: str) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    for name, hint in typing.get_type_hints(kind).items():
        for part in (hint, *typing.get_args(hint)):
            if isinstance(part, type) and issubclass(part, PatientSection):
                yield f"{at}{name}", part
                yield from _sections(part, f"{at}{name}.")


def parameter_rows(section: str, kind: type[msgspec.Struct]) -> Iterator[Parameter]:
    """The keys of any struct that a TOML file is read into; a patient's own sections are left out."""
    hints = typing.get_type_hints(kind, include_extras=True)
    said = _said(kind)
    for field in msgspec.structs.fields(kind):
        if any(isinstance(part, type) and issubclass(part, PatientSection) for part in typing.get_args(field.type)):
            continue  # a section of its own
        key = field.name
        made = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        default = "required" if field.required else msgspec.json.encode(made).decode()
        yield Parameter(section, key, default, _unit(key), _range(hints[key]), said.get(key, ""))


def _unit(key: str) -> str:
    return next((unit for end, unit in UNITS.items() if key == end or key.endswith(f"_{end}")), "")


def _range(hint: Any) -> str:
    """Bounds of a number, words of a Literal, else ""."""
    low, high, words = "", "", ""
    for part in _flat(hint):
        if isinstance(part, msgspec.Meta):
            low = f"≥ {part.ge:g}" if part.ge is not None else f"> {part.gt:g}" if part.gt is not None else low
            high = f"≤ {part.le:g}" if part.le is not None else f"< {part.lt:g}" if part.lt is not None else high
        elif typing.get_origin(part) is Literal:
            words = ", ".join(map(str, typing.get_args(part)))
        elif part is bool:
            words = "true, false"
    return words or ", ".join(filter(None, (low, high)))


def _flat(hint: Any) -> Iterator[Any]:
    yield hint
    yield from getattr(hint, "__metadata__", ())
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        for part in typing.get_args(hint):
            yield from _flat(part)


def _said(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Docstring after each field."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    body = getattr(definition, "body", [])
    said: dict[str, str] = {}
    for before, after in pairwise(body):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            said[before.target.id] = " ".join(str(after.value.value).replace("``", "`").split())
    return said
