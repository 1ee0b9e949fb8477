"""The verb ``console``: the window before a session, and what it opens (calibration, replay)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from robopatient.console.display import why_no_display
from robopatient.errors import DeviceError, require

__all__ = ["show"]


def show() -> int:
    """Open the window; returns when it is closed.

    Raises
    ------
    DeviceError
        When no window can be shown here.
    """
    require("PySide6.QtWidgets", "console")
    reason = why_no_display(os.environ, sys.platform)
    if reason:
        raise DeviceError(f"{reason}; the same without a window: robopatient run --headless, robopatient doctor")
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from robopatient.console.calibrate import open_dialog
    from robopatient.console.setup_model import options
    from robopatient.console.setup_window import PROGRAM, SetupWindow

    app = QApplication.instance() or QApplication(["robopatient"])

    def calibrate(board: str, parent: Any) -> None:
        if open_dialog(board, parent):
            parent.refresh_calibrations(options().calibration)

    def replay(folder: Path) -> None:
        subprocess.Popen([sys.executable, "-c", PROGRAM, "replay", str(folder), "--console"])

    window = SetupWindow(options(), calibrate, replay, QSettings("robopatient", "console"))
    window.show()
    window.look_again()
    app.exec()
    return 0
