"""The program's icons: one colour each, drawn in the colours of the scheme in force.

An icon holds pixmaps, not an engine written in Python: Qt clones engines and destroys them behind
Python's back. GUI thread only.
"""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication

from genviewer.core.resources import assets_dir
from genviewer.ui import theme

SIZE = 72  # device pixels; Qt scales it down smoothly to what is asked for, and keeps that
STATES = (
    (QIcon.Mode.Normal, QIcon.State.Off),
    (QIcon.Mode.Normal, QIcon.State.On),
    (QIcon.Mode.Disabled, QIcon.State.Off),
    (QIcon.Mode.Disabled, QIcon.State.On),
)
_names: dict[int, str] = {}  # by the cache key of an icon in use


def names() -> list[str]:
    """The names that :func:`icon` knows, sorted."""
    return sorted(path.stem for path in (assets_dir() / "icons").glob("*.svg"))


def icon(name: str) -> QIcon:
    """The icon of that name: text colour, dimmed where disabled, accent where checked.

    It has the colours of the scheme in force; :func:`recolor` renews those that are in use.

    Raises:
        FileNotFoundError: if there is no such icon.
    """
    found = _icon(name, theme.colors().dark)
    _names[found.cacheKey()] = name
    return found


@cache
def _icon(name: str, _dark: bool) -> QIcon:
    made = QIcon()
    mask = _rendered(name, SIZE, QColor(0, 0, 0).rgba())
    for mode, state in STATES:
        tinted = QPixmap(mask)
        painter = QPainter(tinted)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(tinted.rect(), _color(mode, state))
        painter.end()
        made.addPixmap(tinted, mode, state)
    return made


def recolor(app: QApplication) -> None:
    """Give every button and action that has one of these icons the colours now in force."""
    for widget in app.allWidgets():
        carriers: list[QAbstractButton | QAction] = list(widget.actions())
        if isinstance(widget, QAbstractButton):
            carriers.append(widget)
        for carrier in carriers:
            name = _names.get(carrier.icon().cacheKey())
            if name is not None:
                carrier.setIcon(icon(name))


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
