"""The guided calibration: which weight to lay where, whether a reading is good, and what the readings say.

Knows neither board nor screen: frames go in, instructions and a report come out, so that the terminal and the console
guide alike (docs/reference/calibration.md).
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from firmware_bridge.frames import RawFrame, Status
from robopatient.errors import ConfigError
from robopatient.phantom import Phantom
from robopatient.sensing.calibration import ForceCalibration

__all__ = [
    "LIMITS",
    "CalibrationPlan",
    "CalibrationReport",
    "CalibrationStep",
    "Procedure",
    "Reading",
    "evaluate",
    "to_toml",
]

FRACTIONS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
EXERCISES = 3
REPEATS = 2
"""Series at the centre: the second shows how well the first repeats."""
MIN_SAMPLES = 80
STEADY_FACTOR = 5.0
"""A reading is refused when its spread or its drift exceeds five times the noise between neighbouring samples."""
ARRIVED_FACTOR = 0.25
"""A sum of all cells that differs by more than this share from the weight asked for is another weight. Assumption."""
MATRIX_PLACES = 9
"""Known places from which a full matrix may be fitted (facts on bridge and real time, 4.4)."""
MATRIX_GAIN = 0.8
"""A matrix is only taken when it lowers the error at places that it was not fitted to, to this share. Assumption."""
LIMITS = {
    "linearity_percent": 0.5,
    "hysteresis_percent": 1.0,
    "repeatability_percent": 0.5,
    "creep_percent": 0.5,
    "contact_mm": 5.0,
    "condition": 10.0,
}
"""Largest values accepted for training. Linearity and hysteresis: proposed by the facts sheet on bridge and real time
(4.4) from typical cells (0.05 %) and plates; the others are assumptions of the same size."""
CONTACT_FRACTION = 0.2
"""Share of the range from which the place of a weight is judged."""
TARED = int(Status.TARED)

Kind = Literal["exercise", "tare", "load", "creep"]


class CalibrationStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do: lay ``newton`` at (x, y) mm of the plate, and read.

    ``direction`` is the load's history, ``series`` the number of the run at this place, from 1; ``wait_s`` is how long
    the weight lies before it is read.
    """

    kind: Kind
    newton: float
    place: str
    x_mm: float
    y_mm: float
    direction: Literal["up", "down"] = "up"
    series: int = 1
    wait_s: float = 0.0

    @property
    def text(self) -> str:
        """The instruction."""
        if self.kind == "tare":
            return "take everything off the plate, and the hands too"
        where = f"{self.place} (x {self.x_mm:g}, y {self.y_mm:g} mm)"
        if self.kind == "exercise":
            return f"exercise: load {where} with {self.newton:g} N" if self.newton else f"exercise: unload {where}"
        if self.newton == 0.0:
            return f"unload {where}"
        stay = f" and leave it for {self.wait_s / 60:g} min" if self.wait_s else ""
        return f"lay {self.newton:g} N ({self.newton / 9.81:.3f} kg) on {where}{stay}"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Mean and spread of the counts of a step, shapes (n_cells,), from ``samples`` frames."""

    step: CalibrationStep
    mean_counts: tuple[float, ...]
    sd_counts: tuple[float, ...]
    samples: int


class CalibrationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is loaded how.

    ``newton`` are the weights above 0, ascending; away from the centre only those that one cell bears are used.
    ``places`` 5: centre and cells; 9: the middles of the edges too, so that a full matrix can be fitted. ``creep_min``:
    how long the largest weight lies at the centre in the end, 0 to leave that out.
    """

    newton: tuple[float, ...]
    places: Literal[5, 9] = 5
    exercises: int = EXERCISES
    creep_min: float = 0.0

    @classmethod
    def of_range(cls, range_newton: float, **others: object) -> CalibrationPlan:
        """10, 20, 40, 60, 80 and 100 % of a range."""
        return msgspec.convert({"newton": [round(range_newton * part, 3) for part in FRACTIONS], **others}, cls)

    def steps(self, phantom: Phantom) -> Iterator[CalibrationStep]:
        """All steps in order."""
        centre, *others = self.points(phantom)
        for _ in range(self.exercises):
            yield _step("exercise", self.newton[-1], centre)
            yield _step("exercise", 0.0, centre)
        yield _step("tare", 0.0, centre)
        for series in range(1, REPEATS + 1):
            yield from _series(centre, self.newton, series)
        for point in others:
            bearable = [newton for newton in self.newton if newton <= phantom.cell_capacity_newton]
            yield from _series(point, bearable or self.newton[:1], 1)
        if self.creep_min:
            yield _step("creep", self.newton[-1], centre)
            yield _step("creep", self.newton[-1], centre, wait_s=60.0 * self.creep_min)

    def points(self, phantom: Phantom) -> list[tuple[str, float, float]]:
        """Name and plate coordinates of the places, the centre first, then the cells."""
        cells = phantom.cells_mm
        x, y = (float(np.mean([cell[axis] for cell in cells])) for axis in (0, 1))
        found = [("the centre", x, y)]
        found += [(f"cell {number}", *cell) for number, cell in enumerate(cells, start=1)]
        if self.places == MATRIX_PLACES:
            low_x, high_x = min(cell[0] for cell in cells), max(cell[0] for cell in cells)
            low_y, high_y = min(cell[1] for cell in cells), max(cell[1] for cell in cells)
            edges = (("left", low_x, y), ("right", high_x, y), ("lower", x, low_y), ("upper", x, high_y))
            found += [(f"the middle of the {name} edge", at_x, at_y) for name, at_x, at_y in edges]
        return found


class Procedure:
    """Walks through a plan; fed with frames, it says what to do next and whether a reading was good.

    Parameters
    ----------
    measure_s, settle_s
        How long a reading lasts, and how long it waits after ``begin``.

    Raises
    ------
    ConfigError
        When the plan's weights are not ascending numbers above 0.

    Attributes
    ----------
    state
        waiting: do ``step.text``, then call ``begin``. reading: hands off. done: ``readings`` are complete.
    refusal
        Why the last reading was discarded and the step must be repeated, or "".
    readings
        Accepted so far.
    """

    def __init__(self, phantom: Phantom, plan: CalibrationPlan, measure_s: float = 1.0, settle_s: float = 1.0) -> None:
        ascending = sorted({newton for newton in plan.newton if math.isfinite(newton) and newton > 0.0})
        if not ascending or tuple(ascending) != tuple(plan.newton):
            raise ConfigError(
                f"weights {list(plan.newton)} N: give one or more above 0, ascending, for example 10,20,40"
            )
        self.phantom = phantom
        self.plan = plan
        self.state: Literal["waiting", "reading", "done"] = "waiting"
        self.refusal = ""
        self.readings: list[Reading] = []
        self._steps = list(plan.steps(phantom))
        self._at = 0
        self._measure_ns = round(measure_s * 1e9)
        self._settle_ns = round(settle_s * 1e9)
        self._begin_ns: int | None = None
        self._counts: list[tuple[int, ...]] = []
        self._times_ns: list[int] = []
        self._fault = ""

    @property
    def step(self) -> CalibrationStep:
        """What is to be done now (the last step once all is done)."""
        return self._steps[min(self._at, len(self._steps) - 1)]

    @property
    def progress(self) -> tuple[int, int]:
        """Steps done, and of how many."""
        return self._at, len(self._steps)

    def resume(self, readings: Sequence[Reading]) -> None:
        """Go on after readings that were made before; exercises between them are not done again.

        Raises
        ------
        ConfigError
            When they are not the first of this plan.
        """
        for reading in readings:
            while self.state != "done" and self.step.kind == "exercise":
                self._next()
            planned = msgspec.structs.replace(self.step, wait_s=reading.step.wait_s)
            if self.state == "done" or planned != reading.step:
                raise ConfigError(
                    f"the readings that are there are not of this plan ({reading.step.text}): give the same weights, "
                    "places and creep as before, or another --out"
                )
            self.readings.append(reading)
            self._next()

    def _next(self) -> None:
        self._at += 1
        if self._at == len(self._steps):
            self.state = "done"

    def begin(self) -> None:
        """The operator has done what ``step.text`` asks for: read."""
        if self.state == "waiting":
            self.state = "reading"
            self._begin_ns = None
            self._counts, self._times_ns, self._fault = [], [], ""

    def feed(self, frame: RawFrame) -> None:
        """Take a frame; ends the reading when it is long enough."""
        if self.state != "reading":
            return
        if self._begin_ns is None:
            self._begin_ns = frame.t_ns
        since_ns = frame.t_ns - self._begin_ns - self._settle_ns - round(self.step.wait_s * 1e9)
        if since_ns < 0:
            return
        self._fault = self._fault or self._frame_fault(frame)
        self._counts.append(frame.counts)
        self._times_ns.append(frame.t_ns)
        if since_ns >= self._measure_ns and len(self._counts) >= MIN_SAMPLES:
            self._judge()

    def _frame_fault(self, frame: RawFrame) -> str:
        n_cells = len(self.phantom.cells_mm)
        if len(frame.counts) != n_cells:
            return f"the board has {len(frame.counts)} cells, the phantom {n_cells}: name the phantom that it carries"
        if frame.status & TARED:
            return "the board subtracts a tare of its own: type robopatient board reboot, or switch it off and on"
        for cell in range(n_cells):
            if not frame.ready_mask >> cell & 1:
                return f"cell {cell + 1} does not convert: check its wires"
            if frame.saturated_mask >> cell & 1:
                return f"cell {cell + 1} is at full scale: take a smaller weight"
        return ""

    def _judge(self) -> None:
        step, counts = self.step, np.array(self._counts, dtype=np.float64) if not self._fault else np.zeros((2, 1))
        mean, sd = counts.mean(axis=0), counts.std(axis=0)
        self.refusal = self._fault
        if step.kind != "exercise":
            self.refusal = self.refusal or _unsteady(counts) or self._not_laid(step, mean)
        self.state = "waiting"
        if self.refusal:
            return
        if step.kind != "exercise":
            reading = Reading(
                step=step, mean_counts=tuple(mean.tolist()), sd_counts=tuple(sd.tolist()), samples=len(counts)
            )
            self.readings.append(reading)
        self._next()

    def _not_laid(self, step: CalibrationStep, mean: NDArray[np.float64]) -> str:
        """A weight forgotten, or laid in the wrong step, shows against what the readings so far lead to expect."""
        tares = [np.array(reading.mean_counts) for reading in self.readings if reading.step.kind == "tare"]
        loaded = [reading for reading in self.readings if reading.step.newton > 0.0]
        if not tares or not loaded:
            return ""
        # Sizes, not sums: a cell may be mounted upside down.
        per_newton = [np.abs(reading.mean_counts - tares[-1]).sum() / reading.step.newton for reading in loaded]
        seen = float(np.abs(mean - tares[-1]).sum() / np.mean(per_newton))
        if abs(seen - step.newton) > ARRIVED_FACTOR * max(step.newton, self.plan.newton[0]):
            return (
                f"{step.newton:g} N expected at {step.place}, the cells read about {seen:.1f} N: lay the right weight"
            )
        return ""


class CalibrationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the readings say.

    Percentages are of the largest weight. ``linearity``: largest error of the total, loads going up.
    ``hysteresis``: largest difference between up and down. ``repeatability``: between the series at the centre.
    ``creep``: change under the largest weight, nan when not measured. ``contact_mm``: largest error of the place of a
    weight. ``condition``: of the matrix; 1 is best. ``errors_newton``: of the total, one a reading of ``loads``.
    """

    calibration: ForceCalibration
    loads: list[Reading]
    errors_newton: list[float]
    noise_newton: float
    linearity_percent: float
    hysteresis_percent: float
    repeatability_percent: float
    creep_percent: float
    contact_mm: float
    condition: float

    @property
    def failures(self) -> list[str]:
        """Limits that are not kept, in words."""
        return [
            f"{name.replace('_percent', ' %').replace('_', ' ')}: {getattr(self, name):.2f} (at most {limit:g})"
            for name, limit in LIMITS.items()
            if getattr(self, name) > limit
        ]

    @property
    def lines(self) -> list[str]:
        """The report for people."""
        lines = [
            f"linearity {self.linearity_percent:.3f} % of full scale",
            f"hysteresis {self.hysteresis_percent:.3f} %",
            f"repeatability {self.repeatability_percent:.3f} %",
            "creep not measured" if math.isnan(self.creep_percent) else f"creep {self.creep_percent:.3f} %",
            f"place of the weights within {self.contact_mm:.2f} mm",
            f"noise {1000 * self.noise_newton:.2f} mN; condition of the matrix {self.condition:.2f}",
        ]
        return lines + [f"NOT ACCEPTED: {failure}" for failure in self.failures]


def evaluate(
    phantom: Phantom,
    readings: Sequence[Reading],
    *,
    board_uid: str,
    author: str,
    date: datetime.date,
    full_scale_counts: tuple[int, int] = (-(2**23), 2**23 - 1),
) -> CalibrationReport:
    """Fit gains, or a full matrix where it is better at places that it has not seen, and judge the fit.

    Each weight gives three equations: its size, and its moments about the plate's two axes. Gains are the least-squares
    solution of these three equations a reading; nothing is assumed on how a plate shares a weight among four cells.

    Raises
    ------
    ConfigError
        When the tare or every load is missing, or a cell does not feel any of the weights.
    """
    tares = [np.array(reading.mean_counts) for reading in readings if reading.step.kind == "tare"]
    loads = [reading for reading in readings if reading.step.kind == "load"]
    if not tares or not any(reading.step.newton > 0.0 for reading in loads):
        raise ConfigError("calibration: the tare or the weights are missing; type: robopatient board calibrate")
    zero = tares[-1]
    counts = np.array([reading.mean_counts for reading in loads]) - zero
    lever = np.vstack([np.ones(len(zero)), np.array(phantom.cells_mm).T])
    wanted = np.array([[r.step.newton, r.step.newton * r.step.x_mm, r.step.newton * r.step.y_mm] for r in loads])
    places = [reading.step.place for reading in loads]
    # Moments in newtons at half the plate's side weigh as much as the total.
    scale = np.array([1.0, *(2.0 / np.ptp(lever[1:], axis=1))])
    lever, wanted = lever * scale[:, None], wanted * scale
    gains = _gains(counts, wanted, lever)
    matrix = np.diag(gains)
    is_matrix = len(set(places)) >= MATRIX_PLACES and _unseen_error(
        counts, wanted, lever, places, full=True
    ) < MATRIX_GAIN * _unseen_error(counts, wanted, lever, places, full=False)
    if is_matrix:
        matrix = _matrix(counts, wanted, lever, gains)
    newtons = counts @ matrix.T
    full_scale = max(reading.step.newton for reading in loads)
    errors = newtons.sum(axis=1) - wanted[:, 0]
    above = [index for index, reading in enumerate(loads) if reading.step.place.startswith("cell ")]
    targets = np.zeros((len(above), len(zero)))
    for row, index in enumerate(above):
        targets[row, int(loads[index].step.place.removeprefix("cell ")) - 1] = loads[index].step.newton
    residual = np.abs(newtons[above] - targets).max(axis=0)
    calibration = ForceCalibration(
        date=date,
        author=author,
        board_uid=f"0x{int(board_uid, 16):016X}" if board_uid else "",
        method=f"{len(loads)} readings, 0 to {full_scale:g} N up and down, {len(set(places))} places (board calibrate)",
        offset_counts=_rounded(zero),
        counts_per_newton=() if is_matrix else _rounded(1.0 / gains),
        newton_per_count=tuple(tuple(float(f"{x:.7g}") for x in row) for row in matrix) if is_matrix else (),
        residual_newton=tuple(round(value, 4) for value in residual.tolist()),
        range_counts=full_scale_counts,
    )
    sd = np.array([reading.sd_counts for reading in loads]).mean(axis=0)
    percent = 100.0 / full_scale
    return CalibrationReport(
        calibration=calibration,
        loads=loads,
        errors_newton=errors.tolist(),
        noise_newton=float(np.sqrt(np.sum((np.diag(matrix) * sd) ** 2))),
        linearity_percent=percent * _largest(np.abs(errors), [r.step.direction == "up" for r in loads]),
        hysteresis_percent=percent * _spread(loads, errors, ("place", "series", "newton")),
        repeatability_percent=percent * _spread(loads, errors, ("place", "direction", "newton")),
        creep_percent=_creep(readings, matrix),
        contact_mm=_contact_error(phantom, loads, newtons, CONTACT_FRACTION * full_scale),
        condition=float(np.linalg.cond(matrix)) if is_matrix else float(np.max(np.abs(gains)) / np.min(np.abs(gains))),
    )


def to_toml(report: CalibrationReport) -> str:
    """The calibration file, with the report as comments at its top."""
    calibration = report.calibration
    fields = msgspec.structs.asdict(calibration)
    lines = [f"# {line}" for line in report.lines]
    for key, value in fields.items():
        if value == () or (key == "newton_per_count" and not value):
            continue
        lines.append(f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _step(kind: Kind, newton: float, point: tuple[str, float, float], **others: float) -> CalibrationStep:
    place, x_mm, y_mm = point
    return msgspec.structs.replace(
        CalibrationStep(kind=kind, newton=newton, place=place, x_mm=x_mm, y_mm=y_mm), **others
    )


def _series(point: tuple[str, float, float], newton: Sequence[float], series: int) -> Iterator[CalibrationStep]:
    place, x_mm, y_mm = point
    for load in (0.0, *newton):
        yield CalibrationStep(kind="load", newton=load, place=place, x_mm=x_mm, y_mm=y_mm, series=series)
    for load in (*reversed(newton[:-1]), 0.0):
        yield CalibrationStep(
            kind="load", newton=load, place=place, x_mm=x_mm, y_mm=y_mm, series=series, direction="down"
        )


def _unsteady(counts: NDArray[np.float64]) -> str:
    """Why a reading is none: its spread or its drift is larger than noise."""
    noise = np.maximum(np.diff(counts, axis=0).std(axis=0) / math.sqrt(2.0), 1.0)
    n = len(counts)
    time = np.arange(n) - (n - 1) / 2
    drift = (time @ counts) / (time @ time) * n
    for cell in range(counts.shape[1]):
        for name, size in (("moved", counts[:, cell].std()), ("drifted", abs(drift[cell]))):
            if size > STEADY_FACTOR * noise[cell]:
                by = f"by {size:.0f} counts (noise {noise[cell]:.0f})"
                return f"cell {cell + 1} {name} {by}: hands off, and wait until it has settled"
    return ""


def _gains(counts: NDArray[np.float64], wanted: NDArray[np.float64], lever: NDArray[np.float64]) -> NDArray[np.float64]:
    """Newtons per count of each cell, shape (n_cells,)."""
    rows = (counts[:, None, :] * lever[None, :, :]).reshape(-1, counts.shape[1])
    silent = np.flatnonzero(np.ptp(counts, axis=0) == 0.0)
    gains, _, rank, _ = np.linalg.lstsq(rows, wanted.ravel(), rcond=None)
    if len(silent) or rank < counts.shape[1]:
        cell = int(silent[0]) + 1 if len(silent) else "?"
        raise ConfigError(f"calibration: cell {cell} feels none of the weights; type: robopatient board monitor")
    return np.asarray(gains)


def _matrix(
    counts: NDArray[np.float64],
    wanted: NDArray[np.float64],
    lever: NDArray[np.float64],
    gains: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Newtons per count, shape (n_cells, n_cells): nearest to the gains of all that fit total and moments best.

    Weights determine three combinations of the rows (total and two moments); the twist of the plate stays the gains'.
    """
    combined = np.linalg.lstsq(counts, wanted, rcond=None)[0].T
    return np.asarray(np.diag(gains) + np.linalg.pinv(lever) @ (combined - lever * gains))


def _unseen_error(
    counts: NDArray[np.float64],
    wanted: NDArray[np.float64],
    lever: NDArray[np.float64],
    places: Sequence[str],
    *,
    full: bool,
) -> float:
    """Rms error of total and moments at each place by a fit to all others, N."""
    squares, n = 0.0, 0
    at = np.array(places)
    for place in sorted(set(places)):
        out = at == place
        gains = _gains(counts[~out], wanted[~out], lever)
        matrix = _matrix(counts[~out], wanted[~out], lever, gains) if full else np.diag(gains)
        error = counts[out] @ matrix.T @ lever.T - wanted[out]
        squares, n = squares + float(np.sum(error**2)), n + error.size
    return math.sqrt(squares / n)


def _largest(values: NDArray[np.float64], chosen: Sequence[bool]) -> float:
    return float(values[np.array(chosen)].max(initial=0.0))


def _spread(loads: Sequence[Reading], errors: NDArray[np.float64], keys: tuple[str, ...]) -> float:
    """Largest difference among readings that agree in ``keys``, N."""
    groups: dict[tuple[object, ...], list[float]] = {}
    for reading, error in zip(loads, errors, strict=True):
        groups.setdefault(tuple(getattr(reading.step, key) for key in keys), []).append(float(error))
    return max((max(group) - min(group) for group in groups.values()), default=0.0)


def _creep(readings: Sequence[Reading], matrix: NDArray[np.float64]) -> float:
    held = [reading for reading in readings if reading.step.kind == "creep"]
    if len(held) < 2:
        return math.nan
    change = np.array(held[-1].mean_counts) - np.array(held[0].mean_counts)
    return 100.0 * abs(float((matrix @ change).sum())) / held[0].step.newton


def _contact_error(
    phantom: Phantom, loads: Sequence[Reading], newtons: NDArray[np.float64], least_newton: float
) -> float:
    cells_mm = np.array(phantom.cells_mm)
    largest = 0.0
    for reading, cells in zip(loads, newtons, strict=True):
        if reading.step.newton >= least_newton:
            x_mm, y_mm = cells @ cells_mm / cells.sum()
            largest = max(largest, math.hypot(x_mm - reading.step.x_mm, y_mm - reading.step.y_mm))
    return largest


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(value, 2) for value in values.tolist())


def _toml(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value)
