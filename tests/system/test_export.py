"""The force that an export writes is the board's own, at its own rate, and lies on the record's clock."""

from __future__ import annotations

import numpy as np
import pytest
from support.whole_session import PRESSES, press_recording, robopatient

from robopatient.record.physio import recorded_force
from robopatient.record.reader import Record
from robopatient.session.replay import board_force

pytestmark = [pytest.mark.system, pytest.mark.timeout(280)]


def test_the_boards_bytes_give_the_force_of_the_record_at_the_boards_rate(tmp_path):
    recording = press_recording(tmp_path / "presses.npz")
    quiet = (
        "--headless",
        "--set",
        "voice.enabled=false",
        "--set",
        "face.enabled=false",
        "--set",
        "record.report=false",
    )
    done = robopatient("run", *quiet, "--board", f"replay:{recording}", "--duration", "8", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    full = board_force(tmp_path / "out")
    with Record(tmp_path / "out") as record:
        loop = recorded_force(record)
    assert full is not None
    assert loop is not None
    assert (full.rate_hz, full.columns) == (1000.0, ("cell1", "cell2", "cell3", "cell4", "total"))
    assert loop.rate_hz < full.rate_hz
    strongest = max(peak for _, peak, _, _ in PRESSES)
    assert np.nanmax(full.values[:, 4]) == pytest.approx(strongest, rel=0.03)
    at_s = (loop.begin_ns - full.begin_ns) * 1e-9 + np.arange(len(loop.values)) / loop.rate_hz
    seen = np.interp(at_s, np.arange(len(full.values)) / full.rate_hz, full.values[:, 4])
    known = np.isfinite(loop.values[:, 4]) & np.isfinite(seen) & (at_s > 0)
    assert np.corrcoef(seen[known], loop.values[known, 4])[0, 1] > 0.999
