"""A record is enough to hear a session again, or it says what is missing."""

import msgspec
import numpy as np
import pytest
from support.needs import ESPEAK

from robopatient.config import VoiceConfig
from robopatient.errors import RecordError
from robopatient.messages import Spoken
from robopatient.voice import words
from robopatient.voice.engine import VoiceEngine
from robopatient.voice.identity import load_identity
from robopatient.voice.player import Player
from robopatient.voice.rerender import rerender_record, runs

CONFIG = VoiceConfig(identity="margaret", device="none", max_dbfs=-3.0)


class Session:
    """A player that is asked for blocks by hand, and its record."""

    def __init__(self) -> None:
        self.commands, self.heard, self.samples, self.spoken = [], [], [], []
        self.begin(0)

    def begin(self, first_block: int) -> None:
        """A process of the voice starts."""
        self.first = first_block
        self.player = Player(VoiceEngine(load_identity("margaret"), CONFIG, 4), CONFIG)
        self.player._sink = sink = type("Sink", (), {"underruns": 0})()
        self.sink = sink

    def block(self, command=None) -> None:
        if command is not None:
            self.commands.append(command)
            self.player.submit(command)
        self.samples.append(self.player._render(0, self.sink).copy())
        self.heard += list(self.player.heard(self.first))

    def again(self, heard=None):
        rows = self.heard if heard is None else heard
        table = {
            name: np.array([getattr(row, name) for row in rows]) for name in ("block", "command_t_ns", "fresh", "hush")
        }
        return list(rerender_record(CONFIG, 4, table, self.commands, self.spoken))

    @property
    def flat(self) -> np.ndarray:
        return np.concatenate(self.samples)


@pytest.fixture
def session(ask) -> Session:
    """Cries, with a board that falls silent in the middle and a hush while it is silent."""
    made = Session()
    for index in range(200):
        late = index if index < 80 else 80 + max(0, index - 150)
        made.block(ask(late, nrs=7.0, hush=120 <= index < 130) if index % 3 else None)
    return made


def test_a_silent_board_and_a_hush_are_rendered_again(session) -> None:
    ((first, again),) = session.again()
    assert first == 0
    assert np.array_equal(again, session.flat)
    assert not session.flat[126 * 256 : 130 * 256].any()


def test_a_successor_is_rendered_from_its_own_beginning(session, ask) -> None:
    first = len(session.heard) + 3
    session.begin(first)
    played = len(session.samples)
    for index in range(60):
        session.block(ask(300 + index, nrs=5.0))
    pieces = session.again()
    assert [begin for begin, _ in pieces] == [0, first * 256]
    assert np.array_equal(pieces[1][1], np.concatenate(session.samples[played:]))


def test_missing_blocks_and_commands_are_named(session) -> None:
    with pytest.raises(RecordError, match="only 199 are on the record"):
        session.again(session.heard[:50] + session.heard[51:])
    session.commands = session.commands[:-5]
    with pytest.raises(RecordError, match="not on the record"):
        session.again()


def test_a_record_from_before_freshness_was_told_is_still_rendered(session) -> None:
    old = [msgspec.structs.replace(row, fresh=False, hush=False) for row in session.heard[:80]]
    ((_, again),) = session.again(old)
    assert np.array_equal(again, session.flat[: 80 * 256])


def test_no_blocks_are_no_runs() -> None:
    assert runs({"block": np.zeros(0, int), "command_t_ns": np.zeros(0, int)}) == []


@ESPEAK
def test_words_that_would_come_out_otherwise_are_refused(session, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words.spoken.cache_clear()
    session.spoken = [Spoken(0, 0, 20, "It hurts.", "answer", 3.0, 1.0, "0" * 64)]
    with pytest.raises(RecordError, match="another espeak-ng"):
        session.again()
