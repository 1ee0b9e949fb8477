from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from firmware_bridge import wire
from firmware_bridge.board import LinkHealth
from firmware_bridge.errors import PortError
from firmware_bridge.frames import RawFrame
from robopatient.clock import FakeClock
from robopatient.console.calibrate import CalibrationDialog
from robopatient.console.calibrate_model import CalibrationRun, proposed_file
from robopatient.phantom import load_phantom
from robopatient.sensing import calibration_files
from robopatient.sensing.calibrate import CalibrationPlan
from robopatient.sensing.calibration import load_calibration

pytestmark = pytest.mark.qt

PHANTOM = load_phantom("square-290")
OFFSETS = np.array([84_000.0, -31_000.0, 12_500.0, 150_200.0])
GAIN = 42_000.0
PLAN = CalibrationPlan(newton=(20.0, 40.0), exercises=1)
MS = 1_000_000


class Plate:
    """A board on a plate whose weight the test lays; it answers at 1 kHz, a turn of 10 ms at a time."""

    name = "SIM plate"

    def __init__(self) -> None:
        self.uid = "53494d0000000001"
        self.state, self.detail = "streaming", ""
        self.weight = (0.0, 145.0, 145.0)
        self.rng = np.random.default_rng(1)
        self.seq, self.t_ns = 0, 0
        self.opened = self.closed = False
        self.friction = 0.0
        self.refuse: Exception | None = None

    def open(self) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.opened = True

    def close(self) -> None:
        self.closed = True

    def read(self, timeout_s: float) -> bytes:
        return b"x"

    def poll(self, now_ns: int) -> None:
        pass

    def health(self) -> LinkHealth:
        return LinkHealth(state=self.state, detail=self.detail, uid=self.uid)

    def frames(self, received_ns: int, data: bytes) -> list[RawFrame]:
        if self.state != "streaming":
            return []
        newton, x_mm, y_mm = self.weight
        u, v = x_mm / 290.0, y_mm / 290.0
        cells = newton * np.array([(1 - u) * v, u * (1 - v), (1 - u) * (1 - v), u * v])
        found = []
        for _ in range(10):
            self.t_ns, self.seq = self.t_ns + MS, self.seq + 1
            counts = OFFSETS + GAIN * cells + 30.0 * self.rng.standard_normal(4)
            row = tuple(int(count) for count in np.rint(counts))
            found.append(RawFrame(self.t_ns, self.t_ns, self.t_ns // 1000, self.seq, 0, row, 0, 0b1111, 0))
        return found


@pytest.fixture(autouse=True)
def drawn(monkeypatch, request):
    """Plots take a second each: only the first test draws its own."""
    if "dated_file" not in request.node.name:
        monkeypatch.setattr(calibration_files, "plot", lambda _report, _path: None)


class Bench:
    """A run, turned by hand."""

    def __init__(self, **more) -> None:
        self.plate = Plate()
        self.clock = FakeClock(0)
        self.run = CalibrationRun(self.plate, PHANTOM, PLAN, author="tester", measure_s=0.1, settle_s=0.02, **more)

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance_s(0.01)
            self.run.turn(self.clock.now_ns())

    def lay(self) -> None:
        """Do what is asked for."""
        step = self.run.procedure.step
        self.plate.weight = (
            step.newton * (1.0 + self.plate.friction * (step.direction == "down")),
            step.x_mm,
            step.y_mm,
        )

    def walk(self) -> None:
        self.run.open()
        for _ in range(2000):
            self.turn()
            if self.run.phase == "waiting":
                self.lay()
                self.run.begin()
            elif self.run.phase in ("done", "failed"):
                return
        raise AssertionError(self.run.phase)


def test_a_walk_through_all_steps_ends_in_a_dated_file_that_sensing_reads(tmp_path):
    bench = Bench()
    bench.walk()
    assert bench.run.phase == "done", bench.run.trouble
    assert bench.run.report.failures == []
    out = tmp_path / "plate.toml"
    bench.run.save(out)
    assert bench.run.phase == "saved"
    found = load_calibration(str(out), n_cells=4)
    assert found.date == datetime.datetime.now().astimezone().date()
    assert found.is_for(bench.plate.uid)
    assert found.counts_per_newton == pytest.approx([GAIN] * 4, rel=1e-3)
    assert out.with_suffix(".csv").exists()
    assert out.with_suffix(".png").exists()


def test_a_plate_that_sticks_is_not_accepted_and_saved_all_the_same(tmp_path):
    bench = Bench()
    bench.plate.friction = 0.03
    bench.walk()
    assert bench.run.instruction == "Not accepted"
    assert any(failure.startswith("hysteresis") for failure in bench.run.report.failures)
    bench.run.save(tmp_path / "bad.toml")
    assert "NOT ACCEPTED" in (tmp_path / "bad.toml").read_text()


def test_another_board_is_refused_from_the_start_and_when_it_is_swapped_on_the_way():
    bench = Bench(uid="0x53494D0000000099")
    bench.run.open()
    bench.turn()
    assert bench.run.phase == "failed"
    assert "this is board 53494d0000000001, the calibration is of board 53494d0000000099" in bench.run.trouble

    bench = Bench()
    bench.run.open()
    bench.turn(5)
    bench.plate.uid = "53494d0000000002"
    bench.turn()
    assert bench.run.phase == "failed"
    assert "board 53494d0000000002" in bench.run.trouble


def test_a_weight_that_was_forgotten_is_told_and_the_step_is_done_again():
    bench = Bench()
    bench.run.open()
    while True:
        bench.turn()
        if bench.run.phase == "waiting":
            if (bench.run.procedure.step.kind, bench.run.procedure.step.newton) == ("load", 40.0):
                break
            bench.lay()
            bench.run.begin()
    step = bench.run.procedure.progress
    bench.run.begin()
    bench.turn(40)
    assert "40 N expected" in bench.run.trouble
    assert bench.run.phase == "waiting"
    assert bench.run.procedure.progress == step
    bench.lay()
    bench.run.begin()
    bench.turn(40)
    assert bench.run.trouble == ""


def test_a_board_that_falls_silent_while_it_is_read_ends_it_with_its_own_words():
    bench = Bench()
    bench.run.open()
    bench.turn()
    bench.run.begin()
    bench.plate.state, bench.plate.detail = "down", "/dev/ttyACM0: unplugged"
    bench.turn(510)
    assert bench.run.phase == "failed"
    assert "unplugged" in bench.run.trouble


def test_a_board_that_cannot_be_opened_is_told():
    bench = Bench()
    bench.plate.refuse = PortError("/dev/ttyACM0: permission denied; type: sudo usermod -aG dialout $USER")
    bench.run.open()
    bench.turn()
    assert bench.run.phase == "failed"
    assert "usermod" in bench.run.trouble


def test_a_file_is_never_written_over_and_the_work_is_not_lost(tmp_path):
    bench = Bench()
    bench.walk()
    (tmp_path / "x.toml").touch()
    bench.run.save(tmp_path / "x.toml")
    assert "exists" in bench.run.trouble
    assert bench.run.phase == "done"
    bench.run.save(tmp_path / "y.toml")
    assert bench.run.phase == "saved"


def test_the_name_that_is_proposed_tells_phantom_board_and_day_and_is_free(tmp_path):
    first = proposed_file("square-290", "53494d0000000001", tmp_path)
    today = datetime.datetime.now().astimezone().date()
    assert first.name == f"square-290-0001-{today}.toml"
    first.touch()
    assert proposed_file("square-290", "53494d0000000001", tmp_path).name == f"square-290-0001-{today}-2.toml"


@pytest.fixture
def dialog(qtbot, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bench = Bench()
    window = CalibrationDialog(bench.run, "square-290", bench.clock)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    window.run.open()
    return window, bench


def test_one_key_leads_through_all_of_it(dialog, qtbot):
    window, bench = dialog

    def turn(times: int) -> None:
        for _ in range(times):
            bench.clock.advance_s(0.01)
            window.turn()

    turn(3)
    assert window.instruction.text().startswith("Exercise: load the centre")
    assert window.plate.accessibleDescription().startswith("40 N at")
    for _ in range(200):
        if bench.run.phase == "done":
            break
        bench.lay()
        qtbot.keyClick(window, Qt.Key.Key_Return)
        assert bench.run.phase == "reading"
        turn(20)
    window.refresh()
    assert window.instruction.text() == "Accepted"
    assert [check.state for check in window.limits.checks] == ["ok"] * 6
    assert window.limits.checks[0].found.endswith("% of full scale, at most 0.5")
    assert Path(window.file.text()).parent == Path("calibration")
    qtbot.keyClick(window, Qt.Key.Key_Return)
    assert bench.run.saved is not None
    assert bench.run.saved.exists()
    assert window.instruction.text().startswith("Saved: ")
    window.refresh()
    qtbot.keyClick(window, Qt.Key.Key_Return)
    assert bench.plate.closed


def test_the_live_curves_show_what_lies_there(dialog):
    window, bench = dialog
    bench.plate.weight = (40.0, 290.0, 290.0)
    for _ in range(60):
        bench.clock.advance_s(0.01)
        window.turn()
    age_s, counts = bench.run.live()
    assert age_s[-1] == 0.0
    assert 0.4 < -age_s[0] <= 12.0
    assert window._curves[3].yData is not None
    assert np.abs(counts[:, 0]).max() < 1000.0


def test_escape_gives_the_board_back(dialog, qtbot):
    window, bench = dialog
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert bench.plate.closed
    assert bench.run.saved is None


def test_the_note_of_the_board_is_written_when_it_is_accepted(monkeypatch, tmp_path):
    from firmware_bridge.boards.serial import SerialBoard

    asked = []
    bench = Bench()
    bench.walk()
    board = SerialBoard("simulated", 500_000, 250.0)
    monkeypatch.setattr(board.conversation, "ask", lambda command, payload=b"": asked.append((command, payload)))
    bench.run.board = board
    bench.run.save(tmp_path / "plate-a.toml")
    [(command, payload)] = asked
    assert command == wire.Command.CAL_SET
    assert payload.startswith(b"plate-a 2")
