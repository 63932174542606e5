"""The classes of a data set with some of their images, and what each is to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QStandardItem, QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from genviewer.io.dataset_mapping import LEFT_OUT
from genviewer.ui import theme
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.pixels_to_image import image_of
from genviewer.ui.widgets.segments import HEIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.io.dataset_mapping import DataChoices

MAX_ROWS = 40
"""So many classes are shown at once; a filter finds the others."""

FILTERED_ABOVE = 12  # classes from which on there is a filter
TILE, TILE_GAP = 32, 4
NAME_WIDTH = 96  # px that a class's name has at least, if it needs them
NEW, OUT = "New class", "Leave out"


class DataClasses(QWidget):
    """A row for each class: images, name, how many, and a class of the model.

    Signals:
        chosen(str, object): a class of the data, and a class of the model, LEFT_OUT, or None for a
            new class.
        all_chosen(str): every class anew: ``names`` or ``out``.
    """

    chosen = Signal(str, object)
    all_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(280)
        self._counts: tuple[tuple[str, int], ...] = ()
        self._thumbnails: Mapping[str, NDArray[np.uint8]] = {}
        self._known: tuple[str, ...] = ()
        self._choices: DataChoices | None = None
        self._items = QStandardItemModel(self)  # one for all rows: a model may have many classes
        self._places: dict[str | None, int] = {}  # of what can be chosen, in it
        self._bounded = True
        self.combos: dict[str, QComboBox] = {}
        self.heading = QLabel("Classes", self)
        self.heading.setFont(theme.strong(self.font()))
        self.names = _button("By name", "Take each class for the model's class of its name", self)
        self.names.clicked.connect(lambda: self.all_chosen.emit("names"))
        self.none = _button("None", "Leave all classes out, to choose a few", self)
        self.none.clicked.connect(lambda: self.all_chosen.emit("out"))
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText("Find a class")
        self.filter.setAccessibleName("Find a class")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedHeight(HEIGHT)
        self.filter.textChanged.connect(self._build)
        self.note = QLabel(self)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setWordWrap(True)
        self.note.setForegroundRole(self.note.palette().ColorRole.PlaceholderText)
        self.more = QLabel(self)
        self.more.setForegroundRole(self.more.palette().ColorRole.PlaceholderText)
        self._inside = QWidget(self)
        self._grid = QGridLayout(self._inside)
        self._grid.setContentsMargins(0, 0, 8, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self._area = QScrollArea(self)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setWidget(self._inside)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.heading)
        top.addWidget(self.filter, 1)
        top.addStretch(0)
        top.addWidget(self.names)
        top.addWidget(self.none)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.note)
        column.addWidget(self._area, 1)
        column.addWidget(self.more)

    def sizeHint(self) -> QSize:
        return QSize(420, 160)

    def set_bounded(self, bounded: bool) -> None:
        """Whether the rows scroll in the height that there is, or take all that they need."""
        policy = Qt.ScrollBarPolicy
        self._area.setVerticalScrollBarPolicy(
            policy.ScrollBarAsNeeded if bounded else policy.ScrollBarAlwaysOff
        )
        self._bounded = bounded
        self._fit_height()

    def set_model(self, known: Sequence[str], *, can_grow: bool, note: str) -> None:
        """Show which classes there are to choose from; none for a model without classes."""
        self._known = tuple(known)
        before, self._items = self._items, QStandardItemModel(self)  # rows would follow each change
        self._places = {}
        entries: list[tuple[str, str | None]] = [(NEW, None)] if can_grow else []
        for text, wanted in (*entries, (OUT, LEFT_OUT), *((name, name) for name in known)):
            item = QStandardItem(text)
            item.setData(wanted, Qt.ItemDataRole.UserRole)
            self._places.setdefault(wanted, self._items.rowCount())
            self._items.appendRow(item)
        words = note if known else "This model has no classes: it learns from all images alike."
        self.note.setText(words)
        self.note.setVisible(bool(words))
        self._build()
        before.deleteLater()  # after the rows that show it

    def set_classes(
        self, counts: Sequence[tuple[str, int]], thumbnails: Mapping[str, NDArray[np.uint8]]
    ) -> None:
        """Show the classes of other data.

        Args:
            counts: (name, images) of each.
            thumbnails: uint8 (n, side, side, 3) for some of them.
        """
        self._counts, self._thumbnails = tuple(counts), thumbnails
        self.filter.blockSignals(True)
        self.filter.clear()
        self.filter.blockSignals(False)
        self._choices = None
        self._build()

    def show_choices(self, choices: DataChoices) -> None:
        """Show what each class is taken for; emits nothing."""
        self._choices = choices
        for name, combo in self.combos.items():
            wanted = choices.mapping.get(name, LEFT_OUT)
            new = wanted in choices.new_classes
            combo.setCurrentIndex(self._places.get(None if new else wanted, -1))
            combo.setToolTip(f"The new class is called {wanted}" if new else "")

    def _build(self) -> None:
        """Make the rows anew, of the classes that the filter finds."""
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.combos = {}
        wanted = self.filter.text().strip().casefold()
        found = [entry for entry in self._counts if wanted in entry[0].casefold()]
        for row, (name, count) in enumerate(found[:MAX_ROWS]):
            self._add_row(row, name, count)
        self._grid.setRowStretch(min(len(found), MAX_ROWS), 1)
        many = len(self._counts) > FILTERED_ABOVE
        self.filter.setVisible(many)
        choosable = bool(self._known) and len(self._counts) > 1
        self.names.setVisible(choosable)
        self.none.setVisible(choosable)
        left = len(found) - MAX_ROWS
        self.more.setText(f"and {left:,} more classes; find them by name" if left > 0 else "")
        self.more.setVisible(left > 0)
        if self._choices is not None:
            self.show_choices(self._choices)
        self._fit_height()

    def _add_row(self, row: int, name: str, count: int) -> None:
        title = name or ("All images" if len(self._counts) == 1 else "Without a class")
        strip = ThumbnailStrip(self._thumbnails.get(name), f"Images of {title}", self._inside)
        label = ElidedLabel(title, self._inside)
        label.setMinimumWidth(min(label.sizeHint().width(), NAME_WIDTH))
        number = QLabel(f"{count:,}", self._inside)
        number.setForegroundRole(number.palette().ColorRole.PlaceholderText)
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        number.setToolTip(f"{count:,} images")
        self._grid.addWidget(strip, row, 0)
        self._grid.addWidget(label, row, 1)
        self._grid.addWidget(number, row, 2)
        if not self._known:
            return
        combo = _Combo(self._inside)
        combo.setModel(self._items)
        combo.setAccessibleName(f"{title} is the model's class")
        combo.activated.connect(
            lambda index, of=name, box=combo: self.chosen.emit(of, box.itemData(index))
        )
        self._grid.addWidget(combo, row, 3)
        self.combos[name] = combo

    def _fit_height(self) -> None:
        rows = self._inside.sizeHint().height()
        self._area.setMinimumHeight(min(rows, 96) if self._bounded else rows)


class _Combo(QComboBox):
    """A choice that the wheel passes over: it is in a list that scrolls."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEIGHT)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ThumbnailStrip(QWidget):
    """Some images side by side, as many as there is room for."""

    def __init__(
        self, pixels: NDArray[np.uint8] | None, name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._images = [] if pixels is None else [image_of(picture) for picture in pixels]
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(max(1, len(self._images)) * (TILE + TILE_GAP) - TILE_GAP, TILE)

    def minimumSizeHint(self) -> QSize:
        return QSize(TILE, TILE)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for index, image in enumerate(self._images):
            left = index * (TILE + TILE_GAP)
            if left + TILE > self.width():
                break
            painter.drawImage(QRectF(left, 0, TILE, TILE), image)
        painter.end()


def _button(text: str, tip: str, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setFixedHeight(HEIGHT)
    button.setToolTip(tip)
    return button
