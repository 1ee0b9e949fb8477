"""Parts of the site that are never typed: mkdocs calls this file when it builds (``hooks`` in mkdocs.yml).

A page asks for such a part by ``<!-- made: NAME -->``; the names are the keys of ``PARTS``. The keys of a TOML
file come by ``<!-- made: keys MODULE:STRUCT -->``, from the struct that decodes it.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

DOCS = Path(__file__).parent
MADE = re.compile(r"<!-- made: (\w+)(?: ([\w.]+:\w+))? -->")


def on_config(config: Any) -> Any:
    """Add the decisions to the navigation, in their order."""
    pages = next(part["Decisions"] for part in config.nav if "Decisions" in part)
    pages += [f"decisions/{path.name}" for path in _decisions()]
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the parts into a page."""
    return MADE.sub(lambda found: keys(found[2]) if found[2] else PARTS[found[1]](), markdown)


def commands() -> str:
    """Every command of ``robopatient`` with its help, arguments and options, as the program itself has them."""
    from typer.main import get_command

    from robopatient.cli import app

    root = get_command(app)
    return "\n".join(_command(root, root.context_class(root, info_name="robopatient")))


def _command(command: Any, context: Any) -> Iterator[str]:
    """Markdown of a command, then of those below it."""
    command = command.load() if hasattr(command, "load") else command  # a group that is imported when it is entered
    path = context.command_path
    if context.parent is not None:
        yield f"{'##' if context.parent.parent is None else '###'} {path}\n"
    yield f"{_text(command.help)}\n"
    below = sorted(command.list_commands(context)) if hasattr(command, "list_commands") else []
    if not below:
        words = [_name(one) if one.required else f"[{_name(one)}]" for one in command.params if _is_argument(one)]
        yield f"```\n{' '.join([path, *words, '[OPTIONS]'])}\n```\n"
    rows = [_row(one) for one in command.params if not getattr(one, "hidden", False)]
    if rows and context.parent is not None:
        yield "| option | value | default | meaning |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    if command.epilog:
        yield f"{_text(command.epilog)}\n"
    for name in below:
        child = command.get_command(context, name)
        if not child.hidden:
            yield from _command(child, child.context_class(child, info_name=name, parent=context))


def _is_argument(one: Any) -> bool:
    return one.param_type_name == "argument"


def _name(one: Any) -> str:
    return (one.metavar or one.name).strip("{}[]").upper().replace("_", "-") + ("..." if one.nargs != 1 else "")


def _row(one: Any) -> str:
    """A line of the table of options."""
    names = [_name(one)] if _is_argument(one) else [*one.opts, *one.secondary_opts]
    default = one.show_default if isinstance(getattr(one, "show_default", None), str) else one.default
    plain = default is not None and default not in ("", False, [], ()) and not callable(default)
    shown = "required" if one.required else f"`{default}`" if plain else ""
    kind = "" if getattr(one, "is_flag", False) else _kind(one)
    return f"| {', '.join(f'`{_cell(name)}`' for name in names)} | {kind} | {shown} | {_cell(one.help or '')} |"


def _kind(one: Any) -> str:
    """What a value is, with its bounds or its words. Old Typer has it in ``type``, new Typer in ``type_descriptor``."""
    kind = getattr(one, "type", None)
    told = one.type_descriptor.annotation if kind is None else kind
    if one.metavar and not _is_argument(one):
        return _cell(one.metavar)
    words = typing.get_args(told) if typing.get_origin(told) is typing.Literal else getattr(kind, "choices", ())
    if isinstance(told, type) and issubclass(told, enum.Enum):
        words = [word.value for word in told]
    if words:
        return ", ".join(f"`{getattr(word, 'value', word)}`" for word in words)
    low, high = (getattr(one, end, None) if kind is None else getattr(kind, end, None) for end in ("min", "max"))
    several, told = typing.get_origin(told) is list, (typing.get_args(told) or (told,))[0]
    name = told.__name__ if isinstance(told, type) else str(getattr(told, "name", told))
    name = {"str": "text", "int": "whole number", "float": "number", "Path": "path", "integer": "whole number"}.get(
        name.removesuffix(" range"), name
    )
    if low is None and high is None:
        return _cell(name.lower()) + (", repeatable" if several else "")
    if high is None:
        return f"{name}, at least {low:g}"
    return f"{name}, at most {high:g}" if low is None else f"{name}, {low:g} to {high:g}"


def _text(text: str | None) -> str:
    """Help as Markdown: paragraphs as they are, indented lines as code."""
    lines = inspect.cleandoc(text or "").replace("\b", "").splitlines()
    return "\n".join(line.replace("<", "&lt;") if not line.startswith("    ") else line for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "/").replace("<", "&lt;")


def record() -> str:
    """The data dictionary: every table of ``record.sqlite``, its columns, units and meanings."""
    from robopatient.record.dictionary import summary_of
    from robopatient.record.schema import TABLES

    parts = []
    for table in TABLES.values():
        rate = f"{table.topic.rate_hz:g} a second" if table.topic.rate_hz else "when it happens"
        parts.append(f"## {table.name}\n\n{_cell(summary_of(table.topic.message))}\n")
        parts.append(f"Message `{table.topic.message.__name__}` from `{table.topic.sender}`, {rate}.\n")
        parts.append("| column | type | unit | meaning |\n| --- | --- | --- | --- |")
        parts += [f"| `{c.name}` | {c.kind} | {_cell(c.unit)} | {_cell(c.meaning)} |" for c in table.columns]
        parts.append("")
    return "\n".join(parts)


def topics() -> str:
    """The table of topics."""
    from robopatient.topics import TOPICS

    rows = ["| topic | message | sender | a second | stale after, ms | recorded |", "|" + " --- |" * 6]
    for row in TOPICS.values():
        rate, age = (f"{value:g}" if value else "" for value in (row.rate_hz, row.max_age_ms))
        recorded = "yes" if row.recorded else "no"
        rows.append(f"| `{row.name}` | `{row.message.__name__}` | {row.sender} | {rate} | {age} | {recorded} |")
    return "\n".join(rows)


def keys(reference: str) -> str:
    """Every key of a TOML file, one table a section, read from the struct that decodes the file."""
    module, _, name = reference.partition(":")
    return "\n".join(_sections(getattr(importlib.import_module(module), name), ""))


def _sections(kind: Any, path: str) -> Iterator[str]:
    """A struct's own keys, then its sections."""
    from robopatient.patient.parameters import parameter_rows
    from robopatient.record.dictionary import unit_of

    below = []
    about = _text((inspect.getdoc(kind) or "").partition("\n\n")[0])
    yield f"## {f'`[{path}]`' if path else 'The file'}\n\n{about}\n"
    yield "| key | default | unit | range | meaning |\n| --- | --- | --- | --- | --- |"
    for row in parameter_rows(path, kind):
        section = next((one for one in _structs(typing.get_type_hints(kind)[row.key])), None)
        if section is not None:
            below.append((row.key, section))
            continue
        cells = (
            f"`{row.key}`",
            f"`{row.default}`" if row.default != '""' else "",
            row.unit or unit_of(row.key),
            row.range,
            row.meaning,
        )
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
    yield ""
    for name, section in below:
        yield from _sections(section, f"{path}.{name}" if path else name)


def _structs(hint: Any) -> Iterator[Any]:
    """The structs within a type."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for part in typing.get_args(hint):
        yield from _structs(part)


def patient() -> str:
    """The tables of a patient's file."""
    from robopatient.patient.parameters import to_markdown

    return re.sub(r"^\*\*(`\[.*?\]`)\*\* ", r"## \1\n\n", to_markdown(), flags=re.MULTILINE)


def shipped() -> str:
    """Names of the files that ship under assets/."""
    from robopatient.config import asset_names

    folders = {
        path.name: asset_names(path.name) for path in sorted((DOCS.parent / "assets").iterdir()) if path.is_dir()
    }
    rows = [
        f"| `assets/{folder}` | {', '.join(f'`{name}`' for name in names)} |"
        for folder, names in folders.items()
        if names
    ]
    return "\n".join(["| folder | names |", "| --- | --- |", *rows])


def scripts() -> str:
    """The tutorials as they are run by the tests."""
    parts = []
    for path in sorted((DOCS / "tutorials").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        title = (ast.get_docstring(ast.parse(text)) or path.stem).split("\n")[0]
        parts.append(f"## {path.name}\n\n{title}\n\n```python\n{text}```\n")
    return "\n".join(parts)


def decisions() -> str:
    """The list of decisions, by the titles of their pages."""
    titles = [(path, path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")) for path in _decisions()]
    return "\n".join(f"- [{title}]({path.name})" for path, title in titles)


def _decisions() -> list[Path]:
    return sorted((DOCS / "decisions").glob("0*.md"))


def changelog() -> str:
    """The changelog, without its title."""
    text = (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8").partition("\n")[2]
    return text.replace("](docs/", "](")


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "record": record,
    "topics": topics,
    "patient": patient,
    "shipped": shipped,
    "scripts": scripts,
    "decisions": decisions,
    "changelog": changelog,
}
