"""Counts in, newtons out: one object that every frame of the board passes through."""

from __future__ import annotations

from collections import deque

from firmware_bridge.frames import RawFrame, Status
from robopatient.config import SensingConfig
from robopatient.errors import ConfigError
from robopatient.levels import Flag
from robopatient.messages import ForceFrame, Press
from robopatient.phantom import load_phantom
from robopatient.sensing.calibration import load_calibration
from robopatient.sensing.filters import FrameGate, dead_band
from robopatient.sensing.presses import PressCutter
from robopatient.sensing.tare import TareWindow, ZeroWatch

__all__ = ["Sensing"]

SATURATED, OVERLOAD, TARED, UNSYNCED = map(
    int, (Status.SATURATED, Status.OVERLOAD, Status.TARED, Status.CLOCK_UNSYNCED)
)  # plain ints: enum arithmetic costs 3 us a frame
RATE_WINDOW_NS = 20_000_000
"""Time over which dF/dt is taken, as in the published slopes (facts sheet robopatient_systems, 1.7)."""
CONTACT_WINDOW_NS = 10_000_000
"""The place of the hand (never its force) is a mean over 10 ms: so did the published rig, whose recorded x and y come
out with an rms difference of 0.03 mm, against 0.5 mm without."""
EARLY_NS = 50_000_000
"""Contact within so long of the first frame is early: the hand lay there before (13 % of the published trials)."""


class Sensing:
    """Raw frames become force frames: calibrated, tared, cleaned, located, flagged.

    Parameters
    ----------
    config
        Names the phantom and the calibration; limits and bands in newtons.
    board_uid
        Serial number of the board when it is known: the calibration must be its own.

    Raises
    ------
    AssetError, ConfigError
        When phantom or calibration cannot be used.
    """

    def __init__(self, config: SensingConfig, *, board_uid: str = "") -> None:
        if config.press_off_newton >= config.press_on_newton:
            raise ConfigError(
                f"sensing.press_off_newton is {config.press_off_newton:g} N and press_on_newton "
                f"{config.press_on_newton:g} N; a press must end below the force at which it starts"
            )
        self.config = config
        self.phantom = load_phantom(config.phantom)
        n_cells = len(self.phantom.cells_mm)
        self.calibration = load_calibration(config.calibration, n_cells=n_cells)
        self.check_board(board_uid)
        self._matrix = self.calibration.matrix
        self._diagonal = tuple(self._matrix[i][i] for i in range(n_cells))
        self._is_diagonal = bool(self.calibration.counts_per_newton)
        self._offsets = self.calibration.offset_counts
        self._zeroed = False
        self._gate = self._new_gate()
        self._zero = (0.0,) * n_cells
        self._untared = False
        self._start_refused = False
        self._tare: TareWindow | None = None
        self._zero_watch = ZeroWatch()
        self._tare_unasked()
        self._cutter = PressCutter(self.phantom, config.press_on_newton, config.press_off_newton)
        self._presses: list[Press] = []
        self._notes: list[tuple[str, str]] = []
        self._history: deque[tuple[int, float]] = deque()
        self._moments: deque[tuple[int, float, float, float]] = deque()
        self._first_ns: int | None = None
        self._early = False
        self._epoch: int | None = None
        self._seq_base = 0
        self._last_seq = -1

    def check_board(self, board_uid: str) -> None:
        """Refuse a board that the calibration was not measured with, once the board has said who it is.

        Raises
        ------
        ConfigError
            Naming both boards.
        """
        if board_uid and not self.calibration.is_for(board_uid):
            raise ConfigError(
                f"calibration {self.config.calibration} was measured with board {self.calibration.board_uid}, this is "
                f"board {board_uid}; name its own with --set sensing.calibration=PATH.toml, or measure it: robopatient "
                "board calibrate"
            )

    def step(self, frame: RawFrame) -> ForceFrame:
        """One conversion of all cells.

        Raises
        ------
        ConfigError
            When the board has another number of cells than the phantom.
        """
        t_ns = frame.t_ns
        if frame.epoch != self._epoch:
            self._begin_epoch(frame)
        self._last_seq = seq = self._seq_base + frame.seq

        flags: list[Flag] = []
        zeroed = bool(frame.status & TARED)
        if zeroed != self._zeroed:
            self._begin_zero(zeroed)
        self._gate.step(t_ns, frame.counts, frame.ready_mask, zeroed)
        fault = self._fault(frame)
        newtons = self._newtons()
        if self._tare is not None and self._tare.add(t_ns, newtons, fault):
            self._judge_tare(self._tare)
        cells = [newton - zero for newton, zero in zip(newtons, self._zero, strict=True)]
        if fault == "dead":
            cells = [0.0 if dead else cell for dead, cell in zip(self._gate.dead, cells, strict=True)]
            flags.append(Flag.DEAD_CELL)
        if self._untared:
            flags.append(Flag.UNTARED)
        if self._gate.spike:
            flags.append(Flag.SPIKE)
        if fault == "saturated":
            flags.append(Flag.SATURATED)

        drift = None if self._untared else self._zero_watch.step(t_ns, cells, fault)
        if drift is not None:
            text = f"the zero has drifted by {drift:+.2f} N: tare when nobody touches the abdomen"
            self._notes.append(("warning", text))

        band = self.config.dead_band_newton
        clean = tuple([dead_band(cell, band) for cell in cells])
        total = sum(clean)
        if total > self.config.warn_newton:
            flags.append(Flag.HEAVY)
        over = total > self.config.limit_newton or max(cells) > self.phantom.cell_capacity_newton
        if over or frame.status & OVERLOAD:
            flags.append(Flag.OVERLOAD)
        if frame.status & UNSYNCED:
            flags.append(Flag.CLOCK_UNSYNCED)
        if self._touched_early(t_ns, total):
            flags.append(Flag.EARLY_CONTACT)

        force = ForceFrame(
            t_ns=t_ns,
            received_ns=frame.received_ns,
            seq=seq,
            cells_newton=clean,
            contact_mm=None if fault == "dead" else self._contact(t_ns, cells, total),
            rate_newton_per_s=self._rate(t_ns, total),
            flags=tuple(flags),
        )
        press = self._cutter.step(force)
        if press is not None:
            self._presses.append(press)
        return force

    def tare(self) -> None:
        """Take the next quiet window as the new zero; the operator must make sure that nobody touches the abdomen."""
        self._tare = TareWindow(self.config.tare_s, asked=True)

    def finish(self) -> None:
        """End the press under way: no more frames will come."""
        press = self._cutter.finish()
        if press is not None:
            self._presses.append(press)

    def take_presses(self) -> list[Press]:
        """Presses finished since the last call, oldest first."""
        presses, self._presses = self._presses, []
        return presses

    def take_notes(self) -> list[tuple[str, str]]:
        """What the operator should know since the last call, as (level, text): tares done and refused."""
        notes, self._notes = self._notes, []
        return notes

    def _new_gate(self) -> FrameGate:
        return FrameGate([1.0 / gain for gain in self._diagonal], self._offsets)

    def _begin_epoch(self, frame: RawFrame) -> None:
        """First frame, or the board has rebooted: forget the signal, keep the zero, never count backwards."""
        if len(frame.counts) != len(self._offsets):
            raise ConfigError(
                f"the board has {len(frame.counts)} cells, phantom {self.config.phantom} has {len(self._offsets)}; "
                "name the phantom that it carries with --set sensing.phantom=NAME"
            )
        if self._epoch is not None:
            self._seq_base = self._last_seq + 1 - frame.seq
        self._epoch = frame.epoch
        self._gate = self._new_gate()
        self._history.clear()
        self._moments.clear()
        if self._tare is not None:
            self._tare = TareWindow(self.config.tare_s, asked=self._tare.asked)

    def _begin_zero(self, zeroed: bool) -> None:
        """The board has begun, or ceased, to subtract a tare of its own: the file's offsets would count twice."""
        self._zeroed = zeroed
        self._offsets = (0.0,) * len(self._offsets) if zeroed else self.calibration.offset_counts
        self._zero = (0.0,) * len(self._offsets)
        self._gate = self._new_gate()
        self._tare_unasked()

    def _tare_unasked(self) -> None:
        """Wait for a quiet moment to find the zero, where the session wants that."""
        self._untared = self.config.tare_at_start
        self._tare = TareWindow(self.config.tare_s, asked=False) if self._untared else None

    def _fault(self, frame: RawFrame) -> str:
        """The worst fault of a cell: "dead", "saturated" or ""."""
        if True in self._gate.dead:
            return "dead"
        low, high = self.calibration.range_counts
        at_rail = min(frame.counts) <= low or max(frame.counts) >= high
        return "saturated" if at_rail or frame.saturated_mask or frame.status & SATURATED else ""

    def _newtons(self) -> list[float]:
        """Forces by the calibration file alone."""
        loads = [count - offset for count, offset in zip(self._gate.values, self._offsets, strict=True)]
        if self._is_diagonal:
            return [gain * load for gain, load in zip(self._diagonal, loads, strict=True)]
        return [sum(a * load for a, load in zip(row, loads, strict=True)) for row in self._matrix]

    def _judge_tare(self, window: TareWindow) -> None:
        refusal = window.refusal()
        self._tare = None
        if not refusal:
            self._zero = window.zero_newton()
            self._untared = False
            self._notes.append(("info", f"tared: {sum(self._zero):+.2f} N taken away"))
            return
        if window.asked:
            self._notes.append(("warning", f"tare refused: {refusal}"))
        elif not self._start_refused:
            self._start_refused = True
            self._notes.append(("warning", f"not tared at the start: {refusal}; the calibration's zero holds"))
        if self._untared:  # wait for a quiet moment
            self._tare = TareWindow(self.config.tare_s, asked=False)

    def _touched_early(self, t_ns: int, total: float) -> bool:
        if self._first_ns is None:
            self._first_ns = t_ns
        if total <= self.config.press_off_newton:
            self._early = False
        elif t_ns - self._first_ns <= EARLY_NS:
            self._early = True
        return self._early

    def _contact(self, t_ns: int, cells: list[float], total: float) -> tuple[float, float] | None:
        moments = self._moments
        if total < self.config.contact_newton:
            moments.clear()
            return None
        force = moment_x = moment_y = 0.0
        for newton, (x, y) in zip(cells, self.phantom.cells_mm, strict=True):
            force += newton
            moment_x += newton * x
            moment_y += newton * y
        moments.append((t_ns, force, moment_x, moment_y))
        while t_ns - moments[0][0] >= CONTACT_WINDOW_NS:
            moments.popleft()
        force = moment_x = moment_y = 0.0
        for _, newton, x, y in moments:
            force += newton
            moment_x += x
            moment_y += y
        return self.phantom.clip(moment_x / force, moment_y / force) if force > 0.0 else None

    def _rate(self, t_ns: int, total: float) -> float:
        history = self._history
        while len(history) > 1 and t_ns - history[1][0] >= RATE_WINDOW_NS:
            history.popleft()
        rate = 0.0
        if history:
            then_ns, then = history[0]
            rate = (total - then) / ((t_ns - then_ns) * 1e-9) if t_ns > then_ns else 0.0
        history.append((t_ns, total))
        return rate
