"""Everything the program can do, found by typing some letters of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    Qt,
)
from PySide6.QtGui import (
    QAction,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui import icons, theme
from genviewer.ui.widgets.command_list import ROW, WIDTH, Hit, HitModel, HitRow, label
from genviewer.ui.widgets.fuzzy import match

if TYPE_CHECKING:
    from collections.abc import Sequence

    Index = QModelIndex | QPersistentModelIndex

SHOWN_ROWS = 11
RECENT = 8
TOP = 56  # px below the window's top edge


class CommandPalette(QFrame):
    """A sheet over the window: type, choose with the arrows, Enter runs, Escape closes.

    Before anything is typed, what was run lately comes first. Actions that make no sense at the
    moment are shown last and cannot be run.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._entries: list[tuple[QAction, str]] = []
        self._recent: list[QAction] = []
        self._before: QWidget | None = None
        self.setAccessibleName("Command palette")
        self.line = QLineEdit()
        self.line.setPlaceholderText("What do you want to do?")
        self.line.addAction(icons.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.line.setAccessibleName("Command")
        self.line.setFixedHeight(36)
        self.line.textChanged.connect(self._refresh)
        self.line.installEventFilter(self)
        self._hits = HitModel(self)
        self.list = QListView()
        self.list.setModel(self._hits)
        self.list.setItemDelegate(HitRow(self.list))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.viewport().setAutoFillBackground(False)
        self.list.setMouseTracking(True)
        self.list.entered.connect(self._hover)
        self.list.clicked.connect(self._run)
        self.nothing = QLabel("No command is called that.")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setForegroundRole(self.nothing.palette().ColorRole.PlaceholderText)
        self.nothing.setFixedHeight(ROW)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.line)
        layout.addWidget(self.list)
        layout.addWidget(self.nothing)
        self.hide()
        window.installEventFilter(self)

    def open_with(self, entries: Sequence[tuple[QAction, str]]) -> None:
        """Show the palette for these actions, each with the name of its group."""
        self._entries = list(entries)
        present = {id(action) for action, _ in entries}
        self._recent = [action for action in self._recent if id(action) in present]
        self._before = QApplication.focusWidget()
        self.line.clear()
        self._refresh()
        self.show()
        self.raise_()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def shown(self) -> list[str]:
        """The labels in the list, from the top."""
        return [label(hit.action) for hit in self._hits.hits]

    def _refresh(self) -> None:
        query = self.line.text()
        scored = []
        for order, (action, group) in enumerate(self._entries):
            found = match(query, label(action))
            if found is None:
                by_group = match(query, f"{group} {label(action)}")
                if by_group is None:
                    continue
                found = by_group[0] - 20, ()
            recent = self._recent.index(action) if action in self._recent else RECENT
            rank = (not action.isEnabled(), -found[0], recent, order)
            scored.append((rank, Hit(action, group, found[1])))
        scored.sort(key=lambda pair: pair[0])
        self._hits.set_hits([hit for _, hit in scored])
        self.list.setVisible(bool(scored))
        self.nothing.setVisible(not scored)
        self._step_to(0)
        self._place()

    def _place(self) -> None:
        rows = min(max(len(self._hits.hits), 1), SHOWN_ROWS)
        self.list.setFixedHeight(rows * ROW + 2)
        self.setFixedWidth(min(WIDTH, self._window.width() - 32))
        self.adjustSize()
        self.move((self._window.width() - self.width()) // 2, TOP)

    def _step_to(self, row: int) -> None:
        if self._hits.hits:
            row = min(max(row, 0), len(self._hits.hits) - 1)
            self.list.setCurrentIndex(self._hits.index(row, 0))

    def _hover(self, index: QModelIndex) -> None:
        self.list.setCurrentIndex(index)

    def _run(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        action = self._hits.hits[index.row()].action
        if not action.isEnabled():
            return
        self._recent = [action, *(a for a in self._recent if a is not action)][:RECENT]
        self.dismiss()
        action.trigger()

    def dismiss(self) -> None:
        """Close without running anything; the keyboard goes back to where it was."""
        if not self.isVisible():
            return
        before, self._before = self._before, None
        self.hide()
        if before is not None and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                # While it is open, the palette's keys are not the window's.
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress and self._key(event.key()):
                return True
        if watched is self.line and event.type() == QEvent.Type.FocusOut:
            if QApplication.activeWindow() is self._window.window():
                self._before = None  # the user went elsewhere, so leave the keyboard there
                self.dismiss()
        if watched is self._window and event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _key(self, key: int) -> bool:
        row = self.list.currentIndex().row()
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: SHOWN_ROWS - 1,
            Qt.Key.Key_PageUp: 1 - SHOWN_ROWS,
        }
        if key in steps:
            self._step_to(row + steps[Qt.Key(key)])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.currentIndex())
        elif key == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            return False
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(c.dim_text, 1))
        painter.setBrush(c.panel)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
