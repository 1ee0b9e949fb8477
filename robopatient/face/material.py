"""Plain materials: what needs no texture. Colours are linear RGB, chosen by eye (assumption)."""

from __future__ import annotations

__all__ = ["HEM_DM", "LASH", "STREAKS", "TEETH", "TEETH_PER_RADIAN", "TONGUE", "TOOTH_GAP"]

TEETH = (0.66, 0.60, 0.50)
TONGUE = (0.42, 0.14, 0.13)
LASH = (0.018, 0.013, 0.011)

TOOTH_GAP = 0.30
"""How much darker it is between two teeth."""
TEETH_PER_RADIAN = 5.2
"""Teeth along the dental arch, about its middle: incisors 8 mm wide on an arch of 25 mm (assumption)."""
HEM_DM = 0.055
"""Width of the gown's hem."""
STREAKS = 0.30
"""Contrast of the streaks across hair."""
