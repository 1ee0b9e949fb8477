"""The tab before the guided calibration: ``robopatient board calibrate --console``. No Qt."""

from __future__ import annotations

import msgspec

from robopatient.checks import Check
from robopatient.config import asset_names
from robopatient.console.setup.model import Field, Outlook, Tab, board_check, board_field, option_words, tried
from robopatient.phantom import load_phantom
from robopatient.sensing.calibrate import CalibrationPlan
from robopatient.session.boards import open_named, plan_of

__all__ = ["CalibrationChoices", "CalibrationTab"]


class CalibrationChoices(msgspec.Struct, frozen=True, kw_only=True):
    """As the options of ``board calibrate``; without ``weights``, parts of ``range_newton``."""

    board: str = "virtual"
    phantom: str = "square-290"
    range_newton: float = 80.0
    weights: str = ""
    places: str = "5"
    exercises: int = 3
    creep_min: float = 0.0

    @property
    def plan(self) -> CalibrationPlan:
        """What is loaded how; ConfigError when the weights are none."""
        return plan_of(self.range_newton, self.weights, int(self.places), self.exercises, self.creep_min)


class CalibrationTab(Tab):
    """A board, the plate that it is in, and the weights."""

    name, title, Choices = "calibration", "Calibrati&on", CalibrationChoices

    def fields(self) -> tuple[Field, ...]:
        """As ``Tab``."""
        phantoms = tuple((name, name) for name in asset_names("phantoms"))
        places = (("5", "5: the centre and the cells"), ("9", "9: the edges too, for a full matrix"))
        return (
            board_field(),
            Field(name="phantom", label="&Phantom", group="Board", offered=phantoms, typed=True),
            Field(name="range_newton", label="&Largest weight, N", group="Weights", span=(1.0, 1000.0, 1)),
            Field(name="weights", label="&Weights, N", group="Weights", example="parts of the largest; or 9.81, 49.05"),
            Field(name="places", label="Pl&aces", group="Weights", offered=places),
            Field(name="exercises", label="&Exercises", group="Weights", span=(0, 20, 0)),
            Field(name="creep_min", label="Creep, &minutes", group="Weights", span=(0.0, 600.0, 1), empty="left out"),
        )

    def look(self, chosen: CalibrationChoices) -> Outlook:
        """As ``Tab``."""
        checks = [
            tried("Board", lambda: _board(chosen.board)),
            tried("Phantom", lambda: f"{chosen.phantom}, {len(load_phantom(chosen.phantom).cells_mm)} cells"),
        ]
        if checks[-1].state == "ok":
            checks.append(tried("Weights, N", lambda: _steps(chosen)))
        options = {
            "--board": chosen.board,
            "--phantom": chosen.phantom,
            "--range": f"{chosen.range_newton:g}",
            "--newton": chosen.weights,
            "--places": chosen.places,
            "--exercises": str(chosen.exercises),
            "--creep": f"{chosen.creep_min:g}",
        }
        words = option_words(options)
        return Outlook(checks=tuple(checks), words=("board", "calibrate", "--console", *words), start="Calibrate")


def _board(name: str) -> Check:
    open_named(name)
    return board_check("serial" if name.startswith("/") else name.partition(":")[0], name)


def _steps(chosen: CalibrationChoices) -> Check:
    plan = chosen.plan
    steps = sum(1 for _ in plan.steps(load_phantom(chosen.phantom)))
    newton = ", ".join(f"{each:g}" for each in plan.newton)
    return Check("Weights, N", "ok", f"{newton} N; {steps} steps")
