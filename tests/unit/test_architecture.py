"""The page on the architecture lists the folders that exist, and no others."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
PACKAGES = ("robopatient", "firmware_bridge", "policies", "experiments")
# Their folders are one line: what is in them is data, C, or told on a page of its own.
WHOLE = ("firmware_bridge/firmware", "policies/checkpoints", "experiments/studies", "assets/generators")


def holds_something(folder: Path) -> bool:
    """Not a cache, and not what an earlier version left behind."""
    return folder.name != "__pycache__" and any(
        path.is_file() and "__pycache__" not in path.parts for path in folder.rglob("*")
    )


def folders() -> set[str]:
    """All folders of the four packages; of assets, docs and tests the first two levels."""
    found = set()
    for top in (*PACKAGES, "assets", "docs", "tests"):
        paths = (ROOT / top).rglob("*") if top in PACKAGES else (ROOT / top).iterdir()
        for path in (ROOT / top, *(path for path in paths if path.is_dir() and holds_something(path))):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(tuple(f"{one}/" for one in WHOLE)):
                found.add(name)
    return found


def test_the_page_on_the_architecture_lists_each_folder_once_with_what_it_holds():
    listed = re.findall(r"^\| `([\w/]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    names = [name for name, _ in listed]
    assert sorted(names) == sorted(folders())
    assert all(len(text) > 3 for _, text in listed)
