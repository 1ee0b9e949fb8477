"""From an occasion to speak to words in the loudspeaker: asks the helper for them and hands them to the player."""

from __future__ import annotations

from collections.abc import Callable

from robopatient.config import VoiceConfig
from robopatient.messages import Said, Spoken, VoiceCommand
from robopatient.voice.identity import load_identity
from robopatient.voice.player import Player
from robopatient.voice.speaker import Speaker
from robopatient.voice.spoken_words import SpeechChoice, SpeechRequest, load_interjections

__all__ = ["Speech"]

PAUSE_NS = 300_000_000
"""Between two answers (assumption)."""
PATIENCE_NS = 5_000_000_000
"""Words that are not ready by then are no answer any more."""


class Speech:
    """The words of one session.

    Parameters
    ----------
    note
        Takes a level and a text for the record and the console.
    """

    def __init__(self, config: VoiceConfig, seed: int, player: Player, note: Callable[[str, str], None]) -> None:
        interjects = config.words == "all"
        self._talk = SpeechChoice(load_identity(config.identity), load_interjections(), seed, interjects=interjects)
        self._config = config
        self._player = player
        self._note = note
        self._speaker = Speaker(config)
        self._speaker.rehearse((request.text, request.nrs) for request in self._talk.rehearsal())
        self._request: SpeechRequest | None = None
        self._why: dict[str, str] = {}
        self._since_ns = 0
        self._free_ns = 0
        self._noted = 0

    def hear(self, message: VoiceCommand | Said) -> None:
        """Take in what is asked of the voice, or what was answered."""
        self._talk.hear(message)

    def step(self, now_ns: int, first_block: int = 0) -> list[Spoken]:
        """Hand on what is ready and due; what has begun to sound since the last call."""
        self._speaker.poll()
        if self._request is None:
            self._request = self._talk.take()
            if self._request is not None:
                self._since_ns = now_ns
                self._speaker.ask(self._request.text, self._request.nrs)
        if self._request is not None and now_ns >= self._free_ns:
            self._try(self._request, now_ns)
        for reason in self._speaker.reasons[self._noted :]:
            self._note("warning", f"words are shown, not spoken: {reason}")
            self._noted += 1
        return [
            Spoken(
                t_ns=t_ns,
                cause_seq=cause_seq,
                block=block,
                text=utterance.text,
                why=self._why.get(utterance.text, "answer"),
                nrs=utterance.nrs,
                seconds=len(utterance.samples) / self._config.sample_rate_hz,
                sha256=utterance.sha256,
            )
            for t_ns, cause_seq, block, utterance in self._player.begun(first_block)
        ]

    def close(self) -> None:
        """Let the helper go."""
        self._speaker.close()

    def _try(self, request: SpeechRequest, now_ns: int) -> None:
        result = self._speaker.take(request.text, request.nrs)
        if result is None:
            if not self._speaker.started:
                self._since_ns = now_ns
            if now_ns - self._since_ns > PATIENCE_NS:
                self._note("warning", f"“{request.text}” was not ready in time and is shown only")
                self._request = None
            return
        self._request = None
        if isinstance(result, str):
            return
        self._why[result.text] = request.why
        self._free_ns = now_ns + PAUSE_NS + round(len(result.samples) / self._config.sample_rate_hz * 1e9)
        self._player.say(result)
