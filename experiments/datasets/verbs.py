"""The verbs ``dataset generate`` and ``dataset verify`` as a person meets them."""

from __future__ import annotations

import json
from pathlib import Path

from experiments.datasets.generate import generate
from experiments.datasets.verify import verify

__all__ = ["generate", "verify_folder"]

TOLD = 5
"""Findings named of each check; the rest is counted."""


def verify_folder(folder: Path, as_json: bool = False) -> int:
    """Check a data set and say what was found; 1 when anything is wrong."""
    checks = verify(folder)
    if as_json:
        print(json.dumps({"folder": str(folder), "checks": [{**c._asdict(), "passed": c.passed} for c in checks]}))
    else:
        for check in checks:
            print(f"{'ok  ' if check.passed else 'FAIL'}  {check.name}: {check.agree} of {check.total}")
            for line in check.wrong[:TOLD]:
                print(f"        {line}")
            if len(check.wrong) > TOLD:
                print(f"        and {len(check.wrong) - TOLD} more")
    return 0 if all(check.passed for check in checks) else 1
