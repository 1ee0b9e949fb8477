import numpy as np
import pytest

from robopatient.voice.wavetable import BASE_HZ, OCTAVE_STEPS, PASSBAND, RD_MAX, RD_MIN, lf_cycles, make_source


def test_a_pulse_lets_no_net_flow_through_and_closes_with_unit_slope() -> None:
    cycles = lf_cycles(np.linspace(RD_MIN, RD_MAX, 9), 16384)
    assert np.abs(cycles.mean(axis=1)).max() < 1e-5
    np.testing.assert_allclose(cycles.min(axis=1), -1.0, atol=0.01)


def test_a_voice_between_two_tables_is_as_strong_as_they_are() -> None:
    """Pulses of neighbouring qualities close at the same phase: their mean must not lose the upper harmonics."""
    tables = make_source(48000.0).tables[2, :, :-1].astype(float)
    power = np.abs(np.fft.rfft(tables, axis=1)) ** 2
    between = np.abs(np.fft.rfft((tables[:-1] + tables[1:]) / 2, axis=1)) ** 2
    upper = slice(20, 100)
    lost_db = 10 * np.log10(between[:, upper].sum(axis=1) / ((power[:-1] + power[1:]) / 2)[:, upper].sum(axis=1))
    assert lost_db.min() > -1.0


def test_a_lax_voice_is_duller_than_a_pressed_one() -> None:
    power = make_source(48000.0).harmonic_power
    slope_db = 10 * np.log10(power[:, 9] / power[:, 0])
    assert (np.diff(slope_db) < 0).mean() > 0.9
    assert slope_db[0] - slope_db[-1] > 15.0


@pytest.mark.parametrize("sample_rate_hz", [44100.0, 48000.0])
def test_no_table_holds_a_partial_above_nyquist_anywhere_in_its_range(sample_rate_hz: float) -> None:
    tables = make_source(sample_rate_hz).tables[:, :, :-1]
    for index in range(len(tables)):
        top_hz = BASE_HZ * 2 ** ((index + 1) / OCTAVE_STEPS) / PASSBAND  # crossfade included
        spectrum = np.abs(np.fft.rfft(tables[index], axis=1))
        beyond = spectrum[:, int(sample_rate_hz / 2 / top_hz) + 1 :]
        assert beyond.max(initial=0.0) < 1e-4 * spectrum.max()
