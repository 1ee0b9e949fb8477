"""The page that says which test covers which fault names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`((?:[\w/]+/)?test_\w+\.py)::(test_\w+)`")


def names_in(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_the_page_on_faults_names_is_there():
    named = NAMED.findall((ROOT / "docs" / "reference" / "faults.md").read_text(encoding="utf-8"))
    assert len(named) >= 48
    missing = []
    for file, name in named:
        path = ROOT / file if file.startswith("tests/") else ROOT / "tests" / "unit" / file
        if not path.is_file() or name not in names_in(path):
            missing.append(f"{file}::{name}")
    assert missing == []
