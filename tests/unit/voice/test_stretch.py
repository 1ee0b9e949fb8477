import numpy as np
import pytest

from robopatient.voice.stretch import Stretcher

RATE_HZ = 48_000


def played(signal: np.ndarray, speed: float, seconds: float, first: int = 0) -> np.ndarray:
    def read(start: int, count: int) -> np.ndarray:
        out = np.zeros(count, np.float32)
        low, high = max(start, 0), min(start + count, len(signal))
        if high > low:
            out[low - start : high - start] = signal[low:high]
        return out

    stretcher = Stretcher(read, first, speed, RATE_HZ)
    hops = [stretcher.next_hop() for _ in range(round(seconds * RATE_HZ / stretcher.hop))]
    return np.concatenate(hops)


def voice(f0_hz: float, seconds: float) -> np.ndarray:
    t_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return 0.2 * sum(np.sin(2 * np.pi * k * f0_hz * t_s + k) / k for k in range(1, 9)).astype(np.float32)


def f0_of(sound: np.ndarray) -> float:
    middle = sound[len(sound) // 4 : len(sound) // 4 + 16384] * np.hanning(16384)
    spectrum = np.abs(np.fft.rfft(middle, 1 << 18))
    return float(np.argmax(spectrum) * RATE_HZ / (1 << 18))


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
@pytest.mark.parametrize("f0_hz", [110.0, 233.0, 420.0])
def test_pitch_and_level_stay_and_time_is_stretched(speed, f0_hz):
    source = voice(f0_hz, 4.0)
    sound = played(source, speed, 0.9 * 4.0 / speed)
    assert f0_of(sound) == pytest.approx(f0_hz, rel=0.01)
    inner = sound[4096:-4096]
    assert 20 * np.log10(inner.std() / source.std()) == pytest.approx(0.0, abs=1.0)


def test_at_its_own_speed_the_samples_are_the_sources_own():
    source = voice(200.0, 1.0)
    sound = played(source, 1.0, 0.8, first=777)
    assert np.array_equal(sound, source[777 : 777 + len(sound)])


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_a_cry_in_silence_comes_when_it_should(speed):
    source = np.zeros(3 * RATE_HZ, np.float32)
    source[RATE_HZ : RATE_HZ + RATE_HZ // 2] = voice(300.0, 0.5)
    sound = played(source, speed, 2.8 / speed)
    loud = np.flatnonzero(np.abs(sound) > 0.05)
    assert loud[0] / RATE_HZ == pytest.approx(1.0 / speed, abs=0.03)
    assert loud[-1] / RATE_HZ == pytest.approx(1.5 / speed, abs=0.03)


def test_nothing_but_silence_lies_before_the_beginning_and_after_the_end():
    assert not played(voice(200.0, 0.2), 0.5, 0.5, first=RATE_HZ).any()
