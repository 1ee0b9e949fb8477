"""The status line of the session: quiet when all is well, conspicuous when the operator must act.

It always takes the same room, so that nothing moves when a warning comes or goes.
"""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from robopatient.console.elided import ElidedLabel
from robopatient.console.light_bar import Shape
from robopatient.console.model import Alert, ConsoleModel
from robopatient.console.theme import DARK, Theme

__all__ = ["Banner"]


class Banner(QFrame):
    """The worst warning, and how many more there are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(40)
        self._theme = DARK
        self._shown: object = None
        self.shape = Shape(self)
        self.text = ElidedLabel(self)
        self.more = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(10)
        row.addWidget(self.shape)
        row.addWidget(self.text, 1)
        row.addWidget(self.more)

    def apply(self, theme: Theme) -> None:
        """Wear a theme."""
        self._theme = theme
        self._shown = None

    def refresh(self, model: ConsoleModel) -> None:
        """Show what matters most now."""
        alerts = model.warnings()
        if model.hushed:
            alerts.insert(0, Alert("hush", "Hushed: the voice is silent, the face is neutral. H ends it."))
        first = alerts[0] if alerts else _calm(model)
        if (first, alerts) == self._shown:
            return
        self._shown = (first, alerts)
        theme = self._theme
        ground, ink = {
            "hush": (theme.hush_on, theme.on_hush),
            "bad": (theme.bad, theme.window),
            "warn": (theme.warn, theme.window),
        }.get(first.state, (theme.panel, theme.muted))
        loud = first.state in ("bad", "warn", "hush")
        edge = ground if loud else theme.edge
        self.setStyleSheet(
            f"Banner {{ background: {ground}; border: 1px solid {edge}; border-radius: 8px; }}"
            f"QLabel {{ color: {ink}; font-size: 14px; font-weight: {600 if loud else 400}; }}"
        )
        self.shape.setVisible(not loud)
        self.shape.show_state("ok" if first.state == "ok" else "off", theme)
        self.text.show_text(first.text)
        self.more.setText(f"{len(alerts) - 1} more" if len(alerts) > 1 else "")
        self.more.setToolTip("\n".join(alert.text for alert in alerts[1:]))
        self.setAccessibleName(first.text)


def _calm(model: ConsoleModel) -> Alert:
    if model.health is None:
        return Alert("off", "Waiting for the session to begin")
    if not model.running:
        return Alert("off", "Paused: the patient feels but does not express. Space starts.")
    if not model.expressing:
        return Alert("off", "Waiting for voice and face")
    if model.config.study.name:
        return Alert("ok", "All is well; the study decides what is presented")
    if model.config.lesson.folder:
        return Alert("ok", "All is well; the patient learns how to react")
    return Alert("ok", "The patient expresses what is felt")
