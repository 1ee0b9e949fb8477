"""The command line as a whole: every verb's help, its example, and that no option is declared twice."""

from __future__ import annotations

import ast
import shlex
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from robopatient.cli import GROUPS, LazyGroup, app

ROOT = Path(__file__).parents[2]
PACKAGES = ("robopatient", "firmware_bridge", "policies", "experiments")
DECLARING = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path.stem in ("cli", "command")]


def commands() -> Iterator[tuple[str, Any, Any]]:
    """Words of every verb, its command and the context of what stands before it."""
    root = get_command(app)
    context = root.context_class(root, info_name="robopatient")
    for name in root.list_commands(context):
        verb = root.get_command(context, name)
        if not isinstance(verb, LazyGroup):
            yield f"robopatient {name}", verb, context
            continue
        group = verb.load()
        inner = group.context_class(group, info_name=name, parent=context)
        for word in group.list_commands(inner):
            yield f"robopatient {name} {word}", group.get_command(inner, word), inner


VERBS = {words: (verb, context) for words, verb, context in commands()}


def test_every_group_has_verbs():
    assert {words.split()[1] for words in VERBS if len(words.split()) == 3} == set(GROUPS)
    assert len(VERBS) >= 64


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_says_what_it_does_and_every_option_what_it_means(words):
    verb, _ = VERBS[words]
    assert verb.help.strip().endswith(".")
    assert [each.opts for each in verb.params if not each.help] == []


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_shows_an_example_that_can_be_typed(words):
    verb, context = VERBS[words]
    before, _, example = verb.epilog.partition(": ")
    assert before == "Example"
    assert f"{example} ".startswith(f"{words} ")
    verb.make_context(verb.name, shlex.split(example)[len(words.split()) :], parent=context)


@pytest.mark.parametrize("words", VERBS)
def test_every_number_has_a_range(words):
    verb, _ = VERBS[words]
    numbers = [each for each in verb.params if isinstance(each.default, int | float) and not each.is_flag]
    limited = {option for option in numbers if getattr(option, "min", None) is not None}
    assert [each.opts for each in numbers if each not in limited and each.opts != ["--places"]] == []


def test_no_option_is_declared_twice():
    places = defaultdict(list)
    for path in DECLARING:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Annotated":
                places[ast.unparse(node)].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert len(places) > 150
    assert {declared: where for declared, where in places.items() if len(where) > 1} == {}


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status of a command line, and what it prints on stdout and stderr."""
    with pytest.raises(SystemExit) as ended:
        app(arguments, prog_name="robopatient")
    return ended.value.code or 0, *capsys.readouterr()


def test_help_names_every_verb(capsys):
    status, out, _ = run(capsys, "--help")
    assert status == 0
    for words in VERBS:
        assert f" {words.split()[1]} " in out


def test_help_of_a_group_names_its_verbs_from_every_package(capsys):
    status, out, _ = run(capsys, "face", "-h")
    assert status == 0
    for verb in ("still", "train", "evaluate"):
        assert f" {verb} " in out


@pytest.mark.parametrize("arguments", [("nonsense",), ("run", "--duration", "-3"), ("face", "still"), ("face", "nod")])
def test_wrong_usage_exits_with_two(arguments, capsys):
    assert run(capsys, *arguments)[0] == 2


def test_a_folder_that_is_no_session_is_named(capsys):
    status, _, err = run(capsys, "replay", "/nowhere")
    assert status == 1
    assert "/nowhere" in err
    assert "Traceback" not in err


def test_what_a_verb_returns_is_the_exit_status(tmp_path, capsys):
    (tmp_path / "odd.toml").write_text("title = 3")
    assert run(capsys, "scenario", "check", str(tmp_path / "odd.toml"))[0] == 1
    assert run(capsys, "scenario", "check", "murphy")[0] == 0


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    status, _, err = run(capsys, "sessions", "list", "--folder", str(tmp_path / "file" / "within"))
    assert status == 1
    assert err.count("\n") == 1
    assert str(tmp_path) in err


def test_no_module_is_named_after_verbs():
    assert [path for package in PACKAGES for path in (ROOT / package).rglob("verbs.py")] == []
