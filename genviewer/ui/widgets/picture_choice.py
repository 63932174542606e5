"""Pictures side by side, one of which is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QImage, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.pixels_to_image import image_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 168  # of the picture
MARGIN = 8  # around picture and caption
CAPTION = 24
RADIUS = 6.0


class PictureCard(QAbstractButton):
    """A picture with a caption that can be chosen; it is empty until :meth:`show_picture`."""

    def __init__(self, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(caption)
        self.setToolTip(caption)
        self.setAccessibleName(caption)
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._picture = QImage()
        self._missing = "Drawing…"

    def show_picture(self, pixels: NDArray[np.uint8]) -> None:
        """Show uint8 (H, W, C)."""
        self._picture = image_of(pixels)
        self.update()

    def show_failure(self, text: str) -> None:
        """Say in a word or two why there is no picture."""
        self._missing = text
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(SIDE + 2 * MARGIN, SIDE + CAPTION + 2 * MARGIN)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self.isChecked():
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        chosen = self.isChecked()
        painter.setPen(QPen(c.accent if chosen or self.hasFocus() else c.line, 2 if chosen else 1))
        painter.setBrush(c.accent_soft if chosen else c.raised if self.underMouse() else c.panel)
        painter.drawRoundedRect(body, RADIUS, RADIUS)
        place = QRectF((self.width() - SIDE) / 2, MARGIN, SIDE, SIDE)
        painter.fillRect(place, c.canvas)
        if self._picture.isNull():
            painter.setPen(c.dim_text)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self._missing)
        else:
            scale = SIDE / max(self._picture.width(), self._picture.height())
            size = QRectF(0, 0, self._picture.width() * scale, self._picture.height() * scale)
            size.moveCenter(place.center())
            smooth = scale < 1
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(size, self._picture)
        line = QRectF(MARGIN, place.bottom() + 2, self.width() - 2 * MARGIN, CAPTION)
        font = theme.strong(self.font()) if chosen else self.font()
        painter.setFont(font)
        painter.setPen(c.text)
        text = QFontMetrics(font).elidedText(
            self.text(), Qt.TextElideMode.ElideMiddle, int(line.width())
        )
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)


class PictureChoice(QWidget):
    """One of several pictures; the arrow keys go from one to the next.

    Signals:
        chosen(int): another one was chosen.
    """

    chosen = Signal(int)

    def __init__(self, captions: list[str], current: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self.cards = [PictureCard(caption, self) for caption in captions]
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        for index, card in enumerate(self.cards):
            self._group.addButton(card, index)
            layout.addWidget(card)
        layout.addStretch(1)
        self.cards[current].setChecked(True)
        self._group.idToggled.connect(self._toggled)

    @property
    def current(self) -> int:
        """The index of the chosen picture."""
        return self._group.checkedId()

    def _toggled(self, index: int, on: bool) -> None:
        if on:
            self.chosen.emit(index)
