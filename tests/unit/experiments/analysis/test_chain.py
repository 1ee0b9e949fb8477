"""What a lab does after its last participant, for every shipped study: export the sessions, then analyse the table.

Sessions hold the rows of the study's own plan, answered by simulated people; that a session of the whole chain leaves
such rows is shown in test_study_lab.py.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.analysis import folder
from experiments.analysis import results as results_module
from experiments.analysis.cli import analyse_study
from experiments.analysis.results import analyse_trials
from experiments.analysis.trials import trials_of
from experiments.analysis.words import published_steps
from experiments.benchmarks.simulated_study import START_NS, simulated_trials
from experiments.studies.simulated_people import people_of
from policies.errors import AnalysisError
from robopatient import messages as m
from robopatient.record.writer import RecordWriter
from robopatient.study.attempt import Attempt
from robopatient.study.cli import export_study
from robopatient.study.log import Log
from robopatient.study.questions import question
from robopatient.study.study import load_study, study_names
from robopatient.study.trials import Person

PEOPLE = 3
S = 1_000_000_000


def simulated_sessions(name: str, folder: Path) -> None:
    """One session for each of three people: every trial of the plan, answered once."""
    study = load_study(name)
    for number, who in enumerate(people_of("psychophysical", PEOPLE, 1), 1):
        person = Person(f"S{number:02d}", 1, study.file.seed)
        who.begin(1)
        plan = study.plan(person)
        log = Log(study, plan)
        place = 0
        with RecordWriter(folder / f"{name}_{person.code}", min_free_mb=1) as writer:
            wall = f"2026-03-0{number}T09:00:00+01:00"
            writer.put(m.SessionStart(START_NS, wall, person.code, "0.1.0", "", 1, "{}", "{}", {}))
            for block, part in enumerate(plan.blocks):
                for trial in part.trials:
                    factors = log.factors(place)
                    stimulus = study.stimulus(person, factors)
                    attempt = Attempt(place, block, trial, factors, stimulus)
                    attempt.trigger_ns = attempt.asked_ns = START_NS + (6 * place + 1) * S
                    attempt.peak = attempt.force_at_trigger = stimulus.trigger_newton
                    asked = question(stimulus.question or study.file.question)
                    label, value = asked.read(who.answer(asked, factors, stimulus))
                    given_ns = attempt.asked_ns + 2 * S
                    row = attempt.row(plan, "done", asked.name, given_ns, label, value, given_ns)
                    log.add(row)
                    writer.put(row)
                    place += 1
            writer.put(m.SessionStop(START_NS + 6 * place * S, "done"))


@pytest.mark.parametrize("name", study_names())
def test_every_shipped_study_is_analysed_from_its_export(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(folder, "analyse_trials", analyse_trials)
    simulated_sessions(name, tmp_path / "sessions")
    export_study(tmp_path / "sessions", tmp_path / "export")
    analyse_study(tmp_path / "export" / "trials.csv", tmp_path / "out")
    told = capsys.readouterr().out
    assert f"{PEOPLE} people" in told
    for page in (tmp_path / "out").rglob("report.html"):
        numbers = json.loads((page.parent / "analysis.json").read_text())
        assert numbers["study"] == name
        assert (numbers["published"] is not None) == (name in WITH_PUBLISHED)


WITH_PUBLISHED = ("congruence_corrected", "congruence_replication")
"""Studies with the published factors."""


def made_up_rows(people: int = 3) -> list[dict[str, Any]]:
    rows = [row for person in range(people) for row in simulated_trials(f"P{person}", 1, 64, 3) if row.status == "done"]
    return [
        {"participant": row.participant, "question": row.question, "response_value": row.response_value, **row.factors}
        for row in rows
    ]


def test_sounds_that_are_words_are_coded_in_the_order_of_the_alphabet_and_the_page_says_so() -> None:
    names = ("ah", "cry", "moan")
    words = [{**row, "sound": names[int(row["sound"]) - 1]} for row in made_up_rows()]
    numbers = [{**row, "sound": names.index(row["sound"])} for row in words]
    found, same = (analyse_trials(trials_of(rows, "table")[0]) for rows in (words, numbers))
    assert found.published is not None
    assert same.published is not None
    assert (found.published.words, same.published.words) == ({"sound": names}, {})
    assert found.published.pca_shares == same.published.pca_shares
    assert found.published.importance_of_answer == same.published.importance_of_answer
    assert any("sound as 0 ah, 1 cry, 2 moan" in step.name for step in published_steps(found))


def test_a_force_in_words_is_left_out_with_its_reason() -> None:
    rows = [{**row, "force_newton": f"about {row['force_newton']:g}"} for row in made_up_rows()]
    found = analyse_trials(trials_of(rows, "table")[0])
    assert found.published is None
    assert "the levels of force_newton are words (about 10" in found.skipped["published analysis"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ValueError("could not convert string to float: 'ah'"), "the numbers of this table do not carry it"),
        (np.linalg.LinAlgError("Singular matrix"), "Singular matrix"),
        (ZeroDivisionError("division by zero"), "division by zero"),
        (AnalysisError("too few"), "too few"),
    ],
)
def test_what_fails_inside_one_model_is_left_out_and_the_others_stand(
    error: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    for model in ("published_pipeline", "ordinal_mixed", "by_pair", "forced_choice", "timings"):
        monkeypatch.setattr(results_module, model, fails)
    found = analyse_trials(trials_of(made_up_rows(), "table")[0])
    assert found.published is found.own_main is found.choice is None
    assert found.pairs == {}
    assert found.timing == []
    for name in ("published analysis", "cumulative-link mixed model", "agreed by force_newton and pitch", "timing"):
        assert why in found.skipped[name]
    assert found.pooled is not None
    assert found.levels


def test_a_fault_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise KeyError("a column")

    monkeypatch.setattr(results_module, "published_pipeline", fails)
    with pytest.raises(KeyError):
        analyse_trials(trials_of(made_up_rows(), "table")[0])
