from __future__ import annotations

import builtins
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from policies.evaluate import Score, TrainingJob, quartiles, run_job, time_to
from policies.worker_pool import run_in_order
from robopatient.errors import MissingPackageError, SessionError

JOBS = [TrainingJob("table bandit", "pain-to-voice", ("congruence7",), 20, i, i) for i in range(3)]


def test_processes_give_the_same_results_bit_for_bit_in_the_same_order() -> None:
    told: list[int] = []
    spread = run_in_order(run_job, JOBS, workers=2, on_result=lambda place, _: told.append(place))
    assert spread == run_in_order(run_job, JOBS)
    assert told == [0, 1, 2]


def test_without_ray_the_command_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def no_ray(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "ray":
            raise ImportError("No module named 'ray'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_ray)
    monkeypatch.setattr("importlib.import_module", no_ray)
    with pytest.raises(MissingPackageError, match=r"pip install 'robopatient\[cluster\]'"):
        run_in_order(run_job, JOBS, ray_address="local")


def test_a_missing_cluster_is_reported_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance")

    monkeypatch.setattr("policies.worker_pool.require", lambda *_: SimpleNamespace(init=init))
    for address in ("127.0.0.1:1", "auto"):
        with pytest.raises(SessionError, match=rf"--ray {address}: no cluster answers .*ray start --head"):
            run_in_order(run_job, JOBS, ray_address=address)


def killed_once(flag: Path) -> str:
    if flag.name == "b" and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return flag.name


def test_a_job_whose_worker_was_killed_is_done_again(tmp_path: Path) -> None:
    assert run_in_order(killed_once, [tmp_path / name for name in "abcd"], workers=2) == list("abcd")


def test_the_time_to_a_target_needs_two_checkpoints_above_it() -> None:
    scores = [Score(0, 0.1, 0), Score(10, 0.9, 0), Score(20, 0.7, 0), Score(30, 0.85, 0), Score(40, 0.9, 0)]
    assert time_to(0.8, scores) == 30
    assert time_to(0.95, scores) == float("inf")
    assert quartiles([1, 2, 3, 4, 5]) == (2, 3, 4)
