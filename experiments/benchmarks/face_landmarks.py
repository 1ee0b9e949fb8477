"""The independent landmark judge: run by a Python that has mediapipe 0.10.21, never by this project's own.

Reads square RGB pictures from standard input and answers each with one line of JSON: null where it finds no face, else
measures in parts of the distance between the outer corners of the eyes. Landmark numbers are FaceMesh's.
"""

from __future__ import annotations

import json
import sys

import numpy as np

BROW_IN, BROW_OUT = (55, 285), (105, 334)
EYE_OUT, EYE_IN, LID_UP, LID_LOW = (33, 263), (133, 362), (159, 386), (145, 374)
CORNER, LIP_IN_UP, LIP_IN_LOW, LIP_UP = (61, 291), 13, 14, 0
SUBNASAL, BRIDGE, CHIN = 2, (6, 197, 195), 152


def measures(points: np.ndarray, picture: np.ndarray) -> dict[str, float]:
    """Measures of one face.

    Parameters
    ----------
    points
        Landmarks in pixels, shape (478, 2).
    picture
        Shape (size, size, 3), uint8.
    """
    unit = float(np.linalg.norm(points[EYE_OUT[0]] - points[EYE_OUT[1]]))

    def gap(a: int, b: int) -> float:
        return float(np.linalg.norm(points[a] - points[b]))

    eye_y = np.mean([points[n][1] for n in (*EYE_OUT, *EYE_IN)])
    lids = np.mean([gap(up, low) / gap(out, inner) for up, low, out, inner in zip(LID_UP, LID_LOW, EYE_OUT, EYE_IN)])  # noqa: B905
    grey = picture.astype(float).mean(axis=2)
    crow = [points[n] + (points[n] - points[m]) * 0.45 for n, m in zip(EYE_OUT, EYE_IN)]  # noqa: B905
    return {
        "inner_brow": float(eye_y - np.mean([points[n][1] for n in BROW_IN])) / unit,
        "outer_brow": float(eye_y - np.mean([points[n][1] for n in BROW_OUT])) / unit,
        "lids": float(lids),
        "nose_lip": gap(SUBNASAL, LIP_UP) / unit,
        "mouth_width": gap(*CORNER) / unit,
        "corner_drop": float(np.mean([points[n][1] for n in CORNER]) - points[LIP_IN_UP][1]) / unit,
        "lip_gap": gap(LIP_IN_UP, LIP_IN_LOW) / unit,
        "crow_lines": float(np.mean([lines(grey, place, 0.14 * unit) for place in crow])),
        "bridge_lines": lines(grey, np.mean([points[n] for n in BRIDGE], axis=0), 0.16 * unit),
    }


def lines(grey: np.ndarray, centre: np.ndarray, half: float) -> float:
    """How lined the skin is about a place: mean difference of neighbours two pixels apart, over the mean brightness."""
    x, y, reach = round(float(centre[0])), round(float(centre[1])), max(4, round(half))
    patch = grey[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]
    if min(patch.shape) < 6:
        return 0.0
    rough = np.abs(2.0 * patch[2:-2, 2:-2] - patch[:-4, 2:-2] - patch[4:, 2:-2]).mean()
    rough += np.abs(2.0 * patch[2:-2, 2:-2] - patch[2:-2, :-4] - patch[2:-2, 4:]).mean()
    return float(rough / max(float(patch.mean()), 1.0))


def main() -> None:
    """Answer pictures of ``sys.argv[1]`` pixels until standard input ends."""
    import mediapipe  # type: ignore[import-not-found] # of another environment

    size = int(sys.argv[1])
    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True)
    while len(data := sys.stdin.buffer.read(3 * size * size)) == 3 * size * size:
        picture = np.frombuffer(data, np.uint8).reshape(size, size, 3)
        found = mesh.process(picture).multi_face_landmarks
        measured = None
        if found:
            points = np.array([(mark.x, mark.y) for mark in found[0].landmark]) * size
            measured = measures(points, picture)
        sys.stdout.write(json.dumps(measured) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
