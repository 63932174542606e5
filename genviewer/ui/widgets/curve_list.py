"""The list of curves: which are shown, in which colour, and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from genviewer.ui import theme
from genviewer.ui.widgets.curve_series import Series, color_of, value_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QPersistentModelIndex

    ModelIndex = QModelIndex | QPersistentModelIndex

NAME, VALUE = 0, 1
SWATCH = 14
CHECKED = Qt.CheckState.Checked
_KEY = Qt.ItemDataRole.UserRole


class CurveList(QTreeWidget):
    """Curves with a check mark, a colour and a value each.

    Signals:
        shown_changed(): others are checked now.
    """

    shown_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Curves")
        self.setColumnCount(2)
        self.setHeaderLabels(["Curve", "Latest"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QTreeWidget.SelectionMode.SingleSelection)
        self.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(VALUE, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(VALUE, self.fontMetrics().horizontalAdvance("at 00,000") + 12)
        alignment = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        self.headerItem().setTextAlignment(VALUE, alignment)
        self._rows: dict[str, QTreeWidgetItem] = {}
        self._texts: dict[str, str] = {}
        self.itemChanged.connect(self._changed)
        self.setItemDelegateForColumn(NAME, _Box(self))
        self.restyle()

    @property
    def shown(self) -> frozenset[str]:
        """The keys of the curves that are checked."""
        checked = Qt.CheckState.Checked
        return frozenset(k for k, row in self._rows.items() if row.checkState(NAME) == checked)

    def color(self, key: str) -> QColor:
        """The colour of a curve."""
        return color_of(list(self._rows).index(key))

    def set_series(self, series: Sequence[Series]) -> None:
        """Offer these curves; those that were there stay as they are checked."""
        before = {key: row.checkState(NAME) for key, row in self._rows.items()}
        item = self.currentItem()
        current = item.data(NAME, _KEY) if item is not None else None
        with QSignalBlocker(self):
            self.clear()
            self._rows = {}
            self._texts = {}
            for one in series:
                row = QTreeWidgetItem(self, [one.name, ""])
                row.setData(NAME, _KEY, one.key)
                row.setFlags(
                    Qt.ItemFlag.ItemIsEnabled
                    | Qt.ItemFlag.ItemIsSelectable
                    | Qt.ItemFlag.ItemIsUserCheckable
                )
                default = Qt.CheckState.Checked if one.shown else Qt.CheckState.Unchecked
                row.setCheckState(NAME, before.get(one.key, default))
                unit = f" In {one.unit}." if one.unit else ""
                row.setToolTip(NAME, f"{one.name}. {one.tip}{unit}")
                alignment = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                row.setTextAlignment(VALUE, alignment)
                self._rows[one.key] = row
                if one.key == current:
                    self.setCurrentItem(row)
        self.restyle()

    def set_values(self, values: Mapping[str, float], head: str) -> None:
        """Show values, and above them where they are of."""
        self.headerItem().setText(VALUE, head)
        with QSignalBlocker(self):
            for key, row in self._rows.items():
                text = value_text(values[key]) if key in values else "–"
                if self._texts.get(key) != text:
                    self._texts[key] = text
                    row.setText(VALUE, text)

    def restyle(self) -> None:
        """Take the colours of the scheme in force."""
        c = theme.colors()
        self.setStyleSheet(
            "QTreeWidget { background: transparent; }"
            f"QHeaderView, QHeaderView::section {{ background: transparent; border: 0;"
            f" color: {c.dim_text.name()}; padding: 4px 8px 4px 2px; }}"
        )
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentItem()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and row is not None:
            _toggle(row)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        row = self.itemAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and row is not None:
            _toggle(row)

    def _changed(self, _row: QTreeWidgetItem, column: int) -> None:
        if column == NAME:
            self.shown_changed.emit()


def _toggle(row: QTreeWidgetItem) -> None:
    checked, not_checked = Qt.CheckState.Checked, Qt.CheckState.Unchecked
    row.setCheckState(NAME, not_checked if row.checkState(NAME) == checked else checked)


class _Box(QStyledItemDelegate):
    """Paints the check mark of a curve in the curve's colour."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: ModelIndex) -> None:
        c = theme.colors()
        color = color_of(index.row())
        checked = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) == CHECKED
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        state = option.state
        if state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            painter.fillRect(option.rect, c.raised)
        box = QRectF(0, 0, SWATCH, SWATCH)
        box.moveCenter(QRectF(option.rect).center())
        box.moveLeft(option.rect.left() + 6)
        painter.setPen(QPen(color if checked else c.dim_text, 1.5))
        painter.setBrush(color if checked else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 3, 3)
        if checked:
            painter.setPen(QPen(c.field, 2))
            left, middle = box.left() + 3, box.center().y()
            tick = [QPointF(left, middle), QPointF(left + 2.5, middle + 2.5)]
            painter.drawPolyline([*tick, QPointF(left + 6.5, middle - 2.5)])
        painter.setPen(c.text if checked else c.dim_text)
        room = option.rect.adjusted(SWATCH + 14, 0, -4, 0)
        text = option.fontMetrics.elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, room.width()
        )
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(room, int(flags), text)
        painter.restore()

    def editorEvent(
        self,
        _event: QEvent,
        _model: QAbstractItemModel,
        _option: QStyleOptionViewItem,
        _index: ModelIndex,
    ) -> bool:
        return False  # the list does it: a click anywhere, or Enter

    def sizeHint(self, option: QStyleOptionViewItem, index: ModelIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width(), 24)
