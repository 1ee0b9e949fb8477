"""The force plot: total force on the abdomen, with the warning levels."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from robopatient.console.model import ConsoleModel
from robopatient.console.plot import ScrollingPlot

__all__ = ["ForceTrace"]

TOPS_NEWTON = (20.0, 40.0, 60.0, 100.0, 200.0)
"""Full scales: fixed steps, so that the trace does not breathe; palpations reach 77 N (facts sheet, 4.1)."""
HEADROOM = 1.08


class ForceTrace(ScrollingPlot):
    """Total force, N."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Force", (0.0, TOPS_NEWTON[0]), (0.0, 10.0, 20.0), parent=parent)
        self._top = TOPS_NEWTON[0]
        self._curve = self.add_curve("force")
        self._value = self.add_readout()
        self._levels = False

    def refresh(self, model: ConsoleModel, numbers: bool) -> None:
        """Draw the newest seconds, and the number when it is its turn."""
        if not self._levels:
            self.add_line(model.config.sensing.warn_newton, "warn")
            self.add_line(model.config.sensing.limit_newton, "bad")
            self._levels = True
            self.apply(self.theme)
        now_ns = model.clock.now_ns()
        stale = model.is_stale("force")
        self._rescale(model.force_newton.peak(now_ns))
        self.draw(self._curve, model.force_newton, now_ns, stale)
        if numbers:
            peak = f"last peak {model.presses[-1].peak_newton:.1f} N" if model.presses else "no press yet"
            text = "–" if stale else f"{model.force_newton.latest:.1f}"
            self._value.show_value(text, self.colour("force", stale), "N", "no data" if stale else peak)

    def _rescale(self, peak_newton: float) -> None:
        top = next((top for top in TOPS_NEWTON if peak_newton * HEADROOM <= top), TOPS_NEWTON[-1])
        if top != self._top:
            self._top = top
            self.set_scale((0.0, top), (0.0, top / 2, top))
