"""A colour for each of some classes, told apart in the light and in the dark scheme."""

from __future__ import annotations

from PySide6.QtGui import QColor

from genviewer.ui import theme

# By hue; each is far enough from both backgrounds.
_FEW_DARK = ("#5aa2ff", "#ffa23e", "#5fcf7a", "#ff6b6b", "#b98cff",
             "#c99b78", "#ff8fd0", "#b5b5ba", "#d8cf4a", "#46d3dc")  # fmt: skip
_FEW_LIGHT = ("#1f6fd0", "#d9760a", "#2a963f", "#cf3030", "#7d4cc4",
              "#875a3c", "#c7479a", "#6e6e74", "#938a00", "#0a92a0")  # fmt: skip
_GOLDEN = 137.508  # degrees: neighbours in a row of many are far apart in hue


def class_colors(count: int) -> list[QColor]:
    """Colours of ``count`` classes in the scheme in force."""
    dark = theme.colors().dark
    few = _FEW_DARK if dark else _FEW_LIGHT
    if count <= len(few):
        return [QColor(name) for name in few[:count]]
    lightness = (150, 185) if dark else (85, 120)
    return [
        QColor.fromHsl(round(index * _GOLDEN) % 360, 170, lightness[index % 2])
        for index in range(count)
    ]
