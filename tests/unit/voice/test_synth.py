import numpy as np
import pytest
from scipy.signal.windows import blackmanharris

from robopatient.voice import synth
from robopatient.voice.synth import Synth, neutral_parameters

RATE = 48000.0
BLOCK = 256


def steady(seconds: float = 1.0, seed: int = 1, **values: float) -> np.ndarray:
    parameters = neutral_parameters()
    for name, value in values.items():
        parameters[getattr(synth, name)] = value
    voice = Synth(RATE, seed)
    samples = np.zeros((int(seconds * RATE / BLOCK), BLOCK))
    for row in samples:
        voice.render(parameters, row)
    return samples[20:].ravel()  # past the filters' start


def spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    power = np.abs(np.fft.rfft(samples * blackmanharris(len(samples)))) ** 2
    return np.fft.rfftfreq(len(samples), 1 / RATE), power


def f0_of(samples: np.ndarray, near_hz: float) -> float:
    """Strength-weighted frequency of the fundamental's line."""
    f_hz, power = spectrum(samples)
    line = np.abs(f_hz - near_hz) < 0.2 * near_hz
    return float(np.sum(f_hz[line] * power[line]) / np.sum(power[line]))


@pytest.mark.parametrize("f0_hz", [62.0, 110.0, 233.0, 457.0, 1013.0, 1778.0])
def test_rendered_f0_is_within_one_percent_of_asked(f0_hz: float) -> None:
    assert f0_of(steady(F0=f0_hz, VOICE=0.1), f0_hz) == pytest.approx(f0_hz, rel=0.01)


@pytest.mark.parametrize("f0_hz", [61.0, 123.0, 457.0, 1013.0, 1778.0, 1990.0])
@pytest.mark.parametrize("rd", [0.3, 1.0])
def test_energy_off_the_harmonic_grid_is_below_76_db(f0_hz: float, rd: float) -> None:
    samples = steady(2.0, F0=f0_hz, VOICE=0.1, RD=rd, TILT=4.0)
    f_hz, power = spectrum(samples)
    line_hz = 5 * RATE / len(samples)
    off = (np.abs(f_hz - np.round(f_hz / f0_hz) * f0_hz) > line_hz) & (f_hz > 0.5 * f0_hz) & (f_hz < 16000)
    assert 10 * np.log10(power[off].sum() / power.sum()) < -76.0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("VOICE", {"F0": 100.0}),
        ("VOICE", {"F0": 430.0, "RD": 0.5, "TILT": 4.0}),
        ("VOICE", {"F0": 1200.0, "FORMANTS": 1200.0}),
        ("VOICE", {"F0": 150.0, "NASAL": 1.0}),
        ("VOICE", {"F0": 300.0, "SUBHARMONIC": 0.3, "AM": 0.5, "CHAOS": 0.3, "JITTER": 0.02, "SHIMMER": 0.15}),
        ("ASPIRATION", {}),
        ("FRICATION", {}),
    ],
)
def test_level_at_the_lips_is_the_level_asked_for_within_1_5_db(name: str, values: dict[str, float]) -> None:
    samples = steady(3.0, **{name: 0.05}, **values)
    assert 20 * np.log10(samples.std() / 0.05) == pytest.approx(0.0, abs=1.5)


def test_a_subharmonic_puts_energy_at_half_the_fundamental() -> None:
    def half_db(depth: float) -> float:
        f_hz, power = spectrum(steady(2.0, F0=400.0, VOICE=0.1, SUBHARMONIC=depth))
        return float(10 * np.log10(power[np.abs(f_hz - 200) < 5].sum() / power[np.abs(f_hz - 400) < 5].sum()))

    assert half_db(0.3) > half_db(0.0) + 40.0


def test_there_is_no_offset() -> None:
    samples = steady(2.0, F0=90.0, VOICE=0.2, SUBHARMONIC=0.3, CHAOS=0.3)
    assert 20 * np.log10(abs(samples.mean())) < -60.0


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("VOICE", 0.02, 0.1), ("RD", 0.4, 2.5), ("TILT", 0.0, 4.0), ("NASAL", 0.0, 1.0), ("FORMANTS", 400.0, 900.0)],
)
def test_a_parameter_that_steps_at_every_block_leaves_no_zipper_noise(name: str, low: float, high: float) -> None:
    """Sidebands of so fast a change are sound; far above the signal there must be none."""
    parameters = neutral_parameters()
    parameters[synth.F0], parameters[synth.VOICE], parameters[synth.RD] = 150.0, 0.1, 2.0
    voice = Synth(RATE, 1)
    samples = np.zeros((200, BLOCK))
    for index, row in enumerate(samples):
        parameters[getattr(synth, name)] = high if index % 2 else low
        voice.render(parameters, row)
    f_hz, power = spectrum(samples[20:].ravel())
    assert 10 * np.log10(power[f_hz > 14000].sum() / power.sum()) < -50.0


def test_random_parameters_at_and_beyond_their_limits_stay_finite() -> None:
    random = np.random.default_rng(5)
    voice = Synth(RATE, 1)
    row = np.zeros(BLOCK)
    for _ in range(1000):
        parameters = neutral_parameters()
        parameters[synth.F0] = random.choice([20.0, 30.0, 3000.0, random.uniform(40, 2200)])
        for name in ("VOICE", "ASPIRATION", "FRICATION"):
            parameters[getattr(synth, name)] = random.choice([0.0, random.uniform(0, 0.5)])
        parameters[synth.RD] = random.uniform(0.0, 3.0)
        for name in ("NASAL", "SUBHARMONIC", "CHAOS", "AM"):
            parameters[getattr(synth, name)] = random.choice([0.0, 1.0, random.uniform()])
        parameters[synth.FORMANTS : synth.BANDWIDTHS] *= random.uniform(0.5, 2.2)
        voice.render(parameters, row)
        assert np.isfinite(row).all()
        assert np.abs(row).max() < 1e4


def test_a_voice_that_has_died_away_is_exactly_nothing() -> None:
    """Filters that ring on below all numbers make every block of a held breath twelve times as dear."""
    parameters = neutral_parameters()
    parameters[synth.F0], parameters[synth.VOICE], parameters[synth.FRICATION] = 150.0, 0.1, 0.05
    voice = Synth(RATE, 1)
    row = np.zeros(BLOCK)
    voice.render(parameters, row)
    parameters[[synth.VOICE, synth.FRICATION]] = 0.0
    for _ in range(round(1.5 * RATE / BLOCK)):
        voice.render(parameters, row)
    assert not row.any()


def test_equal_seeds_give_equal_samples_and_other_seeds_others() -> None:
    values = {"F0": 300.0, "VOICE": 0.1, "ASPIRATION": 0.05, "JITTER": 0.02, "CHAOS": 0.3}
    assert np.array_equal(steady(seed=7, **values), steady(seed=7, **values))
    assert not np.array_equal(steady(seed=7, **values), steady(seed=8, **values))


def test_biphonation_adds_a_second_pitch_that_is_no_multiple_of_the_first() -> None:
    f_hz, power = spectrum(steady(2.0, F0=400.0, VOICE=0.1, BIPHONATION=0.4, BIPHONATION_RATIO=1.37))
    second = power[np.abs(f_hz - 548.0) < 4].sum()
    assert 10 * np.log10(second / power[np.abs(f_hz - 470.0) < 4].sum()) > 50.0


def test_a_jump_moves_the_pitch_and_leaves_the_level() -> None:
    samples = steady(1.0, F0=400.0, VOICE=0.05, JUMP=1.25)
    assert f0_of(samples, 500.0) == pytest.approx(500.0, rel=0.01)
    assert 20 * np.log10(samples.std() / 0.05) == pytest.approx(0.0, abs=1.5)
