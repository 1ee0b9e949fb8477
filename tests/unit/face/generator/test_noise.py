import numpy as np
import pytest

from robopatient.face.generator.condition import Traits, condition_of
from robopatient.face.generator.noise import CorrelatedNoise, GeneratorNoise, count_stimuli


def press(pain: np.ndarray, contact: np.ndarray | None = None) -> np.ndarray:
    return condition_of(pain, 30.0, Traits(), contact=contact)[None]


def test_every_press_is_one_stimulus_whatever_the_hand_trembles() -> None:
    rng = np.random.default_rng(1)
    once = np.concatenate((np.zeros(30), np.linspace(0.0, 8.0, 20), np.full(60, 8.0), np.linspace(8.0, 0.0, 10)))
    pain = np.tile(once, 3)
    tremor = np.convolve(rng.standard_normal(len(pain) + 11), np.full(12, 12.0**-0.5), "valid")  # slow, as a hand's
    pain = np.clip(pain * (1.0 + 0.06 * np.clip(tremor, -2.0, 2.0)), 0.0, 10.0)
    throws = count_stimuli(press(pain))[0]
    assert throws[-1] == 3
    assert throws[29] == 0
    assert throws[32] == 1


def test_a_touch_counts_before_it_hurts_and_heat_without_a_new_touch() -> None:
    contact = np.zeros(120)
    contact[20:] = 1.0
    hurting = np.zeros(120)
    hurting[90:] = np.linspace(0.2, 6.0, 30)
    throws = count_stimuli(press(hurting, contact))[0]
    assert throws[20] == 1
    assert throws[19] == 0
    assert throws[-1] == 2


def test_dice_lie_until_the_next_stimulus_and_noise_never_does() -> None:
    pain = np.concatenate((np.zeros(10), np.full(20, 5.0), np.zeros(10), np.full(20, 5.0)))
    chance = GeneratorNoise(3)
    drawn = [[one[0] for one in chance.draw(row[None])] for row in press(pain)[0]]
    noise, dice = (np.array(one) for one in zip(*drawn, strict=True))
    changes = np.flatnonzero(np.any(np.diff(dice, axis=0) != 0.0, axis=1)) + 1
    assert changes.tolist() == [10, 40]
    assert len(np.unique(noise[:, 0])) == len(noise)
    again = GeneratorNoise(3).draw(press(pain)[0, :1])
    assert np.array_equal(again[0][0], noise[0])
    assert not np.array_equal(GeneratorNoise(4).draw(press(pain)[0, :1])[1], again[1])


def test_noise_wanders_and_is_standard_normal() -> None:
    white = np.random.default_rng(1).standard_normal((20_000, 4), dtype=np.float32)
    wander = CorrelatedNoise()
    noise = np.array([wander(row) for row in white])[60:]
    assert noise.std(axis=0) == pytest.approx(np.ones(4), abs=0.05)
    later = {lag: float((noise[lag:] * noise[:-lag]).mean()) for lag in (1, 15, 60)}
    assert later[1] > 0.95  # hardly another a frame later
    assert 0.05 < later[15] < 0.25  # (1 + t / tau) exp(-t / tau) of two poles: 0.15 after half a second
    assert abs(later[60]) < 0.03


def test_faces_side_by_side_have_their_own_dice() -> None:
    both = np.concatenate((press(np.full(3, 5.0)), press(np.zeros(3))))
    chance = GeneratorNoise(1, 2)
    first = chance.draw(both[:, 0])[1]
    second = chance.draw(both[:, 1])[1]
    assert np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


def test_less_variety_is_less_of_the_same() -> None:
    row = press(np.full(1, 5.0))[:, 0]
    noise, dice = GeneratorNoise(1).draw(row)
    calmer = GeneratorNoise(1, variety=0.5).draw(row)
    assert np.allclose(calmer[0], 0.5 * noise)
    assert np.allclose(calmer[1], 0.5 * dice)
