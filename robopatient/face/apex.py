"""Action units and their intensities at the apex of a reaction to pain of a given NRS.

One small table of anchors on the 0-10 rating scale, read by linear interpolation; the generator gives it time.
"""

from __future__ import annotations

from bisect import bisect_right

from robopatient.levels import MAX_INTENSITY

__all__ = ["APEX_ANCHORS_NRS", "APEX_AU", "apex_au"]

APEX_ANCHORS_NRS: tuple[float, ...] = (0.0, 1.0, 3.0, 6.0, 9.0, 10.0)

APEX_AU: dict[str, tuple[float, ...]] = {
    "AU4": (0.0, 0.3, 1.3, 2.8, 4.2, 4.6),
    "AU6": (0.0, 0.3, 1.2, 2.5, 4.0, 4.4),
    "AU7": (0.0, 0.5, 1.6, 2.8, 4.2, 4.6),
    "AU9": (0.0, 0.0, 0.4, 1.8, 3.6, 4.2),
    "AU10": (0.0, 0.0, 0.7, 2.0, 3.2, 3.6),
    "AU12": (0.0, 0.0, 0.2, 0.5, 0.8, 0.8),
    "AU17": (0.0, 0.1, 0.5, 0.2, 0.0, 0.0),
    "AU20": (0.0, 0.0, 0.5, 1.6, 3.4, 4.0),
    "AU24": (0.0, 0.3, 0.8, 0.2, 0.0, 0.0),
    "AU25": (0.0, 0.0, 0.2, 1.6, 3.4, 3.8),
    "AU26": (0.0, 0.0, 0.0, 0.6, 1.8, 2.4),
    "AU43": (0.0, 0.0, 0.2, 1.0, 4.2, 5.0),
}
"""Intensity 0-5 at each anchor, expressiveness 1.

What is from print: the core set AU4, AU6_7, AU9_10, AU25_26_27 and eye closure (Prkachin 1992; Kunz, Meixner and
Lautenbacher 2019, 37 studies); AU6 and AU7 first and most often; AU20 the best sign of high scores and AU43 with AU7 in
severe pain (PainChek, Frontiers in Pain Research 2022). What is assumption: every number, chosen so that PSPI grows
about evenly over the scale (3.6 at 3, 7.6 at 6, 13 at 9), and the pressed lips (AU17, AU24) of mild, held-in pain.
"""


def apex_au(nrs: float, expressiveness: float = 1.0) -> dict[str, float]:
    """Action units at the apex of a pain, intensities above 0 only.

    Parameters
    ----------
    nrs
        Pain 0 to 10; values outside are held at the ends.
    expressiveness
        Factor on every intensity: 1 shows the table, 0 is a stoic face. Intensities never exceed 5.
    """
    nrs = min(max(nrs, APEX_ANCHORS_NRS[0]), APEX_ANCHORS_NRS[-1])
    right = min(bisect_right(APEX_ANCHORS_NRS, nrs), len(APEX_ANCHORS_NRS) - 1)
    low, high = APEX_ANCHORS_NRS[right - 1], APEX_ANCHORS_NRS[right]
    share = (nrs - low) / (high - low)
    shown = {}
    for name, values in APEX_AU.items():
        intensity = expressiveness * (values[right - 1] + share * (values[right] - values[right - 1]))
        if intensity > 0.0:
            shown[name] = min(MAX_INTENSITY, intensity)
    return shown
