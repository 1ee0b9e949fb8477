"""Plays what a session sounded like again, at any speed from any moment, in a process of its own.

A process, because drawing beside an audio callback starves it. It says which moment of the session leaves the DAC when:
that is the clock by which the replay draws its pictures.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from robopatient.clock import Clock, HostClock
from robopatient.config import VoiceConfig
from robopatient.messages import VoiceCommand
from robopatient.parent import leave_with_parent
from robopatient.urgency import VOICE, hurry
from robopatient.voice.engine import LOOKAHEAD_S, SILENCE, RenderedBlock
from robopatient.voice.layouts import empty_command
from robopatient.voice.player import Player
from robopatient.voice.process import quiet_libraries
from robopatient.voice.stretch import Stretcher
from robopatient.voice.wav import read_samples

if TYPE_CHECKING:
    from robopatient.voice.mixer import Utterance

__all__ = ["Order", "Place", "PlaybackPlan", "TapeEngine", "serve", "track_reader"]

AHEAD_S = 0.5
"""So much is ready before it is needed: the main thread may be put off for so long."""
FIRST_S = 0.06
"""So much is ready before the sound changes, so that a jump is heard at once."""
RING = 2048
"""Blocks whose place is remembered: more than the player's own ring."""
POLL_S = 0.01
TELL_NS = 25_000_000
"""How often the position is sent; between two messages the picture continues by itself."""
LOOKAHEAD_NS = round(LOOKAHEAD_S * 1e9)


class PlaybackPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be played.

    Attributes
    ----------
    pieces
        (sample of the track, sample of the file, count): where the file's samples lie on the session's time.
    offset_s
        Time of the track's sample 0 in the replay.
    length_s
        Where the replay ends.
    """

    path: str
    pieces: list[tuple[int, int, int]]
    offset_s: float
    length_s: float
    voice: VoiceConfig


class Order(msgspec.Struct, frozen=True):
    """From the replay: be at ``at_s`` and go on at ``speed`` (0: stand still), heard or ``muted``."""

    serial: int
    at_s: float
    speed: float
    muted: bool = False


class Place(msgspec.Struct, frozen=True):
    """To the replay: at host time ``t_ns`` the moment ``at_s`` leaves the DAC, by the order of that serial."""

    serial: int
    t_ns: int
    at_s: float
    speed: float
    state: str
    detail: str = ""


class _Segment:
    """Sound prepared for one order; the callback reads what the main thread has written before ``ready``."""

    def __init__(self, order: Order, stretcher: Stretcher | None, samples: int) -> None:
        self.order = order
        self.stretcher = stretcher
        self.data = np.zeros(samples, np.float32)  # of the system's untouched memory: costs what is written
        self.ready = 0

    def prepare(self, until: int) -> None:
        """Write up to a sample."""
        while self.stretcher is not None and self.ready < min(until, len(self.data)):
            hop = self.stretcher.next_hop()
            count = min(len(hop), len(self.data) - self.ready)
            self.data[self.ready : self.ready + count] = hop[:count]
            self.ready += count


class _Row(NamedTuple):
    serial: int
    at_s: float
    speed: float


class TapeEngine:
    """What the player plays: the session's own sound, following the newest order.

    ``follow`` and ``prepare`` are the main thread's; ``render_written`` is the callback's.
    """

    def __init__(self, read: Callable[[int, int], npt.NDArray[np.float32]], plan: PlaybackPlan) -> None:
        self.block_frames = plan.voice.block_frames
        self._read = read
        self._plan = plan
        self._rate_hz = plan.voice.sample_rate_hz
        self._command = empty_command()
        self._wanted = self._playing = _Segment(Order(0, 0.0, 0.0), None, 0)
        self._at = 0
        self._fade = np.linspace(1.0, 0.0, self.block_frames, dtype=np.float32)
        self._rows = [_Row(0, 0.0, 0.0)] * RING
        self._blocks = 0

    def follow(self, order: Order) -> None:
        """Prepare the beginning of what is asked for, then let the callback have it."""
        if order.speed <= 0.0 or order.at_s >= self._plan.length_s:
            self._wanted = _Segment(msgspec.structs.replace(order, speed=0.0), None, 0)
            return
        first = round((order.at_s - self._plan.offset_s) * self._rate_hz)
        count = int((self._plan.length_s - order.at_s) / order.speed * self._rate_hz)
        segment = _Segment(order, Stretcher(self._read, first, order.speed, self._rate_hz), count)
        segment.prepare(round(FIRST_S * self._rate_hz))
        self._wanted = segment

    def prepare(self) -> None:
        """Stay ahead of the callback."""
        segment = self._wanted
        played = self._at if segment is self._playing else 0
        segment.prepare(played + round(AHEAD_S * self._rate_hz))

    def row(self, block: int) -> _Row:
        """Where in the session a rendered block begins."""
        return self._rows[block % RING]

    @property
    def command(self) -> npt.NDArray[np.void]:
        """An unused slot: there are no commands here."""
        return self._command

    def render(self, command: VoiceCommand | None, out: npt.NDArray[np.float32]) -> RenderedBlock:
        """As ``render_written``."""
        return self.render_written(command is not None, out)

    def render_written(self, fresh: bool, out: npt.NDArray[np.float32]) -> RenderedBlock:
        """Fill a block; a change of order fades from the old to the new within it."""
        del fresh
        wanted, playing = self._wanted, self._playing
        if wanted is not playing:
            out[:] = 0.0
            self._copy(playing, self._at, out)
            out *= self._fade
            fresh_block = np.zeros_like(out)
            got = self._copy(wanted, 0, fresh_block)
            fresh_block *= self._fade[::-1]
            out += fresh_block
            self._playing, at, self._at = wanted, 0, got
        else:
            out[:] = 0.0
            at = self._at
            self._at += self._copy(playing, at, out)
        order = wanted.order
        moving = order.speed if self._at > at else 0.0
        place_s = order.at_s + at / self._rate_hz * order.speed
        self._rows[self._blocks % RING] = _Row(order.serial, min(place_s, self._plan.length_s), moving)
        self._blocks += 1
        return SILENCE

    def begin(self, utterance: Utterance) -> None:
        """Nothing is said here but what was said then."""

    def _copy(self, segment: _Segment, at: int, out: npt.NDArray[np.float32]) -> int:
        """Copy what is ready; how much that was. Muted sound passes unheard, as time does."""
        count = max(0, min(segment.ready - at, len(out)))
        if count and not segment.order.muted:
            out[:count] = segment.data[at : at + count]
        return count


def track_reader(
    samples: npt.NDArray[np.float32], pieces: Sequence[tuple[int, int, int]]
) -> Callable[[int, int], npt.NDArray[np.float32]]:
    """What reads a session's sound by its own time: the file's samples where its pieces lie, zeros elsewhere."""
    begins = np.array([piece[0] for piece in pieces], np.int64)

    def read(first: int, count: int) -> npt.NDArray[np.float32]:
        out = np.zeros(count, np.float32)
        index = max(0, int(np.searchsorted(begins, first, side="right")) - 1)
        while index < len(pieces) and pieces[index][0] < first + count:
            due, source, length = pieces[index]
            low, high = max(first, due), min(first + count, due + length)
            if high > low:
                part = samples[source + low - due : source + high - due]
                out[low - first : low - first + len(part)] = part
            index += 1
        return out

    return read


def serve(plan_json: bytes, orders: Connection) -> None:
    """Body of the process: obey orders until the other end is closed."""
    leave_with_parent()
    sys.setswitchinterval(0.0005)  # as in the voice's process
    quiet_libraries()
    plan = msgspec.json.decode(plan_json, type=PlaybackPlan)
    clock = HostClock()
    engine = TapeEngine(track_reader(read_samples(Path(plan.path), plan.voice.sample_rate_hz), plan.pieces), plan)
    player = Player(engine, plan.voice, clock)
    player.start()
    try:
        _serve(orders, engine, player, clock)
    except (EOFError, BrokenPipeError, ConnectionError):
        pass  # the replay was closed
    finally:
        player.stop()


def _serve(orders: Connection, engine: TapeEngine, player: Player, clock: Clock) -> None:
    told_ns, urgent = 0, False
    newest = Place(-1, 0, 0.0, 0.0, player.state)
    while True:
        if orders.poll(POLL_S):
            order = msgspec.msgpack.decode(orders.recv_bytes(), type=Order)
            while orders.poll(0):  # of orders that came in a rush only the newest counts
                order = msgspec.msgpack.decode(orders.recv_bytes(), type=Order)
            engine.follow(order)
        engine.prepare()
        player.samples()  # they are not saved
        for heard in player.heard():
            row = engine.row(heard.block)
            newest = Place(row.serial, heard.t_ns - LOOKAHEAD_NS, row.at_s, row.speed, player.state, player.detail)
        now_ns = clock.now_ns()
        if now_ns - told_ns >= TELL_NS:
            told_ns = now_ns
            player.poll()
            if not urgent and player.native_ids:
                urgent = True
                hurry([threading.get_native_id(), *player.native_ids], VOICE)
            orders.send_bytes(msgspec.msgpack.encode(newest))
            parent = multiprocessing.parent_process()
            if parent is not None and not parent.is_alive():
                return
