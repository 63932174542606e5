"""Directions as named sliders, in as many columns as there is room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QToolButton,
    QWidget,
)

from genviewer.ui.icons import icon
from genviewer.ui.widgets.value_slider import ValueSlider

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QContextMenuEvent, QResizeEvent

REACH = 4.0
"""A slider goes so many standard deviations to either side."""

COLUMN = 268
LABEL = 92
MAX_NAME = 60


class DirectionRow(QWidget):
    """One direction: F2 or a double click on the name renames, Delete removes.

    Signals:
        moved(strength, key): in standard deviations; edits of one drag have one key.
        renamed(name), removed(), apart_wanted(): what is wanted of the direction.
        axis_wanted(which): it is to run along the ``rows`` or ``columns`` of the Axes view.
    """

    moved = Signal(float, str)
    renamed = Signal(str)
    removed = Signal()
    apart_wanted = Signal()
    axis_wanted = Signal(str)

    def __init__(self, name: str, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor: QLineEdit | None = None
        self.slider = ValueSlider(name, -REACH, REACH, 0.0, decimals=1, label_width=LABEL)
        self.slider.track.setToolTip(hint)
        self.slider.track.two_sided = True
        self.slider.edited.connect(self.moved)
        self.slider.label.installEventFilter(self)
        self.menu = QMenu(self)
        for text, wish in (
            ("Rename…\tF2", self.rename),
            ("Remove\tDel", self.removed.emit),
            ("Make Orthogonal to the Others", self.apart_wanted.emit),
            (None, None),
            ("Along the Rows of the Axes View", lambda: self.axis_wanted.emit("rows")),
            ("Along the Columns of the Axes View", lambda: self.axis_wanted.emit("columns")),
        ):
            if text is None or wish is None:
                self.menu.addSeparator()
            else:
                self.menu.addAction(text).triggered.connect(lambda _=False, w=wish: w())
        self.more = QToolButton(self)
        self.more.setIcon(icon("more"))
        self.more.setAutoRaise(True)
        self.more.setMenu(self.menu)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setObjectName("tight")
        self.more.setFixedSize(24, 24)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.more)
        self.setFocusProxy(self.slider)
        self.set_name(name)

    @property
    def name(self) -> str:
        """What the direction is called."""
        return self.slider.label.text()

    def set_name(self, name: str) -> None:
        """Call the direction so."""
        self.slider.label.setText(name)
        self.slider.set_name(name)
        self.more.setToolTip(f"More about {name}")
        self.more.setAccessibleName(f"More about {name}")

    def rename(self) -> None:
        """Let the name be typed in its place; Enter takes it, Escape leaves it."""
        if self._editor is not None:
            return
        editor = QLineEdit(self.name, self)
        editor.setMaxLength(MAX_NAME)
        editor.setAccessibleName(f"New name of {self.name}")
        place = self.slider.label.geometry().translated(self.slider.pos())
        editor.setGeometry(place.adjusted(-4, -3, 40, 3).intersected(self.rect()))
        editor.selectAll()
        editor.installEventFilter(self)
        editor.editingFinished.connect(self._take_name)
        self._editor = editor
        editor.show()
        editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def _take_name(self) -> None:
        editor, self._editor = self._editor, None
        if editor is None:
            return
        name = " ".join(editor.text().split())
        self._drop(editor)
        if name and name != self.name:
            self.renamed.emit(name)

    def _drop(self, editor: QLineEdit) -> None:
        had_focus = editor.hasFocus()
        editor.hide()
        editor.deleteLater()
        if had_focus:
            self.slider.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._editor and event.type() == QEvent.Type.FocusOut:
            # Qt does not say that editing is finished where nothing was typed.
            self._take_name()
        elif watched is self._editor and isinstance(event, QKeyEvent):
            escape = event.key() == Qt.Key.Key_Escape
            if escape and event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if escape and event.type() == QEvent.Type.KeyPress and self._editor is not None:
                editor, self._editor = self._editor, None
                self._drop(editor)
                return True
        elif watched is self.slider.label and isinstance(event, QMouseEvent):
            if event.type() == QEvent.Type.MouseButtonDblClick:
                self.rename()
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self.rename()
        elif event.key() == Qt.Key.Key_Delete and not event.modifiers():
            self.removed.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu.popup(event.globalPos())


class DirectionList(QWidget):
    """The sliders of all directions.

    Signals:
        moved(index, strength, key), renamed(index, name), removed(index), apart_wanted(index),
        axis_wanted(index, which): as those of a :class:`DirectionRow`.
    """

    moved = Signal(int, float, str)
    renamed = Signal(int, str)
    removed = Signal(int)
    apart_wanted = Signal(int)
    axis_wanted = Signal(int, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[DirectionRow] = []
        self._columns = 1
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(8, 0, 8, 4)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(0)

    def set_directions(self, named: Sequence[tuple[str, str]]) -> None:
        """Show directions: the name and the hint of each. The sliders that are there are kept, so
        that neither the focus nor what is scrolled to moves.
        """
        for row, (name, hint) in zip(self.rows, named, strict=False):
            row.set_name(name)
            row.slider.track.setToolTip(hint)
        before, now = len(self.rows), len(named)
        if before == now:
            return
        hand: QWidget | None = QApplication.focusWidget()
        gone = self.rows[now:]
        held = hand is not None and any(row.isAncestorOf(hand) for row in gone)
        del self.rows[now:]
        if held and self.rows:
            # First, or Qt takes the focus elsewhere and the page is scrolled there.
            self.rows[-1].setFocus()
        for row in gone:
            row.hide()
            row.deleteLater()
        self.rows += [self._row(index, *named[index]) for index in range(before, now)]
        self._place()

    def set_strengths(self, values: Sequence[float]) -> None:
        """Show how far the latent lies along each direction."""
        for row, value in zip(self.rows, values, strict=True):
            if abs(row.slider.value - value) > 1e-4:
                row.slider.set_value(float(value))

    def _row(self, index: int, name: str, hint: str) -> DirectionRow:
        row = DirectionRow(name, hint, self)
        row.moved.connect(lambda strength, key: self.moved.emit(index, strength, key))
        row.renamed.connect(lambda name: self.renamed.emit(index, name))
        row.removed.connect(lambda: self.removed.emit(index))
        row.apart_wanted.connect(lambda: self.apart_wanted.emit(index))
        row.axis_wanted.connect(lambda which: self.axis_wanted.emit(index, which))
        return row

    def _place(self) -> None:
        """Columns are filled from top to bottom, so that Tab goes down them."""
        lines = -(-len(self.rows) // self._columns)
        for index, row in enumerate(self.rows):
            self._grid.addWidget(row, index % max(lines, 1), index // max(lines, 1))
            row.show()
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, int(column < self._columns))
        for line in range(self._grid.rowCount() + 1):
            self._grid.setRowStretch(line, int(line == lines))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        columns = max(1, (self.width() + 8) // (COLUMN + 24))
        if columns != self._columns:
            self._columns = columns
            self._place()
