import numpy as np
import pytest

from robopatient.breathing import (
    PAIN_PER_MIN,
    ChestMotion,
    breaths_per_min,
    excursion,
    held_share,
    next_cycle,
    peak_flow_per_s,
)

DT_S = 1.0 / 250.0


def breaths(chest: np.ndarray) -> int:
    return int(np.sum((chest[1:] > 0.35) & (chest[:-1] <= 0.35)))


def test_many_chests_move_as_each_would_alone() -> None:
    cycle, caught, held_s, nrs = (np.linspace(0.0, top, 40) for top in (0.99, 1.0, 8.0, 10.0))
    rate = breaths_per_min(nrs)
    onward = next_cycle(cycle, DT_S, rate, caught)
    chest, share = excursion(onward, caught), held_share(held_s)
    for row in range(40):
        alone = next_cycle(float(cycle[row]), DT_S, breaths_per_min(float(nrs[row])), float(caught[row]))
        assert onward[row] == pytest.approx(alone, abs=1e-15)
        assert chest[row] == pytest.approx(excursion(alone, float(caught[row])), abs=1e-15)
        assert share[row] == held_share(float(held_s[row]))


@pytest.mark.parametrize("per_min", [14.0, PAIN_PER_MIN])
def test_the_largest_flow_is_that_of_the_moving_chest(per_min: float) -> None:
    motion = ChestMotion()
    chest = []
    for _ in range(round(60.0 / DT_S)):
        motion.advance(DT_S, False, per_min)
        chest.append(motion.excursion)
    assert breaths(np.array(chest)) == per_min
    assert np.abs(np.diff(chest)).max() / DT_S == pytest.approx(peak_flow_per_s(per_min), rel=1e-3)


def test_a_chest_that_turns_breathes_out_from_where_it_is() -> None:
    for cycle in (0.2, 0.7):
        motion = ChestMotion(cycle)
        before = motion.excursion
        motion.turn()
        assert motion.excursion == pytest.approx(before, abs=1e-12)
        motion.advance(0.1, False, 14.0)
        assert motion.excursion < before
