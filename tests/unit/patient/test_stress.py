"""Stress relieves the healthy and hurts the chronic (Loeffler et al. 2022; facts sheet patient_model, 8)."""

from __future__ import annotations

import pytest

from robopatient.patient.stress import Stress, strain


def peak(lab, kind: str, level: float, newton: float = 15.0) -> float:
    return lab.peak(lab.hand(kind=kind, stress=Stress(level=level)).press(newton, lab.at_mm))


def test_a_healthy_patient_feels_less_under_stress(lab) -> None:
    assert peak(lab, "healthy", 0.0) > peak(lab, "healthy", 0.5) > peak(lab, "healthy", 1.0)


def test_a_chronic_patient_feels_more_under_stress(lab) -> None:
    assert peak(lab, "chronic", 0.0) < peak(lab, "chronic", 0.5) < peak(lab, "chronic", 1.0)


def test_the_healthy_threshold_rises_and_the_chronic_one_stays() -> None:
    assert strain(Stress(), 1.0, chronic=False) == (pytest.approx(1.10), 1.0)
    assert strain(Stress(), 1.0, chronic=True) == (1.0, pytest.approx(1.10))


def test_it_is_weak_by_default(lab) -> None:
    for kind in ("healthy", "chronic"):
        assert abs(peak(lab, kind, 1.0) - peak(lab, kind, 0.0)) < 0.5
