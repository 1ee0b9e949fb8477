"""One voice: commands in, samples out; the same bits from the same seed and the same commands in the same blocks.

Command -> gestures -> synthesiser -> limiter. Knows neither clock nor device: age is counted in blocks.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from robopatient.config import VoiceConfig
from robopatient.levels import gain_to_db
from robopatient.messages import VoiceCommand
from robopatient.voice.gestures import Gestures
from robopatient.voice.identity import VoiceIdentity
from robopatient.voice.layouts import write_command
from robopatient.voice.limiter import LOOKAHEAD_S, Limiter
from robopatient.voice.mixer import Mixer, Utterance
from robopatient.voice.synth import FORMANTS, Synth

__all__ = ["LOOKAHEAD_S", "SILENCE", "RenderedBlock", "SpeakingEngine", "VoiceEngine"]


class RenderedBlock(NamedTuple):
    """What one block sounded like: the truth for the record, not an estimate from the samples.

    ``f0_hz`` and the formants hold at the end of the block, 0 without voice; ``level_dbfs`` is its RMS.
    """

    f0_hz: float
    level_dbfs: float
    roughness: float
    call: str
    f1_hz: float = 0.0
    f2_hz: float = 0.0
    f3_hz: float = 0.0


SILENCE = RenderedBlock(0.0, gain_to_db(0.0), 0.0, "silent")


class SpeakingEngine(Protocol):
    """What the player plays; a class of one's own is built as ``Engine(identity, config, seed)``."""

    block_frames: int

    @property
    def command(self) -> npt.NDArray[np.void]:
        """The slot that ``render_written`` reads, of ``layouts.empty_command`` shape."""
        ...

    def render(self, command: VoiceCommand | None, out: npt.NDArray[np.float32]) -> RenderedBlock:
        """Fill ``out``, shape (block_frames,), and say what it is."""
        ...

    def render_written(self, fresh: bool, out: npt.NDArray[np.float32]) -> RenderedBlock:
        """As ``render``, with the command already in its slot."""
        ...

    def begin(self, utterance: Utterance) -> None:
        """Say this from the next block on."""
        ...


class VoiceEngine:
    """Renders one identity block by block.

    Parameters
    ----------
    config
        Its ``identity`` and ``device`` are not used here.
    seed
        The session's; the identity's own seed is mixed in.
    """

    def __init__(self, identity: VoiceIdentity, config: VoiceConfig, seed: int) -> None:
        self.block_frames = config.block_frames
        self._gestures = Gestures(identity, config, seed)
        self._synth = Synth(config.sample_rate_hz, seed ^ identity.seed << 16, identity.vocal_tract_cm)
        self._limiter = Limiter(config.sample_rate_hz, config.max_dbfs)
        self._mixer = Mixer(config.sample_rate_hz)
        self._samples = np.zeros(config.block_frames)
        self._quiet = True

    def render(self, command: VoiceCommand | None, out: npt.NDArray[np.float32]) -> RenderedBlock:
        """Fill ``out``, shape (block_frames,), and say what it is.

        Parameters
        ----------
        command
            A command newer than the last one, or None when there is none. After ``max_age_ms`` of None (topics.py)
            the voice fades within 100 ms; with ``hush`` it fades within 5 ms. Silence is exact zeros.
        """
        if command is not None:
            write_command(self._gestures.command, command)
        return self.render_written(command is not None, out)

    def render_written(self, fresh: bool, out: npt.NDArray[np.float32]) -> RenderedBlock:
        """As ``render``, for a player that has written the command into ``command`` by itself (no allocation)."""
        gestures, limiter = self._gestures, self._limiter
        gestures.step(fresh)
        master_to = gestures.master_to
        if master_to == 0.0 and limiter.master == 0.0:
            if not self._quiet:
                gestures.reset()
                self._synth.reset()
                limiter.reset()
                self._quiet = True
            if self._mixer.active:
                self._mixer.reset()
            out[:] = 0.0
            return SILENCE
        self._quiet = False
        parameters, mixer = gestures.parameters, self._mixer
        self._synth.render(parameters, self._samples)
        if mixer.active:
            mixer.mix(self._samples, float(gestures.command["nrs"][0]))
        level_dbfs = gain_to_db(limiter.render(self._samples, out, master_to, gestures.fade_s) ** 0.5)
        if mixer.speaking:
            return RenderedBlock(mixer.f0_hz, level_dbfs, 0.0, mixer.call)
        f1_hz, f2_hz, f3_hz = parameters[FORMANTS : FORMANTS + 3].tolist()
        return RenderedBlock(gestures.f0_hz, level_dbfs, gestures.roughness, gestures.call, f1_hz, f2_hz, f3_hz)

    def begin(self, utterance: Utterance) -> None:
        """Say this from the next block on; the voice falls silent for it, unless it is silent altogether."""
        self._mixer.begin(utterance)

    @property
    def command(self) -> npt.NDArray[np.void]:
        """The slot that ``render_written`` reads, of ``layouts.empty_command`` shape."""
        return self._gestures.command
