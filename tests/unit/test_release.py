"""One version in changelog, citation, fallback and command; and every part that the site asks for."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import robopatient
from robopatient.cli import app

ROOT = Path(__file__).resolve().parents[2]
HEADINGS = {"Added", "Changed", "Deprecated", "Removed", "Fixed"}


def sections() -> list[tuple[str, list[str]]]:
    """Number of each version in the changelog and the headings below it, the newest first."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    parts = re.split(r"^## \[([\w.]+)\].*$", text, flags=re.MULTILINE)[1:]
    return [
        (number, re.findall(r"^### (\w+)$", body, re.MULTILINE))
        for number, body in zip(parts[::2], parts[1::2], strict=True)
    ]


def test_the_newest_numbered_section_of_the_changelog_is_the_version_of_citation_and_fallback():
    numbers = [number for number, _ in sections() if number != "Unreleased"]
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools_scm"]
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited
    assert numbers[0] == cited[1] == built["fallback_version"]


def test_the_changelog_uses_the_headings_of_keep_a_changelog_once_each():
    for number, headings in sections():
        assert set(headings) <= HEADINGS, number
        assert len(headings) == len(set(headings)), number


def test_the_command_and_the_package_print_the_installed_version(monkeypatch):
    version = importlib.metadata.version("robopatient")
    assert robopatient.__version__ == version
    assert CliRunner().invoke(app, ["--version"]).output == f"robopatient {version}\n"

    def missing(_name: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert robopatient.__version__ == "0+unknown", "a checkout that was never installed"


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_part_that_a_page_asks_for_is_made(hooks):
    asked = set()
    for page in (ROOT / "docs").rglob("*.md"):
        for name, struct in hooks.MADE.findall(page.read_text(encoding="utf-8")):
            if struct:
                assert len(hooks.keys(struct)) > 500, struct
            else:
                asked.add(name)
    assert asked == set(hooks.PARTS)
    for name in asked:
        assert len(hooks.PARTS[name]()) > 500, name


def test_the_page_of_commands_has_every_command_with_its_options_and_help(hooks):
    page = hooks.commands()
    for command in (
        "robopatient run",
        "robopatient study analyse",
        "robopatient dataset generate",
        "robopatient bench",
    ):
        assert re.search(rf"^##+ {command}$", page, re.MULTILINE)
    rows = re.findall(r"^\| `.*$", page, re.MULTILINE)
    assert len(rows) > 150
    assert [row for row in rows if row.rstrip("| ").count("|") < 4] == [], "an option without help"
