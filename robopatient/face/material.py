"""Plain materials: what needs no texture. Colours are linear RGB, chosen by eye (assumption)."""

from __future__ import annotations

__all__ = ["HEM_DM", "LASH", "STREAKS", "TEETH", "TONGUE"]

TEETH = (0.66, 0.60, 0.50)
TONGUE = (0.42, 0.14, 0.13)
LASH = (0.018, 0.013, 0.011)

HEM_DM = 0.055
"""Width of the gown's hem."""
STREAKS = 0.18
"""Contrast of the streaks across a ribbon of hair."""
