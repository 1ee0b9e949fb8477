"""What all tests share: where recordings of real people lie, and the mark of what a test needs."""

from __future__ import annotations

import os
from pathlib import Path

WORKER = os.environ.get("PYTEST_XDIST_WORKER")
if WORKER:  # two processes that write numba's cache at once spoil it: librosa then ends with a segmentation fault
    os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).resolve().parents[1] / "build" / "numba" / WORKER)

import pytest  # noqa: E402
from support.needs import need  # noqa: E402

SYSTEM = Path(__file__).with_name("system")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real recordings, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"the real recordings are not here: put them in {SHARED} (see README, 'Real recordings')")
    return SHARED


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where processes share the tests (``-n 2``), a file stays in one, and whole sessions run one after the other."""
    for item in items:
        whole = item.path.is_relative_to(SYSTEM) or item.get_closest_marker("system")
        item.add_marker(pytest.mark.xdist_group("system" if whole else str(item.path)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: what the test's marks say that it needs."""
    for mark in item.iter_markers("need"):
        need(*mark.args)
