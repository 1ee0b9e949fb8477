"""From a board's microseconds to the host's monotonic nanoseconds.

Owns the estimate and its honesty: a straight line through the quickest sync probes of the last 30 s, its residual, and
the word "unsynced" when the line cannot be trusted. It reads no clock, so equal inputs give equal times.
"""

from __future__ import annotations

import math
from collections import deque

import msgspec

__all__ = ["ClockSync"]

WINDOW_NS = 30_000_000_000
QUICKEST_SHARE = 0.30
"""Regression over the lowest-RTT 30 % of 30 s: 42 us rms against 454 us over all probes (own simulation of 120 ppm
drift, 0.9 ms mean RTT and 5 % outliers to 20 ms)."""
MIN_PROBES = 6  # LSL's minimum (liblsl api_config)
MAX_ROUND_TRIP_NS = 128_000_000  # LSL's maximum (liblsl api_config)
MAX_RESIDUAL_NS = 1_000_000.0
MAX_DRIFT_PPM = 10_000.0
MIN_SLOPE_BASELINE_NS = 1_000_000_000
"""Over less time than this 0.1 ms of jitter is a drift of 100 ppm and more: the line is kept level. Assumption."""
JUMP_NS = 10_000_000
JUMP_PROBES = 5  # PX4 resets after 5 consecutive deviations (Timesync.hpp)
BUCKET_NS = 5_000_000_000
FAR_NS = 1 << 62
"""Above any delay: nothing has been observed."""


class _Probe(msgspec.Struct, frozen=True, gc=False):
    middle_ns: int
    device_ns: int
    round_trip_ns: int


class _Line(msgspec.Struct, frozen=True, gc=False):
    """Host time of device time d: origin_ns + (d - device_ns) * (1 + drift)."""

    device_ns: int
    origin_ns: int
    drift: float

    def host_ns(self, device_ns: int) -> int:
        elapsed_ns = device_ns - self.device_ns
        return self.origin_ns + elapsed_ns + round(elapsed_ns * self.drift)


class ClockSync:
    """Maps device time to host time; one per boot of a board (``reset`` starts anew).

    Until a line is accepted the mapping is that of the smallest delay: the frame that came quickest in the last 5 to
    10 s is taken to have come at once.

    Attributes
    ----------
    synced
        Whether the last fit was accepted; False is CLOCK_UNSYNCED: times come from the last good line or, without one,
        from the smallest delay.
    residual_ms
        Root mean square of the chosen probes about the last fit, ms; ``nan`` before the first. An asymmetry of the
        two ways is not in it: it shifts all times by half its size and cannot be seen from round trips.
    drift_ppm
        How much faster (+) host time runs than device time, ppm.
    probes
        Probes taken since the last reset.
    round_trip_ms
        Time from question to answer of the last probe, ms, too slow or not.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: the board has rebooted."""
        self.synced = False
        self.residual_ms = math.nan
        self.drift_ppm = 0.0
        self.probes = 0
        self.round_trip_ms = math.nan
        self._slow = 0
        self._line: _Line | None = None
        self._window: deque[_Probe] = deque()
        self._deviating = 0
        self._bucket_end_ns = 0
        self._bucket_min_ns = FAR_NS
        self._min_delay_ns = FAR_NS

    def observe(self, device_us: int, received_ns: int) -> None:
        """Learn the smallest delay from a frame of any type (device us unwrapped)."""
        delay_ns = received_ns - device_us * 1000
        if received_ns >= self._bucket_end_ns:
            self._bucket_end_ns = received_ns + BUCKET_NS
            self._min_delay_ns = min(self._bucket_min_ns, delay_ns)
            self._bucket_min_ns = delay_ns
        elif delay_ns < self._bucket_min_ns:
            self._bucket_min_ns = delay_ns
            self._min_delay_ns = min(self._min_delay_ns, delay_ns)

    def probe(self, sent_ns: int, received_ns: int, device_us: int) -> None:
        """Learn from a SYNC reply: host time sent and received, device time (us, unwrapped) in between."""
        round_trip_ns = received_ns - sent_ns
        if round_trip_ns < 0:
            return
        self.round_trip_ms = round_trip_ns * 1e-6
        self._slow = self._slow + 1 if round_trip_ns > MAX_ROUND_TRIP_NS else 0
        if self._slow:
            self.synced = self.synced and not self.is_slow
            return
        self.probes += 1
        probe = _Probe(sent_ns + round_trip_ns // 2, device_us * 1000, round_trip_ns)
        self._notice_jump(probe)
        window = self._window
        window.append(probe)
        while probe.middle_ns - window[0].middle_ns > WINDOW_NS:
            window.popleft()
        if len(window) >= MIN_PROBES:
            self._fit()

    @property
    def is_slow(self) -> bool:
        """Whether the last five answers all came too late to be used."""
        return self._slow >= JUMP_PROBES

    def host_ns(self, device_us: int) -> int:
        """Host monotonic ns of a device time (us, unwrapped); needs one ``observe`` since the last reset."""
        device_ns = device_us * 1000
        if self._line is not None:
            return self._line.host_ns(device_ns)
        return device_ns + self._min_delay_ns

    def _notice_jump(self, probe: _Probe) -> None:
        """Drop the past when the device's clock has jumped (suspend, stopped process): 5 probes in a row disagree."""
        if self._line is None:
            return
        deviation_ns = abs(self._line.host_ns(probe.device_ns) - probe.middle_ns)
        self._deviating = self._deviating + 1 if deviation_ns > probe.round_trip_ns // 2 + JUMP_NS else 0
        if self._deviating >= JUMP_PROBES:
            probes = self.probes
            self.reset()
            self.probes = probes
            self.observe(probe.device_ns // 1000, probe.middle_ns + probe.round_trip_ns // 2)

    def _fit(self) -> None:
        # Of equally quick probes the newest count: the line is used at its end.
        quickest = sorted(self._window, key=lambda probe: (probe.round_trip_ns, -probe.middle_ns))
        chosen = quickest[: max(MIN_PROBES // 2, math.ceil(QUICKEST_SHARE * len(quickest)))]
        n = len(chosen)
        device0_ns = chosen[0].device_ns
        offset0_ns = chosen[0].middle_ns - device0_ns
        x = [float(probe.device_ns - device0_ns) for probe in chosen]
        y = [float(probe.middle_ns - probe.device_ns - offset0_ns) for probe in chosen]
        mean_x, mean_y = sum(x) / n, sum(y) / n
        spread = sum((value - mean_x) ** 2 for value in x)
        drift = 0.0
        if max(x) - min(x) >= MIN_SLOPE_BASELINE_NS:
            drift = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
        level_ns = mean_y - drift * mean_x
        residual_ns = math.sqrt(sum((b - level_ns - drift * a) ** 2 for a, b in zip(x, y, strict=True)) / n)
        self.residual_ms = residual_ns * 1e-6
        self.synced = residual_ns <= MAX_RESIDUAL_NS and abs(drift) * 1e6 <= MAX_DRIFT_PPM
        if self.synced:
            self.drift_ppm = drift * 1e6
            self._line = _Line(device0_ns, device0_ns + offset0_ns + round(level_ns), drift)
