"""Image files of data sets: a look at the header, and the pixels.

Whatever is in a file, the outcome is an image or a :class:`Damaged` reason. Pillow is imported
where it is needed.
"""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from genviewer.io.dataset_values import Pixels

MAX_PICTURE_PIXELS = 1 << 26
"""A data set's image has no more pixels than this; decoded in colour they take 200 MB."""

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp")
"""What files of images are called, wherever one can come from."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # none that runs another program
_TAIL_BYTES = 4096
_ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
_ORIENTATION_TAG = 0x0112
_TURNED = (5, 6, 7, 8)  # orientations that exchange width and height
_WORDS = {
    "1": "black and white", "L": "grey", "LA": "grey, transparent", "P": "palette",
    "PA": "palette, transparent", "RGB": "colour", "RGBA": "colour, transparent",
    "CMYK": "CMYK", "YCbCr": "colour", "LAB": "colour", "HSV": "colour", "I": "deep grey",
    "F": "deep grey",
}  # fmt: skip


class Damaged(Exception):  # noqa: N818 - says what is wrong with a file, for a list of them
    """The reason why a file is not used, to follow its name in a sentence."""


class Look(NamedTuple):
    """What an image file's header says: size as it is shown, and its colours in plain words."""

    width: int
    height: int
    colours: str


def look_at(file: BinaryIO) -> Look:
    """The header of an image file, and whether the file has an end.

    Only where the end seems to be missing are the pixels decoded.

    Raises:
        Damaged: it is no image, too large, or cut short.
    """
    with _opened(file) as image:
        kind, size = image.format or "", image.size
        turned = _orientation(image) in _TURNED
        colours = "deep grey" if image.mode.startswith("I;") else _WORDS.get(image.mode, "other")
        if not _ends_well(file, kind):
            file.seek(0)
            image.load()
    return Look(*(size[::-1] if turned else size), colours)


def decode(file: BinaryIO, near: tuple[int, int] | None = None) -> Pixels:
    """The pixels of an image file, the right way up.

    Args:
        file: to be read from its beginning.
        near: (height, width) that the image will be reduced to. Where the format can (JPEG), a
            smaller one is decoded that is still twice as large.

    Returns:
        uint8 (H, W, C) with 1, 3 or 4 channels; deeper images lose their lower bits.

    Raises:
        Damaged: it is no image, too large, or damaged.
    """
    with _opened(file) as image:
        orientation = _orientation(image)
        if near is not None:
            wanted = near if orientation in _TURNED else near[::-1]
            image.draft(None, (2 * wanted[0], 2 * wanted[1]))
        pixels = _pixels(image)
    return _upright(pixels, orientation)


@contextlib.contextmanager
def _opened(file: BinaryIO) -> Iterator[Image]:
    """The image in a file; whatever Pillow raises inside becomes Damaged."""
    from PIL import Image, UnidentifiedImageError

    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata and large images
            with Image.open(file, formats=_FORMATS) as image:
                if image.width * image.height > MAX_PICTURE_PIXELS:
                    raise Damaged(_too_large(*image.size))
                yield image
    except Image.DecompressionBombError:
        raise Damaged("has too many pixels") from None
    except UnidentifiedImageError:
        raise Damaged("is not an image that can be read") from None
    except (OSError, EOFError) as error:
        cut = "truncated" in str(error).lower() or isinstance(error, EOFError)
        raise Damaged("is cut short" if cut else "is damaged") from error
    except (
        ValueError, SyntaxError, LookupError, ArithmeticError, TypeError, AttributeError,
        RuntimeError, MemoryError, struct.error, zlib.error,
    ) as error:  # fmt: skip
        raise Damaged("is damaged") from error


def _too_large(width: int, height: int) -> str:
    return f"has {width}x{height} pixels, more than the {MAX_PICTURE_PIXELS >> 20} million allowed"


def _ends_well(file: BinaryIO, kind: str) -> bool:
    """Whether the last bytes hold the mark with which a format ends, where it has one."""
    if kind not in ("GIF", *_ENDS):
        return True
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL_BYTES))
    tail = file.read(_TAIL_BYTES)
    if kind == "GIF":  # its mark is too common a byte to be looked for anywhere
        return tail.rstrip(b"\0").endswith(b";")
    return _ENDS[kind] in tail


def _orientation(image: Image) -> int:
    """EXIF's number for how a picture was held; Pillow turns TIFF by itself."""
    if image.format == "TIFF" or "exif" not in image.info:
        return 1
    found = image.getexif().get(_ORIENTATION_TAG, 1)
    return found if isinstance(found, int) else 1


def _pixels(image: Image) -> Pixels:
    if image.mode.startswith(("I", "F")):
        return _deep_pixels(image)
    transparent = "transparency" in image.info or image.mode in ("LA", "PA", "RGBA", "La", "RGBa")
    if transparent:
        mode = "RGBA"
    else:
        mode = "L" if image.mode in ("1", "L") else "RGB"
    pixels = np.asarray(image.convert(mode), np.uint8)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _deep_pixels(image: Image) -> Pixels:
    """The upper 8 of 16 bits; real values are taken to be in [0, 1], or else in 0..255."""
    levels = np.nan_to_num(np.asarray(image).astype(np.float32))
    top = float(levels.max(initial=0.0))
    if image.mode == "F" and top <= 1.0:
        levels = levels * 255.0
    elif top > 255.0 or image.mode.startswith("I;"):
        levels = levels / 257.0
    return np.round(levels).clip(0, 255).astype(np.uint8)[..., None]


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    if orientation in _TURNED:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
