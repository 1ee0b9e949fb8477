"""One name, one meaning: no class name stands twice in the four packages."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("robopatient", "firmware_bridge", "policies", "experiments")


def test_no_class_name_is_used_twice():
    places = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(path.relative_to(ROOT).as_posix())
    assert len(places) > 700
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
