import numpy as np
from scipy.signal import resample_poly

from robopatient.levels import db_to_gain, gain_to_db
from robopatient.voice.limiter import LOOKAHEAD_S, Limiter

RATE = 48000.0


def limited(samples: np.ndarray, max_dbfs: float = -1.0) -> np.ndarray:
    limiter = Limiter(RATE, max_dbfs)
    out = np.zeros(samples.shape, np.float32)
    blocks = zip(samples.reshape(-1, 256), out.reshape(-1, 256), strict=True)
    for index, (block, row) in enumerate(blocks):
        limiter.render(block, row, 1.0, 1e-6 if index == 0 else 0.004)
    return out


def test_no_sample_of_random_bursts_exceeds_the_ceiling_nor_do_the_peaks_between_samples() -> None:
    random = np.random.default_rng(3)
    for max_dbfs in (-1.0, -20.0):
        gain = np.repeat(10.0 ** random.uniform(-3, 2, 400), 256)
        noise = random.standard_normal(gain.size) * gain
        tone = np.sin(np.arange(gain.size) * random.uniform(0.05, 1.0)) * gain
        for samples in (noise, tone):
            out = limited(samples, max_dbfs)
            assert np.abs(out).max() <= np.float32(db_to_gain(max_dbfs))
            between = resample_poly(out.astype(float), 4, 1)
            assert gain_to_db(np.abs(between).max()) <= max_dbfs


def test_what_is_quiet_passes_unchanged_a_millisecond_later() -> None:
    samples = 0.3 * np.sin(np.arange(256 * 20) * 0.05)
    out = limited(samples)
    delay = round(LOOKAHEAD_S * RATE)
    np.testing.assert_allclose(out[delay + 1000 :], samples[1000:-delay], atol=1e-6)


def test_gain_recovers_after_a_peak() -> None:
    samples = 0.2 * np.sin(np.arange(256 * 200) * 0.05)
    samples[2560:2600] *= 30.0
    out = limited(samples)
    assert np.abs(out[-2560:]).max() > 0.199


def test_the_fade_ends_in_exact_zeros() -> None:
    limiter = Limiter(RATE, -1.0)
    out = np.zeros(480, np.float32)
    limiter.render(np.full(480, 0.5), out, 1.0, 0.001)
    limiter.render(np.full(480, 0.5), out, 0.0, 0.004)
    assert out[0] > 0.49
    assert np.abs(np.diff(out)).max() < 0.01
    assert not out[200:].any()
