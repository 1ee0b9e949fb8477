from __future__ import annotations

import json

import numpy as np
import pytest

from experiments.benchmarks import dataset, study
from experiments.benchmarks.figures import (
    CALM_MS,
    Baseline,
    ReferenceLateness,
    distribution,
    machine,
    new_result,
    show,
    value,
)


def reference() -> ReferenceLateness:
    """Wake-ups every 2 ms; the one due at 10 ms comes 8 ms late, the one due at 30 ms 4 ms late."""
    due_ms = np.array([2, 4, 6, 8, 10, 20, 22, 30, 36], dtype=np.int64)
    late_ms = np.array([0.1, 0.1, 0.1, 0.1, 8.0, 0.1, 0.1, 4.0, 0.1])
    return ReferenceLateness(due_ms * 1_000_000, late_ms)


def test_a_sample_is_calm_unless_a_stall_touches_it():
    begin_ms = np.array([0, 9, 12, 17, 19, 29])
    end_ms = np.array([8, 11, 14, 25, 28, 35])
    calm = reference().calm(begin_ms * 1_000_000, end_ms * 1_000_000)
    assert calm.tolist() == [True, False, False, False, True, True]
    assert CALM_MS == 5.0


def test_percentiles_are_over_calm_samples_and_raw_over_all():
    samples = np.array([10.0] * 9 + [100.0])
    calm = samples < 50.0
    figure = distribution("touch_to_sound_ms", samples, calm, {"p50": 15.0, "p95": 25.0})
    assert (figure.p50, figure.max, figure.n, figure.met) == (10.0, 10.0, 9, True)
    assert figure.raw is not None
    assert figure.raw["max"] == 100.0
    assert figure.calm_share == 0.9


def test_without_a_calm_sample_no_target_is_met():
    figure = distribution("x", np.array([1.0]), np.array([False]), {"p50": 15.0})
    assert figure.met is False
    assert figure.n == 0


def test_json_is_one_object_of_the_agreed_shape(capsys):
    figures = [distribution("a_ms", np.arange(10.0), np.ones(10, bool)), value("frames_lost", 0, at_most=0, n=5)]
    facts = machine(reference())
    show(new_result("latency", figures, [Baseline("published", figures)], facts, 3), as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"bench", "figures", "baselines", "machine", "version", "seed"}
    assert printed["figures"][1] == {
        "name": "frames_lost",
        "value": 0,
        "n": 5,
        "target": {"value": 0},
        "met": True,
    }
    assert {"cores", "load_1m", "gpu", "python", "reference_lateness_ms"} <= set(printed["machine"])


def test_a_bench_that_has_measured_has_done_its_work_whatever_it_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missed = value("labelled_frames_per_s", 3.0, at_least=40.0)
    monkeypatch.setattr(dataset, "_whole_set", lambda plan, out: [missed])
    monkeypatch.setattr(dataset, "_parts", lambda plan, folder: [])
    monkeypatch.setattr(study, "file_figures", lambda seed: [missed])
    dataset.bench_dataset(True, "small", rounds=0, kills=0, kill_design="small", seed=1)
    study.bench_study(True, trials=0, kills=0, seed=1)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [result["figures"][0]["met"] for result in told] == [False, False]
