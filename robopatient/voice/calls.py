"""The calls that a voice knows, and what they are made of: mouth, effort, roughness and contour, in tables.

Pain goes from 0 to 1 here; ``gestures.py`` reads the tables, ``layouts.py`` the codes of the calls.
"""

from __future__ import annotations

import numpy as np

from robopatient.calls import STRENGTHS, TABLE

__all__ = [
    "AH", "BREATH", "BREATHIER", "CALLS", "CALL_S", "CLOSED_HZ", "CLOSING", "CONTOUR", "CONTOUR_AT", "CRY",
    "DEGREES", "EFFORT_DB", "EFFORT_RD", "EFFORT_TILT", "EFFORT_TREMOR", "GASP", "GROAN", "GRUNT", "HIGHER",
    "INHALE", "KINDS", "KIND_PAIN", "LAXER", "LONGER", "MM", "MOAN", "MORE_NASAL", "MOUTH", "NAMES", "OUCH",
    "OUCH_S", "OW", "PAIN", "ROUGH", "ROUGHER", "ROUGH_AM", "ROUGH_BIPHONATION", "ROUGH_CHAOS", "ROUGH_SUB",
    "SCREAM", "SCREAM_RISE", "SIGH", "SIGH_VOICED", "SILENT", "SUPPRESSED", "USUAL", "WHIMPER", "WIDTHS_HZ",
]  # fmt: skip

NAMES = tuple(call.name for call in TABLE)
"""What ``Heard.call`` may say; the index is the code used inside."""
CODES = {name: code for code, name in enumerate(NAMES)}
SILENT, BREATH, INHALE, GASP = (CODES[name] for name in ("silent", "breath", "inhale", "gasp"))
SIGH, MM, SUPPRESSED, GRUNT = (CODES[name] for name in ("sigh", "mm", "suppressed", "grunt"))
MOAN, GROAN, AH, OW = (CODES[name] for name in ("moan", "groan", "ah", "ow"))
OUCH, CRY, SCREAM, WHIMPER = (CODES[name] for name in ("ouch", "cry", "scream", "whimper"))
CALLS = {"auto": -1, **{name: CODES[name] for name in STRENGTHS}}
"""What ``VoiceAsk.call`` may say."""

# The mouth by degree of pain, for a 17 cm tract. Rows: F1 to F4 (Hz), nasal murmur, how far "ow" closes. Columns: mm,
# schwa, uh, a (Peterson and Barney's men), wide open (soundgen's /a/); proposals of the facts sheet.
PAIN = np.array([0.0, 0.12, 0.35, 0.65, 1.0])
MOUTH = np.array(
    [
        [420.0, 510.0, 660.0, 770.0, 900.0],
        [1350.0, 1380.0, 1300.0, 1200.0, 1380.0],
        [2350.0, 2400.0, 2440.0, 2600.0, 2900.0],
        [3400.0, 3400.0, 3400.0, 3400.0, 3400.0],
        [0.5, 0.8, 0.25, 0.0, 0.0],
        [0.1, 0.2, 0.45, 0.65, 0.15],
    ]
)
CLOSED_HZ = np.array([360.0, 850.0, 2250.0, 3300.0])  # /u/, where "ow" ends
WIDTHS_HZ = np.array([130.0, 140.0, 150.0, 180.0, 220.0, 260.0])
CALL_S = np.array([0.45, 0.6, 0.85, 1.1, 1.3])  # length of one call at PAIN, within the published 0.3 to 2.0 s
KIND_PAIN = np.array([call.mouth for call in TABLE])
KINDS = np.array([call[3:] for call in TABLE])
"""What sets a call apart, by code: the columns of ``TABLE`` from ``longer`` on."""
LONGER, HIGHER, CLOSING, MORE_NASAL, ROUGHER, BREATHIER, LAXER = range(7)
"""Columns of ``KINDS``."""
DEGREES = np.array([0.06, 0.2, 0.5, 0.82])
USUAL = np.array([SIGH, MM, MOAN, CRY, SCREAM])
"""The call of each degree of pain; ``DEGREES`` lie between them."""
OUCH_S = 0.09
"""Length of the "ch"."""
SIGH_VOICED = 0.3
"""Share of a sigh after which its voice gives way to breath: mild pain sighs with a voice of 20 dB harmonicity (facts
sheet, anchors), and the rest of a sigh is noise (soundgen's preset)."""
SCREAM_RISE = 1.2
"""How far below its pitch a scream sets in, in ranges of intonation: real ones rise first (Schwartz 2019; soundgen's
preset by 12 semitones); less, because pain brings its own rise."""
EFFORT_TREMOR = 0.03
"""Depth of the 10 Hz tremor of a body under load (Anikin 2023 gives the rate; the depth is an assumption)."""
# Effort by level below the loudest cry: Rd and high shelf (facts sheet, anchors; tilt tuned to its centroids).
EFFORT_DB = np.array([-45.0, -28.0, -18.0, -8.0, 0.0])
EFFORT_RD = np.array([2.4, 1.8, 0.95, 0.7, 0.4])
EFFORT_TILT = np.array([0.4, 0.9, 2.1, 2.0, 1.5])
# Nonlinear phenomena by roughness (facts sheet, anchors).
ROUGH = np.array([0.0, 0.1, 0.35, 0.65, 1.0])
ROUGH_SUB = np.array([0.0, 0.0, 0.05, 0.2, 0.3])
ROUGH_CHAOS = np.array([0.0, 0.0, 0.0, 0.1, 0.35])
ROUGH_AM = np.array([0.0, 0.03, 0.1, 0.3, 0.5])
ROUGH_BIPHONATION = np.array([0.0, 0.0, 0.0, 0.2, 0.45])  # -14 to -7 dB
CONTOUR_AT = np.array([0.0, 0.2, 0.45, 0.7, 1.0])
CONTOUR = np.array([-0.4, 0.35, 0.1, -0.1, -0.6])
"""Pitch within a call in units of the intonation range: up, over the top, down; its median is about 0."""
