"""Reads a two-channel recording of a trigger and of what it set off: a loopback cable, a microphone, a photodiode.

Channel 1 is the trigger (a pulse from the board or a touch sensor), channel 2 the answer (the sound output through a
cable, or a photodiode on the face's patch). Both pass the same converter, so that their distance owes nothing to the
clock or the drivers of this computer. docs/howto/measure_timing.md says how to wire it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from scipy.ndimage import maximum_filter1d

from experiments.benchmarks.figures import Figure, distribution, machine, new_result, show
from robopatient.errors import DeviceError, require

__all__ = ["LoopbackResult", "bench_loopback", "read_onsets", "read_recording"]

HIGH = 0.5
"""Of the way from rest to the strongest values: what passes it is an event."""
ONSET_SHARE = 0.1
"""The onset itself is where the envelope first passed a tenth of the way, so that a soft attack is not read late."""
REST_SHARE = 0.5
"""At least half of a recording is rest (stated in docs/howto/measure_timing.md): its median is the resting level."""
LEAST_RATIO = 6.0
"""Events must stand so far above the noise at rest (15 dB; assumption)."""
DEAD_S = 0.25
"""Two events of one channel lie farther apart than this: sounds have pauses, displays flicker."""
ENVELOPE_S = 0.0005
"""Length of the running maximum that joins the halves of a wave into one event; its delay is removed."""


class LoopbackResult(msgspec.Struct, frozen=True):
    """What was found.

    Attributes
    ----------
    trigger_s, answer_s
        Onsets of the pairs, s since the recording began, shapes (n,).
    unanswered, unasked
        Triggers without an answer in time, and answers without a trigger.
    """

    trigger_s: np.ndarray
    answer_s: np.ndarray
    unanswered: int
    unasked: int

    @property
    def lag_ms(self) -> np.ndarray:
        """From trigger to answer, ms, shape (n,)."""
        return (self.answer_s - self.trigger_s) * 1e3


def bench_loopback(path: Path, as_json: bool = False, longest_ms: float = 1000.0) -> None:
    """Print lag and SD of a recording.

    Raises
    ------
    DeviceError
        When the file is no recording of a trigger and an answer: naming what was looked for.
    """
    samples, rate_hz = _load(path)
    reading = read_recording(samples, rate_hz, longest_ms, str(path))
    lag_ms = reading.lag_ms
    remark = f"{reading.unanswered} triggers without an answer, {reading.unasked} answers without a trigger"
    figures = [
        distribution("trigger_to_answer_ms", lag_ms),
        Figure("lag_ms", value=round(float(lag_ms.mean()), 3), n=len(lag_ms), remark=remark),
        Figure("sd_ms", value=round(float(lag_ms.std(ddof=1)), 3), n=len(lag_ms)),
    ]
    show(new_result("loopback", figures, [], machine() | {"file": path.name, "rate_hz": rate_hz}, 0), as_json)


def read_recording(
    samples: np.ndarray, rate_hz: float, longest_ms: float = 1000.0, name: str = "recording"
) -> LoopbackResult:
    """Pair each trigger with the first answer after it.

    Parameters
    ----------
    samples
        Shape (n, 2): trigger, answer.
    longest_ms
        A later answer is none.

    Raises
    ------
    DeviceError
        When a channel holds no event, or fewer than two pairs are found.
    """
    if samples.ndim != 2 or samples.shape[1] < 2:
        raise DeviceError(
            f"{name}: has one channel; record the trigger on the left and the answer on the right channel"
        )
    trigger_s = read_onsets(samples[:, 0], rate_hz, f"{name}, channel 1 (trigger)")
    answer_s = read_onsets(samples[:, 1], rate_hz, f"{name}, channel 2 (answer)")
    place = np.searchsorted(answer_s, trigger_s)
    following = np.append(trigger_s[1:], np.inf)
    pairs = []
    for begin_s, index, next_s in zip(trigger_s, place, following, strict=True):
        if index < len(answer_s) and answer_s[index] < min(begin_s + longest_ms * 1e-3, next_s):
            pairs.append((begin_s, answer_s[index]))
    if len(pairs) < 2:
        raise DeviceError(
            f"{name}: {len(trigger_s)} triggers and {len(answer_s)} answers make {len(pairs)} pairs within "
            f"{longest_ms:g} ms; are the channels the right way round? See docs/howto/measure_timing.md"
        )
    found = np.array(pairs)
    return LoopbackResult(found[:, 0], found[:, 1], len(trigger_s) - len(pairs), len(answer_s) - len(pairs))


def read_onsets(samples: np.ndarray, rate_hz: float, name: str = "recording") -> np.ndarray:
    """Onsets of the events of one channel, s, shape (events,).

    The resting level is the median, so a photodiode's constant light or an offset does no harm; an event may go either
    way.

    Raises
    ------
    DeviceError
        When nothing stands out of the noise.
    """
    values = np.asarray(samples, dtype=float)
    away = np.abs(values - np.median(values))
    width = max(1, round(ENVELOPE_S * rate_hz))
    # A running maximum over the past: its first rise is the event's, so that it adds no delay to an onset.
    envelope = maximum_filter1d(away, width, mode="constant", origin=(width - 1) // 2)
    noise = float(np.quantile(envelope, REST_SHARE))
    top = float(np.quantile(envelope, 0.999))
    if not top > max(LEAST_RATIO * noise, 1e-6):
        raise DeviceError(
            f"{name}: nothing stands out of the noise (strongest {top:.3g}, at rest {noise:.3g} of full scale); check "
            "cable and level, and that at least half of the recording is rest"
        )
    span = top - noise
    high = np.flatnonzero(envelope > noise + HIGH * span)
    onsets = []
    last = -np.inf
    for index in high.tolist():
        if index - last > DEAD_S * rate_hz:
            first = index
            while first > 0 and envelope[first - 1] > noise + ONSET_SHARE * span:
                first -= 1
            onsets.append(first / rate_hz)
        last = index
    return np.array(onsets)


def _load(path: Path) -> tuple[np.ndarray, float]:
    soundfile = require("soundfile", "audio")
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise DeviceError(f"{path}: cannot be read as a recording ({error}); give a WAV file") from error
    return samples, float(rate_hz)
