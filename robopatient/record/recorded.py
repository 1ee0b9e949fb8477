"""A recorded session as pandas tables: what ``robopatient.read_session`` gives."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.errors import RecordError, require
from robopatient.folders import user_path
from robopatient.record.presses import PressRow, press_rows
from robopatient.record.reader import Record
from robopatient.record.trials import explain, read_trial_table
from robopatient.record.visibility import load_visibility

if TYPE_CHECKING:
    import pandas

__all__ = ["RecordedSession", "read_session"]

EVENTS = ("action", "said", "spoken", "scenario", "rating", "note")


class RecordedSession:
    """One recorded session; every method reads the file anew, so a session that still runs can be read too.

    Time is ``t_s``, s from the session's start, the same in all tables and in ``presses.csv``. All other columns carry
    their unit in the name (``pain()["nrs"]`` is NRS 0 to 10); the record's own table ``dictionary`` explains each.

    Attributes
    ----------
    folder
        Where ``record.sqlite``, ``voice.wav`` and the reports lie.

    Raises
    ------
    RecordError
        By ``read_session`` and by every method, when there is no record or it is damaged; with the file's path.
    MissingPackageError
        By every method that gives a table, without pandas, with what to type.

    Examples
    --------
    >>> import robopatient as rp
    >>> session = rp.read_session("sessions/20261130-202223")  # doctest: +SKIP
    >>> session.presses()[["start_s", "peak_newton", "peak_nrs"]]  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path) -> None:
        with Record(user_path(folder)) as record:
            self.folder = record.folder
            self._start = record.start

    def __repr__(self) -> str:
        return f"<RecordedSession {self.folder}: {self.settings.get('patient', '?')}, {self.duration_s:.1f} s>"

    @property
    def start(self) -> m.SessionStart:
        """What was known before the first frame: ``wall_time_iso``, ``session_id``, ``version``, ``seed``, …"""
        return self._start

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The session's configuration as it was recorded, by section: ``settings["voice"]["identity"]``.

        Names are those of the version that recorded it.
        """
        try:
            found: dict[str, Any] = msgspec.json.decode(self._start.config_json, type=dict)
        except msgspec.DecodeError as error:
            raise RecordError(f"{self.folder}: table start holds no configuration ({error})") from error
        return found

    @property
    def duration_s(self) -> float:
        """From the start to the end, s; of a session that was killed, or still runs, to the last force."""
        with Record(self.folder) as record:
            stop = record.stop
            end_ns = [stop.t_ns] if stop else record.table("force", "t_ns")["t_ns"][-1:]
        return (int(end_ns[0]) - self._start.t_ns) * 1e-9 if len(end_ns) else 0.0

    def table(self, topic: str) -> pandas.DataFrame:
        """Any recorded topic (``robopatient.topics``), a row a message in the order in which they were recorded.

        ``t_ns`` becomes ``t_s``; columns that hold several numbers become one column each (``cells_newton_0``, …).

        Raises
        ------
        RecordError
            When there is no such topic; with those there are.
        """
        with Record(self.folder) as record:
            return self._frame(record.table(topic))

    def presses(self) -> pandas.DataFrame:
        """One row a press, as in ``presses.csv``: ``start_s``, ``peak_newton``, ``region``, ``peak_nrs``, … .

        Where the face was not visible, ``peak_pspi`` and ``face_latency_ms`` are NaN.
        """
        with Record(self.folder) as record:
            rows = [msgspec.structs.asdict(row) for row in press_rows(record)]
        table: pandas.DataFrame = require("pandas", "study").DataFrame(rows, columns=PressRow.__struct_fields__)
        return table

    def force(self) -> pandas.DataFrame:
        """Force of every turn: ``t_s``, ``total_newton``, ``cells_newton_0`` to ``_3``, ``contact_x_mm``, …"""
        return self.table("force")

    def pain(self) -> pandas.DataFrame:
        """Pain of every turn of the loop: ``t_s``, ``nrs`` felt, ``report_nrs``, ``face_nrs``, ``voice_nrs``, ``site``.

        The parts that it is made of are ``components.nociception``, ``components.guarding`` and so on, NRS.
        """
        return self.table("pain")

    def voice(self) -> pandas.DataFrame:
        """What was heard, a row a block of sound: ``t_s``, ``level_dbfs``, ``f0_hz`` (0: unvoiced), ``call``, …

        The samples themselves are ``folder / "voice.wav"``.
        """
        return self.table("heard")

    def face(self) -> pandas.DataFrame:
        """What was seen, a row a picture: ``t_s``, ``pspi`` 0 to 16, ``au.AU4`` … 0 to 5, ``head_pitch_deg``, … .

        Every span in which nobody saw the face has one row in its middle with NaN in all columns of numbers: a plot
        draws no line across it, and a mean leaves it out.
        """
        pd = require("pandas", "study")
        with Record(self.folder) as record:
            visible = load_visibility(record)
            seen = visible.table()
        del seen["row"]
        table = self._frame(seen)
        middle_s = [((gap.begin_ns + gap.end_ns) / 2 - self._start.t_ns) * 1e-9 for gap in visible.gaps]
        if not middle_s:
            return table
        gaps = pd.DataFrame({"t_s": middle_s}).reindex(columns=table.columns)
        numbers = table.select_dtypes("number").astype(float)
        table = pd.concat([table.assign(**numbers), gaps.astype(dict.fromkeys(numbers, float))])
        joined: pandas.DataFrame = table.sort_values("t_s", ignore_index=True)
        return joined

    def trials(self) -> pandas.DataFrame:
        """Every attempt at a trial of a study; ``counts`` is 1 in the rows to analyse. Empty without a study.

        A factor of the design is the column ``factor.NAME``.
        """
        pd = require("pandas", "study")
        rows = read_trial_table(self.folder).rows
        table: pandas.DataFrame = pd.DataFrame(rows, columns=[column.name for column in explain(rows)])
        return table

    def events(self) -> pandas.DataFrame:
        """What happened, in the order of time: ``t_s``, ``topic``, ``source`` and ``text``.

        Topics are "action" (of the operator, a trainer or a script), "said" and "spoken" (of the patient), "scenario",
        "rating" and "note" (of the session itself).
        """
        with Record(self.folder) as record:
            found = [(one, topic) for topic in EVENTS for one in record.messages(topic)]
        found.sort(key=lambda event: event[0].t_ns)
        rows = [((one.t_ns - self._start.t_ns) * 1e-9, topic, *_in_words(one)) for one, topic in found]
        table: pandas.DataFrame = require("pandas", "study").DataFrame(rows, columns=["t_s", "topic", "source", "text"])
        return table

    def _frame(self, columns: dict[str, np.ndarray]) -> pandas.DataFrame:
        """Columns of a record as a table with ``t_s`` in the first place."""
        pd = require("pandas", "study")
        flat: dict[str, np.ndarray] = {"t_s": (columns["t_ns"] - self._start.t_ns) * 1e-9}
        for name, values in columns.items():
            if values.ndim == 2:
                flat |= {f"{name}_{index}": values[:, index] for index in range(values.shape[1])}
            elif name != "t_ns":
                flat[name] = values
        table: pandas.DataFrame = pd.DataFrame(flat)
        return table


def read_session(folder: str | Path) -> RecordedSession:
    """Open a session that was recorded: tables on one clock, times in s from its start.

    Parameters
    ----------
    folder
        That ``robopatient run`` or ``Live`` wrote, or the ``record.sqlite`` in it.

    Raises
    ------
    RecordError
        When there is no record, or it is damaged, or of a newer version.

    Examples
    --------
    >>> import robopatient as rp
    >>> session = rp.read_session("sessions/20261130-202223")  # doctest: +SKIP
    >>> session.pain()["nrs"].max()  # doctest: +SKIP
    """
    return RecordedSession(folder)


def _in_words(event: Any) -> tuple[str, str]:
    """Who, and what in words."""
    match event:
        case m.OperatorAction():
            return event.source, f"{event.action} {event.argument}".strip()
        case m.ScenarioChange():
            return "scenario", event.text or event.event or event.state
        case m.Rating():
            return event.rater, f"{event.scale} {event.value:g}"
        case m.Note():
            return event.source, event.text
    return "patient", event.text
