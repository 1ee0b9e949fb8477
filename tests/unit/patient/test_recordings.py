"""The default patient under the published hands: what the acceptance of the first issue asks for."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from robopatient.config import ExpressionConfig
from robopatient.expression import make_policy
from robopatient.messages import ForceFrame
from robopatient.patient import Patient, load_patient

ON_SITE_MM = 25.0
OFF_SITE_MM = 45.0


@pytest.fixture
def recording(shared_data: Path) -> np.ndarray:
    with np.load(shared_data / "palpation_four_cell.npz") as data:
        return data["IP1_B1_T7"][::4].astype(float)  # the loop's 250 Hz


def test_presses_on_the_appendix_hurt_by_their_force_and_a_press_away_from_it_hurts_less(recording: np.ndarray) -> None:
    patient = Patient(load_patient("appendicitis"))
    policy = make_policy(ExpressionConfig(), patient.profile)
    (site,) = patient.profile.sites
    there = patient.phantom.plate_mm(site.left_mm, site.head_mm)
    rates = np.gradient(recording[:, 4]) * 250.0
    nrs, level_db = [], []
    for i, (newton, x, y) in enumerate(recording[:, 4:].tolist()):
        contact = (x, y) if newton > 2.0 else None
        pain = patient.step(ForceFrame(i * 4_000_000, i * 4_000_000, i, (newton,), contact, float(rates[i])))
        nrs.append(pain.nrs)
        level_db.append(policy.step(pain).voice.level_db)

    edges = np.flatnonzero(np.diff((recording[:, 4] > 3.0).astype(int)))
    near, away = [], []
    for start, end in edges.reshape(-1, 2).tolist():
        peak = start + int(recording[start:end, 4].argmax())
        apart = math.dist(there, recording[peak, 5:7])
        row = (recording[peak, 4], nrs[peak], max(level_db[start : end + 50]))
        if apart < ON_SITE_MM:
            near.append(row)
        elif apart > OFF_SITE_MM:
            away.append(row)
    force, pain, level = zip(*near, strict=True)
    assert len(near) >= 4
    assert spearmanr(force, pain).statistic >= 0.8
    assert spearmanr(force, level).statistic >= 0.8
    assert away
    assert max(row[1] for row in away) < 0.5 * min(pain)
