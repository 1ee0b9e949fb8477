"""One voice: commands in, samples out; the same bits from the same seed and the same commands in the same blocks.

Command -> gestures -> synthesiser -> limiter. Knows neither clock nor device: age is counted in blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robopatient.config import VoiceConfig
from robopatient.levels import gain_to_db
from robopatient.messages import VoiceCommand
from robopatient.voice.gestures import Gestures, write_command
from robopatient.voice.identity import Identity, load_identity
from robopatient.voice.limiter import LOOKAHEAD_S, Limiter
from robopatient.voice.synth import Synth

__all__ = ["LOOKAHEAD_S", "Block", "VoiceEngine", "rerender"]


class Block(NamedTuple):
    """What one block sounded like: the truth for the record, not an estimate from the samples.

    ``f0_hz`` holds at the end of the block, 0 without voice; ``level_dbfs`` is its RMS.
    """

    f0_hz: float
    level_dbfs: float
    roughness: float
    call: str


SILENCE = Block(0.0, gain_to_db(0.0), 0.0, "silent")


class VoiceEngine:
    """Renders one identity block by block.

    Parameters
    ----------
    config
        Its ``identity`` and ``device`` play no part here.
    seed
        The session's; the identity's own seed is mixed in.
    """

    def __init__(self, identity: Identity, config: VoiceConfig, seed: int) -> None:
        self.block_frames = config.block_frames
        self._gestures = Gestures(identity, config, seed)
        self._synth = Synth(config.sample_rate_hz, seed ^ identity.seed << 16, identity.vocal_tract_cm)
        self._limiter = Limiter(config.sample_rate_hz, config.max_dbfs)
        self._samples = np.zeros(config.block_frames)
        self._quiet = True

    def render(self, command: VoiceCommand | None, out: npt.NDArray[np.float32]) -> Block:
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

    def render_written(self, fresh: bool, out: npt.NDArray[np.float32]) -> Block:
        """As ``render``, for a player that has written the command into ``command`` by itself (no allocation)."""
        gestures, limiter = self._gestures, self._limiter
        gestures.step(fresh)
        if gestures.master_to == 0.0 and limiter.master == 0.0:
            if not self._quiet:
                gestures.reset()
                self._synth.reset()
                limiter.reset()
                self._quiet = True
            out[:] = 0.0
            return SILENCE
        self._quiet = False
        self._synth.render(gestures.parameters, self._samples)
        power = limiter.render(self._samples, out, gestures.master_to, gestures.fade_s)
        return Block(gestures.f0_hz, gain_to_db(power**0.5), gestures.roughness, gestures.call)

    @property
    def command(self) -> npt.NDArray[np.void]:
        """The slot that ``render_written`` reads, of ``gestures.empty_command`` shape."""
        return self._gestures.command


def rerender(
    commands_by_block: Sequence[VoiceCommand | None], config: VoiceConfig, seed: int, n_blocks: int
) -> npt.NDArray[np.float32]:
    """The samples of a session again, from the commands that its blocks applied.

    Parameters
    ----------
    commands_by_block
        For every block the command first applied in it, None where there was no new one (``Heard.command_t_ns``
        did not change). Blocks past its end have none.

    Returns
    -------
    Samples, shape (n_blocks * block_frames,).
    """
    engine = VoiceEngine(load_identity(config.identity), config, seed)
    samples = np.zeros((n_blocks, config.block_frames), np.float32)
    for index in range(n_blocks):
        engine.render(commands_by_block[index] if index < len(commands_by_block) else None, samples[index])
    return samples.ravel()
