import sys
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from robopatient.clock import FakeClock, HostClock
from robopatient.config import VoiceConfig
from robopatient.voice.engine import VoiceEngine
from robopatient.voice.identity import load_identity
from robopatient.voice.player import LOOKAHEAD_NS, Player, StreamClock
from robopatient.voice.rerender import rerender

CONFIG = VoiceConfig(identity="margaret")
BLOCK_NS = round(256 / 48000 * 1e9)


class PortAudioError(Exception):
    pass


class FakeStream:
    """A device that asks for a block whenever the test says so."""

    latency = 0.0107

    def __init__(self, **options) -> None:
        if options["samplerate"] not in FakePortAudio.rates_hz:
            raise PortAudioError("Error opening OutputStream: Invalid sample rate [PaErrorCode -9997]")
        self.options = options
        self.active = False
        self.time = 100.0
        FakePortAudio.streams.append(self)

    def start(self) -> None:
        self.active = True

    def abort(self) -> None:
        self.active = False

    close = abort

    def ask(self, dac_s: float = 0.0, underflow: bool = False) -> np.ndarray:
        """One block of the voice, in as many callbacks as the stream was opened for."""
        out = np.full((CONFIG.block_frames, self.options["channels"]), np.nan, np.float32)
        frames = self.options["blocksize"]
        for begin in range(0, len(out), frames):
            later_s = dac_s + begin / CONFIG.sample_rate_hz if dac_s else 0.0
            times = SimpleNamespace(outputBufferDacTime=later_s, currentTime=self.time)
            status = SimpleNamespace(output_underflow=underflow and begin == 0)
            self.options["callback"](out[begin : begin + frames], frames, times, status)
        return out


class FakePortAudio:
    """What of sounddevice the player uses."""

    streams: list[FakeStream]
    devices: list[dict]
    rates_hz: tuple[int, ...]
    PortAudioError = PortAudioError
    OutputStream = FakeStream

    @classmethod
    def query_devices(cls, device=None, kind=None):
        if kind is None:
            return cls.devices
        if not cls.devices:
            raise PortAudioError("Error querying device -1")
        if device is not None and device != cls.devices[0]["name"]:
            raise ValueError(f"No output device matching {device!r}")
        return cls.devices[0]

    @staticmethod
    def _terminate() -> None:
        pass

    _initialize = _terminate


@pytest.fixture
def sound(monkeypatch):
    FakePortAudio.streams = []
    FakePortAudio.rates_hz = (44_100, 48_000)
    FakePortAudio.devices = [
        {"name": "Loudspeaker", "index": 0, "max_output_channels": 8, "default_samplerate": 48_000.0}
    ]
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio)
    return FakePortAudio


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(5_000_000_000)


@pytest.fixture
def player(sound, clock):
    made = Player(VoiceEngine(load_identity("margaret"), CONFIG, 1), CONFIG, clock)
    made.start()
    yield made
    made.stop()


def test_the_newest_command_is_heard_in_the_next_block_and_named_there(player, sound, ask) -> None:
    stream = sound.streams[0]
    silent = stream.ask()
    player.submit(ask(1))
    player.submit(ask(2))
    loud = [stream.ask() for _ in range(3)]
    heard = list(player.heard())
    assert player.state == "ready"
    assert not silent.any()
    assert loud[0].any()
    assert np.array_equal(loud[0][:, 0], loud[0][:, 1])
    assert [row.cause_seq for row in heard] == [0, 3, 3, 3]
    assert [row.command_t_ns for row in heard] == [0, *[ask(2).t_ns] * 3]
    assert [row.block for row in heard] == [0, 1, 2, 3]


def test_a_block_that_is_wanted_soon_reaches_the_device_in_halves_that_follow_each_other(sound, clock, ask) -> None:
    config = msgspec.structs.replace(CONFIG, latency_s=0.008)
    player = Player(VoiceEngine(load_identity("margaret"), config, 1), config, clock)
    player.start()
    stream = sound.streams[0]
    assert stream.options["blocksize"] == CONFIG.block_frames // 2
    stream.ask(dac_s=stream.time + 0.009)
    player.submit(ask(0))
    out = np.concatenate([stream.ask(dac_s=stream.time + 0.009)[:, 0] for _ in range(20)])
    assert np.array_equal(out, player.samples()[1:].ravel())
    assert {row.t_ns for row in player.heard()} == {clock.now_ns() + 9_000_000 + LOOKAHEAD_NS}  # of the first half
    player.stop()


@pytest.mark.parametrize(
    ("block_frames", "latency_s", "piece"),
    [(256, 0.010, 256), (64, 0.003, 64), (257, 0.008, 257), (512, 0.010, 256), (512, 0.02, 512)],
)
def test_blocks_with_time_and_small_or_odd_ones_are_played_whole(sound, clock, block_frames, latency_s, piece) -> None:
    config = msgspec.structs.replace(CONFIG, block_frames=block_frames, latency_s=latency_s)
    player = Player(VoiceEngine(load_identity("margaret"), config, 1), config, clock)
    player.start()
    assert sound.streams[0].options["blocksize"] == piece
    player.stop()


def test_what_was_played_is_rendered_again_from_what_was_heard(player, sound, ask) -> None:
    stream, sent = sound.streams[0], {}
    for block in range(200):
        if block % 4:
            command = ask(block, nrs=block / 20, level_db=-block / 10)
            sent[command.t_ns] = command
            player.submit(command)
        stream.ask()
    played = player.samples()
    applied, last = [], 0
    for row in player.heard():
        applied.append(sent[row.command_t_ns] if row.command_t_ns != last else None)
        last = row.command_t_ns
    assert played.shape == (200, 256)
    assert np.array_equal(rerender(applied, CONFIG, 1, 200), played.ravel())


def test_dac_times_are_told_on_the_hosts_clock(player, sound, clock) -> None:
    stream = sound.streams[0]
    clock.advance_s(0.2)
    stream.time += 0.2
    stream.ask(dac_s=stream.time + 0.012)
    assert next(player.heard()).t_ns == pytest.approx(clock.now_ns() + 12_000_000 + LOOKAHEAD_NS, abs=1000)


@pytest.mark.parametrize("dac_s", [0.0, 1e6])
def test_a_device_that_tells_no_believable_time_is_given_its_latency(player, sound, clock, dac_s) -> None:
    sound.streams[0].ask(dac_s=dac_s)
    assert next(player.heard()).t_ns == clock.now_ns() + 10_700_000 + LOOKAHEAD_NS


def test_a_device_without_any_clock_is_told_in_the_remark(clock) -> None:
    times = StreamClock(clock, 0.02)
    times.attach(SimpleNamespace(time=0.0, latency=0.02))
    assert not times.known
    assert times.dac_ns(0.0) == clock.now_ns() + 20_000_000


def test_underflows_are_counted(player, sound) -> None:
    for underflow in (False, True, True):
        sound.streams[0].ask(underflow=underflow)
    assert [row.underruns for row in player.heard()] == [0, 1, 2]


def test_blocks_that_nobody_fetched_in_time_are_counted_in_the_file_as_silence(player, sound, ask) -> None:
    for block in range(1500):
        player.submit(ask(block))
        sound.streams[0].ask()
    assert player.samples().shape == (1500, 256)
    assert len(list(player.heard())) <= 1024


def test_a_lost_device_goes_on_to_the_record_and_comes_back(sound, ask) -> None:
    player = Player(VoiceEngine(load_identity("margaret"), CONFIG, 1), CONFIG, HostClock())
    player.start()
    sound.streams[0].ask()
    sound.streams[0].active = False
    assert player.poll()
    assert player.state == "degraded"
    assert "Loudspeaker was lost" in player.detail
    for _ in range(500):
        player.poll()
        if len(sound.streams) == 2 and sound.streams[1].active:
            break
        HostClock().sleep_until_ns(HostClock().now_ns() + 10_000_000)
    assert player.state == "ready"
    player.submit(ask(0))
    assert sound.streams[1].ask().any()
    assert not sound.streams[0].ask().any()  # a late callback of the lost one plays nothing
    blocks = [row.block for row in player.heard()]
    assert blocks == list(range(len(blocks)))
    player.stop()


def test_without_a_device_the_sound_goes_to_the_record_and_says_what_to_do(sound, clock) -> None:
    sound.devices = []
    player = Player(VoiceEngine(load_identity("margaret"), CONFIG, 1), CONFIG, HostClock())
    player.start()
    assert player.state == "degraded"
    assert "no sound output" in player.detail
    assert "--set voice.device=none" in player.detail
    player.stop()


@pytest.mark.parametrize(
    ("rate_hz", "says"),
    [(44_100, "--set voice.sample_rate_hz=44100"), (96_000, "set that rate in the system's sound settings")],
)
def test_a_device_that_changes_its_rate_is_named_with_what_mends_it_and_the_record_goes_on(
    sound, ask, rate_hz, says
) -> None:
    player = Player(VoiceEngine(load_identity("margaret"), CONFIG, 1), CONFIG, HostClock())
    player.start()
    sound.rates_hz = (rate_hz,)
    sound.devices[0]["default_samplerate"] = float(rate_hz)
    sound.streams[0].active = False  # PortAudio ends a stream whose device changes under it
    assert player.poll()
    assert player.state == "degraded"
    assert "was lost" in player.detail
    recorded = False
    for block in range(500):
        player.submit(ask(block))
        player.poll()
        recorded = recorded or bool(player.samples().any())
        if recorded and "runs at" in player.detail:
            break
        HostClock().sleep_until_ns(HostClock().now_ns() + 10_000_000)
    assert recorded
    assert f"Invalid sample rate [PaErrorCode -9997]); it runs at {rate_hz} Hz, not at 48000: " in player.detail
    assert says in player.detail
    assert player.state == "degraded"
    player.stop()


def test_a_device_that_does_not_exist_is_named_with_those_that_do(sound) -> None:
    config = msgspec.structs.replace(CONFIG, device="Hedphones")
    player = Player(VoiceEngine(load_identity("margaret"), config, 1), config, HostClock())
    player.start()
    assert '"Hedphones" cannot be opened' in player.detail
    assert "outputs are Loudspeaker" in player.detail
    player.stop()


def test_no_device_on_purpose_is_no_fault(sound) -> None:
    config = msgspec.structs.replace(CONFIG, device="none")
    player = Player(VoiceEngine(load_identity("margaret"), config, 1), config, HostClock())
    player.start()
    assert player.state == "ready"
    assert sound.streams == []
    player.stop()


def test_without_sounddevice_the_install_command_is_told(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    player = Player(VoiceEngine(load_identity("margaret"), CONFIG, 1), CONFIG, HostClock())
    player.start()
    assert player.state == "degraded"
    assert "pip install 'robopatient[audio]'" in player.detail
    player.stop()
