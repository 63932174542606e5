"""The models at hand, with thumbnails: bundled ones, recent ones, and a button for more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPixmap,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import (
    QListView,
    QMenu,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui import theme
from genviewer.ui.icons import icon
from genviewer.ui.widgets.pixels_to_image import image_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

THUMBNAIL = 44
ROW = 56
HEADER = 28
Index = QModelIndex | QPersistentModelIndex
_ENTRY = Qt.ItemDataRole.UserRole
_PICTURE = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True)
class ModelEntry:
    """One row: where the model lies, what it is called and what it is, and its group."""

    path: str
    name: str
    about: str
    group: str
    removable: bool = False


class ModelBrowser(QWidget):
    """A list of models; it reads no files, thumbnails are given to it.

    Signals:
        chosen(str): explore the model at that path.
        compare_wanted(str): a model is to be held against the current one.
        card_wanted(str): show its card.
        removed(str): take it off the recent ones.
        open_wanted(): look for another model on the disk.
    """

    chosen = Signal(str)
    card_wanted = Signal(str)
    removed = Signal(str)
    open_wanted = Signal()
    compare_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QStandardItemModel(self)
        self._current = ""
        self._thumbnails: dict[str, QPixmap] = {}
        self._list = _List(self)
        self._list.setModel(self._model)
        self._list.setItemDelegate(_Delegate(self._list))
        self._list.setAccessibleName("Models")
        self._list.activated_path.connect(self.chosen)
        self._list.menu_wanted.connect(self._show_menu)
        button = QPushButton(icon("folder"), "Open model…", self)
        button.setToolTip("Open a model's folder  (Ctrl+O)")
        button.clicked.connect(self.open_wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(self._list, 1)
        layout.addWidget(button)

    def sizeHint(self) -> QSize:
        return QSize(216, 320)

    def set_entries(self, entries: list[ModelEntry]) -> None:
        """Show these models, in their order, with a header before each group."""
        self._model.clear()
        group = None
        for entry in entries:
            if entry.group != group:
                group = entry.group
                header = QStandardItem(group)
                header.setFlags(Qt.ItemFlag.NoItemFlags)
                self._model.appendRow(header)
            item = QStandardItem(entry.name)
            item.setEditable(False)
            item.setData(entry, _ENTRY)
            item.setData(self._thumbnails.get(entry.path), _PICTURE)
            item.setToolTip(f"{entry.name}\n{entry.about}\n{entry.path}")
            self._model.appendRow(item)
        self.set_current(self._current)

    def set_thumbnail(self, path: str, pixels: NDArray[np.uint8]) -> None:
        """Give a model its picture: uint8 (H, W, C)."""
        side = round(THUMBNAIL * self.devicePixelRatioF())
        picture = QPixmap.fromImage(image_of(pixels)).scaled(
            side,
            side,
            Qt.AspectRatioMode.KeepAspectRatioByExpanding,
            Qt.TransformationMode.SmoothTransformation,
        )
        picture.setDevicePixelRatio(self.devicePixelRatioF())
        self._thumbnails[path] = picture
        for item in self._items():
            if item.data(_ENTRY).path == path:
                item.setData(picture, _PICTURE)

    def set_current(self, path: str) -> None:
        """Mark the model that is explored."""
        self._current = path
        for item in self._items():
            if item.data(_ENTRY).path == path:
                self._list.setCurrentIndex(item.index())
                return
        self._list.clearSelection()

    def _items(self) -> list[QStandardItem]:
        items = [self._model.item(row) for row in range(self._model.rowCount())]
        return [item for item in items if item.data(_ENTRY) is not None]

    def _show_menu(self, entry: ModelEntry, where: QPoint) -> None:
        menu = QMenu(self)
        menu.addAction(icon("play"), "Explore", lambda: self.chosen.emit(entry.path))
        menu.addAction(
            icon("compare"),
            "Compare with the current one",
            lambda: self.compare_wanted.emit(entry.path),
        )
        menu.addAction(icon("info"), "Model card", lambda: self.card_wanted.emit(entry.path))
        if entry.removable:
            menu.addAction(icon("trash"), "Remove from list", lambda: self.removed.emit(entry.path))
        menu.exec(where)
        menu.deleteLater()


class _List(QListView):
    """A list in which a click, Enter or Space explores a model."""

    activated_path = Signal(str)
    menu_wanted = Signal(object, QPoint)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setStyleSheet("QListView { background: transparent; border: 0; }")
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.clicked.connect(self._activate)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._activate(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        entry = self.indexAt(event.pos()).data(_ENTRY)
        if entry is not None:
            self.menu_wanted.emit(entry, event.globalPos())

    def _activate(self, index: QModelIndex) -> None:
        entry = index.data(_ENTRY)
        if entry is not None:
            self.activated_path.emit(entry.path)


class _Delegate(QStyledItemDelegate):
    """Paints a thumbnail, the name, and what the model is."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, HEADER if index.data(_ENTRY) is None else ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = index.data(_ENTRY)
        if entry is None:
            self._paint_header(painter, option.rect, index.data())
            return
        c = theme.colors()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRect(option.rect).adjusted(0, 2, 0, -2)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if selected or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(c.accent_soft if selected else c.raised)
            painter.drawRoundedRect(box, 6, 6)
        if selected:
            painter.setBrush(c.accent)
            painter.drawRoundedRect(QRect(box.left(), box.top() + 12, 3, box.height() - 24), 1, 1)
        picture = QRect(box.left() + 8, box.center().y() - THUMBNAIL // 2, THUMBNAIL, THUMBNAIL)
        rounded = QPainterPath()
        rounded.addRoundedRect(picture, 5, 5)
        painter.fillPath(rounded, c.canvas)
        pixmap = index.data(_PICTURE)
        if pixmap is not None:
            painter.setClipPath(rounded)
            painter.drawPixmap(picture, pixmap)
            painter.setClipping(False)
        text = box.adjusted(THUMBNAIL + 18, 7, -6, -7)
        self._paint_line(painter, option, text, entry.name, bold=True)
        lower = text.adjusted(0, text.height() // 2, 0, 0)
        self._paint_line(painter, option, lower, entry.about, bold=False)
        painter.restore()

    def _paint_header(self, painter: QPainter, rect: QRect, title: str) -> None:
        c = theme.colors()
        font = painter.font()
        font.setPixelSize(11)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(c.dim_text)
        painter.drawText(rect.adjusted(4, 6, 0, 0), Qt.AlignmentFlag.AlignVCenter, title.upper())

    def _paint_line(
        self, painter: QPainter, option: QStyleOptionViewItem, rect: QRect, text: str, bold: bool
    ) -> None:
        c = theme.colors()
        font = option.font
        font.setBold(bold)
        font.setPixelSize(13 if bold else 11)
        painter.setFont(font)
        painter.setPen(c.text if bold else c.dim_text)
        shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        line = QRect(rect.left(), rect.top(), rect.width(), rect.height() // 2 if bold else 18)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)

    def editorEvent(self, event: QEvent, *args: object) -> bool:
        return False
