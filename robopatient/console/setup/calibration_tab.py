"""The tab before the guided calibration: ``robopatient board calibrate --console``. No Qt."""

from __future__ import annotations

from functools import partial

from robopatient.checks import Check
from robopatient.config import asset_names
from robopatient.console.setup.model import Choices, Field, Outlook, Tab, board_check, board_field, tried
from robopatient.phantom import load_phantom
from robopatient.sensing.calibrate import CalibrationPlan
from robopatient.sensing.guide import plan_of
from robopatient.session.run import open_named

__all__ = ["CalibrationTab", "plan"]


class CalibrationTab(Tab):
    """A board, the plate that it is in, and the weights: parts of the largest, unless others are given."""

    name, title = "calibration", "Calibrati&on"

    def offer(self) -> tuple[Field, ...]:
        """As ``Tab``."""
        phantoms = tuple((name, name) for name in asset_names("phantoms"))
        places = (("5", "5: the centre and the cells"), ("9", "9: the edges too, for a full matrix"))
        weights, own = partial(Field, group="Weights"), "parts of the largest; or 9.81, 49.05"
        return (
            board_field(),
            Field(name="phantom", label="&Phantom", group="Board", tells="--phantom", offered=phantoms, typed=True,
                  default="square-290"),
            weights(name="range", label="&Largest weight, N", tells="--range", span=(1, 1000, 1), default=80.0),
            weights(name="newton", label="&Weights, N", tells="--newton", example=own),
            weights(name="places", label="Pl&aces", tells="--places", offered=places, default="5"),
            weights(name="exercises", label="&Exercises", tells="--exercises", span=(0, 20, 0), default=3.0),
            weights(name="creep", label="Creep, &minutes", tells="--creep", span=(0, 600, 1), default=0.0,
                    empty="left out"),
        )  # fmt: skip

    def look(self, chosen: Choices) -> Outlook:
        """As ``Tab``."""
        checks = [
            tried("Board", lambda: _board(chosen["board"])),
            tried("Phantom", lambda: f"{chosen['phantom']}, {len(load_phantom(chosen['phantom']).cells_mm)} cells"),
        ]
        if checks[-1].state == "ok":
            checks.append(tried("Weights, N", lambda: _steps(plan(chosen), chosen["phantom"])))
        words = ("board", "calibrate", "--console", *self.words(chosen))
        return Outlook(checks=tuple(checks), words=words, start="Calibrate")


def plan(chosen: Choices) -> CalibrationPlan:
    """What is loaded how; ConfigError when the weights are none."""
    numbers = int(chosen["places"]), int(chosen["exercises"]), chosen["creep"]
    return plan_of(chosen["range"], chosen["newton"], *numbers)


def _board(name: str) -> Check:
    open_named(name)
    return board_check("serial" if name.startswith("/") else name.partition(":")[0], name)


def _steps(loads: CalibrationPlan, phantom: str) -> str:
    steps = sum(1 for _ in loads.steps(load_phantom(phantom)))
    return f"{', '.join(f'{each:g}' for each in loads.newton)} N; {steps} steps"
