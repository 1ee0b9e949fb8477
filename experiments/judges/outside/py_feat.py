"""Pain from py-feat's action units; run by a Python that has py-feat, which fetches its own models.

Reads lines ``{"id", "picture", "neutral"}`` and answers ``{"id", "pain"}``: PSPI of the picture less that of the
neutral one, 0 to 10; null where it finds no face.
"""

from __future__ import annotations

import json
import math
import sys
from functools import lru_cache

LEVELS = 5.0
"""Its units are probabilities, 0 to 1: stretched to the FACS scale, as PainDiffusion does."""
CLOSED = 0.5
PSPI_TOP = 16.0


def pspi(au: dict[str, float]) -> float:
    """PSPI of probabilities by py-feat's column names."""
    return (
        LEVELS * (au["AU04"] + max(au["AU06"], au["AU07"]) + max(au["AU09"], au["AU10"]))
        + float(au["AU43"] >= CLOSED)
    )  # fmt: skip


def main() -> int:
    """Answer until standard input ends."""
    try:
        from feat import Detector  # type: ignore[import-not-found]
    except ImportError as error:
        print(
            f"py-feat: {sys.executable} has no py-feat ({error}); make an environment of its own: python3 -m venv FEAT "
            "&& FEAT/bin/pip install py-feat, then give py-feat:FEAT/bin/python",
            file=sys.stderr,
        )
        return 1
    detector = Detector(verbose=False)

    @lru_cache(maxsize=64)
    def shown(path: str) -> float | None:
        table = detector.detect_image([path])
        row = {name: float(value) for name, value in table.aus.iloc[0].items()} if len(table) else {}
        return pspi(row) if row and not any(map(math.isnan, row.values())) else None

    for line in sys.stdin:
        asked = json.loads(line)
        now, calm = shown(asked["picture"]), shown(asked["neutral"])
        pain = None if now is None or calm is None else max(0.0, now - calm) * 10.0 / PSPI_TOP
        print(json.dumps({"id": asked["id"], "pain": pain}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
