"""The one course of a press, its place, and presses as forces on the cells."""

import numpy as np
import pytest

from robopatient.patient import TenderSite, load_patient
from robopatient.phantom import load_phantom
from robopatient.simulation.presses import Palpation, PressProfile, course, measured_hand, press

PHANTOM = load_phantom("square-290")
T_S = np.arange(-0.5, 3.0, 0.001)


@pytest.mark.parametrize("shape", ["cosine", "sine", "smooth", "linear"])
def test_every_shape_rises_to_its_peak_holds_it_and_leaves(shape) -> None:
    value = course(T_S, peak=8.0, rise_s=0.4, hold_s=1.0, fall_s=0.6, shape=shape)
    assert (value[T_S <= 0.0] == 0.0).all()
    assert (value[T_S >= 2.0] == 0.0).all()
    assert value[(T_S > 0.401) & (T_S < 1.399)] == pytest.approx(8.0)
    assert (np.diff(value[(T_S > 0.0) & (T_S < 0.4)]) > 0.0).all()
    assert (np.diff(value[(T_S > 1.401) & (T_S < 2.0)]) < 0.0).all()


def test_halfway_up_a_shape_is_where_its_name_says() -> None:
    half = {shape: float(course(0.2, rise_s=0.4, hold_s=0.0, fall_s=0.4, shape=shape)) for shape in ("linear", "sine")}
    assert half == {"linear": pytest.approx(0.5), "sine": pytest.approx(np.sqrt(0.5))}


def test_a_hold_may_drift_in_a_straight_line_even_from_nothing() -> None:
    value = course(np.array([0.1, 0.6, 1.1]), peak=0.0, end=6.0, rise_s=0.1, hold_s=1.0, fall_s=0.1, shape="linear")
    assert value == pytest.approx([0.0, 3.0, 6.0])


def test_rows_of_presses_are_computed_side_by_side() -> None:
    rise_s = np.array([[0.2], [0.4]])
    assert course(T_S, rise_s=rise_s, hold_s=0.5, fall_s=0.3).shape == (2, len(T_S))


def test_the_place_is_a_point_a_site_a_region_or_the_worst_site() -> None:
    sites = [
        TenderSite(name="a", region="right iliac", left_mm=-72.0, head_mm=-51.0, strength=0.5),
        TenderSite(name="b", region="umbilical", left_mm=1.0, head_mm=2.0, strength=0.9),
    ]
    assert press(at_mm=(3.0, 4.0)).place_mm(PHANTOM, sites) == (3.0, 4.0)
    assert press(site="a").place_mm(PHANTOM, sites) == (-72.0, -51.0)
    assert press(region="right iliac").place_mm(PHANTOM, sites) == (-72.0, -51.0)
    assert press().place_mm(PHANTOM, sites) == (1.0, 2.0)
    assert press().place_mm(PHANTOM) == (0.0, 0.0)
    left_mm, head_mm = press(region="left iliac").place_mm(PHANTOM, sites)
    assert PHANTOM.region(*PHANTOM.plate_mm(left_mm, head_mm)) == "left iliac"


def test_the_cells_carry_the_whole_force_at_the_place_that_is_pressed() -> None:
    one = PressProfile(peak_newton=12.0, at_mm=(20.0, -30.0), onset_s=0.5)
    hand = Palpation([one, press(5.0, at_mm=(0.0, 0.0), onset_s=3.0)], phantom=PHANTOM)
    cells = hand.forces(np.array([0.4, 1.0, 3.5, 5.0]), 0.004)
    assert cells.sum(axis=1) == pytest.approx([0.0, 12.0, 5.0, 0.0])
    x_mm, y_mm = (cells[1] @ np.array(PHANTOM.cells_mm)) / 12.0
    assert PHANTOM.body_mm(x_mm, y_mm) == pytest.approx((20.0, -30.0))
    assert hand.end_s == pytest.approx(4.0)


def test_a_measured_hand_presses_the_tender_place_most() -> None:
    profile = load_patient("appendicitis")
    x_mm, y_mm = PHANTOM.plate_mm(profile.sites[0].left_mm, profile.sites[0].head_mm)
    presses = measured_hand(1, profile, PHANTOM).presses(120.0)
    near = [one for one in presses if np.hypot(one.x_mm - x_mm, one.y_mm - y_mm) < 45.0]
    assert len(near) > 0.3 * len(presses)
