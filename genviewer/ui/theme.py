"""Light and dark: colours, palette, style sheet, font.

One accent (a blue that keeps its distance from black and white under every common colour-vision
deficiency), neutral greys elsewhere so that the interface does not tint the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette

from genviewer.core.resources import assets_dir

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

Scheme = Literal["system", "light", "dark"]
FONT_FAMILY = "Inter"


@dataclass(frozen=True)
class Colors:
    """The colours of a scheme.

    ``window`` is behind everything, ``panel`` docks and bars, ``raised`` buttons and chips,
    ``field`` where one types, ``line`` hairlines, ``canvas`` the neutral grey around pictures.
    """

    window: QColor
    panel: QColor
    raised: QColor
    field: QColor
    line: QColor
    text: QColor
    dim_text: QColor
    accent: QColor
    accent_soft: QColor
    accent_text: QColor
    warning: QColor
    canvas: QColor
    handle: QColor
    dark: bool


def _c(value: str) -> QColor:
    return QColor(value)


DARK = Colors(
    window=_c("#1b1b1d"),
    panel=_c("#232325"),
    raised=_c("#323235"),
    field=_c("#19191b"),
    line=_c("#3a3a3d"),
    text=_c("#ececee"),
    dim_text=_c("#a2a2a8"),
    accent=_c("#5aa2ff"),
    accent_soft=_c("#294463"),
    accent_text=_c("#0b1520"),
    warning=_c("#f2b134"),
    canvas=_c("#2b2b2b"),
    handle=_c("#f4f4f6"),
    dark=True,
)
LIGHT = Colors(
    window=_c("#eeeeef"),
    panel=_c("#f8f8f8"),
    raised=_c("#ffffff"),
    field=_c("#ffffff"),
    line=_c("#d2d2d5"),
    text=_c("#1c1c1f"),
    dim_text=_c("#63636a"),
    accent=_c("#0a66d0"),
    accent_soft=_c("#d3e4fa"),
    accent_text=_c("#ffffff"),
    warning=_c("#9a6200"),
    canvas=_c("#d6d6d6"),
    handle=_c("#ffffff"),
    dark=False,
)

_current = DARK
_applied: tuple[QApplication, bool] | None = None


def colors() -> Colors:
    """The colours in force; read again in every paint event."""
    return _current


def load_font(app: QApplication) -> None:
    """Use the program's own font, with tabular figures, so that the window looks the same
    everywhere; the system's font where the files are missing.
    """
    loaded = [
        QFontDatabase.addApplicationFont(str(path))
        for path in sorted((assets_dir() / "fonts").glob("*.otf"))
    ]
    font = QFont(app.font())
    if any(number >= 0 for number in loaded):
        font.setFamilies([FONT_FAMILY, *font.families()])
    font.setPixelSize(13)
    font.setFeature(QFont.Tag("tnum"), 1)
    app.setFont(font)


def strong(font: QFont) -> QFont:
    """The semi-bold cut of a font, for headings and what is chosen.

    Some platforms know the cut as a family of its own and would draw the regular one for the
    weight alone.
    """
    bold = QFont(font)
    bold.setFamilies([f"{FONT_FAMILY} Semi Bold", *font.families()])
    bold.setWeight(QFont.Weight.DemiBold)
    return bold


def apply(app: QApplication, scheme: Scheme) -> None:
    """Switch the whole program to a scheme; ``system`` follows the desktop (GUI thread)."""
    global _current, _applied
    hints = app.styleHints()
    wanted = {
        "system": Qt.ColorScheme.Unknown,
        "light": Qt.ColorScheme.Light,
        "dark": Qt.ColorScheme.Dark,
    }[scheme]
    hints.setColorScheme(wanted)
    if scheme == "system":
        dark = hints.colorScheme() != Qt.ColorScheme.Light
    else:
        dark = scheme == "dark"
    if _applied == (app, dark):
        return  # a style sheet costs a fifth of a second once there are widgets
    _current, _applied = (DARK if dark else LIGHT), (app, dark)
    app.setPalette(_palette(_current))
    app.setStyleSheet(_style_sheet(_current))


def _palette(c: Colors) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, color in {
        role.Window: c.panel,
        role.WindowText: c.text,
        role.Base: c.field,
        role.AlternateBase: c.panel,
        role.ToolTipBase: c.raised,
        role.ToolTipText: c.text,
        role.PlaceholderText: c.dim_text,
        role.Text: c.text,
        role.Button: c.raised,
        role.ButtonText: c.text,
        role.BrightText: c.warning,
        role.Highlight: c.accent,
        role.HighlightedText: c.accent_text,
        role.Link: c.accent,
        role.Mid: c.line,
        role.Midlight: c.raised,
        role.Dark: c.line,
        role.Light: c.raised,
        role.Shadow: c.line,
        role.Accent: c.accent,
    }.items():
        palette.setColor(which, color)
    for which in (role.WindowText, role.Text, role.ButtonText):
        faded = QColor(c.dim_text)
        faded.setAlpha(130)
        palette.setColor(QPalette.ColorGroup.Disabled, which, faded)
    return palette


def _style_sheet(c: Colors) -> str:
    n = {f: getattr(c, f).name() for f in c.__dataclass_fields__ if f != "dark"}
    name = "chevron-dark.svg" if c.dark else "chevron-light.svg"
    chevron = (assets_dir() / "theme" / name).as_posix()
    hover = c.raised.lighter(118).name() if c.dark else c.raised.darker(104).name()
    return f"""
    * {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QMainWindow, QMainWindow::separator {{ background: {n["window"]}; }}
    QMainWindow::separator {{ width: 5px; height: 5px; }}
    QMainWindow::separator:hover {{ background: {n["accent"]}; }}
    QToolTip {{ color: {n["text"]}; background: {n["raised"]};
        border: 1px solid {n["line"]}; padding: 4px 6px;
        qproperty-textFormat: 0; }} /* plain: names from files are in them */
    QMenuBar {{ background: {n["panel"]}; padding: 3px 4px; }}
    QMenuBar::item {{ padding: 6px 9px; border-radius: 4px; background: transparent; }}
    QMenuBar::item:selected {{ background: {n["accent_soft"]}; }}
    QMenu {{ background: {n["panel"]}; border: 1px solid {n["line"]}; padding: 4px; }}
    QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 4px; }}
    QMenu::icon {{ padding-left: 8px; }}
    QMenu::item:selected {{ background: {n["accent_soft"]}; color: {n["text"]}; }}
    QMenu::item:disabled {{ color: {n["dim_text"]}; }}
    QMenu::separator {{ height: 1px; background: {n["line"]}; margin: 4px 8px; }}
    QToolBar {{ background: {n["panel"]}; border: 0; border-bottom: 1px solid {n["line"]};
        spacing: 4px; padding: 4px 6px; }}
    QToolBar::separator {{ width: 1px; background: {n["line"]}; margin: 4px 4px; }}
    QStatusBar {{ background: {n["panel"]}; border-top: 1px solid {n["line"]};
        color: {n["dim_text"]}; }}
    QStatusBar::item {{ border: 0; }}
    QDockWidget {{ font-weight: 600; titlebar-close-icon: none; titlebar-normal-icon: none; }}
    QDockWidget::title {{ padding: 7px 12px 5px 12px; background: {n["panel"]}; }}
    QToolButton, QPushButton {{ background: transparent; border: 1px solid transparent;
        border-radius: 5px; padding: 4px 8px; min-height: 18px; }}
    QPushButton {{ background: {n["raised"]}; border-color: {n["line"]}; }}
    QToolButton:hover, QPushButton:hover {{ background: {hover}; border-color: {n["line"]}; }}
    QToolButton:pressed, QPushButton:pressed {{ background: {n["accent_soft"]}; }}
    QToolButton:checked, QPushButton:checked {{ background: {n["accent_soft"]};
        border-color: {n["accent"]}; }}
    QToolButton:focus, QPushButton:focus {{ border-color: {n["accent"]}; }}
    QLineEdit QToolButton {{ padding: 0; min-height: 0; border: 0; background: transparent; }}
    QToolButton#tight {{ padding: 0; min-height: 0; }}
    QToolButton::menu-indicator {{ image: none; width: 0; }}
    QPushButton:default {{ background: {n["accent"]}; color: {n["accent_text"]};
        border-color: {n["accent"]}; }}
    QToolButton:checked:focus, QPushButton:checked:focus {{ border-color: {n["text"]}; }}
    QPushButton:default:focus {{ border: 2px solid {n["text"]}; padding: 3px 7px; }}
    QPushButton:disabled {{ color: {n["dim_text"]}; background: transparent; }}
    QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextBrowser {{
        background: {n["field"]}; border: 1px solid {n["line"]}; border-radius: 5px;
        padding: 3px 6px; selection-background-color: {n["accent"]};
        selection-color: {n["accent_text"]}; }}
    QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus,
    QPlainTextEdit:focus, QTextBrowser:focus {{ border-color: {n["accent"]}; }}
    QAbstractSpinBox QLineEdit {{ border: 0; padding: 0 4px; background: transparent; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: 0; }}
    ValueBox {{ background: transparent; border-color: transparent; }}
    ValueBox:hover, ValueBox:focus {{ background: {n["field"]}; border-color: {n["line"]}; }}
    ValueBox:focus {{ border-color: {n["accent"]}; }}
    QComboBox::drop-down {{ border: 0; width: 18px; }}
    QComboBox::down-arrow {{ image: url("{chevron}"); width: 12px; height: 12px; }}
    QComboBox QAbstractItemView {{ background: {n["panel"]}; border: 1px solid {n["line"]};
        selection-background-color: {n["accent_soft"]}; selection-color: {n["text"]}; }}
    QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {n["line"]}; }}
    QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {n["accent"]}; }}
    QSlider::handle:horizontal {{ width: 12px; margin: -5px 0; border-radius: 7px;
        background: {n["handle"]}; border: 1px solid {n["dim_text"]}; }}
    QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{
        border-color: {n["accent"]}; }}
    QProgressBar#thin {{ background: {n["line"]}; border: 0; border-radius: 1px; }}
    QProgressBar#thin::chunk {{ background: {n["accent"]}; border-radius: 1px; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
    QScrollBar::handle {{ background: {n["line"]}; border-radius: 4px; min-height: 28px;
        min-width: 28px; margin: 1px; }}
    QScrollBar::handle:hover {{ background: {n["dim_text"]}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QScrollArea {{ border: 0; }}
    QSplitter::handle {{ background: {n["line"]}; }}
    """
