"""Speech replaces vocalisation: the voice fades out, the words are spoken, the voice fades in.

Runs inside the audio callback, before the limiter: nothing here allocates, and both turns are ramps, never steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from robopatient.voice.kernel import kernel

__all__ = ["PITCH_STEP", "SAY", "Mixer", "Utterance"]

SAY = "say: "
"""What ``Heard.call`` says before the words."""
DUCK_S, RISE_S, BREAK_S = 0.03, 0.06, 0.015
"""How long the voice takes to fall silent, to come back, and words to break off (assumption: a glottis closes in some
tens of milliseconds)."""
SURGE_NRS = 2.0
"""Pain that grows by so much cuts words short: the cry comes first (assumption)."""
PITCH_STEP = 480
"""Samples for which one value of ``Utterance.f0_hz`` holds."""

STATE = np.dtype([("at", "i8"), ("voice", "f8"), ("words", "f8"), ("leaving", "i8")])


class Utterance(NamedTuple):
    """Words, ready to be played.

    Attributes
    ----------
    samples
        At the session's rate, shape (n,), float32.
    f0_hz
        Their pitch for every ``PITCH_STEP`` samples, 0 where unvoiced.
    nrs
        Pain from which their prosody was made.
    sha256
        Of the samples' bytes.
    """

    text: str
    samples: npt.NDArray[np.float32]
    f0_hz: npt.NDArray[np.float32]
    nrs: float
    sha256: str


class Mixer:
    """Lays one utterance at a time over blocks of the voice.

    Attributes
    ----------
    active
        Whether ``mix`` has anything to do: words are due or sound, or the voice is just coming back.
    """

    def __init__(self, sample_rate_hz: float) -> None:
        self._steps = tuple(1.0 / (seconds * sample_rate_hz) for seconds in (DUCK_S, RISE_S, BREAK_S))
        self._state: npt.NDArray[Any] = np.zeros(1, STATE)
        self._nothing = Utterance("", np.zeros(0, np.float32), np.zeros(1, np.float32), 0.0, "")
        self._playing = self._nothing
        self._following = self._nothing
        self._call = ""
        self.active = False
        self.reset()

    def reset(self) -> None:
        """Forget all words."""
        self._playing = self._following = self._nothing
        self._state[0] = (0, 1.0, 1.0, 0)
        self.active = False

    @property
    def speaking(self) -> bool:
        """Whether words are due or sound."""
        return self._playing is not self._nothing

    @property
    def call(self) -> str:
        """What ``Heard.call`` says of the words."""
        return self._call

    @property
    def f0_hz(self) -> float:
        """Pitch of the words at the end of the block, 0 when unvoiced."""
        track = self._playing.f0_hz
        return float(track[min(int(self._state["at"][0]) // PITCH_STEP, track.shape[0] - 1)])

    def begin(self, utterance: Utterance) -> None:
        """Say this in the next block; words that sound yet break off for it."""
        if self._playing is self._nothing:
            self._take(utterance)
        else:
            self._following = utterance
            self._state["leaving"] = 1

    def mix(self, samples: npt.NDArray[np.float64], nrs: float) -> None:
        """Add the words to a block of the voice, shape (block_frames,); ``nrs`` is the pain of now."""
        if nrs > self._playing.nrs + SURGE_NRS:
            self._state["leaving"] = 1
        over = _mix(samples, self._playing.samples, self._state, *self._steps)
        if over:
            following, self._following = self._following, self._nothing
            self._take(following)
            self.active = self.speaking or float(self._state["voice"][0]) < 1.0

    def _take(self, utterance: Utterance) -> None:
        self._playing = utterance
        self.active = True
        self._call = SAY + utterance.text
        self._state["at"], self._state["words"], self._state["leaving"] = 0, 1.0, 0


@kernel()
def _mix(samples, words, state, duck, rise, leave):  # type: ignore[no-untyped-def]
    """One block; True when the words are over. Words wait until the voice has fallen silent."""
    s = state[0]
    at, voice, gain = s.at, s.voice, s.words
    over = words.shape[0] == 0
    for k in range(samples.shape[0]):
        voice = min(1.0, voice + rise) if over else max(0.0, voice - duck)
        sound = samples[k] * voice * voice * (3.0 - 2.0 * voice)
        if not over and voice == 0.0:
            sound += words[at] * gain
            at += 1
            if s.leaving == 1:
                gain -= leave
            over = at >= words.shape[0] or gain <= 0.0
        elif not over and s.leaving == 1:
            over = True  # they had not begun
        samples[k] = sound
    s.at, s.voice, s.words = at, voice, gain
    return over
