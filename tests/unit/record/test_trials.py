"""Trials leave the record whole: as a tidy table, as Parquet, as a data set that the BIDS validator accepts."""

import csv
import gzip
import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.needs import module

from experiments.benchmarks.simulated_study import START_NS, simulated_trials, write_session
from firmware_bridge.errors import OutputError
from robopatient import messages as m
from robopatient.errors import RecordError
from robopatient.record.bids import write_bids
from robopatient.record.physio import evenly, recorded_force, write_physio
from robopatient.record.reader import Record
from robopatient.record.tables import write_tables
from robopatient.record.trials import explain, read_trial_table
from robopatient.record.writer import RecordWriter
from robopatient.session.replay import session_force
from robopatient.study.cli import export_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with two sessions each; the force of four seconds in the first."""
    folder = tmp_path_factory.mktemp("study")
    for person in ("P1", "P-2"):
        for session in (1, 2):
            force_s = 4.0 if session == 1 else 0.0
            write_session(folder / f"made_up_{person}_s{session}", person, session, 20, seed=3, force_s=force_s)
    return folder


def rows_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_every_attempt_is_a_row_and_one_of_each_trial_counts(study: Path) -> None:
    table = read_trial_table(study)
    made = [row for person in ("P-2", "P1") for s in (1, 2) for row in simulated_trials(person, s, 20, 3)]
    assert len(table.rows) == len(made)
    assert sum(row["counts"] for row in table.rows) == 80
    assert all(row["status"] == "done" for row in table.rows if row["counts"])
    row = next(row for row in table.rows if row["trigger_ns"])
    assert row["trigger_to_sound_ms"] == pytest.approx((row["sound_ns"] - row["trigger_ns"]) * 1e-6, abs=1e-3)
    assert row["onset_s"] == pytest.approx((row["trigger_ns"] - START_NS) * 1e-9)


def test_an_answer_that_was_taken_back_stays_and_does_not_count(tmp_path: Path) -> None:
    first, second = [row for row in simulated_trials("P1", 1, 10, 1) if row.status == "done"][:2]
    again = msgspec.structs.replace(
        first, attempt=first.attempt + 1, response="disagree", response_value=2.0, corrects=first.trial
    )
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        writer.put(m.SessionStart(START_NS, "2026-03-01T09:00:00+01:00", "s", "0", "", 1, "{}", "{}", {}))
        for row in (first, second, again):
            writer.put(row)
    table = read_trial_table(tmp_path)
    assert [row["counts"] for row in table.rows] == [0, 1, 1]
    assert table.rows[2]["corrects"] == first.trial
    assert table.cut_off == [tmp_path.name]


def test_a_session_gone_on_with_counts_each_trial_once(tmp_path: Path) -> None:
    write_session(tmp_path / "made_up_P1_s1", "P1", 1, 12, seed=1, stop=False)
    write_session(tmp_path / "made_up_P1_s1_2", "P1", 1, 30, seed=1)
    table = read_trial_table(tmp_path)
    assert sum(row["counts"] for row in table.rows) == 30


def test_every_column_is_explained(study: Path) -> None:
    for column in explain(read_trial_table(study).rows):
        assert column.meaning, column.name
    units = {column.name: column.unit for column in explain(read_trial_table(study).rows)}
    assert units["peak_newton"] == "N"
    assert units["factor.force_newton"] == "N"
    assert units["response_time_s"] == "s"
    assert units["level_dbfs"] == "dBFS"


def test_csv_and_parquet_hold_the_same_cells(study: Path, tmp_path: Path) -> None:
    parquet = module("pyarrow.parquet", "study")
    table = read_trial_table(study)
    write_tables(table, tmp_path)
    text = rows_of(tmp_path / "trials.csv")
    binary = parquet.read_table(tmp_path / "trials.parquet").to_pylist()
    assert len(text) == len(binary) == len(table.rows)
    for plain, packed, row in zip(text, binary, table.rows, strict=True):
        assert plain["response"] == packed["response"] == row["response"]
        assert packed["factor.amplitude"] == row["factor.amplitude"] == float(plain["factor.amplitude"])
        assert packed["response_value"] == row["response_value"]
    field = parquet.read_schema(tmp_path / "trials.parquet").field("peak_newton")
    assert field.metadata[b"unit"] == b"N"
    named = {line["name"] for line in rows_of(tmp_path / "dictionary.csv")}
    assert named == set(text[0])


def test_bids_holds_every_row_and_the_clock_of_the_force(study: Path, tmp_path: Path) -> None:
    written = write_bids(read_trial_table(study), tmp_path / "bids", session_force)
    place = tmp_path / "bids" / "sub-P1" / "ses-01" / "beh"
    stem = "sub-P1_ses-01_task-madeup_run-1"
    made = simulated_trials("P1", 1, 20, 3)
    behaviour = rows_of(place / f"{stem}_beh.tsv", "\t")
    assert [int(row["trial"]) for row in behaviour] == [row.trial for row in made]
    assert [row["response_value"] for row in behaviour] == [
        f"{row.response_value:g}" if row.status == "done" else "n/a" for row in made
    ]
    described = json.loads((place / f"{stem}_beh.json").read_text())
    assert set(behaviour[0]) <= set(described)
    assert described["TaskName"] == "made_up"
    events = rows_of(place / f"{stem}_events.tsv", "\t")
    onsets = [float(row["onset"]) for row in events]
    assert onsets == sorted(onsets)
    reaction = next(row for row in events if row["trial_type"] == "reaction")
    first = next(row for row in made if row.trigger_ns)
    assert float(reaction["onset"]) == pytest.approx((first.trigger_ns - START_NS) * 1e-9, abs=1e-6)
    physio = json.loads((place / f"{stem}_recording-force_physio.json").read_text())
    assert (physio["SamplingFrequency"], physio["StartTime"]) == (250.0, 0.0)
    with gzip.open(place / f"{stem}_recording-force_physio.tsv.gz", "rt") as file:
        values = np.loadtxt(file)
    assert values.shape == (1000, 5)
    assert values[:, 4].max() == pytest.approx(12.0, abs=0.01)
    np.testing.assert_allclose(values[:, :4].sum(axis=1), values[:, 4], atol=0.003)
    assert sorted(written.without_force) == ["made_up_P-2_s2", "made_up_P1_s2"]
    people = rows_of(tmp_path / "bids" / "participants.tsv", "\t")
    assert [(row["participant_id"], row["code"], row["trial_count"]) for row in people] == [
        ("sub-P2", "P-2", "40"), ("sub-P1", "P1", "40"),
    ]  # fmt: skip


def test_pybids_and_mne_bids_find_what_was_exported(study: Path, tmp_path: Path) -> None:
    bids, mne_bids = module("bids", "test"), module("mne_bids", "test")
    root = tmp_path / "bids"
    write_bids(read_trial_table(study), root, session_force)
    layout = bids.BIDSLayout(root)
    assert layout.get_subjects() == ["P1", "P2"]
    assert layout.get_sessions() == ["01", "02"]
    force = layout.get(suffix="physio", extension="tsv.gz", return_type="object")
    assert [one.get_metadata()["SamplingFrequency"] for one in force] == [250.0, 250.0]
    answers = layout.get(suffix="beh", extension="tsv", subject="P1", session="02")[0].get_df()
    assert list(answers["study_session"].unique()) == [2]
    assert sum(answers["counts"]) == 20
    assert mne_bids.get_entity_vals(root, "subject") == ["P1", "P2"]
    found = mne_bids.find_matching_paths(root, suffixes="physio", extensions=".tsv.gz")
    assert [(path.subject, path.session) for path in found] == [("P1", "01"), ("P2", "01")]


def test_force_begins_and_runs_as_the_record_has_it(study: Path, tmp_path: Path) -> None:
    write_bids(read_trial_table(study), tmp_path / "bids", session_force)
    for person in ("P1", "P-2"):
        with Record(study / f"made_up_{person}_s1") as record:
            measured = [force.t_ns for force in record.messages("force") if force.cells_newton]
            t_s = (np.array(measured) - record.start.t_ns) * 1e-9
        [physio] = (tmp_path / "bids").rglob(f"sub-{person.replace('-', '')}_ses-01_*_physio.json")
        told = json.loads(physio.read_text())
        assert told["StartTime"] == pytest.approx(t_s[0], abs=1e-6)
        assert told["SamplingFrequency"] == pytest.approx((len(t_s) - 1) / (t_s[-1] - t_s[0]), rel=1e-3)
        with gzip.open(physio.with_name(physio.name.replace(".json", ".tsv.gz")), "rt") as file:
            assert sum(1 for _ in file) == len(t_s)


def test_two_sites_with_one_code_are_two_people(tmp_path: Path) -> None:
    for number, site in enumerate(("north", "south")):
        write_session(tmp_path / "study" / site / "made_up_S01_s1", "S01", 1, 10, seed=number)
    table = read_trial_table(tmp_path / "study")
    assert {row["participant"] for row in table.rows} == {"north-S01", "south-S01"}
    assert sum(row["counts"] for row in table.rows) == 20
    assert table.remarks == [
        "Participant S01 of made_up is at several sites; taken for one person a site, called by its folder."
    ]
    write_bids(table, tmp_path / "bids", None)
    assert sorted(path.name for path in (tmp_path / "bids").glob("sub-*")) == ["sub-northS01", "sub-southS01"]


def test_two_people_of_one_code_in_one_folder_are_refused_and_a_copy_counts_once(tmp_path: Path) -> None:
    write_session(tmp_path / "a_S01", "S01", 1, 10, seed=1)
    shutil.copytree(tmp_path / "a_S01", tmp_path / "backup" / "a_S01")
    table = read_trial_table(tmp_path)
    assert sum(row["counts"] for row in table.rows) == 10
    assert table.remarks == [f"{tmp_path / 'backup' / 'a_S01'} is left out: a copy of {tmp_path / 'a_S01'}."]
    write_session(tmp_path / "b_S01", "S01", 1, 12, seed=2)
    with pytest.raises(RecordError, match=r"a_S01 and .*b_S01: both begin session 1 of participant S01"):
        read_trial_table(tmp_path)


def test_a_session_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path, capsys) -> None:
    for person in ("S01", "S02"):
        write_session(tmp_path / "study" / person, person, 1, 10, seed=1)
    (tmp_path / "study" / "S01" / "record.sqlite").write_bytes(b"damaged")
    assert export_study(tmp_path / "study", tmp_path / "out", recorded_force=False) == 1
    assert "left out:" in (told := capsys.readouterr().out)
    assert "S01/record.sqlite: cannot be read" in told
    assert {row["participant"] for row in rows_of(tmp_path / "out" / "trials.csv")} == {"S02"}
    (tmp_path / "study" / "S02" / "record.sqlite").write_bytes(b"damaged")
    with pytest.raises(RecordError, match="none of its 2 sessions can be read"):
        read_trial_table(tmp_path / "study")


def test_codes_that_become_one_label_are_refused(tmp_path: Path) -> None:
    for number, person in enumerate(("P-1", "P1")):
        write_session(tmp_path / "study" / f"s{number}", person, 1, 4, seed=1)
    with pytest.raises(RecordError, match="letters and digits only"):
        write_bids(read_trial_table(tmp_path / "study"), tmp_path / "bids", None)


def test_an_older_export_is_not_written_over(study: Path, tmp_path: Path) -> None:
    export_study(study, tmp_path, recorded_force=False)
    (tmp_path / "trials.csv").write_text("mine")
    (tmp_path / "bids" / "old.txt").touch()
    with pytest.raises(OutputError, match=r"trials.csv: exists"):
        export_study(study, tmp_path, recorded_force=False)
    with pytest.raises(OutputError, match="bids: exists"):
        export_study(study, tmp_path, tables=False)
    assert (tmp_path / "trials.csv").read_text() == "mine"
    export_study(study, tmp_path, recorded_force=False, force=True)
    assert (tmp_path / "trials.csv").read_text() != "mine"
    assert not (tmp_path / "bids" / "old.txt").exists()


def test_sessions_without_a_trial_say_what_to_run(tmp_path: Path) -> None:
    write_session(tmp_path / "study", "P1", 1, 0, seed=1)
    with pytest.raises(RecordError, match="without a trial; run a study with"):
        export_study(tmp_path / "study", tmp_path / "out")


def test_uneven_samples_come_onto_an_even_clock_and_gaps_stay_gaps() -> None:
    random = np.random.default_rng(1)
    t_ns = np.sort(random.integers(0, 2_000_000_000, 1800))
    t_ns = t_ns[(t_ns < 700_000_000) | (t_ns > 1_000_000_000)]
    signal = evenly(t_ns, 5 * np.sin(t_ns * 2e-9)[:, None], 1000.0, ("total",))
    at_s = (t_ns[0] * 1e-9) + np.arange(len(signal.values)) / 1000
    known = np.isfinite(signal.values[:, 0])
    np.testing.assert_allclose(signal.values[known, 0], 5 * np.sin(at_s[known] * 2), atol=0.02)
    lost_s = at_s[~known]
    assert lost_s.min() == pytest.approx(0.7, abs=0.01)
    assert lost_s.max() == pytest.approx(1.0, abs=0.01)


def test_unknown_force_is_written_as_such(tmp_path: Path) -> None:
    signal = evenly(np.array([0, 4_000_000, 300_000_000]), np.array([[1.0], [-0.25], [2.0]]), 250.0, ("total",))
    write_physio(signal, tmp_path / "force.tsv.gz")
    with gzip.open(tmp_path / "force.tsv.gz", "rt") as file:
        lines = file.read().split()
    assert lines[:3] == ["1", "-0.25", "n/a"]
    assert lines[-1] == "2"


def test_a_record_without_force_has_none(study: Path) -> None:
    with Record(study / "made_up_P1_s2") as record:
        assert recorded_force(record) is None
