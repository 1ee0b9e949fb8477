from __future__ import annotations

from pathlib import Path

import pytest

from experiments.benchmarks import training_runs as module
from experiments.benchmarks.training_runs import TrainingRuns
from policies.errors import PolicyError
from policies.evaluate import TrainingJob, TrainingResult, run_job

JOBS = [TrainingJob("table bandit", "pain-to-voice", ("congruence7",), 5, i, i) for i in range(3)]


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Listeners of the lessons that were really simulated."""
    made: list[int] = []

    def run(job: TrainingJob) -> TrainingResult:
        made.append(job.listener)
        return run_job(job)

    monkeypatch.setattr(module, "run_job", run)
    return made


def test_a_stopped_benchmark_goes_on_with_the_lessons_it_lacks(tmp_path: Path, simulated: list[int]) -> None:
    first = TrainingRuns(tmp_path / "kept", workers=1).run("a", JOBS[:2])
    again = TrainingRuns(tmp_path / "kept", workers=1).run("a", JOBS)
    assert simulated == [0, 1, 2]
    assert again == [run_job(job) for job in JOBS]
    assert again[:2] == first


def test_a_line_that_a_kill_cut_short_is_made_again(tmp_path: Path, simulated: list[int]) -> None:
    TrainingRuns(tmp_path, workers=1).run("a", JOBS[:2])
    path = tmp_path / "lessons.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    assert TrainingRuns(tmp_path, workers=1).run("a", JOBS[:2]) == [run_job(job) for job in JOBS[:2]]
    assert simulated == [0, 1, 1]
    assert len(path.read_bytes().splitlines()) == 2


def test_lessons_of_another_learner_are_not_taken_for_this_ones(
    tmp_path: Path, simulated: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    TrainingRuns(tmp_path, workers=1).run("a", JOBS[:1])
    monkeypatch.setattr(module, "_code", lambda: "another")
    TrainingRuns(tmp_path, workers=1).run("a", JOBS[:1])
    assert simulated == [0, 0]


def test_a_file_that_holds_no_lessons_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "lessons.jsonl").write_text("{}\n")
    with pytest.raises(
        PolicyError, match=r"lessons\.jsonl, line 1: is no training session .* give --keep another folder"
    ):
        TrainingRuns(tmp_path)


def test_nothing_is_kept_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    TrainingRuns(workers=1).run("a", JOBS[:1])
    assert list(tmp_path.iterdir()) == []
