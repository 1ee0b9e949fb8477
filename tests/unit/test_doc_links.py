"""Links between pages, and the pages that code and messages name, lead to files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
NAMED = re.compile(r"\bdocs/[\w/.-]+\.(?:md|py)\b")
CODE = ("robopatient", "firmware_bridge", "policies", "experiments", "assets", "tests/unit")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page):
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_every_page_that_code_names_is_there():
    missing = []
    for folder in CODE:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".md", ".toml", ".h", ".c", ".ino", "") and path.is_file():
                text = path.read_text(encoding="utf-8", errors="ignore")
                missing += [f"{path}: {name}" for name in NAMED.findall(text) if not (ROOT / name).is_file()]
    assert missing == []
