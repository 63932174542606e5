"""The program's icons: one colour each, drawn in the colours of the scheme in force.

An icon looks its colour up whenever it is painted, so switching between light and dark needs no
new icons, only a repaint. GUI thread only.
"""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from genviewer.core.resources import assets_dir
from genviewer.ui import theme

CACHED_PIXMAPS = 24  # per icon: sizes x states x schemes that occur in practice


def names() -> list[str]:
    """The names that :func:`icon` knows, sorted."""
    return sorted(path.stem for path in (assets_dir() / "icons").glob("*.svg"))


@cache
def icon(name: str) -> QIcon:
    """The icon of that name: text colour, dimmed where disabled, accent where checked.

    Raises:
        FileNotFoundError: if there is no such icon.
    """
    source = (assets_dir() / "icons" / f"{name}.svg").read_text("utf-8")
    return QIcon(_Engine(source))


def pixmap(name: str, size: int, color: QColor, ratio: float = 1.0) -> QPixmap:
    """An icon in any colour, for widgets that paint themselves: ``size`` logical pixels square."""
    image = QPixmap(_rendered(name, round(size * ratio), color.rgba()))
    image.setDevicePixelRatio(ratio)
    return image


@lru_cache(256)
def _rendered(name: str, size: int, rgba: int) -> QPixmap:
    source = (assets_dir() / "icons" / f"{name}.svg").read_text("utf-8")
    return _draw(source, QSize(size, size), QColor.fromRgba(rgba))


def _draw(source: str, size: QSize, color: QColor) -> QPixmap:
    """The icon at a size in device pixels, centred, in one colour."""
    tinted = source.replace("currentColor", color.name())
    renderer = QSvgRenderer(QByteArray(tinted.encode()))
    image = QPixmap(size)
    image.fill(Qt.GlobalColor.transparent)
    side = min(size.width(), size.height())
    painter = QPainter(image)
    painter.setOpacity(color.alphaF())
    renderer.render(
        painter, QRectF((size.width() - side) / 2, (size.height() - side) / 2, side, side)
    )
    painter.end()
    return image


def _color(mode: QIcon.Mode, state: QIcon.State) -> QColor:
    colors = theme.colors()
    if mode == QIcon.Mode.Disabled:
        faded = QColor(colors.dim_text)
        faded.setAlpha(130)
        return faded
    return colors.accent if state == QIcon.State.On else colors.text


_clones: list[QIconEngine] = []  # Qt owns a clone, yet without a reference here it dies at once


class _Engine(QIconEngine):
    """Draws one SVG at whatever size and in whatever colour is asked for."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source
        self._pixmaps: dict[tuple[int, int, int], QPixmap] = {}

    def clone(self) -> QIconEngine:
        copy = _Engine(self._source)
        _clones.append(copy)
        return copy

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        color = _color(mode, state)
        key = (size.width(), size.height(), color.rgba())
        if key not in self._pixmaps:
            if len(self._pixmaps) >= CACHED_PIXMAPS:
                self._pixmaps.clear()
            self._pixmaps[key] = _draw(self._source, size, color)
        return self._pixmaps[key]

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        image = QPixmap(self.pixmap(rect.size() * ratio, mode, state))
        image.setDevicePixelRatio(ratio)
        painter.drawPixmap(rect.topLeft(), image)
