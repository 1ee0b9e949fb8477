"""The helper that speaks words ahead of time, in a process of its own: a callback must never wait for its work.

Words that are ready are kept by text and pain; those that are not are asked for and come a moment later.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterable
from multiprocessing.connection import Connection
from typing import Any

from robopatient.config import VoiceConfig
from robopatient.errors import RobopatientError
from robopatient.parent import leave_with_parent
from robopatient.voice.mixer import Utterance

__all__ = ["Speaker"]

NICENESS = 10
"""Words can wait; sound, force and picture cannot."""
KEPT = 200
"""Utterances held at most; about 200 kB each."""
Key = tuple[str, float]


class Speaker:
    """Speaks one identity's words.

    Attributes
    ----------
    started
        Whether the helper is at work: on a busy computer it takes seconds to get there.
    fault
        Why no words can be spoken any more, "" while they can.
    reasons
        All that kept words from being spoken, each reason once, in the order in which they came.
    """

    def __init__(self, config: VoiceConfig) -> None:
        self.started = False
        self.fault = ""
        self.reasons: list[str] = []
        self._ready: dict[Key, Utterance] = {}
        self._refused: dict[Key, str] = {}
        self._asked: set[Key] = set()
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: Any = context.Process(target=_speak, args=(config, theirs), name="words", daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, text: str, nrs: float, *, soon: bool = True) -> None:
        """Have this ready, before all that is not wanted soon."""
        key = (text, nrs)
        if self.fault or key in self._ready or key in self._refused or (key in self._asked and not soon):
            return
        self._asked.add(key)
        try:
            self._pipe.send((key, soon))
        except OSError:
            self._lost()

    def rehearse(self, keys: Iterable[Key]) -> None:
        """Have all these ready some time."""
        for text, nrs in keys:
            self.ask(text, nrs, soon=False)

    def take(self, text: str, nrs: float) -> Utterance | str | None:
        """The utterance when it is ready, why it cannot be spoken, or None as long as it is being worked on."""
        key = (text, nrs)
        return self._ready.get(key) or self._refused.get(key) or self.fault or None

    def poll(self) -> None:
        """Collect what has been spoken; never waits."""
        try:
            while self._pipe.poll():
                key, result = self._pipe.recv()
                self.started = True
                self._asked.discard(key)
                if isinstance(result, Utterance):
                    while len(self._ready) >= KEPT:
                        self._ready.pop(next(iter(self._ready)))
                    self._ready[key] = result
                else:
                    self._refused[key] = result
                    if result not in self.reasons:
                        self.reasons.append(result)
        except (OSError, EOFError):
            self._lost()

    def close(self) -> None:
        """Let the helper go."""
        self._pipe.close()
        self._process.terminate()
        self._process.join(timeout=2.0)

    def _lost(self) -> None:
        if not self.fault:
            self.fault = "the helper that speaks words has died"
            self.reasons.append(self.fault)
        self._asked.clear()


def _speak(config: VoiceConfig, pipe: Connection) -> None:
    """Body of the helper: speak what is asked, what is wanted soon first, until the other end is gone."""
    leave_with_parent()
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    from robopatient.voice.identity import load_identity
    from robopatient.voice.words import speak

    waiting: list[tuple[Key, bool]] = []
    done: set[Key] = set()
    with contextlib.suppress(EOFError, OSError):
        while True:
            while not waiting or pipe.poll():
                waiting.append(pipe.recv())
            waiting.sort(key=lambda request: not request[1])  # stable: first come, first spoken
            key, _ = waiting.pop(0)
            if key in done:
                continue
            done.add(key)
            text, nrs = key
            try:
                pipe.send((key, speak(text, load_identity(config.identity), nrs, config)))
            except RobopatientError as error:  # of these words: the next may be the person's own
                pipe.send((key, str(error)))
