"""The force that an export writes is the board's own, at its own rate, and lies on the record's clock."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.needs import need
from support.whole_session import PRESSES, press_recording, robopatient

from experiments.benchmarks.simulated_study import write_session
from robopatient.record.bids import write_bids
from robopatient.record.physio import recorded_force
from robopatient.record.reader import Record
from robopatient.record.trials import read_trial_table
from robopatient.session.replay import board_force, session_force

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


def test_the_official_validator_finds_no_error(tmp_path: Path) -> None:
    study = tmp_path / "study"
    for person in ("P1", "P-2"):
        write_session(study / f"made_up_{person}_s1", person, 1, 20, seed=3, force_s=4.0 if person == "P1" else 0.0)
    command = shutil.which("bids-validator-deno") or shutil.which(
        "bids-validator-deno", path=str(Path(sys.executable).parent)
    )
    need("bids-validator-deno", command, "pip install bids-validator-deno")
    write_bids(read_trial_table(study), tmp_path / "bids", session_force)
    done = subprocess.run(
        [command, "--json", str(tmp_path / "bids")], capture_output=True, text=True, timeout=240, check=False
    )
    try:
        issues = json.loads(done.stdout)["issues"]["issues"]
    except (ValueError, KeyError):
        complaint = done.stderr.strip()[-300:]
        need(f"a validator that runs ({complaint})", False, "pip install --force-reinstall bids-validator-deno")
    assert [issue for issue in issues if issue["severity"] == "error"] == []
