"""Quiet messages over the canvas: they wait for nobody and stop nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui import icons, theme

if TYPE_CHECKING:
    from collections.abc import Callable

Severity = Literal["info", "warning", "error"]
SHOWN = 3
INFO_MS, ACTION_MS = 5000, 20_000
"""How long information stays; longer where something can be done about it, such as taken back."""
MARGIN = 12
WIDEST = 520
HEAD, TAIL = 26, 17
_LONG = re.compile(r"[^\s/-]{46,}")
"""What a line has no room for and cannot be broken in: its middle is left out."""
_ICONS = {"info": "info", "warning": "warning", "error": "error"}
_WORDS = {"info": "Notice", "warning": "Warning", "error": "Error"}


class Notice(QWidget):
    """One message: icon, text, perhaps a button, close.

    Signals:
        closed(): it has nothing more to say.
    """

    closed = Signal()

    def __init__(
        self,
        text: str,
        severity: Severity = "info",
        action: tuple[str, Callable[[], object]] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.text, self.severity = text, severity
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{_WORDS[severity]}: {text}")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INFO_MS if action is None else ACTION_MS)
        self._timer.timeout.connect(self._close_unless_read)
        shown = _LONG.sub(lambda word: f"{word[0][:HEAD]}…{word[0][-TAIL:]}", text)
        label = QLabel(shown)
        label.setToolTip(text if shown != text else "")
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setMinimumHeight(40)
        row = QHBoxLayout(self)
        row.setContentsMargins(36, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(label, 1)
        self.button: QPushButton | None = None
        if action is not None:
            self.button = QPushButton(action[0])
            self.button.clicked.connect(lambda: self._act(action[1]))
            row.addWidget(self.button)
        self.close_button = QToolButton()
        self.close_button.setObjectName("tight")
        self.close_button.setFixedSize(24, 24)
        self.close_button.setIcon(icons.icon("close"))
        self.close_button.setIconSize(QSize(12, 12))
        self.close_button.setToolTip("Close")
        self.close_button.setAccessibleName("Close this notice")
        self.close_button.clicked.connect(self.closed)
        row.addWidget(self.close_button)
        self.restart()

    def restart(self) -> None:
        """Stay for the whole time again; only information goes away by itself."""
        if self.severity == "info":
            self._timer.start()

    def _close_unless_read(self) -> None:
        if self.underMouse():
            self._timer.start()
        else:
            self.closed.emit()

    def _act(self, do: Callable[[], object]) -> None:
        self.closed.emit()
        do()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        loud = self.severity != "info"
        painter.setPen(QPen(c.warning if loud else c.line, 1))
        painter.setBrush(c.panel)
        painter.drawRoundedRect(frame, 8, 8)
        color = c.warning if loud else c.accent
        image = icons.pixmap(_ICONS[self.severity], 18, color, self.devicePixelRatioF())
        painter.drawPixmap(10, (self.height() - 18) // 2, image)


class NoticeStack(QWidget):
    """The notices at the bottom of a widget, the newest lowest, at most three."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self._notices: list[Notice] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(6)
        self.hide()
        over.installEventFilter(self)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is shown, oldest first."""
        return tuple(self._notices)

    def show_notice(
        self,
        text: str,
        severity: str = "info",
        action: tuple[str, Callable[[], object]] | None = None,
    ) -> None:
        """Say something; the same thing said again stays longer instead of standing there twice.

        Args:
            text: one or two short sentences.
            severity: ``info`` goes away by itself; ``warning`` and ``error`` stay.
            action: a button's text and what it does.
        """
        kind: Severity = "warning" if severity == "warning" else "info"
        kind = "error" if severity == "error" else kind
        newest = self._notices[-1] if self._notices else None
        if newest is not None and (newest.text, newest.severity) == (text, kind):
            if action is None and newest.button is None:
                newest.restart()
                return
            self._remove(newest)
        while len(self._notices) >= SHOWN:
            self._remove(self._notices[0])
        notice = Notice(text, kind, action)
        notice.closed.connect(lambda: self._remove(notice))
        self._notices.append(notice)
        self._layout.addWidget(notice)
        notice.show()  # a layout gives hidden widgets no room
        self.show()
        self.raise_()
        self._place()
        QAccessible.updateAccessibility(QAccessibleEvent(notice, QAccessible.Event.Alert))

    def _remove(self, notice: Notice) -> None:
        if notice not in self._notices:
            return
        self._notices.remove(notice)
        self._layout.removeWidget(notice)
        notice.hide()
        notice.deleteLater()
        self.setVisible(bool(self._notices))
        self._place()

    def _place(self) -> None:
        width = min(WIDEST, max(self._over.width() - 2 * MARGIN, 120))
        self._layout.activate()
        height = self._layout.totalHeightForWidth(width)
        if height < 0:
            height = self._layout.totalSizeHint().height()
        self.setGeometry(
            (self._over.width() - width) // 2,
            self._over.height() - height - MARGIN,
            width,
            height,
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._over and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)
