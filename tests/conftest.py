"""What all tests share: where recordings of real people lie, and whole sessions that several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real recordings, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"the real recordings are not here: put them in {SHARED} (see README, 'Real recordings')")
    return SHARED
