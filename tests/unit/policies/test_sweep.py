from __future__ import annotations

import builtins
from types import SimpleNamespace
from typing import Any

import pytest

from policies.errors import PolicyError
from policies.evaluate import Job, Score, quartiles, run_job, time_to
from policies.sweep import sweep
from robopatient.errors import MissingPackageError

JOBS = [Job("table bandit", "pain-to-voice", ("congruence7",), 20, i, i) for i in range(3)]


def test_processes_give_the_same_results_bit_for_bit_in_the_same_order() -> None:
    told: list[int] = []
    spread = sweep(run_job, JOBS, workers=2, on_result=lambda place, _: told.append(place))
    assert spread == sweep(run_job, JOBS)
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
        sweep(run_job, JOBS, ray_address="local")


def test_nobody_at_the_address_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance")

    monkeypatch.setattr("policies.sweep.require", lambda *_: SimpleNamespace(init=init))
    with pytest.raises(PolicyError, match=r"no Ray cluster at '10\.0\.0\.9:6379' .*ray start --head"):
        sweep(run_job, JOBS, ray_address="10.0.0.9:6379")


def test_the_time_to_a_target_needs_two_checkpoints_above_it() -> None:
    scores = [Score(0, 0.1, 0), Score(10, 0.9, 0), Score(20, 0.7, 0), Score(30, 0.85, 0), Score(40, 0.9, 0)]
    assert time_to(0.8, scores) == 30
    assert time_to(0.95, scores) == float("inf")
    assert quartiles([1, 2, 3, 4, 5]) == (2, 3, 4)
