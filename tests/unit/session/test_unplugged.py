"""From the last frame of a board that is pulled out to a patient at peace: pain, voice, face, on a simulated clock."""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np
import pytest

from robopatient.config import ControlConfig, FaceConfig, SessionConfig, VoiceConfig
from robopatient.face.generator import make_engine
from robopatient.facs import pspi
from robopatient.messages import ForceFrame
from robopatient.patient import load_patient
from robopatient.record.osce import SHOWN_PSPI
from robopatient.session.control import open_board
from robopatient.session.pipeline import Outputs, Pipeline
from robopatient.voice.engine import VoiceEngine
from robopatient.voice.identity import load_identity

MS = 1_000_000
QUIET_MS = ControlConfig().fail_quiet_ms
STALE_MS = ControlConfig().stale_ms


def unplugged(
    rate_hz: float = 1000.0, loop_hz: float = 250.0, late_ms: float = 0.0, rest_s: float = 0.6
) -> tuple[int, list[Outputs]]:
    """Time of the last frame, and every turn: a second of a painful press, then nothing.

    ``late_ms``: how late every tenth turn of the loop comes.
    """
    control = ControlConfig(loop_hz=loop_hz)
    config = SessionConfig(patient="appendicitis", control=control)
    pipeline = Pipeline(config, open_board(config), load_patient("appendicitis"))
    contact = pipeline.sensing.phantom.plate_mm(-72.0, -51.0)
    turn_ns, frame_ns = round(1e9 / loop_hz), round(1e9 / rate_hz)
    last_ns, turns = 0, []
    for turn in range(1, round((1.0 + rest_s) * loop_hz)):
        now_ns = turn * turn_ns + round(late_ms * MS) * (turn % 10 == 0)
        if now_ns <= 1_000 * MS:
            last_ns = now_ns // frame_ns * frame_ns
            pipeline._newest = ForceFrame(last_ns, last_ns, turn, (25.0,), contact)
        turns.append(pipeline.tick(now_ns))
    return last_ns, turns


@pytest.mark.parametrize(
    ("rate_hz", "loop_hz", "late_ms"),
    [(1000.0, 250.0, 0.0), (1000.0, 250.0, 7.0), (80.0, 250.0, 7.0), (250.0, 100.0, 15.0), (1000.0, 1000.0, 1.5)],
)
def test_pain_is_0_within_the_limit_counted_from_the_last_frame_and_not_from_the_flag(rate_hz, loop_hz, late_ms):
    last_ns, turns = unplugged(rate_hz, loop_hz, late_ms)
    before = [turn for turn in turns if turn.voice.t_ns <= last_ns + STALE_MS * MS]
    assert before[-1].pain.nrs > 4.0, "a painful press"
    assert not any("stale" in turn.force.flags for turn in before)
    after = [turn for turn in turns if turn.voice.t_ns > last_ns + QUIET_MS * MS]
    first_calm = next(turn for turn in turns if turn.pain.nrs == 0.0 and turn.voice.t_ns > last_ns)
    assert first_calm.voice.t_ns - last_ns <= QUIET_MS * MS
    assert {turn.pain.nrs for turn in after} == {0.0}
    fading = [turn.pain.nrs for turn in turns if "stale" in turn.force.flags]
    assert fading == sorted(fading, reverse=True), "and it never comes back up on its way"


def test_the_fade_has_no_step_in_it():
    _, turns = unplugged()
    fading = [turn.pain.nrs for turn in turns if "stale" in turn.force.flags]
    steps = -np.diff(fading)[:40]
    assert steps.max() < 0.35, "NRS a turn of 4 ms"


def test_the_cry_is_gone_soon_after_and_what_is_left_is_breath():
    last_ns, turns = unplugged()
    voice = VoiceConfig(identity="margaret")
    engine = VoiceEngine(load_identity("margaret"), voice, 1)
    block_ns = voice.block_frames / voice.sample_rate_hz * 1e9
    commands = deque(turn.voice for turn in turns)
    samples = np.zeros((int(turns[-1].voice.t_ns / block_ns), voice.block_frames), np.float32)
    for block, out in enumerate(samples):
        fresh = None
        while commands and commands[0].t_ns <= block * block_ns:
            fresh = commands.popleft()
        engine.render(fresh, out)
    sound, unplugged_at = samples.ravel(), round(last_ns * 1e-9 * voice.sample_rate_hz)
    cry = np.abs(sound[:unplugged_at]).max()
    after = np.abs(sound[unplugged_at + round(0.45 * voice.sample_rate_hz) :]).max()
    assert cry > 0.1
    assert 20 * np.log10(after / cry) < -30


def test_the_face_eases_to_neutral_at_the_pace_of_a_face():
    last_ns, turns = unplugged(rest_s=2.5)
    engine = make_engine(FaceConfig(engine="blend"), 1)
    shown = {}
    for turn in turns[::8]:  # about 30 pictures a second
        pose = engine.step(turn.face, turn.face.t_ns)
        shown[(turn.face.t_ns - last_ns) / MS] = pspi(pose.au)
    assert max(shown.values()) > 5.0
    later = [value for t_ms, value in shown.items() if t_ms > 1_500]
    assert max(later) < SHOWN_PSPI
    easing = [value for t_ms, value in shown.items() if 350 < t_ms < 1_500]
    assert max(np.diff(easing)) < 0.05, "no grimace on the way"


def test_the_limit_of_a_session_is_kept_even_when_it_is_tight():
    control = ControlConfig(stale_ms=20.0, fail_quiet_ms=50.0)
    config = SessionConfig(patient="appendicitis", control=control)
    pipeline = Pipeline(config, open_board(config), load_patient("appendicitis"))
    pipeline._newest = ForceFrame(0, 0, 1, (25.0,), pipeline.sensing.phantom.plate_mm(-72.0, -51.0))
    for t_ms in range(0, 20, 4):
        frame = msgspec.structs.replace(pipeline._newest, t_ns=t_ms * MS, received_ns=t_ms * MS)
        pipeline._newest = frame
        pipeline.tick(t_ms * MS)
    felt = [pipeline.tick(t_ms * MS).pain.nrs for t_ms in range(20, 72, 4)]
    assert felt[-1] == 0.0
