"""The set-up window: one window for sessions, studies, training by ratings and calibration; ``show`` opens it.

``model.py`` says what a tab is, each ``*_tab.py`` is one of them (all without Qt), ``window.py`` draws any of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from robopatient.display import why_no_display
from robopatient.errors import DeviceError, require

__all__ = ["show"]


def show(
    tab: str = "session",
    values: dict[str, str | float] | None = None,
    folder: Path = Path("sessions"),
    overrides: tuple[str, ...] = (),
) -> int:
    """Open the window on a tab; return when it is closed, with the exit status of what it ran last.

    Parameters
    ----------
    tab
        "session", "study", "training" or "calibration"; the last returns 1 when no calibration was saved.
    values
        Choices of this tab that replace the stored ones, by the names of its fields.
    folder, overrides
        Of the sessions of a study: where they go, and what is set besides.

    Raises
    ------
    DeviceError
        When no window can be shown here.
    """
    require("PySide6.QtWidgets", "console")
    reason = why_no_display(os.environ, sys.platform)
    if reason:
        raise DeviceError(
            f"{reason}; the same without a window: robopatient run, study run, policy train, board calibrate or doctor "
            "with --help"
        )
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from robopatient.console.setup.calibration_tab import CalibrationTab
    from robopatient.console.setup.session_tab import SessionTab
    from robopatient.console.setup.study_tab import StudyTab
    from robopatient.console.setup.training_tab import TrainingTab
    from robopatient.console.setup.window import SetupWindow

    app = QApplication.instance() or QApplication(["robopatient"])
    tabs = (SessionTab(), StudyTab(folder, overrides), TrainingTab(), CalibrationTab())
    window = SetupWindow(tabs, QSettings("robopatient", "console"))
    window.open_tab(tab, values or {})
    window.show()
    window.run_doctor()
    app.exec()
    if window.calibrated is not None:
        print(f"written: {window.calibrated}\nuse it: robopatient run --set sensing.calibration={window.calibrated}")
    return int(window.calibrated is None) if tab == "calibration" else window.status
