"""Images that remember how they were made.

A file written here carries an :class:`ImageRecord` as JSON (:mod:`genviewer.io.provenance` tells
where): the model's name, id and weights, and the Recipe, or what a sheet or an animation was made
from. No paths, no user name.

Pillow is imported where it is needed: the first picture does not wait for it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

import genviewer
from genviewer.core.animation import Animation
from genviewer.core.axes import AxisGrid
from genviewer.core.picture import Contact, Picture, SheetInputs
from genviewer.core.recipe import ModelRef, Recipe, from_json, to_json
from genviewer.core.scene import Scene
from genviewer.io.atomic import write_bytes
from genviewer.io.provenance import KEY, MAX_TEXT_BYTES, ProvenanceError, read_text

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

PROGRAM = f"genviewer {genviewer.__version__}"
RECORD_KEY = KEY
MAX_RECORD_BYTES = MAX_TEXT_BYTES
MAX_THUMBNAIL_PIXELS = 1 << 20

Pixels = NDArray[np.uint8]


class ImageRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a file was made.

    Attributes:
        model: what drew it; for several models the first of them.
        recipe: the Recipe of the sample, or what to go back to for a grid or an animation.
        scene, inputs: what a view's sheet was made from.
        grid, contact, animation: what a file of that kind was made from.
        picture: size, depth and headers.
        weights_sha256: hash of the first model's tensors alone.
        engine: what drew, such as ``onnx``; another one may round otherwise.
        program: name and version.
    """

    model: ModelRef
    recipe: Recipe | None = None
    scene: Scene | None = None
    program: str = ""
    inputs: SheetInputs | None = None
    grid: AxisGrid | None = None
    contact: Contact | None = None
    animation: Animation | None = None
    picture: Picture = Picture()
    weights_sha256: str = ""
    engine: str = ""

    def __post_init__(self) -> None:
        # Not a default: those are left out of the JSON, and another version has another one.
        if not self.program:
            msgspec.structs.force_setattr(self, "program", PROGRAM)

    @property
    def start(self) -> Recipe | None:
        """The Recipe to go back to; None where the record holds nothing."""
        if self.recipe is not None:
            return self.recipe
        if self.scene is not None and self.scene.panes:
            return self.scene.recipe
        if self.grid is not None:
            return self.grid.recipe
        if self.contact is not None:
            return self.contact.panes[0].recipe
        return None if self.animation is None else self.animation.start

    def text(self) -> str:
        """The record as the JSON that goes into a file.

        Raises:
            ImageError: it is larger than what is read back.
        """
        data = to_json(self)
        if len(data) > MAX_RECORD_BYTES:
            raise ImageError("What this was made from is too much to keep in a file.")
        return data.decode()


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


class NoRecordError(ImageError):
    """A sound file that tells nothing about how it was made."""


def read_record(path: Path) -> ImageRecord:
    """The record of an image, an animation or a video, without decoding its pixels.

    Where the file has none, the sidecar beside it counts.

    Raises:
        NoRecordError: the file carries none.
        ImageError: if the file is none of these, or one without a usable record.
    """
    try:
        if not path.is_file():
            raise ImageError(f"{path.name} is not a file.")
        text = read_text(path)
    except ProvenanceError as error:
        raise ImageError(f"{path.name} {error}.") from error
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{path.name} cannot be read.") from error
    if text is None:
        raise NoRecordError(f"{path.name} carries no Recipe, so it cannot be restored.")
    return parse_record(text, path.name)


def parse_record(text: str, where: str) -> ImageRecord:
    """A record from its JSON, such as pasted text.

    Args:
        text: the JSON.
        where: what to call it in an error.

    Raises:
        ImageError: it is no usable record.
    """
    if len(text) > MAX_RECORD_BYTES:
        raise ImageError(f"{where} carries a Recipe that is too large.")
    try:
        record = from_json(text.encode(errors="replace"), ImageRecord)
    except (ValueError, RecursionError) as error:
        raise ImageError(f"{where} carries a damaged Recipe.") from error
    if record.start is None:
        raise NoRecordError(f"{where} carries no Recipe, so it cannot be restored.")
    return record


Tile = TypeVar("Tile", np.uint8, np.uint16, np.float32)


def layout_sheet(
    tiles: NDArray[Tile], cells: NDArray[np.int64], rows: int, columns: int
) -> NDArray[Tile]:
    """One image of tiles in rows and columns: (n, H, W, C) -> (rows*H, columns*W, C).

    Cells without a tile stay black (transparent for RGBA).
    """
    _, height, width, channels = tiles.shape
    sheet = np.zeros((rows, height, columns, width, channels), tiles.dtype)
    sheet[cells // columns, :, cells % columns] = tiles
    return sheet.reshape(rows * height, columns * width, channels)
