"""Panel, keys and button labels of the operator while a study or a training session runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QSplitter, QWidget

from robopatient import messages as m
from robopatient.console.controls import Controls
from robopatient.console.learning_panel import LEARNING_KEYS, LearningPanel
from robopatient.console.model import ConsoleModel
from robopatient.console.study_panel import STUDY_KEYS, StudyPanel
from robopatient.console.theme import Theme

__all__ = ["StudyWindow", "make_desk"]


class StudyWindow:
    """What the window needs of a study: one widget more, other keys, other names.

    Parameters
    ----------
    act
        Called with each action, or None when a wish means nothing now.
    """

    def __init__(self, model: ConsoleModel, act: Callable[[m.OperatorAction | None], None], parent: QWidget) -> None:
        self.panel = StudyPanel(model.study, act, parent)
        self.learning = LearningPanel(model.study, parent) if model.config.lesson.folder else None
        self.name = "-lesson" if self.learning is not None else "-study"
        self.help_keys = STUDY_KEYS + (LEARNING_KEYS if self.learning is not None else ())

    def keys(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """Keys that mean something else, or something at all, while a study runs."""
        panel = self.panel
        bound: list[tuple[str, Callable[[], None]]] = [
            ("Space", panel.press_replay),
            ("Backspace", panel.press_undo),
            ("R", panel.press_redo),
            ("P", panel.press_pause),
            ("G", panel.press_go_on),
            ("E", panel.press_abort),
            ("B", panel.veil.toggle),
        ]
        bound += [(str(number), partial(panel.digit, number)) for number in range(10)]
        if self.learning is not None:
            bound.append(("Y", panel.press_trust))
        return tuple(bound)

    def arrange(self, columns: QSplitter, top: QSplitter, right: QSplitter, controls: Controls) -> None:
        """Add the panel to the window: between pictures and events; plots of a training session replace the abdomen."""
        controls.names = self.names
        controls.run.key.setText("P")
        controls.run.clicked.disconnect()
        controls.run.clicked.connect(lambda _checked=False: self.panel.press_pause())
        right.setSizes([258, 262, 66])
        if self.learning is not None:
            abdomen = top.widget(0)
            if abdomen is not None:
                abdomen.hide()
            top.addWidget(self.learning)
            top.setSizes([0, 200, 440])
            columns.setSizes([470, 780])

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self.panel.apply(theme)
        if self.learning is not None:
            self.learning.apply(theme)

    def refresh(self) -> None:
        """Draw what the model says."""
        self.panel.refresh()
        if self.learning is not None:
            self.learning.refresh()

    def names(self, model: ConsoleModel) -> tuple[str, str]:
        """What the first and the red button are called while a study runs."""
        state = model.study.state
        paused = state is not None and state.phase == "paused"
        return "Resume" if paused else "Pause", "STOPPED" if model.hushed else "STOP"


def make_desk(
    model: ConsoleModel, act: Callable[[m.OperatorAction | None], None], parent: QWidget
) -> StudyWindow | None:
    """Desk of a session that has a study or a training session; None for free palpation."""
    config = model.config
    return StudyWindow(model, act, parent) if config.study.name or config.lesson.folder else None
