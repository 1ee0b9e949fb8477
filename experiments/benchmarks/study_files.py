"""What a study of the published size costs after it was run: export and analysis of 7,680 trials of 20 people.

A simulated study (``simulated_study.py``) is written to disk; each figure is the wall time of one whole command in a
process that has done nothing else, its start and imports included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from experiments.benchmarks.figures import Figure, value
from experiments.benchmarks.simulated_study import write_study
from robopatient.errors import SessionError

__all__ = ["file_figures"]

PEOPLE, TRIALS = 20, 384
"""As published."""
EXPORT_TARGET_S = 10.0
ANALYSE_TARGET_S = 30.0


def file_figures(seed: int) -> list[Figure]:
    """Time the export to CSV, Parquet and BIDS, and the analysis with its report.

    Raises
    ------
    SessionError
        When one of the commands fails.
    """
    with tempfile.TemporaryDirectory(prefix="robopatient-bench-") as scratch:
        root = Path(scratch)
        write_study(root / "study", PEOPLE, TRIALS, seed)
        export_s = _timed("export", root / "study", root / "export")
        analyse_s = _timed("analyse", root / "study", root / "analysis")
    return [
        value("export_s", export_s, at_most=EXPORT_TARGET_S, n=PEOPLE * TRIALS),
        value("analyse_s", analyse_s, at_most=ANALYSE_TARGET_S, n=PEOPLE * TRIALS),
    ]


def _timed(verb: str, source: Path, out: Path) -> float:
    """Wall time of ``robopatient study VERB``, s."""
    command = [sys.executable, "-c", "from robopatient.cli import main; main()", "study", verb, str(source)]
    begin = time.perf_counter()
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, check=False)
    taken_s = time.perf_counter() - begin
    if done.returncode:
        raise SessionError(f"bench study: study {verb} failed: {done.stderr.strip()}")
    return round(taken_s, 2)
