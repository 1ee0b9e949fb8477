"""Pictures inside a page: a small PNG encoder, so that a report needs no imaging package."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

__all__ = ["data_uri", "png", "shrunk"]


def data_uri(rgb: np.ndarray, width_px: int) -> str:
    """A picture of at most about ``width_px`` as a ``data:`` address."""
    return "data:image/png;base64," + base64.b64encode(png(shrunk(rgb, width_px))).decode()


def shrunk(rgb: np.ndarray, width_px: int) -> np.ndarray:
    """Mean over whole blocks of pixels, so that the width comes down to ``width_px`` or little above.

    Parameters
    ----------
    rgb
        Shape (height, width, 3), uint8.
    """
    factor = max(1, rgb.shape[1] // width_px)
    height, width = (size // factor for size in rgb.shape[:2])
    blocks = rgb[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def png(rgb: np.ndarray) -> bytes:
    """PNG file of a picture, shape (height, width, 3), uint8 (ISO/IEC 15948; every line filtered by "up")."""
    height, width, _ = rgb.shape
    above = np.concatenate([np.zeros_like(rgb[:1]), rgb[:-1]])
    lines = np.empty((height, 1 + 3 * width), dtype=np.uint8)
    lines[:, 0] = 2
    lines[:, 1:] = (rgb - above).reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
