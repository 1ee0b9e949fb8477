"""Pain from MediaPipe's face mesh against the same person's neutral face; run by a Python that has mediapipe 0.10.21.

Reads lines ``{"id", "picture", "neutral"}`` and answers ``{"id", "pain"}``: a PSPI of what moved, 0 to 10; null where
it finds no face.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

FULL = {"inner_brow": 0.06, "lids": 0.12, "nose_lip": 0.05, "crow_lines": 0.02, "bridge_lines": 0.03}
"""Change of each measure that counts as intensity 5 (assumption, by eye; see ``face_landmarks.py`` for their units)."""
SHUT = 0.06
"""Height of the lids' gap over its width below which an eye counts as closed (assumption)."""
PSPI_TOP = 16.0


def pain_of(now: dict[str, float], calm: dict[str, float]) -> float:
    """PSPI of the change from neutral, 0 to 10."""

    def intensity(name: str, sign: float) -> float:
        return 5.0 * min(max(sign * (now[name] - calm[name]) / FULL[name], 0.0), 1.0)

    brows, cheeks, lids = intensity("inner_brow", -1.0), intensity("crow_lines", 1.0), intensity("lids", -1.0)
    nose, lip = intensity("bridge_lines", 1.0), intensity("nose_lip", -1.0)
    return 10.0 * (brows + max(cheeks, lids) + max(nose, lip) + (now["lids"] < SHUT)) / PSPI_TOP


def main() -> int:
    """Answer until standard input ends."""
    try:
        import cv2  # comes with mediapipe, as numpy does
        import mediapipe  # type: ignore[import-not-found]
        import numpy as np
        from face_landmarks import measures  # type: ignore[import-not-found]
    except ImportError as error:
        print(
            f"face-mesh: {sys.executable} has no mediapipe ({error}); make an environment of its own: "
            "python3.11 -m venv MESH && MESH/bin/pip install mediapipe==0.10.21, then give face-mesh:MESH/bin/python",
            file=sys.stderr,
        )
        return 1
    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True)

    @lru_cache(maxsize=64)
    def measured(path: str) -> dict[str, float] | None:
        read = cv2.imread(path)
        picture = np.ascontiguousarray(read[..., ::-1]) if read is not None else np.zeros((64, 64, 3), np.uint8)
        found = mesh.process(picture).multi_face_landmarks
        if not found:
            return None
        points = np.array([(mark.x, mark.y) for mark in found[0].landmark]) * picture.shape[1::-1]
        told: dict[str, float] = measures(points, picture)
        return told

    for line in sys.stdin:
        asked = json.loads(line)
        now, calm = measured(asked["picture"]), measured(asked["neutral"])
        pain = None if now is None or calm is None else pain_of(now, calm)
        print(json.dumps({"id": asked["id"], "pain": pain}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
