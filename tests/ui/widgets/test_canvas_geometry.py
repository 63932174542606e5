"""Where the canvas puts its parts."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect

from genviewer.ui.widgets.canvas_geometry import FOCUS_SHARE, split


@pytest.mark.parametrize("size", [(600, 600), (680, 600), (760, 600), (1300, 800), (400, 900)])
@pytest.mark.parametrize("aspect", [10 / 6, 16 / 6, 0.5])
def test_a_sheet_of_fixed_shape_gets_the_place_that_makes_it_larger(size, aspect):
    area = QRect(0, 0, *size)
    chosen = split(area, aspect)[1]
    heights = []
    for place in (split(QRect(0, 0, 10_000, 1))[1], split(QRect(0, 0, 1, 10_000))[1]):
        beside = place.left() > 0
        width = area.width() * (1 - FOCUS_SHARE) if beside else area.width()
        height = area.height() if beside else area.height() * (1 - FOCUS_SHARE)
        heights.append(min(width / aspect, height))
    assert min(chosen.width() / aspect, chosen.height()) >= max(heights) - 2
