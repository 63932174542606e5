"""The letters and digits of one font, on a common baseline and at one scale.

A font's glyphs keep their proportions to each other, so that the height of the small letters, the
length of the ascenders and the weight belong to the typeface. Each is centred by the room that it
takes on a line.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageFont

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASS_NAMES = (*string.ascii_uppercase, *string.ascii_lowercase, *string.digits)
SIZE = 64
BASELINE = 47  # rows above it; the descenders go below
MARGIN = 3
# Drawn so much larger and averaged: the hinting of small sizes would bend the outlines.
OVERSAMPLING = 4
_MEASURED_AT = 200
_MIN_CAP_HEIGHT = 22  # rows; a font with longer swashes would be drawn too small
_MIN_X_HEIGHT = 12
_MIN_SOLID = 0.4  # share of the ink that is full white; hairlines stay grey at this size
_MISSING = "\U0010fffd"  # private use: every font draws its missing glyph for it


class Box(NamedTuple):
    """Where the ink of a glyph is, in pixels from the origin on the baseline, y downwards."""

    left: float
    top: float
    right: float
    bottom: float


class UnusableFontError(ValueError):
    """A font that cannot be used; the message says why."""


def font_names(path: Path) -> tuple[str, str]:
    """The family and the style that a font file states.

    Raises:
        UnusableFontError: it is no font that FreeType opens.
    """
    family, style = _open(path, 16).getname()
    return family or path.stem, style or ""


def render_font(path: Path) -> NDArray[np.uint8]:
    """All glyphs of a font as ``CLASS_NAMES``: (62, 64, 64), white on black, antialiased.

    Raises:
        UnusableFontError: glyphs are missing, blank, too thin or the same, or do not fit.
    """
    font = _open(path, _MEASURED_AT)
    boxes = [_box(font, name) for name in CLASS_NAMES]
    if any(box.right - box.left < 1 or box.bottom - box.top < 1 for box in boxes):
        raise UnusableFontError("a glyph is blank")
    above = max(-box.top for box in boxes)
    below = max(box.bottom for box in boxes)
    width = max(box.right - box.left for box in boxes)
    room = SIZE - 2 * MARGIN
    scale = min(
        (BASELINE - MARGIN) / above, (SIZE - MARGIN - BASELINE) / max(below, 1.0), room / width
    )
    cap, x = (-boxes[CLASS_NAMES.index(name)].top * scale for name in "Hx")
    if cap < _MIN_CAP_HEIGHT or x < _MIN_X_HEIGHT:
        raise UnusableFontError("its letters differ too much in size")
    large = _open(path, _MEASURED_AT * scale * OVERSAMPLING)
    glyphs = np.stack([_render(large, name) for name in CLASS_NAMES])
    _check_complete(glyphs, _render(large, _MISSING))
    return glyphs


def _open(path: Path, size: float) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    except (OSError, ValueError) as error:
        raise UnusableFontError("it cannot be opened") from error


def _box(font: ImageFont.FreeTypeFont, text: str) -> Box:
    try:
        return Box(*font.getbbox(text, anchor="ls"))
    except (OSError, ValueError) as error:
        raise UnusableFontError(f"{text} cannot be drawn") from error


def _check_complete(glyphs: NDArray[np.uint8], missing: NDArray[np.uint8]) -> None:
    drawn = [glyph.tobytes() for glyph in glyphs]
    if missing.tobytes() in drawn or len(set(drawn[:26])) < 26:
        raise UnusableFontError("glyphs are missing")
    if len(set(drawn[:52])) < 50:  # o and O may be one
        raise UnusableFontError("its small letters are capitals")
    if (glyphs >= 250).sum() < _MIN_SOLID * (glyphs > 0).sum():
        raise UnusableFontError("its strokes are too thin for the picture")


def _render(font: ImageFont.FreeTypeFont, text: str) -> NDArray[np.uint8]:
    side = SIZE * OVERSAMPLING
    mask, (_, top) = font.getmask2(text, mode="L", anchor="ls")
    canvas = Image.new("L", (side, side))
    if mask.size[0] and mask.size[1]:  # a font's missing glyph may be blank
        glyph = Image.frombytes("L", mask.size, bytes(mask))
        # getmask2's offset is from the anchor, the baseline's left end.
        canvas.paste(glyph, ((side - mask.size[0]) // 2, BASELINE * OVERSAMPLING + int(top)))
    return np.asarray(canvas.reduce(OVERSAMPLING), np.uint8)
