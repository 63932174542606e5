"""The list of the command palette: what was found, and how a row of it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import (
    QAction,
    QFont,
    QIcon,
    QKeySequence,
    QPainter,
    QPen,
)
from PySide6.QtWidgets import (
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from genviewer.ui import icons, theme

if TYPE_CHECKING:
    Index = QModelIndex | QPersistentModelIndex

WIDTH = 560
ROW = 34


@dataclass(frozen=True)
class Hit:
    """An action that was found, its group, and where the typed letters are in its name."""

    action: QAction
    group: str
    places: tuple[int, ...]


class HitModel(QAbstractListModel):
    """What was found, the best first; what is disabled cannot be chosen."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.hits: list[Hit] = []

    def set_hits(self, hits: list[Hit]) -> None:
        self.beginResetModel()
        self.hits = hits
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.hits)

    def flags(self, index: Index) -> Qt.ItemFlag:
        enabled = self.hits[index.row()].action.isEnabled()
        both = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return both if enabled else Qt.ItemFlag.NoItemFlags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        hit = self.hits[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return label(hit.action)
        if role == Qt.ItemDataRole.ToolTipRole:
            return hit.action.statusTip() or None
        return hit if role == Qt.ItemDataRole.UserRole else None


def label(action: QAction) -> str:
    """An action's text without the marks of a menu."""
    return action.text().replace("&", "").rstrip("…")


class HitRow(QStyledItemDelegate):
    """Icon, name with the typed letters in bold, group, and the shortcut as key caps."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(WIDTH, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        c = theme.colors()
        hit: Hit = index.data(Qt.ItemDataRole.UserRole)
        enabled = hit.action.isEnabled()
        rect = option.rect.adjusted(6, 1, -6, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(c.accent, 1))
            painter.setBrush(c.accent_soft)
            painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        checked = hit.action.isCheckable() and hit.action.isChecked()
        mode = QIcon.Mode.Normal if enabled else QIcon.Mode.Disabled
        image = icons.icon("check") if checked else hit.action.icon()
        image.paint(
            painter,
            QRect(rect.left() + 8, rect.top() + (rect.height() - 18) // 2, 18, 18),
            Qt.AlignmentFlag.AlignCenter,
            mode,
            QIcon.State.On if checked else QIcon.State.Off,
        )
        right = self._paint_keys(painter, rect, hit.action, option.font)
        color = c.text if enabled else c.dim_text
        x = self._paint_name(painter, rect, hit, option.font, color)
        painter.setFont(option.font)
        painter.setPen(c.dim_text)
        group = hit.group if enabled else f"{hit.group} · not now"
        painter.drawText(
            QRect(x + 12, rect.top(), right - x - 20, rect.height()),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            group,
        )
        painter.restore()

    def _paint_name(self, painter: QPainter, rect: QRect, hit: Hit, font: QFont, color: Any) -> int:
        """Returns the x where the name ends."""
        bold = theme.strong(font)
        bold.setUnderline(True)
        x = rect.left() + 36
        text = label(hit.action)
        painter.setPen(color)
        start = 0
        while start < len(text):
            typed = start in hit.places
            end = start + 1
            while end < len(text) and (end in hit.places) == typed:
                end += 1
            painter.setFont(bold if typed else font)
            part = text[start:end]
            advance = painter.fontMetrics().horizontalAdvance(part)
            painter.drawText(
                QRect(x, rect.top(), advance + 4, rect.height()),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
                part,
            )
            x += advance
            start = end
        return x

    def _paint_keys(self, painter: QPainter, rect: QRect, action: QAction, font: QFont) -> int:
        """Returns the x where the key caps begin."""
        c = theme.colors()
        text = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        right = rect.right() - 8
        if not text:
            return right
        small = QFont(font)
        small.setPixelSize(11)
        painter.setFont(small)
        keys = text.replace("++", "+Plus").split("+")
        for key in reversed(["+" if k == "Plus" else k for k in keys]):
            width = max(painter.fontMetrics().horizontalAdvance(key) + 10, 20)
            cap = QRectF(right - width + 0.5, rect.center().y() - 9.5, width - 1, 19)
            painter.setPen(QPen(c.line, 1))
            painter.setBrush(c.raised)
            painter.drawRoundedRect(cap, 4, 4)
            painter.setPen(c.dim_text)
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, key)
            right -= width + 3
        return right
