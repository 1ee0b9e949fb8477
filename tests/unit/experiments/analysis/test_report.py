"""The page says what was found, in figures and words, for every kind of question; nothing is fetched from elsewhere."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from experiments.analysis import charts
from experiments.analysis.cli import analyse_study
from experiments.analysis.report import page
from experiments.analysis.results import Results, analyse_trials
from experiments.analysis.trials import trials_of
from experiments.analysis.words import in_short
from experiments.benchmarks.simulated_study import TRUE_WEIGHTS, write_session

Rows = list[dict[str, object]]


def results(rows: Rows) -> Results:
    (trials,) = trials_of(rows, "table")
    return analyse_trials(trials)


def shown(rows: Rows) -> tuple[Results, str]:
    found = results(rows)
    return found, page(found, charts.draw(found))


def delays(people: int = 5) -> Rows:
    random = np.random.default_rng(1)
    rows: Rows = []
    for person in range(people):
        for trial in range(60):
            channel, delay_ms = ("voice", "face")[trial % 2], 100.0 * random.integers(0, 8)
            late = random.random() < 0.02 + 0.96 / (1 + np.exp(-(delay_ms - (200 if channel == "voice" else 400)) / 50))
            rows.append(
                {"participant": f"P{person}", "question": "late", "response_value": int(late), "channel": channel,
                 "delay_ms": delay_ms}
            )  # fmt: skip
    return rows


def test_a_whole_study_is_written_to_a_folder_and_its_truth_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for person in range(6):
        write_session(tmp_path / "study" / f"P{person}", f"P{person}", 1, 192, seed=4)
    analyse_study(tmp_path / "study", tmp_path / "out")
    assert "6 people, 1152 trials" in capsys.readouterr().out
    numbers = json.loads((tmp_path / "out" / "analysis.json").read_text())
    found = {row["term"]: row for row in numbers["own_main"]}
    for term, truth in TRUE_WEIGHTS.items():
        assert found[term]["low"] - 0.02 < truth < found[term]["high"] + 0.02, term
    text = (tmp_path / "out" / "report.html").read_text()
    assert not re.search(r'(src|href)="(?!#|data:)', text)
    assert "trigger to sound" in text
    assert "PSE" not in text
    pictures = {path.stem for path in (tmp_path / "out" / "figures").glob("*.png")}
    assert {"answers", "levels", "curves", "weights", "timing", "importances"} <= pictures
    assert (tmp_path / "out" / "tables" / "model_pooled.csv").exists()
    identifiers = re.findall(r' id="([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers))


def test_a_study_of_delays_gives_a_function_for_voice_and_one_for_face() -> None:
    found, text = shown(delays())
    assert found.psychometric_by == "channel"
    assert found.psychometric["voice"].pse == pytest.approx(200, abs=50)
    assert found.psychometric["face"].pse == pytest.approx(400, abs=60)
    assert "Psychometric functions" in text
    assert "The published analysis" not in text


def test_magnitudes_give_a_law_for_each_modality() -> None:
    random = np.random.default_rng(2)
    rows: Rows = [
        {"participant": f"P{person}", "question": "magnitude", "modality": name, "intensity": level,
         "response_value": 10 * level**exponent * random.lognormal(0, 0.1)}
        for person in range(5) for name, exponent in (("voice", 0.67), ("force", 1.1)) for level in (1.0, 2.0, 4.0, 8.0)
        for _ in range(3)
    ]  # fmt: skip
    found, text = shown(rows)
    assert found.power_laws["voice"].exponent == pytest.approx(0.67, abs=0.06)
    assert found.power_laws["force"].exponent == pytest.approx(1.1, abs=0.06)
    assert "Magnitudes" in text


def test_a_choice_between_films_counts_the_film_and_not_its_place() -> None:
    rows: Rows = []
    for person in range(6):
        for trial in range(40):
            first = ("generated", "reference")[trial % 2]
            generated = trial % 10 < 3
            rows.append(
                {"participant": f"P{person}", "question": "realism", "first": first, "clip": f"{trial // 2:02d}",
                 "response_value": 0 if generated == (first == "generated") else 1}
            )  # fmt: skip
    found, text = shown(rows)
    assert found.choice is not None
    assert (found.choice.option, found.choice.share) == ("generated", pytest.approx(0.3))
    assert "chose generated over reference in 30.0" in in_short(found)[0]
    assert "31.2 %" in text


def test_a_signed_scale_gives_points_of_equality_that_rise_with_the_force() -> None:
    random = np.random.default_rng(3)
    rows: Rows = [
        {"participant": f"P{person}", "question": "signed", "force_newton": force, "amplitude_db": level,
         "response_value": int(np.clip(round((level - 2 * force + random.normal(0, 3)) / 4), -3, 3))}
        for person in range(5) for force in (5.0, 10.0) for level in (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
        for _ in range(6)
    ]  # fmt: skip
    found, text = shown(rows)
    assert found.psychometric[5.0].pse == pytest.approx(10, abs=1.5)
    assert found.psychometric[10.0].pse == pytest.approx(20, abs=1.5)
    assert "Neither too weak nor too strong at 5 N: amplitude" in " ".join(in_short(found))
    assert "PSE" in text


def test_what_a_table_cannot_carry_is_said_on_the_page() -> None:
    found, text = shown([row for row in delays() if row["participant"] == "P0"])
    assert "with fewer than 3 nothing can be said about others" in text
    assert found.own_main is None


def test_words_from_a_table_are_written_as_text() -> None:
    rows = delays(3)
    for row in rows:
        row["study"] = "<script>alert(1)</script>"
    assert "<script>" not in shown(rows)[1]
