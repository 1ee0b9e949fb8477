"""A real loudspeaker on the bench: its rate and underruns, and clicks that come back through a real microphone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from support.needs import module

from experiments.benchmarks.loopback import read_onsets
from hardware.bench import given
from robopatient.config import VoiceConfig
from robopatient.voice.engines import make_engine
from robopatient.voice.player import Player

pytestmark = [pytest.mark.hardware, pytest.mark.timeout(120)]

PLAY_S = 3.0
CLICKS, APART_S, FIRST_S = 6, 0.5, 1.0
CLICK_HZ, CLICK_S, CLICK_LEVEL = 1_000.0, 0.005, 0.25
"""Five waves of 1 kHz at -12 dBFS: loud enough beside a loudspeaker, harmless to an ear (assumption)."""
JITTER_S = 0.001
RATE_SHARE = 0.001
"""Sound cards run within 100 ppm of their rate; ten times that is the wrong rate."""


def device(text: str) -> int | str | None:
    return None if text == "default" else int(text) if text.isdigit() else text


def test_the_loudspeaker_takes_the_voice_at_its_rate_without_an_underrun() -> None:
    name = given("ROBOPATIENT_LOUDSPEAKER")
    config = VoiceConfig(identity="mei", device="" if name == "default" else name)
    player = Player(make_engine(config, 1), config)
    player.start()
    try:
        assert player.state == "ready", player.detail
        heard = []
        end_s = time.monotonic() + PLAY_S
        while time.monotonic() < end_s:
            time.sleep(0.05)
            player.poll()
            heard += list(player.heard())
    finally:
        player.stop()
    settled = [block for block in heard if block.t_ns - heard[0].t_ns > 1e9]
    begin, end = settled[0], settled[-1]
    rate_hz = (end.block - begin.block) * config.block_frames / ((end.t_ns - begin.t_ns) * 1e-9)
    print(f"{player.detail}: {rate_hz:.0f} Hz, {end.underruns} underruns")
    assert end.underruns == begin.underruns
    assert rate_hz == pytest.approx(config.sample_rate_hz, rel=10 * RATE_SHARE)  # over 2 s; times jitter by 1 ms


def test_clicks_come_back_through_the_microphone_evenly() -> None:
    outputs, inputs = given("ROBOPATIENT_LOUDSPEAKER"), given("ROBOPATIENT_MICROPHONE")
    sounddevice = module("sounddevice", "audio")
    rate_hz = VoiceConfig().sample_rate_hz
    played = np.zeros(round((FIRST_S + CLICKS * APART_S) * rate_hz), np.float32)
    at_s = FIRST_S + APART_S * np.arange(CLICKS)
    t_s = np.arange(round(CLICK_S * rate_hz)) / rate_hz
    click = CLICK_LEVEL * np.sin(2.0 * np.pi * CLICK_HZ * t_s).astype(np.float32)
    for begin in np.rint(at_s * rate_hz).astype(int):
        played[begin : begin + len(click)] = click
    where = (device(inputs), device(outputs))
    recorded = sounddevice.playrec(
        played, rate_hz, channels=1, device=where, dtype="float32", latency="high", blocking=True
    )
    onsets_s = read_onsets(recorded[:, 0], rate_hz, "microphone")
    assert len(onsets_s) == CLICKS
    delay_s = onsets_s - at_s
    print(f"from loudspeaker to microphone and through both drivers: {1e3 * delay_s.mean():.1f} ms")
    assert (delay_s > 0.0).all()
    assert np.ptp(delay_s) < JITTER_S, "samples were lost or repeated between two clicks"
