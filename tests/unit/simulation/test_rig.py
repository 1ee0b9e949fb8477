"""The rig: the session's own chain on a simulated clock, bit for bit."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from support.needs import module

from firmware_bridge.boards import make_board
from firmware_bridge.phantom import OFFSET_COUNTS
from robopatient.config import FaceConfig, SensingConfig, SessionConfig, VoiceConfig
from robopatient.messages import FaceAsk, OperatorAction, SessionStart, VoiceAsk
from robopatient.patient import load_patient
from robopatient.record.writer import RecordWriter
from robopatient.session.journal import Action, JournalWriter, Received, Tick, read_journal
from robopatient.session.pipeline import Given, Pipeline
from robopatient.session.replay import recompute
from robopatient.simulation.presses import Palpation, press
from robopatient.simulation.rig import Rig, RigTurn

QUIET = SessionConfig(voice=VoiceConfig(enabled=False), face=FaceConfig(enabled=False))
BLEND = SessionConfig(face=FaceConfig(engine="blend"))


def pressed(rig: Rig, newton: float = 20.0, seconds: float = 2.0) -> list[RigTurn]:
    hand = Palpation([press(newton, onset_s=0.3)], phantom=rig.pipeline.sensing.phantom, sites=rig.profile.sites)
    return list(rig.play(hand, seconds))


def test_the_bytes_of_a_journal_give_what_the_replay_gives_bit_for_bit(tmp_path) -> None:
    from firmware_bridge.virtual_device import VirtualDevice

    folder = tmp_path / "session"
    phantom = Pipeline(QUIET, make_board("virtual"), load_patient("appendicitis")).sensing.phantom
    hand = Palpation([press(18.0, onset_s=1.0)], phantom=phantom, sites=load_patient("appendicitis").sites)
    device = VirtualDevice(hand, now_ns=0, seed=1)
    board = make_board("virtual")
    board.link = _Wire(device)
    with RecordWriter(folder, min_free_mb=1) as record:
        config_json = msgspec.json.encode(QUIET).decode()
        record.put(SessionStart(0, "", "s", "", "", 1, config_json, "", {}))
    journal = JournalWriter(folder)
    for tick in range(1, 700):
        now_ns = tick * 4_000_000
        board.link.now_ns = now_ns
        data = board.link.read()
        if data:
            journal.received(now_ns, data)
            board.frames(now_ns, data)
        if tick == 300:
            journal.action(now_ns, OperatorAction(now_ns, "ask", "nrs"))
        journal.tick(now_ns)
        board.poll(now_ns)
    journal.close()
    rig = Rig(QUIET, board=make_board("virtual"))
    computed = []
    for entry in read_journal(folder):
        match entry:
            case Received(t_ns, data):
                rig.pipeline.receive(t_ns, data)
            case Action(_, action):
                rig.pipeline.act(action)
            case Tick(t_ns):
                outputs = rig.turn(t_ns).outputs
                computed += [("pain", outputs.pain), ("expression", outputs.expression), ("face", outputs.face)]
    expected = [row for row in recompute(folder) if row[0] in ("pain", "expression", "face")]
    by_topic = {topic: [m for name, m in expected if name == topic] for topic, _ in computed}
    assert max(pain.nrs for pain in by_topic["pain"]) > 3.0
    for topic, rows in by_topic.items():
        assert rows == [m for name, m in computed if name == topic]


class _Wire:
    """A cable without a port: what is written reaches the device at once."""

    def __init__(self, device) -> None:
        self.device, self.baud, self.now_ns = device, 500_000, 0
        self.generation = self.openings = 1
        self.error = self.note = ""
        self.bytes_received = 0

    def write(self, data: bytes) -> bool:
        if data:
            self.device.receive(data, self.now_ns)
        return True

    def read(self) -> bytes:
        data = b"".join(self.device.run(self.now_ns))
        self.bytes_received += len(data)
        return data


def test_forces_become_counts_and_pass_calibration_and_tare() -> None:
    rig = Rig(QUIET)
    rig.settle()
    assert rig.pipeline.sensing.take_notes() == [("info", "tared: +0.00 N taken away")]
    turns = pressed(rig)
    assert max(turn.outputs.force.total_newton for turn in turns) == pytest.approx(20.0, abs=1e-3)
    assert "untared" not in turns[-1].outputs.force.flags
    assert [one.region for turn in turns for one in turn.outputs.presses] == ["right iliac"]
    counts = rig._frame(1, np.array([1.0, 0.0, 0.0, 0.0])).counts
    assert counts == (round(OFFSET_COUNTS[0] + 42_000), *(round(one) for one in OFFSET_COUNTS[1:]))


def test_the_pain_that_forces_cause_is_that_of_the_pipeline() -> None:
    rig, whole = Rig(QUIET), Pipeline(QUIET, make_board("virtual"), load_patient("appendicitis"))
    hand = Palpation([press(20.0, onset_s=0.3)], phantom=whole.sensing.phantom, sites=rig.profile.sites)
    t_s = np.arange(1.0, 301.0) * 0.004
    turns = list(rig.play(hand, 1.2))
    for seq, (cells, turn) in enumerate(zip(hand.forces(t_s, 0.004), turns, strict=True)):
        whole.take(msgspec.structs.replace(rig._frame(turn.t_ns, cells), seq=seq))
        assert whole.tick(turn.t_ns) == turn.outputs


def test_a_given_pain_is_felt_in_place_of_the_patient_s() -> None:
    rig = Rig(QUIET)
    turn = rig.turn(4_000_000, given=Given(7.0, "hold", voice=VoiceAsk(-3.0, 5.0, 0.1, 0.2), face=FaceAsk(4.0, 1.5)))
    assert (turn.outputs.pain.nrs, turn.outputs.pain.phase) == (7.0, "hold")
    assert turn.outputs.voice.ask.level_db == -3.0
    assert (turn.outputs.face.ask.nrs, turn.outputs.face.ask.expressiveness) == (4.0, 1.5)
    again = rig.turn(8_000_000)
    assert again.outputs.pain.nrs == 0.0


def test_a_turn_brings_the_blocks_and_frames_that_are_due_with_the_whole_pose() -> None:
    module("numba", "audio")
    rig = Rig(BLEND)
    turns = list(rig.feel([8.0] * 1500))
    frames = [frame for turn in turns for frame in turn.frames]
    blocks = [block for turn in turns for block in turn.sound]
    assert len(frames) == 180
    assert len(blocks) == int(6.0 / (256 / 48_000))
    assert [block.heard.block for block in blocks] == list(range(len(blocks)))
    assert frames[-1].seen.pose.flush > 0.02  # lasting pain reddens, as in the window
    heard = [block.heard.t_ns for block in blocks]
    assert (np.diff(heard) > 0).all()


def test_nobody_listens_and_the_sound_goes_on_where_time_is() -> None:
    module("numba", "audio")
    rig = Rig(SessionConfig(face=FaceConfig(enabled=False)))
    for tick in range(100):
        assert rig.turn(tick * 4_000_000, given=Given(5.0), present=False).sound == []
    first, *_ = [block.heard for tick in (100, 101) for block in rig.turn(tick * 4_000_000, given=Given(5.0)).sound]
    assert abs(first.block * 256 / 48_000 - 0.4) < 0.006


def test_actions_reach_the_patient_and_hush_is_silence() -> None:
    module("numba", "audio")
    rig = Rig(SessionConfig(face=FaceConfig(enabled=False), sensing=SensingConfig(tare_at_start=False)))
    rig.act("ask", "nrs")
    assert [said.question for said in rig.turn(4_000_000).outputs.said] == ["nrs"]
    loud = [np.abs(block.samples).max() for turn in rig.feel([8.0] * 200) for block in turn.sound]
    rig.act("hush")
    after = [rig.turn(rig.t_ns + 4_000_000, given=Given(8.0)) for _ in range(100)]
    quiet = [np.abs(block.samples).max() for turn in after for block in turn.sound]
    assert max(loud) > 0.01
    assert max(quiet[10:]) == 0.0
    assert all(turn.outputs.voice.hush for turn in after)


def test_the_breath_that_is_heard_is_the_chest_that_is_seen() -> None:
    module("numba", "audio")
    rig = Rig(msgspec.structs.replace(BLEND, seed=3))
    rig.settle()
    hand = Palpation([press(12.0, onset_s=14.0)], phantom=rig.pipeline.sensing.phantom, sites=rig.profile.sites)
    turns = list(rig.play(hand, 24.0))
    t_s = np.array([(turn.t_ns - turns[0].t_ns) * 1e-9 for turn in turns])
    told = np.array([turn.outputs.pain.breath for turn in turns])
    assert {(turn.outputs.voice.breath, turn.outputs.face.breath) for turn in turns} == {(one, one) for one in told}

    frames = [frame for turn in turns for frame in turn.frames]
    at_s, chest = np.array([frame.t_s for frame in frames]), np.array([frame.seen.pose.breath for frame in frames])
    later = at_s > 2.0  # the face has gone over from its own breath
    assert np.abs(chest - np.interp(at_s, t_s, told))[later].max() < 0.1
    assert np.corrcoef(chest[later], np.interp(at_s, t_s, told)[later])[0, 1] > 0.99

    blocks = [block for turn in turns for block in turn.sound]
    power = np.array([np.mean(block.samples.astype(float) ** 2) for block in blocks])
    heard = np.sqrt(np.convolve(power, np.ones(9) / 9.0, "same"))
    block_s = (np.arange(len(blocks)) + 0.5) * 256 / 48_000
    flow = np.interp(block_s, at_s, np.gradient(chest, at_s))
    moving = np.where(flow > 0.0, flow, -0.7 * flow)
    idle = (block_s > 2.0) & (block_s < 14.0)
    together = [np.corrcoef(np.roll(heard, -lag)[idle], moving[idle])[0, 1] for lag in range(-80, 81)]
    assert together[80] > 0.95
    assert abs(np.argmax(together) - 80) * 256 / 48_000 < 0.05
