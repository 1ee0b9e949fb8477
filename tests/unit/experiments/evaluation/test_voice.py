"""Figures of an evaluation of the voice; its renders are no business of these tests."""

import json

import numpy as np
import pytest

from experiments.evaluation import voice
from experiments.evaluation.cli import evaluate_voices
from firmware_bridge.errors import OutputError
from robopatient.simulation.voice_evaluation import Evaluation


def evaluation() -> Evaluation:
    return Evaluation(
        ["a", "b"],
        np.linspace(1, 10, 11),
        np.zeros((2, 11, 1, 10)),
        np.array([[0.99, 0.98, 0.97, 0.96], [0.99, 0.98, 0.91, 0.96]]),
        {("moan", "male"): (200.0, True), ("moan", "female"): (300.0, False)},
        {"centroid_hz": 1.0, "hnr_db": 0.92, "active_s": 0.99},
        np.array([17.0, 15.0]),
        np.zeros((2, 2)),
    )


def test_the_figures_of_an_evaluation_tell_the_worst_of_all_people_and_features() -> None:
    figures = {figure.name: figure for figure in voice.evaluation_figures(evaluation())}
    assert figures["nrs_spearman_min"].value == 0.91
    assert "b, roughness" in figures["nrs_spearman_min"].remark
    assert "loudness 0.980, roughness 0.910, -HNR 0.960" in figures["nrs_spearman_min"].remark
    assert figures["f0_in_band_fraction"].value == 0.5
    assert figures["features_in_band_fraction"].value == 0.92


def test_the_verb_prints_one_json_object_and_writes_its_page(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(voice, "evaluate", lambda *_: evaluation())
    monkeypatch.setattr(voice, "write_voice_page", lambda _, out: out.write_text("page"))
    evaluate_voices(tmp_path / "x.html", seeds=1, json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["bench"] == "voice evaluate"
    assert (tmp_path / "x.html").read_text() == "page"
    with pytest.raises(OutputError, match="exists"):
        evaluate_voices(tmp_path / "x.html", seeds=1)
