"""The verb ``replay --console``: a recorded session in a window of its own.

Opens what is needed (sound in its own process, a renderer, the window) and closes it again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from robopatient.clock import HostClock
from robopatient.console.timeline import Timeline, load_timeline
from robopatient.console.transport import SoundProcess, Transport
from robopatient.display import why_no_display
from robopatient.errors import DeviceError, RobopatientError, require
from robopatient.face.identity import load_identity
from robopatient.face.render import Kind, Renderer, make_renderer
from robopatient.face.tier import TieredRenderer

__all__ = ["show"]

PICTURE_HZ = 30.0
FACE_PX = 448
"""Beside the curves the face is no larger than this on a screen of 1280 x 800."""
STILL_PX = 640
"""In a pause there is time, and somebody looks closely."""


def show(folder: Path) -> int:
    """Open the replay of a session; returns when its window is closed.

    Raises
    ------
    RecordError
        When there is nothing to play.
    DeviceError
        When no window can be shown here.
    """
    timeline = load_timeline(folder)
    require("PySide6.QtWidgets", "console")
    require("pyqtgraph", "console")
    reason = why_no_display(os.environ, sys.platform)
    if reason:
        raise DeviceError(f"{reason}; the film shows the same: robopatient report {folder}")
    from PySide6.QtCore import QSettings, Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from robopatient.console.replay_window import ReplayWindow

    app = QApplication.instance() or QApplication(["robopatient"])
    clock = HostClock()
    transport = Transport(
        timeline.length_s, clock, SoundProcess(timeline.sound) if timeline.sound is not None else None
    )
    renderer, still, fault = _renderers(timeline, clock)
    settings = QSettings("robopatient", "console")
    try:
        draw = renderer.draw if renderer is not None else None
        window = ReplayWindow(timeline, transport, draw, settings, fault, still.draw if still is not None else None)
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(window.refresh)
        timer.start(round(1000.0 / PICTURE_HZ))
        window.show()
        window.toggle()
        app.exec()
        timer.stop()
    finally:
        transport.close()
        for each in (renderer, still):
            if each is not None:
                each.close()
    return 0


def _renderers(timeline: Timeline, clock: HostClock) -> tuple[TieredRenderer | None, Renderer | None, str]:
    """What draws the session's own face, moving and in a pause, or why nothing does."""
    if not timeline.seen:
        return None, None, "The record holds no face"
    fault = ""
    kinds: tuple[Kind, ...] = (timeline.config.face.renderer, "numba")
    for kind in dict.fromkeys(kinds):
        try:
            identity = load_identity(timeline.config.face.identity)
            moving = TieredRenderer(
                lambda size_px, kind=kind, identity=identity: make_renderer(kind, identity, size_px),  # type: ignore[misc]
                FACE_PX,
                1.0 / PICTURE_HZ,
                clock,
            )
            moving.warm_up([timeline.pose(0)])
            return moving, make_renderer("numba", identity, STILL_PX), ""
        except (RobopatientError, ImportError) as error:  # a driver may break at the first picture
            fault = fault or f"The face cannot be drawn here: {error}"
    return None, None, fault
