"""A calibration is measured on plates whose truth is known: gains, cross-talk, friction, creep."""

import datetime
import math

import msgspec
import numpy as np
import pytest

from firmware_bridge.frames import RawFrame, Status
from robopatient.config import SensingConfig
from robopatient.errors import ConfigError
from robopatient.phantom import load_phantom
from robopatient.sensing import Sensing, load_calibration
from robopatient.sensing.calibrate import CalibrationPlan, CalibrationReport, Procedure, evaluate, to_toml

PHANTOM = load_phantom("square-290")
OFFSETS = np.array([84_000.0, -31_000.0, 12_500.0, 150_200.0])
GAINS = np.array([41_000.0, 42_500.0, -40_200.0, 43_100.0])
"""Counts per newton; the third cell is mounted upside down."""
UID = "00deadbeef000001"


class Plate:
    """A plate with cells of known faults, read at 250 Hz."""

    def __init__(self, *, bend: float = 0.0, friction: float = 0.0, creep: float = 0.0, noise: float = 30.0) -> None:
        self.rng = np.random.default_rng(7)
        self.t_ns = 0
        self.seq = 0
        neighbours = bend * (np.ones((4, 4)) - np.eye(4)) / 3.0
        self.coupling = np.eye(4) * (1.0 - bend) + neighbours
        self.friction, self.creep, self.noise = friction, creep, noise
        self.status, self.ready, self.saturated = 0, 0b1111, 0
        self.shake = 0.0

    def cells(self, step) -> np.ndarray:
        u, v = step.x_mm / 290.0, step.y_mm / 290.0
        share = np.array([(1 - u) * v, u * (1 - v), (1 - u) * (1 - v), u * v])
        extra = self.friction if step.direction == "down" and step.newton else 0.0
        held = 1.0 + (self.creep if step.wait_s else 0.0)
        return self.coupling @ (share * (step.newton + extra) * held)

    def frame(self, step) -> RawFrame:
        self.t_ns += 4_000_000
        self.seq += 1
        shaken = self.shake * math.sin(self.t_ns * 1e-8)
        counts = OFFSETS + GAINS * (self.cells(step) + shaken) + self.noise * self.rng.standard_normal(4)
        return RawFrame(
            self.t_ns, self.t_ns, self.t_ns // 1000, self.seq, 0, tuple(int(c) for c in np.rint(counts)),
            self.status, self.ready, self.saturated,
        )  # fmt: skip


def walked(plate: Plate, plan: CalibrationPlan) -> Procedure:
    procedure = Procedure(PHANTOM, plan, measure_s=0.4, settle_s=0.02)
    while procedure.state != "done":
        read(procedure, plate)
        assert not procedure.refusal
    return procedure


def read(procedure: Procedure, plate: Plate) -> None:
    procedure.begin()
    step = procedure.step
    procedure.feed(plate.frame(step))
    plate.t_ns += round(step.wait_s * 1e9)
    while procedure.state == "reading":
        procedure.feed(plate.frame(step))


def judged(plate: Plate, plan: CalibrationPlan) -> CalibrationReport:
    readings = walked(plate, plan).readings
    return evaluate(PHANTOM, readings, board_uid=UID, author="tester", date=datetime.date(2026, 11, 22))


FIVE = CalibrationPlan(newton=(10.0, 20.0, 40.0), exercises=1)
NINE = CalibrationPlan(newton=(10.0, 20.0, 40.0), exercises=0, places=9)


def test_gains_and_zero_of_a_good_plate_are_found_and_accepted():
    report = judged(Plate(), FIVE)
    assert report.calibration.counts_per_newton == pytest.approx(GAINS, rel=2e-4)
    assert report.calibration.offset_counts == pytest.approx(OFFSETS, abs=15)
    assert max(report.calibration.residual_newton) < 0.01
    assert report.contact_mm < 0.5
    assert report.failures == []
    assert math.isnan(report.creep_percent)


def test_the_file_that_is_written_is_one_that_sensing_reads_and_pairs_with_this_board_alone(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(to_toml(judged(Plate(), FIVE)), encoding="utf-8")
    calibration = load_calibration(str(path), n_cells=4)
    assert calibration.date == datetime.date(2026, 11, 22)
    assert calibration.is_for(UID)
    Sensing(SensingConfig(calibration=str(path)), board_uid=UID)
    with pytest.raises(ConfigError, match=r"board 0x00DEADBEEF000001, this is board 53494d0000000001.*calibrate"):
        Sensing(SensingConfig(calibration=str(path)), board_uid="53494d0000000001")


def test_a_plate_that_bends_is_given_a_matrix_when_nine_places_were_loaded():
    bent, straight = judged(Plate(bend=0.12), NINE), judged(Plate(), NINE)
    assert straight.calibration.counts_per_newton
    assert bent.calibration.newton_per_count
    assert bent.contact_mm < 1.0
    assert bent.linearity_percent < 0.1
    assert 1.0 < bent.condition < 3.0


def test_a_plate_that_bends_is_not_accepted_on_five_places():
    report = judged(Plate(bend=0.12), FIVE)
    assert report.calibration.counts_per_newton
    assert any(failure.startswith("contact mm") for failure in report.failures)


def test_a_plate_that_sticks_shows_its_hysteresis():
    report = judged(Plate(friction=0.8), FIVE)
    assert report.hysteresis_percent == pytest.approx(100.0 * 0.8 / 40.0, rel=0.1)
    assert any(failure.startswith("hysteresis") for failure in report.failures)


def test_creep_under_the_largest_weight_is_told_as_its_share():
    report = judged(Plate(creep=0.004), CalibrationPlan(newton=(20.0, 40.0), exercises=0, creep_min=30.0))
    assert report.creep_percent == pytest.approx(0.4, abs=0.03)


def test_every_place_is_loaded_up_and_down_and_the_centre_twice():
    steps = [step for step in FIVE.steps(PHANTOM) if step.kind == "load"]
    at = {place: [s.newton for s in steps if s.place == place] for place in {s.place for s in steps}}
    once = [0.0, 10.0, 20.0, 40.0, 20.0, 10.0, 0.0]
    assert at == {"the centre": once * 2, **{f"cell {cell}": once for cell in range(1, 5)}}


def test_a_cell_is_never_asked_to_bear_more_than_it_can():
    plan = CalibrationPlan.of_range(100.0)
    heaviest = max(step.newton for step in plan.steps(PHANTOM) if step.place != "the centre")
    assert heaviest <= PHANTOM.cell_capacity_newton < 100.0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"shake": 0.1}, "moved by .* hands off"),
        ({"ready": 0b1011}, "cell 3 does not convert"),
        ({"saturated": 0b0010}, "cell 2 is at full scale"),
        ({"status": int(Status.TARED)}, "subtracts a tare of its own"),
    ],
)
def test_a_reading_that_is_none_is_refused_and_can_be_repeated(spoil, words):
    plate = Plate()
    procedure = Procedure(PHANTOM, CalibrationPlan(newton=(10.0,), exercises=0), measure_s=0.4, settle_s=0.0)
    good = {name: getattr(plate, name) for name in spoil}
    for name, value in spoil.items():
        setattr(plate, name, value)
    read(procedure, plate)
    assert procedure.progress[0] == 0
    assert procedure.readings == []
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(procedure.refusal)
    for name, value in good.items():
        setattr(plate, name, value)
    read(procedure, plate)
    assert (procedure.progress[0], procedure.refusal) == (1, "")


def test_a_weight_that_was_forgotten_is_noticed():
    plate = Plate()
    procedure = Procedure(PHANTOM, CalibrationPlan(newton=(10.0, 20.0), exercises=0), measure_s=0.4, settle_s=0.0)
    for _ in range(3):
        read(procedure, plate)
    assert procedure.step.newton == 20.0
    procedure.begin()
    forgotten = procedure._steps[2]
    while procedure.state == "reading":
        procedure.feed(plate.frame(forgotten))
    assert procedure.refusal.startswith("20 N expected at the centre, the cells read about 10.0 N")


def test_weights_that_are_not_ascending_are_refused():
    with pytest.raises(ConfigError, match="ascending"):
        Procedure(PHANTOM, CalibrationPlan(newton=(20.0, 10.0)))


def test_a_cell_that_feels_nothing_is_named():
    good = walked(Plate(), CalibrationPlan(newton=(10.0,), exercises=0)).readings
    deaf = [
        msgspec.structs.replace(reading, mean_counts=(*reading.mean_counts[:1], -31_000.0, *reading.mean_counts[2:]))
        for reading in good
    ]
    with pytest.raises(ConfigError, match="cell 2 feels none of the weights"):
        evaluate(PHANTOM, deaf, board_uid=UID, author="t", date=datetime.date(2026, 1, 1))
