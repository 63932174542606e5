"""Images that remember how they were made.

A PNG written here carries an :class:`ImageRecord` as JSON in a text chunk before the pixels: the
model's name and id and the Recipe (or the Scene, for a sheet). No paths, no user name.

Pillow is imported where it is needed: the first picture does not wait for it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

import genviewer
from genviewer.core.recipe import ModelRef, Recipe, from_json, to_json
from genviewer.core.scene import Scene
from genviewer.io.atomic import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

RECORD_KEY = "genviewer"
MAX_RECORD_BYTES = 1 << 20
MAX_THUMBNAIL_PIXELS = 1 << 20

Pixels = NDArray[np.uint8]


class ImageRecord(msgspec.Struct, frozen=True):
    """How an image was made: by which model, and from which Recipe or Scene."""

    model: ModelRef
    recipe: Recipe | None = None
    scene: Scene | None = None
    program: str = f"genviewer {genviewer.__version__}"


class ImageError(ValueError):
    """An image cannot be used; the message is one sentence for the user."""


def upscale(pixels: Pixels, factor: int) -> Pixels:
    """Each pixel repeated ``factor`` times in both directions: (H, W, C) -> (fH, fW, C)."""
    if factor == 1:
        return pixels
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def to_pillow(pixels: Pixels) -> Image.Image:
    """A Pillow image of uint8 (H, W, C) with 1, 3 or 4 channels."""
    from PIL import Image

    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def encode_png(pixels: Pixels, record: ImageRecord | None = None, factor: int = 1) -> bytes:
    """PNG bytes of uint8 (H, W, C), upscaled by a whole factor, with its record."""
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    if record is not None:
        info.add_itxt(RECORD_KEY, to_json(record).decode())
    buffer = io.BytesIO()
    to_pillow(upscale(pixels, factor)).save(buffer, "PNG", pnginfo=info, compress_level=1)
    return buffer.getvalue()


def save_png(path: Path, pixels: Pixels, record: ImageRecord | None, factor: int = 1) -> None:
    """Write a PNG atomically.

    Raises:
        OSError: if it cannot be written.
    """
    write_bytes(path, encode_png(pixels, record, factor))


def decode_png(data: bytes) -> Pixels:
    """uint8 (H, W, C) of small PNG bytes such as a pin's thumbnail.

    Raises:
        ImageError: if they are not a PNG of at most 1024 x 1024 pixels.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            mode = image.mode if image.mode in ("L", "RGB", "RGBA") else "RGB"
            small = image.width * image.height <= MAX_THUMBNAIL_PIXELS
            pixels = np.asarray(image.convert(mode), np.uint8) if small else None
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError("the picture is damaged.") from error
    if pixels is None:
        raise ImageError("the picture is too large.")
    return pixels[..., None] if pixels.ndim == 2 else pixels


def read_record(path: Path) -> ImageRecord:
    """The record of an image, without decoding its pixels.

    Raises:
        ImageError: if the file is no image, or one without a usable record.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        if not path.is_file():
            raise ImageError(f"{path.name} is not a file.")
        with Image.open(path) as image:
            text = image.info.get(RECORD_KEY)
    except (UnidentifiedImageError, SyntaxError) as error:
        raise ImageError(f"{path.name} is not an image.") from error
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{path.name} cannot be read.") from error
    if not isinstance(text, str):
        raise ImageError(f"{path.name} carries no Recipe, so it cannot be restored.")
    if len(text) > MAX_RECORD_BYTES:
        raise ImageError(f"{path.name} carries a Recipe that is too large.")
    try:
        record = from_json(str(text).encode(), ImageRecord)
    except (ValueError, RecursionError) as error:
        raise ImageError(f"{path.name} carries a damaged Recipe.") from error
    if record.recipe is None and (record.scene is None or not record.scene.panes):
        raise ImageError(f"{path.name} carries no Recipe, so it cannot be restored.")
    return record


def layout_sheet(tiles: Pixels, cells: NDArray[np.int64], rows: int, columns: int) -> Pixels:
    """One image of tiles in rows and columns: uint8 (n, H, W, C) -> (rows*H, columns*W, C).

    Cells without a tile stay black (transparent for RGBA).
    """
    _, height, width, channels = tiles.shape
    sheet = np.zeros((rows, height, columns, width, channels), np.uint8)
    sheet[cells // columns, :, cells % columns] = tiles
    return sheet.reshape(rows * height, columns * width, channels)
