"""A real screen on the bench: pictures of the face are swapped once a refresh."""

from __future__ import annotations

import time

import numpy as np
import pytest
from support.needs import module

from hardware.bench import given
from robopatient.config import FaceConfig

pytestmark = [pytest.mark.hardware, pytest.mark.timeout(60)]

PICTURES, SETTLED = 300, 60
PERIOD_SHARE = 0.02
LATE_SHARE = 0.01
"""Of the pictures may miss a refresh: the operating system is not a real-time one (assumption)."""


def test_every_refresh_of_the_screen_can_show_another_picture() -> None:
    screen = given("ROBOPATIENT_SCREEN")
    module("PySide6.QtWidgets", "console")
    from robopatient.face.window import FaceWindow

    window = FaceWindow(256, full_screen=True, screen=screen)
    try:
        if window.painted_by != "gpu":
            pytest.skip("GL is emulated here: a swap does not wait for the screen, so its refresh cannot be seen")
        assert window.problem == ""
        refresh_hz = window.view.screen().refreshRate()
        assert refresh_hz >= FaceConfig().fps, "the screen is slower than face.fps"
        swaps_ns = []
        for number in range(PICTURES):
            window.show(np.full((256, 256, 3), 100 + number % 2, np.uint8))  # greys that nobody sees flicker
            swaps_ns.append(time.monotonic_ns())
    finally:
        window.close()
    periods_s = np.diff(swaps_ns)[SETTLED:] * 1e-9
    late = int((periods_s > 1.5 / refresh_hz).sum())
    print(f"{1.0 / np.median(periods_s):.2f} Hz, the screen says {refresh_hz:.2f} Hz; {late} of {len(periods_s)} late")
    assert np.median(periods_s) == pytest.approx(1.0 / refresh_hz, rel=PERIOD_SHARE)
    assert late <= LATE_SHARE * len(periods_s)
