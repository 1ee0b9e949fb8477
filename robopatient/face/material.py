"""Plain materials: what needs no texture. Colours are linear RGB, chosen by eye (assumption)."""

from __future__ import annotations

__all__ = ["GUM", "HEM_DM", "LASH", "STREAKS", "TEETH", "TONGUE", "TOOTH_GAP"]

TEETH = (0.72, 0.66, 0.55)
GUM = (0.40, 0.15, 0.14)
TONGUE = (0.42, 0.14, 0.13)
LASH = (0.018, 0.013, 0.011)

TOOTH_GAP = 0.30
"""How much darker it is between two teeth."""
HEM_DM = 0.055
"""Width of the gown's hem."""
STREAKS = 0.30
"""Contrast of the streaks across hair."""
