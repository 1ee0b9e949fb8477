"""The patient's plots: felt pain (NRS), voice (level and f0) and face (PSPI)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QWidget

from robopatient.console.model import ConsoleModel
from robopatient.console.plot import ScrollingPlot
from robopatient.levels import SILENCE_DBFS

__all__ = ["PainTrace", "SeenTrace", "VoiceTrace"]

F0_FLOOR_HZ = 75.0
F0_OCTAVES = 4.0
"""The plot of the voice shows 75 to 1200 Hz, the range of cries of men, women and children."""
PHASES = {"rest": "at rest", "onset": "rising", "hold": "held", "release": "released"}


def f0_to_dbfs_axis(f0_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of an f0 on the axis of the level: octaves over ``F0_FLOOR_HZ``, the whole plot being ``F0_OCTAVES``."""
    octaves: NDArray[np.float64] = np.log2(f0_hz / F0_FLOOR_HZ)
    return SILENCE_DBFS * (1.0 - octaves / F0_OCTAVES)


class PainTrace(ScrollingPlot):
    """Felt pain on the numeric rating scale, 0 to 10."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Pain felt", (0.0, 10.0), (0.0, 5.0, 10.0), parent=parent)
        self._curve = self.add_curve("pain")
        self._value = self.add_readout()

    def refresh(self, model: ConsoleModel, numbers: bool) -> None:
        """Draw the newest seconds, and the number when it is its turn."""
        stale = model.is_stale("pain")
        self.draw(self._curve, model.nrs, model.clock.now_ns(), stale)
        if numbers:
            text, detail = "–", "no data"
            if not stale and model.pain is not None:
                text = f"{model.nrs.latest:.1f}"
                resting = model.pain.phase == "rest" or not model.pain.site
                detail = PHASES[model.pain.phase] if resting else model.pain.site
            self._value.show_value(text, self.colour("pain", stale), "NRS 0–10", detail)


class VoiceTrace(ScrollingPlot):
    """Level of what left the loudspeaker, dBFS, and its f0, Hz, on the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        hertz = [75.0, 300.0, 1200.0]
        ticks = [(float(f0_to_dbfs_axis(np.array(hz))), f"{hz:.0f}") for hz in hertz]
        super().__init__("Voice heard", (SILENCE_DBFS, 0.0), (-60.0, -30.0, 0.0), ticks, parent=parent)
        self._level = self.add_curve("level")
        self._f0 = self.add_curve("f0")
        self._level_value = self.add_readout("value2")
        self._f0_value = self.add_readout("value2")

    def refresh(self, model: ConsoleModel, numbers: bool) -> None:
        """Draw the newest seconds, and the numbers when it is their turn."""
        now_ns = model.clock.now_ns()
        stale = model.is_stale("heard")
        self.draw(self._level, model.level_dbfs, now_ns, stale)
        self.draw(self._f0, model.f0_hz, now_ns, stale, f0_to_dbfs_axis)
        if numbers:
            level, f0 = model.level_dbfs.latest, model.f0_hz.latest
            silent = stale or level <= SILENCE_DBFS
            self._level_value.show_value(
                "–" if silent else f"{level:.0f}".replace("-", "−"), self.colour("level", stale), "dBFS"
            )
            unvoiced = stale or math.isnan(f0)
            self._f0_value.show_value("–" if unvoiced else f"{f0:.0f}", self.colour("f0", stale), "Hz")


class SeenTrace(ScrollingPlot):
    """Pain that the face shows, PSPI 0 to 16."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Face shown", (0.0, 16.0), (0.0, 8.0, 16.0), time_axis=True, parent=parent)
        self._curve = self.add_curve("pspi")
        self._value = self.add_readout()

    def refresh(self, model: ConsoleModel, numbers: bool) -> None:
        """Draw the newest seconds, and the number when it is its turn."""
        stale = model.is_stale("seen")
        self.draw(self._curve, model.pspi, model.clock.now_ns(), stale)
        if numbers:
            text = "–" if stale else f"{model.pspi.latest:.1f}"
            self._value.show_value(text, self.colour("pspi", stale), "PSPI 0–16", "no data" if stale else "")
