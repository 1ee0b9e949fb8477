"""The simulated plate of the virtual board: four cells under a square, and their converters.

The real ones of the same geometry are calibrated by files; these constants are the truth of the simulation, and
``assets/calibration/virtual.toml`` states them again for the host.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["COUNTS_PER_NEWTON", "FULL_SCALE_COUNTS", "NOISE_COUNTS", "OFFSET_COUNTS", "SIDE_MM", "spread", "to_counts"]

SIDE_MM = 290.0
"""Cells on the corners of a 290 mm square: x = 290 (F2+F4)/F, y = 290 (F1+F4)/F mm (regressed from the published
four-cell recordings of Protpagorn et al. 2023, doi 10.3389/frobt.2023.1122914; residual below 0.75 mm rms)."""
COUNTS_PER_NEWTON = 42_000.0
"""HX711 at gain 128 with a 100 N cell of 2 mV/V at 5 V (half of the 83 900 counts/N of a 50 N cell)."""
OFFSET_COUNTS = (84_000.0, -31_000.0, 12_500.0, 150_200.0)
"""Zero balance of each cell: a few newtons of mounting, as a real cell has. Assumption."""
NOISE_COUNTS = 30.0
"""HX711 datasheet: 90 nV rms at 80 SPS is 38 counts; own simulator used 30."""
FULL_SCALE_COUNTS = 0x7FFFFF
"""24 bits, two's complement."""


def spread(
    total_newton: NDArray[np.float64], x_mm: NDArray[np.float64] | float, y_mm: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Forces of the four cells, N, shape (n, 4), under a press of ``total_newton`` (n,) at (x, y) on a rigid plate.

    Cells 1 to 4 lie at (0, L), (L, 0), (0, 0), (L, L). Sum and moments leave one degree of freedom, the twist, which
    bilinear weights set to that of a plate on equal springs.
    """
    u = np.clip(np.asarray(x_mm, dtype=np.float64) / SIDE_MM, 0.0, 1.0)
    v = np.clip(np.asarray(y_mm, dtype=np.float64) / SIDE_MM, 0.0, 1.0)
    weights = np.stack(np.broadcast_arrays((1 - u) * v, u * (1 - v), (1 - u) * (1 - v), u * v), axis=-1)
    return np.asarray(total_newton, dtype=np.float64)[:, None] * weights


def to_counts(
    cells_newton: NDArray[np.float64], noise_counts: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Converter output, counts (n, 4), and where it is clipped at full scale (n, 4)."""
    counts = np.rint(np.asarray(OFFSET_COUNTS) + COUNTS_PER_NEWTON * cells_newton + noise_counts).astype(np.int64)
    clipped = (counts > FULL_SCALE_COUNTS) | (counts < -FULL_SCALE_COUNTS - 1)
    return np.clip(counts, -FULL_SCALE_COUNTS - 1, FULL_SCALE_COUNTS), clipped
