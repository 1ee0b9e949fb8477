from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from policies.errors import PolicyError, TrialsError
from policies.evaluate import Yardstick
from policies.fitted_people import fit_people
from policies.populations import hierarchical_prior, read_population, write_population
from policies.rated_trials import read_rated_trials

HEADER = "participant,voice_sex,trial,force_threshold_n,sound,amplitude,pitch,choice\n"
AMPLITUDES, RATIOS, FORCES = (0.037037, 0.11111, 0.33333, 1.0), (0.7, 0.9, 1.1, 1.3), (5, 10, 15, 20)


def write(path: Path, people: int = 3, trials: int = 96, seed: int = 0) -> Path:
    """People who agree when the level suits the force; the first of them the more the louder."""
    rng = np.random.default_rng(seed)
    lines = []
    for person in range(people):
        for trial in range(trials):
            a, p, f = rng.integers(0, 4, 3)
            eta = 2.0 - abs(a - f) if person else a - 1.5
            choice = "dcba"[int(np.clip(round(eta + rng.normal(0, 0.7) + 1), 0, 3))]
            lines.append(f"R{person:02d},female,{trial + 1},{FORCES[f]},1,{AMPLITUDES[a]},{RATIOS[p]},{choice}\n")
    path.write_text(HEADER + "".join(lines))
    return path


def test_a_person_who_likes_it_loud_is_fitted_as_one(tmp_path: Path) -> None:
    people = fit_people(read_rated_trials(write(tmp_path / "t.csv")))
    loud, quiet = np.array([[0.9, 0.0]]), np.array([[-0.9, 0.0]])
    weak_press = np.array([[-1.0]])
    assert people.listener(0).merit(weak_press, loud) > people.listener(0).merit(weak_press, quiet) + 0.2
    assert people.listener(1).merit(weak_press, loud) < people.listener(1).merit(weak_press, quiet) - 0.2
    assert people.shrinkage in people.cross_validation


def test_what_is_known_of_others_does_not_depend_on_the_one_left_out(tmp_path: Path) -> None:
    people = fit_people(read_rated_trials(write(tmp_path / "t.csv", people=4)), shrinkage=0.4)
    changed = type(people)(
        **{f: getattr(people, f) for f in people.__struct_fields__}
        | {"parameters": people.parameters + np.eye(4)[:, :1] * 7.0}
    )
    for before, after in zip(people.others(0), changed.others(0), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("amplitude", "gain", 1), "missing column amplitude; found participant"),
        (lambda text: text.replace("choice", "answered", 1), "missing column choice .a-d. or answer"),
        (lambda text: text.replace("0.7", "loud", 1), "line .*: pitch is 'loud', expected a number"),
        (lambda text: text.replace(",1.3,", ",2.6,", 1), "line .*: pitch 2.6 is outside 0.7 to 1.3"),
        (lambda text: text.replace(",20,", ",nan,", 1), "line .*: force_threshold_n is missing, expected a number"),
        (lambda text: text.rstrip()[:-1] + "e\n", "line .*, choice: 'e' is not one of d, c, b, a"),
        (lambda text: HEADER, "no trials below the header"),
        (lambda text: "", "missing column participant"),
    ],
)
def test_a_wrong_table_is_refused_with_line_column_and_value(tmp_path: Path, change, message: str) -> None:
    path = write(tmp_path / "t.csv")
    path.write_text(change(path.read_text()))
    with pytest.raises(TrialsError, match=message):
        read_rated_trials(path)


def test_people_who_cannot_be_fitted_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrialsError, match="R00 answered 5 trials, at least 20"):
        fit_people(read_rated_trials(write(tmp_path / "few.csv", trials=5)))
    path = write(tmp_path / "same.csv")
    text = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line[:-2] + "a\n" if line.startswith("R01") else line for line in text))
    with pytest.raises(TrialsError, match="R01 always gave the same answer"):
        fit_people(read_rated_trials(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrialsError, match=r"nowhere\.csv: cannot be read"):
        read_rated_trials(tmp_path / "nowhere.csv")


def test_a_population_is_kept_as_mean_and_covariance_alone(tmp_path: Path) -> None:
    people = fit_people(read_rated_trials(write(tmp_path / "t.csv", people=5)), shrinkage=0.4)
    mean, covariance = people.others(2)
    write_population(tmp_path / "p.toml", mean, covariance, 4, "test")
    read = read_population(str(tmp_path / "p.toml"))
    assert read.mean == pytest.approx(mean, abs=1e-4)
    assert np.linalg.inv(read.precision) == pytest.approx(
        np.linalg.inv(hierarchical_prior(mean, covariance).precision), abs=2e-4
    )
    with pytest.raises(PolicyError, match="congruence"):
        read_population("nobody")


def test_fitted_people_of_the_congruence_study_have_the_known_head_room(shared_data: Path) -> None:
    people = fit_people(read_rated_trials(shared_data / "congruence_trials.csv"), shrinkage=0.4)
    yardsticks = [Yardstick(people.listener(i), i) for i in range(len(people.names))]
    assert np.mean([y.random for y in yardsticks]) == pytest.approx(0.538, abs=0.01)
    assert np.mean([y.best for y in yardsticks]) == pytest.approx(0.657, abs=0.015)
    # louder with more force, slightly lower with more force (facts: re-analysis of the raw data)
    assert people.pooled[4] > 0.2 > 0.0 > people.pooled[5]
