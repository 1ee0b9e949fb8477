"""What a GL device is, by its name."""

from __future__ import annotations

__all__ = ["emulated"]

EMULATED = ("llvmpipe", "softpipe", "swrast", "software")
"""Words in the names of GL devices that are the processor."""


def emulated(device: str) -> bool:
    """Whether a GL device of this name is the processor and no graphics card."""
    return any(word in device.lower() for word in EMULATED)
