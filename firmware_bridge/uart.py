"""Bytes received at a wrong baud rate: the virtual board's model of a mismatch."""

from __future__ import annotations

import numpy as np

__all__ = ["as_heard"]

BITS = 10
"""8N1: start bit, eight data bits beginning with the lowest, stop bit."""


def as_heard(data: bytes, sent_baud: int, heard_baud: int) -> bytes:
    """Bytes that a receiver at ``heard_baud`` makes of ``data`` sent without pause at ``sent_baud``.

    It waits for a falling edge and samples in the middle of what it takes for bits; framing errors are let through,
    as USB adapters do.
    """
    if sent_baud == heard_baud or not data:
        return data
    levels = np.ones((len(data), BITS), bool)
    levels[:, 0] = False
    levels[:, 1:9] = np.unpackbits(np.frombuffer(data, np.uint8)[:, None], axis=1, bitorder="little")
    step = sent_baud / heard_baud
    idle = np.ones(int(BITS * step) + 2, bool)
    line = np.concatenate([[True], levels.ravel(), idle])
    falls = np.flatnonzero(line[:-1] & ~line[1:]) + 1
    middles = step * (np.arange(9) + 0.5)
    heard = bytearray()
    free_at = 0.0
    for start in falls:
        if start < free_at:
            continue
        bits = line[(start + middles).astype(int)]
        if not bits[0]:  # otherwise the low was too short for a start bit
            heard += np.packbits(bits[1:], bitorder="little").tobytes()
            free_at = start + 9.5 * step
    return bytes(heard)
