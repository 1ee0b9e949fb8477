"""Tables of several origins are read alike; what cannot be used is named with its place."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.analysis.results import analyse_trials
from experiments.analysis.trials import read_trials, trials_of
from experiments.benchmarks.simulated_study import simulated_trials, write_session
from policies.errors import AnalysisError
from robopatient.errors import RecordError
from robopatient.record.tables import write_tables
from robopatient.record.trials import read_trial_table

Rows = list[dict[str, object]]


def published(people: int = 4, trials: int = 48) -> Rows:
    """Rows as in the published table."""
    rows: Rows = []
    for person in range(people):
        for trial in simulated_trials(f"P{person}", 1, trials, seed=1):
            if trial.status == "done":
                rows.append(
                    {
                        "participant": f"P{person}", "voice_sex": "female", "trial": trial.trial + 1,
                        "force_threshold_n": trial.factors["force_newton"], "sound": int(trial.factors["sound"]),
                        "amplitude": round(float(trial.factors["amplitude"]), 5), "pitch": trial.factors["pitch"],
                        "choice": "dcba"[round(trial.response_value) - 1],
                    }
                )  # fmt: skip
    return rows


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(rows: Rows, name: str = "trials.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def test_the_published_table_is_read_as_it_is(written: Callable[..., Path]) -> None:
    (trials,) = read_trials(written(published()))
    assert trials.question == "agree"
    assert trials.scale == (1.0, 2.0, 3.0, 4.0)
    assert [(f.name, len(f.levels), f.ordered) for f in trials.factors] == [
        ("force_newton", 4, True), ("amplitude", 4, True), ("pitch", 4, True), ("sound", 3, False),
    ]  # fmt: skip
    assert sorted(trials.table["level.amplitude"].unique()) == [-1.5, -0.5, 0.5, 1.5]
    agreed = trials.table["choice"].isin(["a", "b"])
    assert (agreed == (trials.table["answer"] >= 2)).all()


def test_the_studys_own_table_with_tabs_and_commas_is_read(tmp_path: Path) -> None:
    lines = ["Gender,Amp,Pitch,Sound,Choice,ForceThresh\tParticipant"]
    lines += [
        f"{1 + index % 2},{0.33333 if index % 3 else 1},{0.7 + 0.2 * (index % 4):.1f},{1 + index % 3},"
        f"{'abcd'[index % 4]},{5 * (1 + index % 4)}\tS{index % 3}"
        for index in range(24)
    ]
    path = tmp_path / "combined_data.csv"
    path.write_text("\n".join(lines))
    (trials,) = read_trials(path)
    assert len(trials.table) == 24
    assert {f.name for f in trials.factors} == {"voice", "amplitude", "pitch", "sound", "force_newton"}


def test_a_record_a_csv_and_a_parquet_file_say_the_same(tmp_path: Path) -> None:
    for person in ("P1", "P2", "P3"):
        write_session(tmp_path / "study" / person, person, 1, 24, seed=2)
    write_tables(read_trial_table(tmp_path / "study"), tmp_path / "out")
    (of_record,) = read_trials(tmp_path / "study")
    (of_csv,) = read_trials(tmp_path / "out" / "trials.csv")
    (of_parquet,) = read_trials(tmp_path / "out" / "trials.parquet")
    columns = ["participant", "trial", "answer", "level.amplitude", "level.force_newton"]
    for other in (of_csv, of_parquet):
        assert other.table[columns].astype(str).to_numpy().tolist() == (
            of_record.table[columns].astype(str).to_numpy().tolist()
        )
        assert other.factors == of_record.factors
    assert len(of_record.table) == 72
    missed = sum(row.status == "missed" for p in ("P1", "P2", "P3") for row in simulated_trials(p, 1, 24, 2))
    assert of_record.dropped == ({"not finished or not valid": missed} if missed else {})


def test_a_session_that_was_cut_off_is_read_and_said(tmp_path: Path) -> None:
    write_session(tmp_path / "P1", "P1", 1, 12, seed=2, stop=False)
    (trials,) = read_trials(tmp_path / "P1")
    assert len(trials.table) == 12
    assert "P1 has no end" in trials.remarks[0]


def test_an_empty_record_says_what_to_run(tmp_path: Path) -> None:
    write_session(tmp_path / "P1", "P1", 1, 0, seed=2)
    with pytest.raises(AnalysisError, match="no finished trial; run one with"):
        read_trials(tmp_path / "P1")
    (tmp_path / "none").mkdir()
    with pytest.raises(RecordError, match="holds no session"):
        read_trials(tmp_path / "none")


def test_a_constant_rater_is_named(written: Callable[..., Path]) -> None:
    rows = published()
    for row in rows:
        if row["participant"] == "P2":
            row["choice"] = "b"
    (trials,) = read_trials(written(rows))
    assert trials.remarks[0].startswith("P2 gave the same answer every time")
    assert analyse_trials(trials, published=False).pooled is not None


def test_everybody_constant_leaves_models_out_with_the_reason(written: Callable[..., Path]) -> None:
    rows = [row | {"choice": "b"} for row in published()]
    (trials,) = read_trials(written(rows))
    found = analyse_trials(trials, published=False)
    assert found.pooled is None
    assert "everybody always answered alike" in found.skipped["cumulative-link model"]


@pytest.mark.parametrize("people", [1, 2])
def test_too_few_people_leave_intervals_out_with_the_reason(written: Callable[..., Path], people: int) -> None:
    (trials,) = read_trials(written(published(people)))
    found = analyse_trials(trials, published=False)
    assert found.pooled is not None
    assert found.pooled["low"].isna().all()
    assert found.own_main is None
    assert f"here are {people}" in found.skipped["cumulative-link mixed model"]
    assert f"there are {people} people" in found.skipped["intervals over people"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row | {"choice": "e"}, "line 2: choice 'e' is no answer; known are a, b, c, d"),
        (lambda row: row | {"amplitude": "loud"}, "line 2: amplitude 'loud' is no number"),
    ],
)
def test_a_wrong_cell_is_named(written: Callable[..., Path], change: Callable[..., dict], message: str) -> None:
    rows = published()
    rows[0] = change(rows[0])
    with pytest.raises(AnalysisError, match=message):
        read_trials(written(rows))


def test_a_value_that_is_not_on_the_scale_is_named() -> None:
    rows = [{"participant": "A", "question": "agree", "response_value": value, "force": 5.0} for value in (1, 2, 7)]
    with pytest.raises(AnalysisError, match="7 is no answer to question agree; it has 1, 2, 3, 4"):
        trials_of(rows, "table")


def test_missing_columns_and_what_is_there_are_named(written: Callable[..., Path]) -> None:
    with pytest.raises(AnalysisError, match="needs participant and either choice"):
        read_trials(written([{"person": "A", "answer": 1}]))
    with pytest.raises(AnalysisError, match="two columns mean 'amplitude'"):
        read_trials(written([row | {"amp": 1.0} for row in published(1)]))


def test_a_missing_factor_is_counted_and_left_out(written: Callable[..., Path]) -> None:
    rows = published()
    rows[0] |= {"amplitude": ""}
    (trials,) = read_trials(written(rows))
    assert trials.dropped == {"without amplitude": 1}
    assert len(trials.table) == len(rows) - 1


def test_a_file_that_was_cut_off_names_the_line(written: Callable[..., Path]) -> None:
    path = written(published())
    text = path.read_text()
    path.write_text(text[: text.rindex(",")])
    with pytest.raises(AnalysisError, match=r"line \d+: 7 cells, the header has 8"):
        read_trials(path)


def test_an_empty_and_an_absent_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(AnalysisError, match="is empty"):
        read_trials(tmp_path / "empty.csv")
    with pytest.raises(AnalysisError, match="no such file"):
        read_trials(tmp_path / "absent.csv")


def test_catch_trials_lend_no_levels_to_the_factors() -> None:
    rows = [
        {"participant": "A", "question": "agree", "response_value": 1 + index % 4, "amplitude": 0.1 * (1 + index % 3)}
        for index in range(12)
    ]
    rows.append({"participant": "A", "question": "agree", "response_value": 1, "amplitude": 0.0, "kind": "catch"})
    (trials,) = trials_of(rows, "table")
    factor = trials.factor("amplitude")
    assert factor is not None
    assert len(factor.levels) == 3
    assert len(trials.main) == 12
