"""What all tests share: where recordings of real people lie, and the mark of what a test needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.needs import need

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real recordings, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"the real recordings are not here: put them in {SHARED} (see README, 'Real recordings')")
    return SHARED


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: what the test's marks say that it needs."""
    for mark in item.iter_markers("need"):
        need(*mark.args)
