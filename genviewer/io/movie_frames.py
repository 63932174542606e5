"""The frames of an animation of any format, one after the other, for comparison."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genviewer.io.image_formats import MAX_IMAGE_PIXELS
from genviewer.io.images import ImageError
from genviewer.io.provenance import file_kind
from genviewer.io.video import VideoError, video_frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Pixels = NDArray[np.uint8]

_FORMATS = {"png": "PNG", "gif": "GIF", "webp": "WEBP"}


def movie_frames(path: Path) -> Iterator[Pixels]:
    """Each frame in turn: uint8 (H, W, 3) or, where there is transparency, (H, W, 4).

    Raises:
        ImageError: it is no animation, is damaged or too large.
    """
    try:
        with path.open("rb") as file:
            kind = file_kind(file.read(16))
        if kind in ("mp4", "webm"):
            yield from video_frames(path)
        elif kind in _FORMATS:
            yield from _by_pillow(path, _FORMATS[kind])
        else:
            raise ImageError(f"{path.name} is no animation.")
    except VideoError as error:
        raise ImageError(str(error)) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{path.name} is damaged.") from error


def _by_pillow(path: Path, form: str) -> Iterator[Pixels]:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            opened = Image.open(path, formats=[form])
        except Image.DecompressionBombError as error:
            raise ImageError(f"{path.name} has too many pixels.") from error
        with opened as image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                raise ImageError(f"{path.name} has too many pixels.")
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                yield np.asarray(image.convert("RGBA" if image.mode == "RGBA" else "RGB"), np.uint8)
