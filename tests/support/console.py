"""A console without a session: a model turned by hand, a window on Qt's offscreen platform, actions kept in a list."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from experiments.benchmarks.rehearsal import PATIENT, PHANTOM, still
from robopatient.clock import FakeClock
from robopatient.config import SessionConfig
from robopatient.console.model import ConsoleModel

SCREEN = Path(__file__).with_name("screen.json")  # a desk's monitor: Qt's own offscreen one is 800 x 800
os.environ.setdefault("QT_QPA_PLATFORM", f"offscreen:configfile={SCREEN}")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_000_000_000_000)


@pytest.fixture
def model(clock: FakeClock) -> ConsoleModel:
    return ConsoleModel(SessionConfig(), clock, PATIENT, PHANTOM)


class Bench(msgspec.Struct):
    """A window in the middle of a rehearsed examination and all that it has asked for."""

    window: object
    model: ConsoleModel
    clock: FakeClock
    actions: list

    @property
    def asked(self) -> list[str]:
        return [action.action for action in self.actions]


@pytest.fixture
def bench(qtbot, tmp_path: Path) -> Bench:
    from PySide6.QtCore import QSettings

    from robopatient.console.window import ConsoleWindow

    model, clock = still(seconds=8.0)
    actions: list = []
    settings = QSettings(str(tmp_path / "console.ini"), QSettings.Format.IniFormat)
    window = ConsoleWindow(model, actions.append, settings)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    return Bench(window, model, clock, actions)
