"""Pictures with a name, and where a reconstruction differs."""

import numpy as np
import pytest
from PySide6.QtGui import QColor

from genviewer.ui.widgets.figure_rows import Figure, FigureRows
from genviewer.ui.widgets.picture_grid import TILE, PictureGrid
from genviewer.ui.widgets.picture_tile import CAPTION, PictureTile, error_map
from genviewer.ui.widgets.pixels_to_image import thinned

MISSING, EXTRA = QColor(0, 0, 255), QColor(255, 128, 0)


def test_missing_and_extra_light_have_colours_of_their_own_and_agreement_is_black():
    wanted = np.zeros((2, 3, 1), np.uint8)
    drawn = wanted.copy()
    wanted[0, 0], drawn[1, 2] = 255, 255
    found = error_map(wanted, drawn, MISSING, EXTRA)
    assert found[0, 0].tolist() == [0, 0, 255]
    assert found[1, 2].tolist() == [255, 128, 0]
    assert found[0, 1].tolist() == [0, 0, 0]
    half = error_map(np.full_like(wanted, 128), wanted * 0, MISSING, EXTRA)
    assert 128 < half[0, 0, 2] < 255  # small errors are to be seen too


def test_the_pixels_of_a_picture_are_squares_of_one_size(qtbot):
    tile = PictureTile("Seen")
    qtbot.addWidget(tile)
    tile.resize(100, 90 + CAPTION)
    board = (np.indices((8, 8)).sum(0) % 2 * 255).astype(np.uint8)[..., None]
    tile.set_pixels(board)
    image = tile.grab().toImage()
    place = tile._place()
    assert place.width() == place.height() == 88  # 11 for each of 8, which is all that fits
    seen = np.array(
        [
            [
                image.pixelColor(
                    int(place.left() + 11 * x + 5), int(place.top() + 11 * y + 5)
                ).red()
                for x in range(8)
            ]
            for y in range(8)
        ]
    )
    assert np.array_equal(seen, board[..., 0])


def test_figures_come_and_go_without_leaving_anything_behind(qtbot):
    rows = FigureRows()
    qtbot.addWidget(rows)
    rows.show()
    rows.set_figures([Figure("log p(x)", "1", "in nats"), Figure("ELBO", "2")])
    rows.set_figures([Figure("discriminator", "3")])
    shown = [name.text() for name, _ in rows._rows if name.isVisible()]
    assert shown == ["discriminator"]
    rows.set_figures([Figure("log p(x)", "4", "in nats"), Figure("ELBO", "5")])
    assert [value.text() for _, value in rows._rows] == ["4", "5"]
    assert "in nats" in rows._rows[0][1].toolTip()
    rows.set_note("No density.")
    assert rows.note.isVisible()
    rows.set_note("")
    assert not rows.note.isVisible()


@pytest.mark.parametrize("size", [(40, 40), (255, 900), (1024, 1024)])
def test_of_large_pictures_that_are_shown_small_few_pixels_are_taken(qtbot, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    few = thinned(pixels, 100)
    height, width = size
    step = max(1, min(size) // 100)
    assert min(few.shape[:2]) >= min(100, *size)
    assert few.shape[:2] == (-(-height // step), -(-width // step))
    assert (few[1, 1] == pixels[step, step]).all()
    grid = PictureGrid("grid")
    qtbot.addWidget(grid)
    grid.set_pictures([pixels], ["a picture"])
    [image] = grid._images
    assert min(TILE, *size) <= min(image.width(), image.height()) < 8 * TILE
