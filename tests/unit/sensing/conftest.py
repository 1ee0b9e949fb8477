"""Raw frames as the virtual board would send them, made from forces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest

from firmware_bridge.frames import RawFrame
from robopatient.sensing import load_calibration

Frames = Callable[..., list[RawFrame]]

NOISE_COUNTS = 30.0


@pytest.fixture(scope="session")
def frames() -> Frames:
    """Function (cells_newton of shape (n, 4), rate_hz, noise_counts, first_seq, epoch) -> raw frames."""
    calibration = load_calibration("virtual")

    def make(
        cells_newton: Iterable[Sequence[float]] | np.ndarray,
        rate_hz: float = 1000.0,
        noise_counts: float = NOISE_COUNTS,
        start_ns: int = 1_000_000_000,
        epoch: int = 0,
    ) -> list[RawFrame]:
        cells = np.atleast_2d(np.asarray(cells_newton, dtype=float))
        noise = np.random.default_rng(7).normal(0.0, noise_counts, cells.shape)
        counts = np.rint(cells * calibration.counts_per_newton + calibration.offset_counts + noise).astype(int)
        return [
            RawFrame(
                t_ns=start_ns + round(i * 1e9 / rate_hz),
                received_ns=start_ns + round(i * 1e9 / rate_hz) + 300_000,
                board_us=round(i * 1e6 / rate_hz),
                seq=i,
                epoch=epoch,
                counts=tuple(row),
                status=0,
                ready_mask=0b1111,
                saturated_mask=0,
            )
            for i, row in enumerate(counts.tolist())
        ]

    return make


@pytest.fixture(scope="session")
def hand() -> Callable[[np.ndarray, float, float], np.ndarray]:
    """Function (total_newton of shape (n,), x_mm, y_mm) -> cells_newton of shape (n, 4) on the 290 mm square."""

    def spread(total_newton: np.ndarray, x_mm: float, y_mm: float) -> np.ndarray:
        right, up = x_mm / 290.0, y_mm / 290.0
        shares = np.array([(1 - right) * up, right * (1 - up), (1 - right) * (1 - up), right * up])
        return np.asarray(total_newton, dtype=float)[:, None] * shares

    return spread
