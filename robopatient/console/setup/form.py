"""The fields of a tab as widgets: cards of lists, lines of text and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from robopatient.console.controls import set_role
from robopatient.console.parts import plain_label
from robopatient.console.setup.model import Choices, Field

__all__ = ["Form"]

LABEL_PX = 112
SHORTEST = 12
"""Characters that a list shows at least; a longer entry is cut and told in the tool tip."""


class Form(QWidget):
    """The fields, by groups."""

    changed = Signal()

    def __init__(self, fields: Sequence[Field], parent: QWidget) -> None:
        super().__init__(parent)
        self._fields = {field.name: field for field in fields}
        self.widgets = {field.name: self._widget(field) for field in fields}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for title in dict.fromkeys(field.group for field in fields):
            column.addWidget(self._card(title))
        column.addStretch(1)
        self.choose({field.name: field.default for field in fields})

    @property
    def choices(self) -> Choices:
        """As the fields say."""
        return {name: self._value(name) for name in self._fields}

    def choose(self, values: Choices) -> None:
        """Set fields; an entry that is not offered is left out, unless it may be typed."""
        for name, value in values.items():
            widget, field = self.widgets[name], self._fields[name]
            if isinstance(widget, QComboBox):
                at = widget.findData(value)
                if at >= 0:
                    widget.setCurrentIndex(at)
                elif field.typed:
                    widget.setEditText(str(value))
            elif isinstance(widget, QDoubleSpinBox):
                widget.setValue(float(value))
            elif isinstance(widget, QLineEdit):
                widget.setText(str(value))

    def kept(self) -> Choices:
        """What is stored for the next time."""
        return {name: self._value(name) for name, field in self._fields.items() if field.kept}

    def clear_unkept(self) -> None:
        """Forget what belongs to one person."""
        self.choose({name: field.default for name, field in self._fields.items() if not field.kept})

    def offer(self, fields: Sequence[Field]) -> None:
        """Offer other entries; what is chosen stays."""
        for field in fields:
            widget = self.widgets[field.name]
            if isinstance(widget, QComboBox) and field != self._fields[field.name]:
                chosen = self._value(field.name)
                self._fields[field.name] = field
                _fill(widget, field)
                self.choose({field.name: chosen})

    def mark(self, wrong: Mapping[str, str]) -> None:
        """Ring the fields that a failing check names, and say why in their tool tips."""
        for name, widget in self.widgets.items():
            why = wrong.get(self._fields[name].title, "")
            set_role(widget, "wrong" if why else "")
            widget.setAccessibleDescription(why)
            widget.setToolTip(why or (widget.currentText() if isinstance(widget, QComboBox) else ""))

    def focus_first(self) -> None:
        """Begin at the first field that is asked anew each time, else at the first."""
        asked = [name for name, field in self._fields.items() if not field.kept]
        self.widgets[(asked or list(self._fields))[0]].setFocus()

    # Within

    def _value(self, name: str) -> str | float:
        widget = self.widgets[name]
        if isinstance(widget, QComboBox):
            text = widget.currentText().strip()
            at = widget.findText(text)
            return str(widget.itemData(at)) if at >= 0 else text
        if isinstance(widget, QDoubleSpinBox):
            return widget.value()
        assert isinstance(widget, QLineEdit)
        return widget.text().strip()

    def _widget(self, field: Field) -> QWidget:
        widget: QComboBox | QDoubleSpinBox | QLineEdit
        if field.span is not None:
            low, high, decimals = field.span
            widget = QDoubleSpinBox(self)
            widget.setRange(low, high)
            widget.setDecimals(decimals)
            widget.setSpecialValueText(field.empty)
            widget.valueChanged.connect(lambda _value: self.changed.emit())
        elif field.offered:
            widget = QComboBox(self)
            widget.setEditable(field.typed)
            widget.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            widget.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            widget.setMinimumContentsLength(SHORTEST)
            _fill(widget, field)
            widget.currentTextChanged.connect(lambda _text: self.changed.emit())
        else:
            widget = QLineEdit(self)
            widget.setPlaceholderText(field.example)
            widget.textChanged.connect(lambda _text: self.changed.emit())
        if isinstance(widget, QDoubleSpinBox):
            widget.lineEdit().setTextMargins(8, 0, 0, 0)
        widget.setProperty("role", "")
        widget.setAccessibleName(field.title)
        widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return widget

    def _card(self, title: str) -> QFrame:
        frame = QFrame(self)
        frame.setProperty("role", "panel")
        grid = QGridLayout(frame)
        grid.setContentsMargins(14, 10, 14, 12)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnMinimumWidth(0, LABEL_PX)
        grid.setColumnStretch(1, 1)
        grid.addWidget(plain_label(title, "title", frame), 0, 0, 1, 2)
        for row, field in enumerate([each for each in self._fields.values() if each.group == title], start=1):
            label = plain_label(field.label, "muted", frame)
            label.setBuddy(self.widgets[field.name])
            grid.addWidget(label, row, 0)
            grid.addWidget(self.widgets[field.name], row, 1)
        return frame


def _fill(box: QComboBox, field: Field) -> None:
    box.blockSignals(True)
    box.clear()
    for value, words in ((("", field.empty),) if field.empty else ()) + field.offered:
        box.addItem(words, value)
    box.blockSignals(False)
