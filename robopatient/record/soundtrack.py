"""The voice of a session on the session's clock, so that film and sound stay in synchrony after device dropouts."""

from __future__ import annotations

import numpy as np

__all__ = ["pieces", "soundtrack"]

TOLERANCE_S = 0.02
"""Blocks this near to where they were due are played on without a seam: PortAudio's account of a block's time
trembles by a few milliseconds, while 20 ms of audio-visual skew is below what people notice (assumption)."""


def soundtrack(
    samples: np.ndarray, block: np.ndarray, t_ns: np.ndarray, block_frames: int, sample_rate_hz: int
) -> np.ndarray:
    """Samples laid out by the times at which their blocks left this computer; sample 0 leaves at ``t_ns[0]``.

    Parameters
    ----------
    samples
        All that was played, contiguous, shape (n,), as in ``voice.wav``.
    block, t_ns
        Index of each block within ``samples`` and when it left, ns, shapes (m,), in the order of time.

    Returns
    -------
    np.ndarray
        Shape (k,), float32; silence where nothing was played.
    """
    found = pieces(block, t_ns, block_frames, sample_rate_hz)
    last = int(np.rint((t_ns[-1] - t_ns[0]) * 1e-9 * sample_rate_hz))
    track = np.zeros(last + round(TOLERANCE_S * sample_rate_hz) + block_frames, dtype=np.float32)
    for due, source, count in found:
        piece = samples[source : source + count][: len(track) - due]
        track[due : due + len(piece)] = piece
    return track


def pieces(block: np.ndarray, t_ns: np.ndarray, block_frames: int, sample_rate_hz: int) -> list[tuple[int, int, int]]:
    """Where the samples of ``voice.wav`` lie on the clock of the session.

    Returns
    -------
    list
        (sample of the track, sample of the file, count) of each stretch played without a seam, in the order of time;
        the track's sample 0 leaves at ``t_ns[0]``.
    """
    due = np.rint((t_ns - t_ns[0]) * 1e-9 * sample_rate_hz).astype(np.int64)
    ahead = due - (block - block[0]) * block_frames
    tolerance = round(TOLERANCE_S * sample_rate_hz)
    found, first = [], 0
    while first < len(block):
        moved = np.flatnonzero(np.abs(ahead[first:] - ahead[first]) > tolerance)
        last = first + int(moved[0]) if len(moved) else len(block)
        source = int(block[first]) * block_frames
        found.append((int(due[first]), source, (int(block[last - 1]) + 1) * block_frames - source))
        first = last
    return found
