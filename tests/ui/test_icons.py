import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QAction, QColor, QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QToolButton

from genviewer.ui import icons, theme


@pytest.fixture
def scheme(qapp):
    yield lambda name: theme.apply(QApplication.instance(), name)
    theme.apply(QApplication.instance(), "system")


def colours(pixmap):
    image = pixmap.toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return {color.name() for color in pixels if color.alpha() == 255}


@pytest.mark.parametrize("name", icons.names())
def test_every_icon_draws_something_that_fits(qapp, name):
    image = icons.icon(name).pixmap(QSize(48, 48)).toImage()
    inked = [(x, y) for x in range(48) for y in range(48) if image.pixelColor(x, y).alpha() > 128]
    assert len(inked) > 30
    assert all(2 <= x < 46 and 2 <= y < 46 for x, y in inked)


def test_buttons_and_actions_follow_the_scheme(qtbot, scheme):
    scheme("dark")
    button = QToolButton()
    qtbot.addWidget(button)
    button.setIcon(icons.icon("dice"))
    action = QAction(icons.icon("map"), "Map", button)
    button.addAction(action)
    foreign = QPixmap(8, 8)
    foreign.fill(QColor("red"))
    other = QAction(QIcon(foreign), "Other", button)
    button.addAction(other)
    assert theme.DARK.text.name() in colours(button.icon().pixmap(32, 32))
    scheme("light")
    icons.recolor(QApplication.instance())
    for carrier in (button, action):
        assert theme.LIGHT.text.name() in colours(carrier.icon().pixmap(32, 32))
    assert colours(other.icon().pixmap(8, 8)) == {"#ff0000"}


def test_checked_is_the_accent_and_disabled_is_faint(scheme):
    scheme("dark")
    size = QSize(32, 32)
    icon = icons.icon("plus")
    on = icon.pixmap(size, QIcon.Mode.Normal, QIcon.State.On)
    assert theme.DARK.accent.name() in colours(on)
    disabled = icon.pixmap(size, QIcon.Mode.Disabled, QIcon.State.Off).toImage()
    assert 0 < disabled.pixelColor(16, 16).alpha() < 200


def test_is_sharp_on_a_dense_screen(qapp):
    pixmap = icons.icon("search").pixmap(QSize(16, 16), 2.0)
    assert pixmap.width() == 32
    assert pixmap.devicePixelRatio() == 2.0
    assert icons.pixmap("search", 16, QColor("red"), 2.0).width() == 32


def test_any_colour(qapp):
    assert "#ff0000" in colours(icons.pixmap("stop", 32, QColor("red")))


def test_a_changed_copy_leaves_the_icon_alone(qapp):
    copy = QIcon(icons.icon("star"))
    copy.addPixmap(QPixmap(4, 4))
    assert not copy.pixmap(16, 16).isNull()
    assert not icons.icon("star").pixmap(16, 16).isNull()


def test_an_unknown_name_is_an_error(qapp):
    with pytest.raises(FileNotFoundError):
        icons.icon("no-such-icon")
