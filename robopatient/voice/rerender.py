"""The sound of a session again, sample by sample, from what its record says was asked, spoken and heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from robopatient.config import VoiceConfig
from robopatient.errors import RecordError
from robopatient.messages import Loudness, Spoken, VoiceCommand
from robopatient.voice.engines import make_engine
from robopatient.voice.identity import load_identity
from robopatient.voice.mixer import Utterance

__all__ = ["rerender", "rerender_record", "runs"]


def rerender(
    commands_by_block: Sequence[VoiceCommand | None],
    config: VoiceConfig,
    seed: int,
    n_blocks: int,
    words_by_block: Mapping[int, Utterance] | None = None,
) -> npt.NDArray[np.float32]:
    """The samples of one engine again, from the commands that its blocks applied and the words that began in them.

    Parameters
    ----------
    commands_by_block
        For every block the command first applied in it, None where there was no new one (``Heard.command_t_ns``
        did not change). Blocks past its end have none.
    words_by_block
        By the index of the block in which they began.

    Returns
    -------
    Samples, shape (n_blocks * block_frames,).
    """
    engine = make_engine(config, seed)
    words = words_by_block or {}
    samples = np.zeros((n_blocks, config.block_frames), np.float32)
    for index in range(n_blocks):
        if index in words:
            engine.begin(words[index])
        engine.render(commands_by_block[index] if index < len(commands_by_block) else None, samples[index])
    return samples.ravel()


def rerender_record(
    config: VoiceConfig,
    seed: int,
    heard: Mapping[str, np.ndarray],
    commands: Sequence[VoiceCommand],
    spoken: Sequence[Spoken] = (),
    loudness: Sequence[Loudness] = (),
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """All that a session's voice played: first sample and samples of each run of the process, in the order of time.

    Parameters
    ----------
    heard
        Columns ``block``, ``command_t_ns``, ``fresh`` and ``hush`` of the record, shapes (m,).

    Raises
    ------
    RecordError
        When blocks are missing on the record, or words come out otherwise than they did (another espeak-ng).
    """
    by_t_ns = {(command.t_ns, command.hush): command for command in commands}
    said = {row.block: row for row in spoken}
    for begin, end in runs(heard):
        block, applied = heard["block"][begin:end], heard["command_t_ns"][begin:end]
        if block[-1] - block[0] != end - begin - 1:
            raise RecordError(
                f"of the blocks {block[0]} to {block[-1]} only {end - begin} are on the record: what is missing "
                "cannot be rendered again"
            )
        fresh = heard["fresh"][begin:end]
        hushed = heard["hush"][begin:end].tolist()
        if not fresh.any():  # a record of an older version
            fresh = np.diff(applied, prepend=0) != 0
            by_t_ns |= {(command.t_ns, False): command for command in commands if command.hush}
        keys = zip(applied.tolist(), hushed, strict=True)
        try:
            asked = [by_t_ns[key] if new else None for key, new in zip(keys, fresh, strict=True)]
        except KeyError as error:
            raise RecordError(f"the command (time, hush) {error} that a block applied is not on the record") from None
        ceilings = [row.max_dbfs for row in loudness if block[0] < row.block <= block[-1] + 1]
        capped = msgspec.structs.replace(config, max_dbfs=ceilings[0]) if ceilings else config
        words = {int(index - block[0]): _again(said[int(index)], capped) for index in block if int(index) in said}
        yield int(block[0]) * config.block_frames, rerender(asked, capped, seed, end - begin, words)


def runs(heard: Mapping[str, np.ndarray]) -> list[tuple[int, int]]:
    """Rows of each voice process, first and one past the last: a process plays its first block without a command."""
    block, applied = heard["block"], heard["command_t_ns"]
    if not len(block):
        return []
    new = (applied[1:] == 0) & ((applied[:-1] != 0) | (np.diff(block) != 1))
    edges = [0, *(np.flatnonzero(new) + 1).tolist(), len(block)]
    return list(pairwise(edges))


def _again(row: Spoken, config: VoiceConfig) -> Utterance:
    from robopatient.voice.words import speak

    utterance = speak(row.text, load_identity(config.identity), row.nrs, config)
    if utterance.sha256 != row.sha256:
        raise RecordError(
            f'"{row.text}" comes out otherwise than in the session; it was spoken by another espeak-ng or from '
            "recordings that have changed since"
        )
    return utterance
