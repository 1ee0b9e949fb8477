"""Pain from OpenFace's action units; ``sys.argv[1]`` is its program ``FaceLandmarkImg``.

Reads lines ``{"id", "picture", "neutral"}`` and answers ``{"id", "pain"}``: PSPI of the picture less that of the
neutral one, 0 to 10; null where it finds no face. OpenFace reports blinks (AU45) in place of AU43.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

CLOSED = 2.5
PSPI_TOP = 16.0


def pspi(au: dict[str, float]) -> float:
    """PSPI of intensities 0 to 5 by OpenFace's column names."""
    return (
        au["AU04_r"] + max(au["AU06_r"], au["AU07_r"]) + max(au["AU09_r"], au["AU10_r"])
        + float(au["AU45_r"] >= CLOSED)
    )  # fmt: skip


def main() -> int:
    """Answer until standard input ends."""
    program = shutil.which(sys.argv[1]) if len(sys.argv) > 1 else None
    if program is None:
        print(
            f"openface: {' '.join(sys.argv[1:]) or 'no program'} is not OpenFace's FaceLandmarkImg; build OpenFace "
            "2.2 and give openface:PATH/TO/FaceLandmarkImg",
            file=sys.stderr,
        )
        return 1

    @lru_cache(maxsize=64)
    def shown(path: str) -> float | None:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [program, "-f", path, "-aus", "-out_dir", folder], capture_output=True, text=True, check=False
            )
            tables = list(Path(folder).glob("*.csv"))
            if done.returncode:
                raise SystemExit(f"openface: {program} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
            rows = []
            for table in tables:
                with table.open(newline="") as file:
                    rows += list(csv.DictReader(file, skipinitialspace=True))
        if not rows:
            return None
        return pspi({name: float(value) for name, value in rows[0].items() if name.endswith("_r")})

    for line in sys.stdin:
        asked = json.loads(line)
        now, calm = shown(asked["picture"]), shown(asked["neutral"])
        pain = None if now is None or calm is None else max(0.0, now - calm) * 10.0 / PSPI_TOP
        print(json.dumps({"id": asked["id"], "pain": pain}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
