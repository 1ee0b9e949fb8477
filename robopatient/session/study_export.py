"""The verb ``study export``: tidy tables and a BIDS data set of all sessions in a folder, force at full rate."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import numpy as np

from robopatient.config import SessionConfig
from robopatient.errors import RecordError, RobopatientError
from robopatient.record.bids import write_bids
from robopatient.record.physio import Signal, evenly, force_columns, recorded_force
from robopatient.record.reader import Record
from robopatient.record.tables import write_tables
from robopatient.record.trials import read_trial_table
from robopatient.session.control import open_board
from robopatient.session.journal import FILE_NAME as JOURNAL
from robopatient.session.journal import Action, Received, read_journal
from robopatient.session.pipeline import Touch

__all__ = ["board_force", "export", "session_force"]


def export(
    source: Path, out: Path, bids: bool = True, tables: bool = True, force: bool = True, as_json: bool = False
) -> int:
    """Write ``OUT/trials.csv``, ``trials.parquet``, ``dictionary.csv`` and the data set ``OUT/bids``.

    Raises
    ------
    RecordError
        When there is no session, no trial in any, or something of an older export in the way.
    """
    table = read_trial_table(source)
    if not table.rows:
        raise RecordError(
            f"{source}: holds {len(table.records)} session(s) without a trial; run a study with: robopatient study "
            f"run STUDY"
        )
    if tables and (out / "trials.csv").exists():
        raise RecordError(f"{out}: holds an export already; give --out another folder")
    done: dict[str, object] = {
        "trials": sum(row["counts"] for row in table.rows),
        "attempts": len(table.rows),
        "participants": len({row["participant"] for row in table.rows}),
        "cut_off": table.cut_off,
    }
    if bids:
        written = write_bids(table, out / "bids", session_force if force else None)
        done |= {"bids_files": written.files, "without_force": written.without_force}
    if tables:
        write_tables(table, out)
    if as_json:
        print(json.dumps(done))
        return 0
    print(f"{out}: {done['trials']} trials of {done['participants']} people in {done['attempts']} attempts")
    for name in table.cut_off:
        print(f"  {name} has no end: what was committed until then is here")
    if bids and written.without_force:
        some = ", ".join(written.without_force[:3]) + (", …" if len(written.without_force) > 3 else "")
        print(f"  {len(written.without_force)} session(s) without force: {some}")
    return 0


def session_force(folder: Path) -> Signal | None:
    """Force of a session at the board's rate, from the raw bytes; at the loop's rate where those are not there."""
    if (folder / JOURNAL).exists():
        try:
            signal = board_force(folder)
        except RobopatientError as error:
            print(f"{folder.name}: raw bytes cannot be read again ({error}); force at the loop's rate", file=sys.stderr)
        else:
            if signal is not None:
                return signal
    with Record(folder) as record:
        return recorded_force(record)


def board_force(folder: Path) -> Signal | None:
    """Force as the board sent it, calibrated and tared as it was then; None without a frame.

    Raises
    ------
    RobopatientError
        When calibration, phantom or journal are not there any more.
    """
    with Record(folder) as record:
        config = msgspec.json.decode(record.start.config_json, type=SessionConfig)
    touch = Touch(config.sensing, open_board(config))
    times: list[int] = []
    cells: list[tuple[float, ...]] = []
    for entry in read_journal(folder):
        if isinstance(entry, Received):
            for frame in touch.receive(entry.t_ns, entry.data):
                times.append(frame.t_ns)
                cells.append(frame.cells_newton)
        elif isinstance(entry, Action) and entry.action.action == "tare":
            touch.sensing.tare()
    if len(times) < 2:
        return None
    newtons = np.array(cells)
    values = np.column_stack([newtons, newtons.sum(axis=1)])
    return evenly(np.array(times), values, float(config.board.rate_hz), force_columns(newtons.shape[1]))
