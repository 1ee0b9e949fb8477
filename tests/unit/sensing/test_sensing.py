from __future__ import annotations

import math
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.frames import RawFrame, Status
from robopatient.config import SensingConfig
from robopatient.errors import ConfigError
from robopatient.levels import FLAGS
from robopatient.messages import ForceFrame
from robopatient.sensing import Sensing

COUNTS = st.integers(-(2**31), 2**31 - 1)


def run(sensing: Sensing, raw: list[RawFrame]) -> list[ForceFrame]:
    return [sensing.step(frame) for frame in raw]


def untared() -> Sensing:
    return Sensing(SensingConfig(tare_at_start=False))


def test_counts_become_the_newtons_that_made_them(frames) -> None:
    out = run(untared(), frames([[3.0, 7.0, 1.0, 9.0]] * 30))
    assert out[-1].cells_newton == pytest.approx((3.0, 7.0, 1.0, 9.0), abs=0.005)
    assert out[-1].total_newton == pytest.approx(20.0, abs=0.01)


def test_times_and_numbers_are_those_of_the_frame(frames) -> None:
    raw = frames([[0.0] * 4] * 3)
    for before, after in zip(raw, run(untared(), raw), strict=True):
        assert (after.t_ns, after.received_ns, after.seq) == (before.t_ns, before.received_ns, before.seq)


def test_an_untouched_abdomen_is_exactly_zero_without_contact(frames) -> None:
    out = run(untared(), frames([[0.0] * 4] * 200))
    assert all(force.total_newton == 0.0 and force.contact_mm is None and force.flags == () for force in out)


@pytest.mark.parametrize("total_newton", [5.0, 12.0, 40.0])
@pytest.mark.parametrize("site_mm", [(60.0, 45.0), (145.0, 145.0), (240.0, 190.0)])
def test_the_hand_is_found_within_a_millimetre(frames, hand, total_newton: float, site_mm: tuple[float, float]) -> None:
    out = run(untared(), frames(hand(np.full(100, total_newton), *site_mm)))
    assert all(math.dist(force.contact_mm, site_mm) < 1.0 for force in out[10:])


def test_the_place_follows_the_published_formula(frames) -> None:
    f1, f2, f3, f4 = 3.0, 7.0, 2.0, 8.0
    out = run(untared(), frames([[f1, f2, f3, f4]] * 20))
    assert out[-1].contact_mm == pytest.approx((290 * (f2 + f4) / 20, 290 * (f1 + f4) / 20), abs=0.1)


def test_the_place_never_leaves_the_plate(frames) -> None:
    assert run(untared(), frames([[-1.0, 9.0, -2.0, 0.5]] * 20))[-1].contact_mm == (290.0, 0.0)


def test_a_ramp_of_150_newton_per_s_shows_as_such_without_delay(frames, hand) -> None:
    total = np.clip(np.arange(400) * 0.15 - 15, 0, 40)
    out = run(untared(), frames(hand(total, 150, 150)))
    assert out[250].rate_newton_per_s == pytest.approx(150.0, rel=0.02)
    lag = [abs(force.total_newton - newton) for force, newton in zip(out, total, strict=True) if newton > 2]
    assert max(lag) < 0.05


def test_a_tremor_of_30_hz_keeps_its_amplitude(frames, hand) -> None:
    total = 20 + 3 * np.sin(2 * np.pi * 30 * np.arange(1000) / 1000)
    out = np.array([force.total_newton for force in run(untared(), frames(hand(total, 150, 150)))])
    assert np.ptp(out) == pytest.approx(6.0, rel=0.01)


def test_a_small_drift_is_tared_away_at_the_start(frames) -> None:
    sensing = Sensing(SensingConfig())
    out = run(sensing, frames([[0.05, 0.05, -0.02, 0.04]] * 300 + [[5.05, 0.05, -0.02, 0.04]] * 50))
    assert "untared" in out[0].flags
    assert "untared" not in out[299].flags
    assert out[-1].cells_newton == pytest.approx((5.0, 0.0, 0.0, 0.0), abs=0.01)
    assert [level for level, _ in sensing.take_notes()] == ["info"]


def test_a_session_that_starts_with_the_hand_on_keeps_the_calibrations_zero(frames, hand) -> None:
    sensing = Sensing(SensingConfig())
    total = np.concatenate([np.full(500, 6.0), np.zeros(400), np.full(100, 20.0)])
    out = run(sensing, frames(hand(total, 150, 150)))
    assert out[300].total_newton == pytest.approx(6.0, abs=0.02)
    assert set(out[300].flags) == {"untared", "early_contact"}
    assert out[-1].total_newton == pytest.approx(20.0, abs=0.02)
    assert out[-1].flags == ()
    notes = sensing.take_notes()
    assert [level for level, _ in notes] == ["warning", "info"]
    assert "6.0 N already lay on the abdomen" in notes[0][1]
    assert sensing.take_notes() == []


def test_the_operator_can_tare_away_a_new_skin(frames) -> None:
    sensing = untared()
    raw = frames([[1.0, 1.2, 0.9, 1.1]] * 400)
    run(sensing, raw[:50])
    sensing.tare()
    assert run(sensing, raw[50:])[-1].total_newton == 0.0
    assert sensing.take_notes()[0][0] == "info"


def test_a_tare_with_the_hand_on_is_refused_and_changes_nothing(frames, hand) -> None:
    sensing = untared()
    sensing.tare()
    total = 8 + 0.5 * np.sin(2 * np.pi * 9 * np.arange(400) / 1000)
    out = run(sensing, frames(hand(total, 150, 150)))
    assert out[-1].total_newton == pytest.approx(total[-1], abs=0.02)
    (note,) = sensing.take_notes()
    assert note[0] == "warning"
    assert "tare refused" in note[1]


def test_a_spike_is_dropped_and_told(frames, hand) -> None:
    cells = hand(np.full(100, 10.0), 150, 150)
    cells[50, 1] += 25.0
    out = run(untared(), frames(cells))
    assert max(force.total_newton for force in out) < 10.1
    assert [i for i, force in enumerate(out) if "spike" in force.flags] == [51]


def test_a_dead_cell_is_flagged_and_the_place_unknown(frames, hand) -> None:
    raw = frames(hand(np.r_[np.zeros(60), np.full(240, 10.0)], 150, 150))
    raw = [msgspec.structs.replace(frame, ready_mask=0b1011) if i > 100 else frame for i, frame in enumerate(raw)]
    out = run(untared(), raw)
    assert "dead_cell" in out[-1].flags
    assert out[-1].contact_mm is None
    assert out[-1].cells_newton[2] == 0.0
    assert out[140].flags == ()


def test_saturation_is_told_by_mask_by_status_and_by_the_rail(frames) -> None:
    (quiet,) = frames([[0.0] * 4])
    rail = (2**23 - 1, *quiet.counts[1:])
    for change in ({"saturated_mask": 0b10}, {"status": int(Status.SATURATED)}, {"counts": rail}):
        assert "saturated" in untared().step(msgspec.structs.replace(quiet, **change)).flags


def test_heavy_and_overload_follow_the_configured_limits(frames, hand) -> None:
    config = SensingConfig(tare_at_start=False, warn_newton=30, limit_newton=60)
    out = run(Sensing(config), frames(hand(np.r_[np.zeros(60), np.arange(0, 90, 0.2)], 145, 145)))
    flags = {round(force.total_newton): set(force.flags) for force in out}
    assert flags[20] == set()
    assert flags[40] == {"heavy"}
    assert flags[70] == {"heavy", "overload"}


def test_a_reboot_neither_counts_backwards_nor_loses_the_zero(frames) -> None:
    sensing = Sensing(SensingConfig())
    drift = [[0.05, 0.05, 0.05, 0.05]] * 300
    before = run(sensing, frames(drift))
    after = run(sensing, frames(drift, start_ns=3_000_000_000, epoch=1))
    assert [force.seq for force in after[:3]] == [300, 301, 302]
    assert before[-1].total_newton == after[0].total_newton == 0.0


def test_a_board_that_subtracts_its_own_tare_is_not_tared_twice(frames) -> None:
    sensing = untared()
    raw = frames([[0.0] * 4] * 50 + [[5.0, 0.0, 0.0, 0.0]] * 50, noise_counts=0.0)
    offsets = raw[0].counts
    own = [
        msgspec.structs.replace(f, counts=tuple(np.subtract(f.counts, offsets).tolist()), status=int(Status.TARED))
        for f in raw
    ]
    out = run(sensing, own[:50])
    assert {force.total_newton for force in out} == {0.0}
    assert run(sensing, own[50:])[-1].cells_newton == pytest.approx((5.0, 0.0, 0.0, 0.0), abs=0.001)
    rebooted = [msgspec.structs.replace(frame, epoch=1, t_ns=frame.t_ns + 10**9) for frame in raw]
    assert run(sensing, rebooted)[-1].cells_newton == pytest.approx((5.0, 0.0, 0.0, 0.0), abs=0.001)


def test_another_number_of_cells_is_refused_by_name(frames) -> None:
    (frame,) = frames([[0.0] * 4])
    with pytest.raises(ConfigError, match="the board has 3 cells, phantom square-290 has 4"):
        untared().step(msgspec.structs.replace(frame, counts=frame.counts[:3]))


def test_another_boards_calibration_is_refused() -> None:
    with pytest.raises(ConfigError, match="this is board 0x77"):
        Sensing(SensingConfig(), board_uid="0x77")
    Sensing(SensingConfig(), board_uid="0x53494D0000000001")


def test_a_press_must_end_below_the_force_at_which_it_begins() -> None:
    with pytest.raises(ConfigError, match="press_off_newton is 5 N"):
        Sensing(SensingConfig(press_off_newton=5, press_on_newton=4))


def test_a_full_matrix_undoes_cross_talk(tmp_path: Path) -> None:
    mixing = np.eye(4) * 42_000 + 1500 * (1 - np.eye(4))
    path = tmp_path / "plate.toml"
    path.write_text(
        'date = 2026-11-22\nauthor = "T"\nboard_uid = ""\nmethod = "nine points"\n'
        f"offset_counts = [1e4, 2e4, 3e4, 4e4]\nresidual_newton = [0, 0, 0, 0]\n"
        f"newton_per_count = {np.linalg.inv(mixing).tolist()}\n"
    )
    sensing = Sensing(SensingConfig(calibration=str(path), tare_at_start=False))
    counts = mixing @ [4.0, 8.0, 2.0, 6.0] + [1e4, 2e4, 3e4, 4e4]
    frame = RawFrame(1, 1, 1, 0, 0, tuple(np.rint(counts).astype(int).tolist()), 0, 0b1111, 0)
    assert sensing.step(frame).cells_newton == pytest.approx((4.0, 8.0, 2.0, 6.0), abs=0.001)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2_000_000_000), st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), st.integers(0, 15)),
        max_size=40,
    )
)
def test_any_counts_at_any_times_give_finite_forces_and_known_flags(rows) -> None:
    sensing = Sensing(SensingConfig(tare_s=0.05))
    for seq, (t_ns, counts, ready) in enumerate(rows):
        force = sensing.step(RawFrame(t_ns, t_ns, 0, seq, 0, counts, 0, ready, 0))
        assert all(map(math.isfinite, (*force.cells_newton, force.rate_newton_per_s)))
        assert set(force.flags) <= set(FLAGS)
        if force.contact_mm is not None:
            assert all(0.0 <= value <= 290.0 for value in force.contact_mm)
    sensing.finish()
    for press in sensing.take_presses():
        assert set(press.flags) <= set(FLAGS)


def test_the_same_frames_give_the_same_forces_to_the_last_bit(frames, hand) -> None:
    raw = frames(hand(30 * np.sin(np.linspace(0, 3, 800)) ** 2, 170, 120))
    assert run(Sensing(SensingConfig()), raw) == run(Sensing(SensingConfig()), raw)


def test_a_drifted_zero_prompts_for_a_tare(frames) -> None:
    sensing = Sensing(SensingConfig())
    run(sensing, frames([[0.0] * 4] * 300))
    run(sensing, frames([[0.15] * 4] * 6000, start_ns=2_000_000_000))
    (told,) = (text for level, text in sensing.take_notes() if level == "warning")
    assert re.fullmatch(r"the zero has drifted by \+0\.(59|60) N: tare when nobody touches the abdomen", told)


def test_a_frame_without_a_mapped_clock_says_so(frames) -> None:
    (raw,) = frames([[0.0] * 4])
    unsynced = msgspec.structs.replace(raw, status=int(Status.CLOCK_UNSYNCED))
    assert "clock_unsynced" in untared().step(unsynced).flags
