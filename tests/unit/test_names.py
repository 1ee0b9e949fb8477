"""One name, one meaning; and one way to call another package: an import that the contracts see."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("robopatient", "firmware_bridge", "policies", "experiments")
REFERENCE = re.compile(rf"({'|'.join(PACKAGES)})(\.\w+)*:\w+")
TABLES = ("robopatient/cli.py", "robopatient/session/supervisor.py")
"""Where references to other packages belong: the table of verbs and the table of processes."""


def test_no_class_name_is_used_twice():
    places = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(path.relative_to(ROOT).as_posix())
    assert len(places) > 700
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_package_calls_another_by_a_string_outside_the_two_tables():
    found = {}
    for path in sorted((ROOT / "robopatient").rglob("*.py")):
        place = path.relative_to(ROOT)
        if place.as_posix().startswith(TABLES):
            continue
        own = ".".join(place.parts[:2]).removesuffix(".py")
        foreign = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and REFERENCE.fullmatch(node.value)
            if not re.match(rf"{own}[.:]", node.value)
        }
        if foreign:
            found[place.as_posix()] = foreign
    assert found == {}
