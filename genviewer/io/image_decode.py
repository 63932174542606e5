"""Pixels of images from outside, bounded, with their own depth where it is ours: for comparison
with what is drawn, and to be looked at by a model.
"""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np

from genviewer.io.image_formats import MAX_IMAGE_PIXELS
from genviewer.io.images import ImageError
from genviewer.io.provenance import PNG_SIGNATURE, file_kind

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.io.image_formats import Levels
    from genviewer.io.provenance import FileKind

_PIL_FORMATS = {"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "webp": "WEBP", "tiff": "TIFF"}
_PNG_CHANNELS = {0: 1, 2: 3, 6: 4}


def decode_image(path: Path) -> Levels:
    """The pixels of a still image: (H, W, C) with 1, 3 or 4 channels.

    uint16 for PNG and TIFF files of 16 bits as written here, else uint8.

    Raises:
        ImageError: it is no image, is damaged, or has more than
            :data:`~genviewer.io.image_formats.MAX_IMAGE_PIXELS` pixels.
    """
    try:
        with path.open("rb") as file:
            kind = file_kind(file.read(16))
        deep = _deep(path, kind)
        if deep is not None:
            return deep
        if kind not in _PIL_FORMATS:
            raise ImageError(f"{path.name} is not an image.")
        return _by_pillow(path, _PIL_FORMATS[kind])
    except (OSError, ValueError, SyntaxError, struct.error, zlib.error, EOFError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{path.name} is damaged.") from error


def decode_picture(path: Path) -> Levels:
    """The pixels of an image from anywhere: (H, W, C) with 1, 3 or 4 channels.

    As data sets take them: the right way up, transparent where it is so, uint8; but for files of 16
    bits as written here, which are uint16.

    Raises:
        ImageError: it is not there, is no image, is damaged or too large.
    """
    from genviewer.io.dataset_decode import Damaged, decode

    try:
        with path.open("rb") as file:
            kind = file_kind(file.read(16))
            with contextlib.suppress(OSError, ValueError, struct.error, zlib.error, EOFError):
                deep = _deep(path, kind)
                if deep is not None:
                    return deep
            return decode(file)
    except Damaged as error:
        raise ImageError(f"{path.name} {error}.") from error
    except FileNotFoundError as error:
        raise ImageError(f"{path.name} does not exist.") from error
    except OSError as error:
        raise ImageError(f"{path.name} cannot be read: {error.strerror}.") from error


def _deep(path: Path, kind: FileKind | None) -> Levels | None:
    """The pixels of a file of 16 bits as written here; None for others."""
    deep = None
    if kind == "png" and _png_depth(path) == 16:
        deep = _deep_png(path.read_bytes())
    elif kind == "tiff":
        deep = _deep_tiff(path)
    if deep is not None and not deep.size:
        raise ImageError(f"{path.name} has no pixels.")
    return deep


def _by_pillow(path: Path, form: str) -> Levels:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=[form]) as image:
                if image.width * image.height > MAX_IMAGE_PIXELS:
                    raise ImageError(f"{path.name} has too many pixels.")
                mode = image.mode if image.mode in ("L", "RGB", "RGBA") else "RGB"
                pixels = np.asarray(image.convert(mode), np.uint8)
        except Image.DecompressionBombError as error:
            raise ImageError(f"{path.name} has too many pixels.") from error
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _png_depth(path: Path) -> int:
    with path.open("rb") as file:
        head = file.read(26)
    return head[24] if len(head) == 26 else 0


def _deep_png(data: bytes) -> Levels | None:
    """A PNG of 16 bits whose rows are filtered as ours are; None for others, which Pillow reads
    with 8 bits.
    """
    width, height, _, colour, *rest = struct.unpack(">IIBBBBB", data[16:29])
    if width * height > MAX_IMAGE_PIXELS:
        raise ImageError("The image has too many pixels.")
    if colour not in _PNG_CHANNELS or rest[2]:
        return None
    packed, at = bytearray(), len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += size + 12
    channels = _PNG_CHANNELS[colour]
    stride = 2 * channels * width + 1
    raw = zlib.decompressobj().decompress(packed, stride * height + 1)
    if len(raw) != stride * height:
        raise ValueError("the pixels do not fill the image")
    rows = np.frombuffer(raw, np.uint8).reshape(height, stride)
    if (rows[:, 0] != 2).any():
        return None
    levels = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8)
    deep = np.ascontiguousarray(levels).view(">u2").astype(np.uint16)
    return deep.reshape(height, width, channels)


def _deep_tiff(path: Path) -> Levels | None:
    """A TIFF of 16 bits as written here, of one deflated strip; None for others."""
    with path.open("rb") as file:
        head = file.read(8)
        if head[:4] != b"II*\0":
            return None
        file.seek(int.from_bytes(head[4:], "little"))
        count = int.from_bytes(file.read(2), "little")
        tags = {}
        for _ in range(count):
            tag, kind, n, value = struct.unpack("<HHII", file.read(12))
            tags[tag] = (value & 0xFFFF if kind == 3 and n == 1 else value, n)
        width, height = tags.get(256, (0, 0))[0], tags.get(257, (0, 0))[0]
        channels, strips = tags.get(277, (1, 1))[0], tags.get(273, (0, 0))
        if width * height > MAX_IMAGE_PIXELS:
            raise ImageError(f"{path.name} has too many pixels.")
        if tags.get(259, (0, 0))[0] != 8 or strips[1] != 1 or channels not in (1, 3, 4):
            return None
        if 279 not in tags:  # how long the strip is
            return None
        depth, depths = tags.get(258, (0, 0))
        if depths > 2:
            file.seek(depth)
            depth = int.from_bytes(file.read(2), "little")
        if depth != 16:
            return None
        file.seek(strips[0])
        size = 2 * width * height * channels
        raw = zlib.decompressobj().decompress(file.read(tags[279][0]), size + 1)
    if len(raw) != size:
        raise ValueError("the pixels do not fill the image")
    return np.frombuffer(raw, "<u2").astype(np.uint16).reshape(height, width, channels)
