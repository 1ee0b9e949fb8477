"""Records of a version whose PSPI left out one-sided units: they tell what was shown, whichever way they are read."""

import csv
from pathlib import Path

import msgspec
import numpy as np
import pytest

from experiments.benchmarks.simulated_study import simulated_trials, write_session
from robopatient import messages as m
from robopatient.record.debrief_scales import grade_items
from robopatient.record.export import export_csv
from robopatient.record.presses import press_rows
from robopatient.record.reader import Record
from robopatient.record.tables import write_tables
from robopatient.record.trials import explain, read_trial_table
from robopatient.record.writer import RecordWriter

PAINED = {"AU4": 2.0, "AU6L": 1.0, "AU6R": 3.0, "AU10L": 2.5, "AU10R": 2.0}
OLD_PSPI, TRUE_PSPI = 0.0, 7.5
S = 1_000_000_000


def old_frames(start_ns: int, until_s: float, shown_s: tuple[float, float]) -> list[m.Seen]:
    """Pictures ten times a second, in pain for a while, with the number that was written beside them."""
    frames = []
    for frame in range(round(until_s * 10)):
        t_s = frame / 10
        au = PAINED if shown_s[0] <= t_s < shown_s[1] else {}
        frames.append(m.Seen(start_ns + round(t_s * S), frame, frame, start_ns, m.FacePose(au), OLD_PSPI))
    return frames


def written(folder: Path, messages: list[m.Message]) -> Path:
    with RecordWriter(folder, min_free_mb=1) as writer:
        for message in messages:
            writer.put(message)
    return folder


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Three seconds with one press at the first."""
    start = m.SessionStart(5 * S, "2026-03-14T09:26:53+01:00", "old", "0.1.0", "", 1, "{}", "{}", {})
    press = m.Press(6 * S, 10, 6 * S + S // 2, 15, 7 * S, 9.0, 20.0, 1.0, 2.0, "umbilical")
    return written(tmp_path / "old", [start, *old_frames(5 * S, 3.0, (1.0, 2.0)), press])


def test_pspi_is_worked_out_from_the_units_whichever_way_it_is_read(old: Path, tmp_path: Path) -> None:
    with Record(old) as record:
        assert [one.pspi for one in record.messages("seen")] == [0.0] * 10 + [TRUE_PSPI] * 10 + [0.0] * 10
        assert record.message("seen", 12).pspi == TRUE_PSPI
        assert record.table("seen")["pspi"].max() == TRUE_PSPI
        assert record.table("seen", "t_ns", "pspi")["pspi"].max() == TRUE_PSPI
        export_csv(record, tmp_path / "csv")
    with (tmp_path / "csv" / "seen.csv").open(newline="") as file:
        assert max(float(row["pspi"]) for row in csv.DictReader(file)) == TRUE_PSPI


def test_a_press_and_a_scale_of_an_old_record_see_the_face(old: Path) -> None:
    with Record(old) as record:
        [row] = press_rows(record)
        seen = record.table("seen")
    assert row.peak_pspi == TRUE_PSPI
    heard = {"t_ns": np.array([], int), "level_dbfs": np.array([]), "call": np.array([], object)}
    grades = grade_items(seen, heard, 5 * S, 8 * S)
    assert "PSPI up to 7.5" in {grade.why.partition(",")[0] for grade in grades}


def test_a_number_that_every_version_agrees_about_is_left_alone(tmp_path: Path) -> None:
    frame = m.Seen(9 * S, 99, 99, 5 * S, m.FacePose({"AU4": 0.3, "AU6": 0.1}), 0.1 + 0.3)
    with Record(written(tmp_path, [frame])) as record:
        assert record.messages("seen") == [frame]


def test_a_trial_of_an_old_record_tells_the_largest_pspi_of_its_reaction(tmp_path: Path) -> None:
    trial = next(row for row in simulated_trials("P1", 1, 20, 3) if row.status == "done" and row.frame_ns)
    asked_ns = trial.response_ns - round(trial.response_time_s * S)
    trial = msgspec.structs.replace(trial, au=PAINED, pspi=OLD_PSPI)
    frames = [
        m.Seen(trial.frame_ns, 1, 1, 0, m.FacePose(PAINED), OLD_PSPI),
        m.Seen(asked_ns + S // 10, 2, 2, 0, m.FacePose({"AU6L": 5.0, "AU10R": 5.0, "AU4": 5.0}), OLD_PSPI),
    ]
    folder = tmp_path / "study"
    write_session(folder, "P1", 1, 0, seed=3)
    with Record(folder) as record:
        start = record.start
    written(tmp_path / "old", [start, *frames, trial])
    with Record(tmp_path / "old") as record:
        [read] = record.messages("trial")
    assert read == msgspec.structs.replace(trial, pspi=TRUE_PSPI)


def test_a_trial_without_its_pictures_keeps_its_number(tmp_path: Path) -> None:
    trial = next(row for row in simulated_trials("P1", 1, 20, 3) if row.status == "done")
    trial = msgspec.structs.replace(trial, au=PAINED, pspi=4.0)
    with Record(written(tmp_path, [trial])) as record:
        assert record.messages("trial") == [trial]


def test_the_table_of_trials_has_each_unit_with_both_its_sides(tmp_path: Path) -> None:
    folder = tmp_path / "s1"
    write_session(folder, "P1", 1, 0, seed=3)
    with Record(folder) as record:
        start = record.start
    trial = next(row for row in simulated_trials("P1", 1, 20, 3) if row.status == "done")
    written(tmp_path / "s2", [start, msgspec.structs.replace(trial, au={"AU6L": 1.0, "AU6R": 3.0, "AU4": 2.0})])
    table = read_trial_table(tmp_path / "s2")
    write_tables(table, tmp_path / "out")
    with (tmp_path / "out" / "trials.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert [float(row[f"au.{name}"]) for name in ("AU6", "AU6L", "AU6R", "AU4", "AU4L", "AU4R")] == [3, 1, 3, 2, 2, 2]
    meaning = {column.name: column.meaning for column in explain(table.rows)}
    assert meaning["au.AU6"] == "Largest intensity of AU6 shown in the reaction, of the stronger side."
    assert meaning["au.AU6L"] == "Largest intensity of AU6 shown in the reaction, on the patient's left."
