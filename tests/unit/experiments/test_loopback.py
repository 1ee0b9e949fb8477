"""A recording with known lags is read to a fraction of a millisecond; what is no such recording is named."""

from pathlib import Path

import numpy as np
import pytest
from support.needs import module

from experiments.benchmarks.figures import ReferenceLateness
from experiments.benchmarks.loopback import bench_loopback, read_onsets, read_recording
from experiments.benchmarks.trial_latency import lag_figures, trial_lags
from robopatient.errors import DeviceError
from robopatient.record.latency import Answers

RATE_HZ = 16_000
LAG_MS, SD_MS = 17.0, 1.2


def recording(
    n: int = 24, *, answer: str = "groan", noise: float = 0.002, seed: int = 1, gap_s: float = 1.5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two channels, with the true onsets of triggers and answers, s."""
    random = np.random.default_rng(seed)
    trigger_s = 0.5 + gap_s * np.arange(n) + random.uniform(0, 0.1, n)
    answer_s = trigger_s + random.normal(LAG_MS, SD_MS, n) * 1e-3
    samples = random.normal(0, noise, (round((n * gap_s + 1) * RATE_HZ), 2))
    at = lambda t_s: round(t_s * RATE_HZ)  # noqa: E731
    for trigger, reply in zip(trigger_s, answer_s, strict=True):
        samples[at(trigger) : at(trigger + 0.01), 0] += 0.5
        length = round(0.4 * RATE_HZ)
        t_s = np.arange(length) / RATE_HZ
        if answer == "groan":  # 3 ms attack, 180 Hz, fading
            wave = 0.4 * np.minimum(1, t_s / 0.003) * np.exp(-t_s / 0.2) * np.sin(2 * np.pi * 180 * t_s + 1.0)
        else:  # a photodiode: constant light before and after, a panel that takes 4 ms and flickers at 240 Hz
            wave = 0.3 * (1 - np.exp(-t_s / 0.004)) * (1 + 0.1 * np.sin(2 * np.pi * 240 * t_s))
        samples[at(reply) : at(reply) + length, 1] += wave
    if answer == "light":
        samples[:, 1] += 0.2
    return samples, trigger_s, answer_s


@pytest.mark.parametrize("answer", ["groan", "light"])
def test_lag_and_sd_of_a_recording_come_back(answer: str) -> None:
    samples, trigger_s, answer_s = recording(answer=answer)
    found = read_recording(samples, RATE_HZ)
    assert len(found.lag_ms) == 24
    np.testing.assert_allclose(found.trigger_s, trigger_s, atol=0.0002)
    true_ms = (answer_s - trigger_s) * 1e3
    np.testing.assert_allclose(found.lag_ms, true_ms, atol=1.2)  # a tenth of the way into the attack
    assert found.lag_ms.std() == pytest.approx(true_ms.std(), abs=0.15)


def test_triggers_without_an_answer_are_counted_and_not_paired_with_the_next() -> None:
    samples, trigger_s, _ = recording()
    silent = round(trigger_s[10] * RATE_HZ)
    samples[silent : silent + RATE_HZ, 1] = 0
    found = read_recording(samples, RATE_HZ, longest_ms=3000)
    assert (len(found.lag_ms), found.unanswered, found.unasked) == (23, 1, 0)
    assert found.lag_ms.max() < 30


def test_pauses_inside_a_sound_are_not_new_sounds() -> None:
    samples, _, answer_s = recording(n=4)
    for onset in answer_s:
        begin = round((onset + 0.1) * RATE_HZ)
        samples[begin : begin + round(0.05 * RATE_HZ), 1] = 0
    assert len(read_onsets(samples[:, 1], RATE_HZ)) == 4


def test_a_silent_channel_is_named() -> None:
    samples, _, _ = recording(n=4)
    samples[:, 1] = np.random.default_rng(1).normal(0, 0.002, len(samples))
    with pytest.raises(DeviceError, match=r"channel 2 \(answer\): nothing stands out of the noise"):
        read_recording(samples, RATE_HZ)


def test_exchanged_channels_and_mono_are_named() -> None:
    samples, _, _ = recording(n=4, gap_s=3.0)
    with pytest.raises(DeviceError, match="right way round"):
        read_recording(samples[:, ::-1], RATE_HZ)
    with pytest.raises(DeviceError, match="one channel"):
        read_recording(samples[:, :1], RATE_HZ)


def test_the_verb_reads_a_file_and_names_what_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile = module("soundfile", "audio")
    samples, _, _ = recording(n=6)
    soundfile.write(tmp_path / "loop.wav", samples, RATE_HZ)
    bench_loopback(tmp_path / "loop.wav", as_json=True)
    assert '"lag_ms"' in capsys.readouterr().out
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(DeviceError, match=r"text\.wav: cannot be read as a recording"):
        bench_loopback(tmp_path / "text.wav")


def test_each_press_is_one_trial_from_the_threshold_to_the_first_answer() -> None:
    t_ns = np.arange(0, 4_000_000_000, 4_000_000)
    total = np.where((t_ns // 1_000_000_000) % 2 == 0, 0.0, 8.0)  # two presses, from 1 s and from 3 s
    total[300] = 4.0  # a dip within the first press is no new press
    answered = Answers(
        np.array([200_000_000, 1_000_000_000, 1_500_000_000, 3_040_000_000]),
        np.array([214_000_000, 1_015_000_000, 1_516_000_000, 3_059_000_000]),  # the second hurts late
    )
    lags = trial_lags({"received_ns": t_ns, "total_newton": total}, answered)
    np.testing.assert_allclose(lags.lag_ms, [15.0, 19.0])
    quiet = ReferenceLateness(np.array([0]), np.array([0.1]))
    lag, sd = lag_figures("force_to_sound", [lags], [quiet], wanted=100)
    assert (lag.value, lag.n) == (17.0, 2)
    assert sd.value == pytest.approx(np.std([15.0, 19.0], ddof=1), abs=1e-3)
    assert lag.remark == "2 of the 100 trials asked for"
