"""Chooses the frames for a report: the face at rest and at the peak of the worst presses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import find_peaks

from robopatient.facs import intensity
from robopatient.messages import Seen

__all__ = ["key_poses"]

DISTINCT_PSPI = 1.0
"""How far PSPI falls between two moments that count as distinct (assumption: one step of the clinical scale)."""

BLINK = 1.0
"""AU45 from which a frame shows a blink and makes a poor picture."""


def key_poses(seen: Sequence[Seen], n: int) -> list[int]:
    """Indices of at most ``n`` telling frames in order of time.

    The first chosen is a neutral one, before the first pain where there is such; the others are the highest distinct
    peaks of PSPI. Frames in the middle of a blink are passed over where another frame shows the same.
    """
    if n <= 0 or not seen:
        return []
    shown = np.array([one.pspi for one in seen])
    blinking = np.array([intensity(one.pose.au, "AU45") >= BLINK for one in seen])
    peaks, _ = find_peaks(np.concatenate(([-1.0], shown, [-1.0])), prominence=DISTINCT_PSPI, height=DISTINCT_PSPI)
    peaks = peaks - 1  # of the padding, which lets the first and the last frame be peaks
    highest = peaks[np.argsort(-shown[peaks], kind="stable")][: n - 1]
    before = int(peaks[0]) if len(peaks) and peaks[0] > 0 else len(seen)
    activity = np.array([sum(one.pose.au.values()) for one in seen[:before]]) + 100.0 * blinking[:before]
    neutral = int(np.argmin(activity))
    return sorted({neutral, *(_open_eyed(int(peak), shown, blinking) for peak in highest)})


def _open_eyed(peak: int, shown: np.ndarray, blinking: np.ndarray) -> int:
    """Nearest frame to a peak without a blink that shows as much, or the peak itself."""
    near = np.flatnonzero(~blinking & (shown >= shown[peak] - 0.5 * DISTINCT_PSPI))
    near = near[np.abs(near - peak) <= 8]  # a quarter of a second at 30 fps: the same press
    return int(near[np.argmin(np.abs(near - peak))]) if len(near) else peak
