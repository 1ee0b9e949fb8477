"""Calibration and figures of what a press shows, with few faces and a toy network."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.needs import module

from experiments.evaluation import dose
from robopatient.config import FaceConfig
from robopatient.face.generator.checkpoint import STEP, read_stream
from robopatient.face.generator.diffusion import OWN_ARCHETYPES, Diffusion
from robopatient.face.generator.dose import DOSE, read_doses
from robopatient.facs import pspi

module("onnxruntime", "face")


def test_calibrating_keeps_what_was_chosen_and_writes_what_it_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(dose.checkpoint_folder("default"), folder)
    before = read_doses(folder)
    monkeypatch.setattr(dose, "asset_names", lambda kind: ["ben"])
    monkeypatch.setattr(dose, "TOLD_NRS", np.array([0.0, 2.0, 5.0, 10.0]))
    dose.calibrate(str(folder), repeats=1)
    card, _, _ = read_stream(folder)
    after = read_doses(folder, card.sha256[STEP])
    assert set(after) == set(OWN_ARCHETYPES)
    assert "robopatient face calibrate mine" in (folder / DOSE).read_text()
    for name in OWN_ARCHETYPES:
        assert (after[name].mixture, after[name].expressiveness) == (before[name].mixture, before[name].expressiveness)
        assert 0.0 < after[name].told_nrs[1] < after[name].told_nrs[2] < after[name].told_nrs[3]


def test_figures_name_the_worst_face_and_every_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {"ben": 0.5, "mei": 1.0, "david": 1.0}

    levels = {0.0: 0.1, 3.0: 3.0, 6.0: 6.0, 9.0: 10.0}

    def peaks(played: Any, doses: Any, checkpoint: str) -> np.ndarray:
        return np.array([levels[one.nrs] * shown[one.config.identity] * min(1.0, one.expressiveness) for one in played])

    monkeypatch.setattr(dose, "peaks_of", peaks)
    monkeypatch.setattr(
        dose, "asset_names", lambda kind: ["ben", "mei"] if kind == "faces" else ["appendicitis", "appendicitis-stoic"]
    )
    figures = {one.name: one for one in dose.dose_figures(1, 20)}
    assert (figures["press_pspi_nrs9_min"].value, figures["press_pspi_nrs9_min"].met) == (5.0, False)
    assert "ben 5.00, mei 10.00" in figures["press_pspi_nrs9_min"].remark
    assert (figures["press_pspi_nrs3_min"].value, figures["press_pspi_nrs3_min"].met) == (1.5, True)
    assert figures["press_pspi_in_order_fraction"].value == 1.0
    assert figures["patient_press_pspi_of_floor_min"].value == pytest.approx(1.25)  # 10 of 8, also of a stoic's 4.8
    assert figures["rest_pspi_max"].met


def test_presses_played_side_by_side_show_what_the_engine_shows_alone() -> None:
    config = FaceConfig(identity="david", deadline_ms=0.0)
    doses = read_doses(dose.checkpoint_folder("default"))
    levels = (3.0, 9.0)
    together = dose.peaks_of([dose.Played(config, 4, nrs) for nrs in levels], doses, "default")
    alone = [max(pspi(pose.au) for pose in dose.press(Diffusion(config, 4), nrs)) for nrs in levels]
    assert together == pytest.approx(alone, abs=1e-4)


def test_one_press_in_twenty_may_miss() -> None:
    assert dose._edge(np.array([1.0] + [9.0] * 19)) == 9.0
    assert dose._edge(np.array([1.0, 2.0] + [9.0] * 18)) == 2.0
