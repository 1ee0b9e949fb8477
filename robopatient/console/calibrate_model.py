"""A guided calibration as the console runs it: the board, the procedure, the live curves, the outcome. No Qt.

The procedure itself is ``sensing.calibrate``; here it is fed by a board, watched for a change of board, and saved.
"""

from __future__ import annotations

import datetime
from collections import deque
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from firmware_bridge import wire
from firmware_bridge.board import Board
from firmware_bridge.boards.serial import SerialBoard
from firmware_bridge.errors import BridgeError
from robopatient.errors import RobopatientError
from robopatient.phantom import Phantom
from robopatient.sensing.calibrate import CalibrationPlan, CalibrationReport, Procedure, evaluate
from robopatient.sensing.calibration import note_of
from robopatient.sensing.calibration_files import check_name, login_name, save
from robopatient.sensing.guide import Loadable

__all__ = ["CalibrationRun", "proposed_file"]

LIVE_S = 12.0
"""How much of the past the live curves show."""
LIVE_HZ = 50.0
SILENCE_S = 5.0
"""A board that says nothing for so long is told."""
READ_S = 0.0

Phase = Literal["opening", "waiting", "reading", "done", "saved", "failed"]


class CalibrationRun:
    """One calibration, turned by the window's timer.

    Parameters
    ----------
    board
        Not yet opened.
    uid
        The board whose calibration this renews; "" takes any. A board of another number is refused.
    author
        Who measures; the login name when not given.

    Attributes
    ----------
    phase
        opening: the board is not streaming yet. waiting: for the operator to do ``instruction``. reading, done (there
        is a ``report``), saved, failed (``trouble`` says why).
    trouble
        Why it failed, why a reading was refused, or what the board has to say; "" when all is well.
    """

    def __init__(
        self,
        board: Board,
        phantom: Phantom,
        plan: CalibrationPlan,
        *,
        uid: str = "",
        author: str = "",
        measure_s: float = 1.0,
        settle_s: float = 1.0,
    ) -> None:
        self.procedure = Procedure(phantom, plan, measure_s=measure_s, settle_s=settle_s)
        self.board = board
        self.author = author or login_name()
        self.phase: Phase = "opening"
        self.trouble = ""
        self.uid = uid.lower().removeprefix("0x")
        self.report: CalibrationReport | None = None
        self.saved: Path | None = None
        self._live: deque[tuple[int, tuple[int, ...]]] = deque(maxlen=round(LIVE_S * LIVE_HZ))
        self._heard_ns: int | None = None
        self._opened = False

    @property
    def instruction(self) -> str:
        """What to do now, in words."""
        match self.phase:
            case "opening":
                return "Waiting for the board"
            case "waiting":
                text = self.procedure.step.text
                return text[:1].upper() + text[1:]
            case "reading":
                return "Reading: hands off"
            case "failed":
                return "Stopped"
        return "Accepted" if self.report is not None and not self.report.failures else "Not accepted"

    def open(self) -> None:
        """Open the board; a failure becomes ``trouble``."""
        try:
            self.board.open()
            self._opened = True
        except BridgeError as error:
            self._fail(str(error))

    def begin(self) -> None:
        """The operator has done what was asked: read."""
        if self.phase == "waiting":
            self.procedure.begin()
            self.phase, self.trouble = "reading", ""

    def turn(self, now_ns: int) -> None:
        """Take what has arrived, and go on; called many times a second."""
        if self.phase == "failed" or not self._opened:
            return
        self._heard_ns = self._heard_ns or now_ns
        try:
            data = self.board.read(READ_S)
            frames = self.board.frames(now_ns, data) if data else []
            self.board.poll(now_ns)
        except BridgeError as error:
            self._fail(str(error))
            return
        if frames:
            self._heard_ns = now_ns
        for frame in frames:
            if not self._live or frame.t_ns - self._live[-1][0] >= 1e9 / LIVE_HZ:
                self._live.append((frame.t_ns, frame.counts))
            self.procedure.feed(frame)
        self._go_on(now_ns)

    def live(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Seconds before now, shape (n,), and counts less those of the tare (of the oldest before it), (n, n_cells)."""
        if not self._live:
            return np.zeros(0), np.zeros((0, len(self.procedure.phantom.cells_mm)))
        t_ns = np.array([t_ns for t_ns, _ in self._live])
        counts = np.array([counts for _, counts in self._live], float)
        tares = [reading for reading in self.procedure.readings if reading.step.kind == "tare"]
        zero = np.array(tares[-1].mean_counts) if tares else counts[0]
        return (t_ns - t_ns[-1]) * 1e-9, counts - zero

    def save(self, out: Path) -> None:
        """Write the dated file with its readings and plot, and let the board note it; ``trouble`` says what failed."""
        if self.report is None:
            return
        try:
            check_name(out)
            calibration = save(self.report, self.procedure, out)
        except (RobopatientError, BridgeError) as error:
            self.trouble = str(error)
            return
        self.saved, self.trouble, self.phase = out, "", "saved"
        if not self.report.failures and isinstance(self.board, SerialBoard):
            note = note_of(out.stem, calibration).encode("ascii", "replace")
            self.board.conversation.ask(wire.Command.CAL_SET, note)

    def close(self) -> None:
        """Give the board back."""
        if self._opened:
            self.board.close()
            self._opened = False

    def _go_on(self, now_ns: int) -> None:
        health = self.board.health()
        if health.uid and not self._is_ours(health.uid):
            return
        if self.phase in ("done", "saved"):
            return
        if health.state != "streaming":
            self.trouble = health.detail
            silent_s = (now_ns - (self._heard_ns or now_ns)) * 1e-9
            if self.phase == "reading" and silent_s > SILENCE_S:
                self._fail(f"{self.board.name}: no sample for {SILENCE_S:g} s ({health.state}: {health.detail})")
            return
        if self.phase == "opening":
            self._wait()
        elif self.phase == "reading" and self.procedure.state != "reading":
            self.trouble = self.procedure.refusal
            if self.procedure.state == "done":
                self._judge()
            else:
                self._wait()

    def _is_ours(self, uid: str) -> bool:
        """Whether this is still, or is at all, the board that is to be calibrated."""
        if not self.uid:
            self.uid = uid
        if int(self.uid, 16) == int(uid, 16):
            return True
        self._fail(
            f"this is board {uid}, the calibration is of board {self.uid}: plug that one in, or begin a new calibration"
        )
        return False

    def _wait(self) -> None:
        self.phase = "waiting"
        if isinstance(self.board, Loadable):
            step = self.procedure.step
            self.board.load(step.newton, step.x_mm, step.y_mm)

    def _judge(self) -> None:
        try:
            self.report = evaluate(
                self.procedure.phantom,
                self.procedure.readings,
                board_uid=self.uid,
                author=self.author,
                date=datetime.datetime.now().astimezone().date(),
            )
        except RobopatientError as error:
            self._fail(str(error))
            return
        self.phase = "done"

    def _fail(self, why: str) -> None:
        self.phase, self.trouble = "failed", why


def proposed_file(phantom: str, uid: str, folder: Path = Path("calibration")) -> Path:
    """A name that does not exist yet: phantom, the end of the board's number, date."""
    date = datetime.datetime.now().astimezone().date()
    stem = f"{Path(phantom).stem}-{uid[-4:] or 'board'}-{date}"
    path, number = folder / f"{stem}.toml", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.toml"
    return path
