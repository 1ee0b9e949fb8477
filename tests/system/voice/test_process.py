"""The voice as a process of its own, on the bus, without a sound device."""

import multiprocessing
import time

import msgspec
import numpy as np
import pytest
import soundfile
from support.needs import ESPEAK

from robopatient.bus import HubPort, make_endpoints
from robopatient.config import SessionConfig, VoiceConfig
from robopatient.messages import ActorState, Heard, Loudness, Note, Said, SessionStop, Spoken
from robopatient.voice.calibration import LoudnessCalibration, write_calibration
from robopatient.voice.playback import Order, Place, PlaybackPlan, serve
from robopatient.voice.process import main
from robopatient.voice.rerender import rerender, rerender_record
from robopatient.voice.wav import WavWriter, read_samples

pytestmark = pytest.mark.system

PATIENCE_S = 90.0  # a first compilation on a loaded machine
CONFIG = SessionConfig(seed=5, voice=VoiceConfig(identity="david", device="none"))


class Rig:
    """Control's end of the bus, and the voice at the other."""

    def __init__(self, folder, config: SessionConfig = CONFIG) -> None:
        endpoints = make_endpoints()
        self.hub = HubPort(endpoints)
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=main, args=(config, endpoints, folder))
        self.process.start()
        self.open = True
        self.states: list[ActorState] = []
        self.heard: list[Heard] = []
        self.told: list[Spoken | Loudness | Note] = []

    def listen(self) -> None:
        for message in self.hub.receive():
            if isinstance(message, ActorState):
                self.states.append(message)
            elif isinstance(message, Heard):
                self.heard.append(message)
            elif isinstance(message, (Spoken, Loudness, Note)):
                self.told.append(message)

    def until(self, true) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline_s, [state.detail for state in self.states]
            assert self.process.is_alive()
            self.listen()
            time.sleep(0.004)

    def close(self) -> None:
        self.process.join(10.0)
        if self.open:
            self.open = False
            self.listen()
            self.process.kill()
            self.hub.close()


@pytest.fixture
def make_rig(tmp_path):
    """Starts voices, and ends those that a failed test leaves behind."""
    made: list[Rig] = []

    def make(config: SessionConfig = CONFIG, state: str = "ready") -> Rig:
        made.append(Rig(tmp_path, config))
        made[-1].until(lambda: any(told.state == state for told in made[-1].states))
        return made[-1]

    yield make
    for rig in made:
        rig.process.terminate()
        rig.close()


@pytest.fixture
def rig(make_rig):
    return make_rig()


def test_what_a_session_heard_is_its_file_and_is_rendered_again_from_its_commands(rig, tmp_path, ask) -> None:
    sent = {}

    def speak() -> bool:
        now_ns = time.monotonic_ns()
        command = ask(len(sent), nrs=min(9.0, len(sent) / 15), level_db=-30.0 + min(25.0, len(sent) / 8))
        command = type(command)(now_ns, len(sent) + 1, now_ns, command.nrs, command.phase, command.ask)
        sent[now_ns] = command
        rig.hub.publish(command)
        return len(rig.heard) > 300 and rig.heard[-1].cause_seq > 100

    rig.until(speak)
    rig.hub.publish(SessionStop(0, "done"))
    rig.close()
    assert rig.process.exitcode == 0
    assert rig.states[-1].state == "stopped"
    assert [row.block for row in rig.heard] == list(range(len(rig.heard)))
    assert all(row.t_ns > row.cause_received_ns for row in rig.heard)
    samples, rate_hz = soundfile.read(tmp_path / "voice.wav", dtype="float32")
    assert rate_hz == 48000
    applied, last = [], 0
    for row in rig.heard:
        applied.append(sent[row.command_t_ns] if row.command_t_ns != last else None)
        last = row.command_t_ns
    assert samples.std() > 0.01
    assert np.array_equal(samples, rerender(applied, CONFIG.voice, CONFIG.seed, len(rig.heard)))


def test_a_killed_voice_leaves_a_readable_file_and_its_successor_goes_on_in_it(rig, make_rig, tmp_path, rest) -> None:
    def breathe() -> bool:
        rig.hub.publish(rest(len(rig.heard)))
        return len(rig.heard) > 300

    rig.until(breathe)
    rig.process.kill()
    rig.process.join()
    frames = soundfile.info(tmp_path / "voice.wav").frames
    assert frames > 100 * 256
    successor = make_rig()
    successor.until(lambda: len(successor.heard) > 10)
    assert successor.heard[0].block * 256 >= frames
    successor.process.terminate()
    successor.close()
    assert successor.process.exitcode == 0
    assert soundfile.info(tmp_path / "voice.wav").frames == (successor.heard[-1].block + 1) * 256


@ESPEAK
def test_answers_and_interjections_are_spoken_and_rendered_again_from_the_record(make_rig, tmp_path, ask) -> None:
    write_calibration(
        LoudnessCalibration(noise_dbfs=-20.0, reading_dba=80.0, full_scale_dba=100.0), path := tmp_path / "rig.toml"
    )
    voice = VoiceConfig(identity="lily", device="none", calibration=str(path), max_dba=90.0)
    config = SessionConfig(seed=5, voice=voice)
    rig = make_rig(config)
    sent = {}

    def spoken(why: str) -> list[Spoken]:
        return [row for row in rig.told if isinstance(row, Spoken) and row.why == why]

    def hurt(nrs: float) -> None:
        now_ns = time.monotonic_ns()
        command = ask(len(sent), nrs=nrs, level_db=-60.0 + 6 * nrs)
        sent[now_ns] = type(command)(now_ns, len(sent) + 1, now_ns, command.nrs, command.phase, command.ask)
        rig.hub.publish(sent[now_ns])

    def wait_for(why: str, nrs: float):
        def true() -> bool:
            hurt(nrs)
            return bool(spoken(why))

        return true

    rig.until(lambda: (hurt(0.0), len(rig.heard) > 50)[1])
    rig.hub.publish(Said(time.monotonic_ns(), 1, "nrs", "Three, I would say.", 3))
    rig.until(wait_for("answer", 0.0))
    rig.until(wait_for("interjection", 8.0))
    end = len(rig.heard) + 250
    rig.until(lambda: (hurt(3.0), len(rig.heard) > end)[1])
    rig.hub.publish(SessionStop(0, "done"))
    rig.close()
    assert [row.text for row in spoken("answer")] == ["Three, I would say."]
    calls = {row.call for row in rig.heard}
    assert all(f"say: {row.text}" in calls for row in rig.told if isinstance(row, Spoken))
    assert any(row.f1_hz > 300.0 < row.f2_hz for row in rig.heard)
    loudness = [row for row in rig.told if isinstance(row, Loudness)]
    assert loudness
    assert all(row.max_dbfs < -10.0 and row.level_dba < 90.0 for row in loudness)
    assert "100.0 dB(A)" in next(row.text for row in rig.told if isinstance(row, Note))
    columns = ("block", "command_t_ns", "fresh", "hush")
    heard = {name: np.array([getattr(row, name) for row in rig.heard]) for name in columns}
    rows = [row for row in rig.told if isinstance(row, Spoken)]
    ((first, again),) = rerender_record(voice, 5, heard, list(sent.values()), rows, loudness)
    samples, _ = soundfile.read(tmp_path / "voice.wav", dtype="float32")
    assert first == 0
    assert np.array_equal(samples, again)


def test_without_espeak_the_session_goes_on_and_says_so_once(make_rig, tmp_path, rest, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rig = make_rig()
    rig.hub.publish(Said(time.monotonic_ns(), 1, "nrs", "Three, I would say.", 3))

    def breathe() -> bool:
        rig.hub.publish(rest(len(rig.heard)))
        return any(isinstance(row, Note) for row in rig.told)

    rig.until(breathe)
    end = len(rig.heard) + 100
    rig.until(lambda: (rig.hub.publish(rest(0)), len(rig.heard) > end)[1])
    notes = [row.text for row in rig.told if isinstance(row, Note)]
    assert len(notes) == 1
    assert "apt-get install espeak-ng" in notes[0]
    rig.hub.publish(SessionStop(0, "done"))
    rig.close()
    assert rig.process.exitcode == 0


def test_an_unknown_voice_degrades_the_actor_and_the_session_goes_on(make_rig) -> None:
    rig = make_rig(SessionConfig(voice=VoiceConfig(identity="nobody", device="none")), "degraded")
    assert "nobody" in rig.states[-1].detail
    rig.hub.publish(SessionStop(0, "done"))
    rig.close()
    assert rig.process.exitcode == 0


@pytest.mark.timeout(60)
def test_the_process_of_a_playback_tells_which_moment_leaves_when(tmp_path):
    rate_hz, path = 48_000, tmp_path / "voice.wav"
    ramp = (np.arange(rate_hz) / rate_hz).astype(np.float32)
    writer = WavWriter(path, rate_hz)
    writer.append(ramp)
    writer.close()
    assert np.array_equal(read_samples(path, rate_hz), ramp)
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    voice = VoiceConfig(identity="margaret", device="none", block_frames=256)
    made = PlaybackPlan(path=str(path), pieces=[(0, 0, rate_hz)], offset_s=0.0, length_s=30.0, voice=voice)
    process = context.Process(target=serve, args=(msgspec.json.encode(made), theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        mine.send_bytes(msgspec.msgpack.encode(Order(7, 1.0, 1.0)))
        places: list[Place] = []
        while len(places) < 8 and mine.poll(30):
            place = msgspec.msgpack.decode(mine.recv_bytes(), type=Place)
            if place.serial == 7 and place.speed:
                places.append(place)
        begins = [place.t_ns * 1e-9 - place.at_s for place in places]
        assert len(places) == 8
        assert min(np.diff(begins)) > -0.002, "one clock; blocks that come late put the session off, never on"
        assert abs(places[0].t_ns - time.monotonic_ns()) < 30e9
    finally:
        mine.close()
        process.join(timeout=10)
        if process.is_alive():
            process.terminate()
    assert process.exitcode == 0
