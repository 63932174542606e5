"""The tiles of the pin shelf: model, look, and the hand that moves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from genviewer.ui import theme

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = QModelIndex | QPersistentModelIndex
    PinRow = tuple[int, str, NDArray[np.uint8]]

TILE = 88  # px, the width that tiles are near to
NAME_HEIGHT = 22
ID, PICTURE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
LONGEST_NAME = 80


class PinModel(QAbstractListModel):
    """id, name and picture of each pin; a new name goes to ``renamed``, not into the model."""

    renamed = Signal(int, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: list[tuple[int, str, QImage]] = []

    def set_rows(self, rows: list[tuple[int, str, QImage]]) -> None:
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        number, name, picture = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{name}\nClick to go there, F2 to rename, drag to move"
        if role == ID:
            return number
        return picture if role == PICTURE else None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        number, before, _ = self._rows[index.row()]
        name = " ".join(str(value).split())[:LONGEST_NAME]
        if role != Qt.ItemDataRole.EditRole or not name or name == before:
            return False
        self.renamed.emit(number, name)
        return True


class PinTiles(QStyledItemDelegate):
    """Paints a pin: the picture, pixel for pixel where it is enlarged, and its name."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        c = theme.colors()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        rect = option.rect.adjusted(3, 3, -3, -3)
        frame = QRect(rect.left(), rect.top(), rect.width(), rect.height() - NAME_HEIGHT)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(c.canvas)
        painter.drawRoundedRect(frame, 5, 5)
        picture: QImage = index.data(PICTURE)
        inside = frame.adjusted(4, 4, -4, -4)
        size = picture.size().scaled(inside.size(), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(QPoint(0, 0), size)
        target.moveCenter(inside.center())
        shrunk = size.width() < picture.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrunk)
        painter.drawImage(target, picture)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(c.accent if chosen else c.dim_text, 2 if chosen else 1))
            painter.drawRoundedRect(frame, 5, 5)
        painter.setPen(c.text if chosen else c.dim_text)
        painter.setFont(option.font)
        line = QRect(rect.left(), frame.bottom() + 1, rect.width(), NAME_HEIGHT)
        text = option.fontMetrics.elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, line.width()
        )
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        view = self.parent()
        return view.gridSize() if isinstance(view, QListView) else super().sizeHint(option, index)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setMaxLength(LONGEST_NAME)
        editor.setAccessibleName("Name of the pin")
        return editor

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        rect = option.rect
        editor.setGeometry(
            rect.left(), rect.bottom() - NAME_HEIGHT - 6, rect.width(), NAME_HEIGHT + 6
        )


class PinGrid(QListView):
    """Tiles in rows that fill the width; a tile is dragged to another place by hand."""

    chosen = Signal(int)
    removed = Signal(int)
    moved = Signal(int, int)
    menu_wanted = Signal(int, QPoint)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self._press: QPoint | None = None
        self._dragged: QModelIndex | None = None
        self._gap: int | None = None  # where the dragged tile would go, 0..count

    # dragging

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        left = event.button() == Qt.MouseButton.LeftButton
        self._press = event.position().toPoint() if left else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        if self._press is None:
            super().mouseMoveEvent(event)
            return
        far = (point - self._press).manhattanLength() >= QApplication.startDragDistance()
        if self._dragged is None and far:
            at = self.indexAt(self._press)
            if at.isValid():
                self._dragged = at
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
        if self._dragged is not None:
            self._gap = self._gap_at(point)
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        dragged, gap = self._dragged, self._gap
        pressed, self._press = self._press, None
        self._stop_dragging()
        super().mouseReleaseEvent(event)
        if dragged is not None and gap is not None:
            row = dragged.row()
            index = gap - 1 if gap > row else gap
            if index != row:
                self.moved.emit(dragged.data(ID), index)
        elif pressed is not None and event.button() == Qt.MouseButton.LeftButton:
            at = self.indexAt(event.position().toPoint())
            if at.isValid() and at == self.indexAt(pressed):
                self.chosen.emit(at.data(ID))

    def _stop_dragging(self) -> None:
        self._dragged = self._gap = None
        self.unsetCursor()
        self.viewport().update()

    def _gap_at(self, point: QPoint) -> int:
        """The place between tiles that a point is nearest to."""
        count = self.model().rowCount()
        rects = [self.visualRect(self.model().index(i, 0)) for i in range(count)]
        for i, rect in enumerate(rects):
            if point.y() < rect.top():
                return i
            if point.y() <= rect.bottom() and point.x() < rect.center().x():
                return i
        return count

    # the keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)  # the keys are those of the name being typed
            return
        current = self.currentIndex()
        key = event.key()
        if key == Qt.Key.Key_Escape and self._dragged is not None:
            self._press = None
            self._stop_dragging()
        elif current.isValid() and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit(current.data(ID))
        elif current.isValid() and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(current.data(ID))
        elif (
            current.isValid()
            and event.modifiers() & Qt.KeyboardModifier.AltModifier
            and key in (Qt.Key.Key_Left, Qt.Key.Key_Right)
        ):
            index = current.row() + (1 if key == Qt.Key.Key_Right else -1)
            if 0 <= index < self.model().rowCount():
                self.moved.emit(current.data(ID), index)
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Letters are the window's shortcuts, not a search."""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        at = self.indexAt(event.pos())
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            at = self.currentIndex()
        if at.isValid():
            self.setCurrentIndex(at)
            self.menu_wanted.emit(at.data(ID), event.globalPos())

    # the picture

    def resizeEvent(self, event: QResizeEvent) -> None:
        # The view keeps room for its scroll bar, and wraps a row that is full to the pixel.
        room = self.width() - self.verticalScrollBar().sizeHint().width() - 1
        columns = max(room // TILE, 1)
        side = room // columns
        self.setGridSize(QSize(side, min(side, TILE + 32) + NAME_HEIGHT))
        super().resizeEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._gap is None:
            return
        count = self.model().rowCount()
        last = self._gap >= count
        rect = self.visualRect(self.model().index(min(self._gap, count - 1), 0))
        x = rect.right() - 1 if last else rect.left() + 1
        painter = QPainter(self.viewport())
        painter.setPen(
            QPen(theme.colors().accent, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        )
        painter.drawLine(QPointF(x, rect.top() + 4), QPointF(x, rect.bottom() - NAME_HEIGHT))
