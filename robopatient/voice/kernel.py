"""The compiler of the voice's inner loops: numba, with a cache that notices a change in any file of the voice.

Numba's own cache looks at the file of a function only, and would go on with yesterday's constants and callees of the
files beside it: wrong sound from right source.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from robopatient.errors import require

__all__ = ["kernel"]

_njit = require("numba", "audio").njit
_SOURCE = f"{zlib.crc32(b''.join(path.read_bytes() for path in sorted(Path(__file__).parent.glob('*.py')))):08x}"


def kernel(*, nogil: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function at its first call, once per version of the voice.

    No fast-math: sums keep their order, so that a record sounds the same on every machine of one kind.

    Parameters
    ----------
    nogil
        Let other threads run meanwhile: worth it only for long work, as the GIL must then be won back.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__qualname__ += f"_{_SOURCE}"  # part of the cache's file name
        compiled: Callable[..., Any] = _njit(cache=True, nogil=nogil, error_model="numpy")(function)
        return compiled

    return decorate
