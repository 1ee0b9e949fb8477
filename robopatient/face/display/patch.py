"""A square for a photodiode: it changes between black and white with the frame whose expression changed."""

from __future__ import annotations

from collections.abc import Mapping

from robopatient.facs import sides, unit_of_name

__all__ = ["STEP_AU", "ChangePatch"]

STEP_AU = 0.25
"""How far an action unit must have moved since the last change, of 5: more than the waver of a resting face, and less
than the first frame of an onset (assumption)."""
IGNORED = frozenset({"AU45"})
"""Blinks come by themselves and would hide what is measured."""


class ChangePatch:
    """Bright or dark, by what was shown."""

    def __init__(self) -> None:
        self.bright = False
        self._shown: dict[str, float] = {}

    def step(self, au: Mapping[str, float]) -> bool:
        """State of the patch in the frame that shows these action units."""
        units = set(map(unit_of_name, (*au, *self._shown))) - IGNORED
        if any(_moved(sides(au, unit), sides(self._shown, unit)) >= STEP_AU for unit in units):
            self._shown = dict(au)
            self.bright = not self.bright
        return self.bright


def _moved(now: tuple[float, float], before: tuple[float, float]) -> float:
    return max(abs(a - b) for a, b in zip(now, before, strict=True))
