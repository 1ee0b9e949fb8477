"""The voice as a process of its own, on the bus, without a sound device."""

import multiprocessing
import time

import numpy as np
import pytest
import soundfile

from robopatient.bus import HubPort, make_endpoints
from robopatient.config import SessionConfig, VoiceConfig
from robopatient.messages import ActorState, Heard, SessionStop
from robopatient.voice.engine import rerender
from robopatient.voice.process import main

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

    def listen(self) -> None:
        for message in self.hub.receive():
            if isinstance(message, ActorState):
                self.states.append(message)
            elif isinstance(message, Heard):
                self.heard.append(message)

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
def rig(tmp_path):
    made = Rig(tmp_path)
    made.until(lambda: any(state.state == "ready" for state in made.states))
    yield made
    made.close()


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


def test_a_killed_voice_leaves_a_readable_file_and_its_successor_goes_on_in_it(rig, tmp_path, rest) -> None:
    def breathe() -> bool:
        rig.hub.publish(rest(len(rig.heard)))
        return len(rig.heard) > 300

    rig.until(breathe)
    rig.process.kill()
    rig.process.join()
    frames = soundfile.info(tmp_path / "voice.wav").frames
    assert frames > 100 * 256
    successor = Rig(tmp_path)
    successor.until(lambda: len(successor.heard) > 10)
    assert successor.heard[0].block * 256 >= frames
    successor.process.terminate()
    successor.close()
    assert successor.process.exitcode == 0
    assert soundfile.info(tmp_path / "voice.wav").frames == (successor.heard[-1].block + 1) * 256


def test_an_unknown_voice_degrades_the_actor_and_the_session_goes_on(tmp_path) -> None:
    rig = Rig(tmp_path, SessionConfig(voice=VoiceConfig(identity="nobody", device="none")))
    rig.until(lambda: any(state.state == "degraded" for state in rig.states))
    assert "nobody" in rig.states[-1].detail
    rig.hub.publish(SessionStop(0, "done"))
    rig.close()
    assert rig.process.exitcode == 0
