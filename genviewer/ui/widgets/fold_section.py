"""A part of a panel under a title that folds it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from genviewer.ui import theme

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QPaintEvent

HEADER_HEIGHT = 24
MARGIN = 8


class FoldHeader(QAbstractButton):
    """A title with a chevron: click, Space and Enter turn it, Left folds, Right opens."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(title)
        self.setCheckable(True)
        self.setChecked(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        return QSize(120, HEADER_HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        wanted = {Qt.Key.Key_Left: False, Qt.Key.Key_Right: True}.get(Qt.Key(event.key()))
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) or wanted is not None:
            if wanted is not self.isChecked():
                self.click()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        c = theme.colors()
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self.underMouse() or self.hasFocus()
        middle = QPointF(MARGIN + 4, self.height() / 2)
        # One chevron, pointing down where the section is open and right where it is folded.
        points = [(-3.5, -2.0), (0.0, 2.0), (3.5, -2.0)]
        if not self.isChecked():
            points = [(-2.0, -3.5), (2.0, 0.0), (-2.0, 3.5)]
        p.setPen(QPen(c.text if lit else c.dim_text, 1.5))
        p.drawPolyline(QPolygonF([middle + QPointF(x, y) for x, y in points]))
        p.setPen(c.text if lit else c.dim_text)
        area = QRect(MARGIN + 16, 0, self.width() - MARGIN - 16, self.height())
        p.drawText(
            area, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), self.text()
        )
        if self.hasFocus():
            p.setPen(c.accent)
            p.drawRoundedRect(QRectF(self.rect()).adjusted(2.5, 1.5, -2.5, -1.5), 4, 4)
        p.end()


class FoldSection(QWidget):
    """A title above a content that is shown or folded away.

    Signals:
        toggled: the person opened (True) or folded the section.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content = content
        self.header = FoldHeader(title, self)
        self.header.setAccessibleName(f"{title}, fold or open")
        self.header.clicked.connect(self.toggled)
        self._body = QWidget(self)
        body = QVBoxLayout(self._body)
        body.setContentsMargins(MARGIN, 0, MARGIN, MARGIN)
        body.addWidget(content)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._body)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def is_open(self) -> bool:
        """Whether the content shows."""
        return self.header.isChecked()

    def set_open(self, height: int | None) -> None:
        """Show the content at this height in px, or fold it away with None."""
        self.header.setChecked(height is not None)
        if height is not None:
            self.content.setFixedHeight(height)
        self._body.setVisible(height is not None)
