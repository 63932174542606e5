"""A small picture of what a model draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.recipe import seeded_recipe
from genviewer.engine.cache_folder import cache_folder
from genviewer.engine.cells import decode_recipe
from genviewer.engine.generator import load_generator
from genviewer.io.atomic import write_bytes
from genviewer.io.bundle import PREVIEW_NAME
from genviewer.io.images import ImageError, decode_png, encode_png, layout_sheet

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.engine.generator import Bytes
    from genviewer.engine.jobs import Progress
    from genviewer.io.bundle import Bundle

MAX_BYTES = 4 << 20
FINE_FROM = 96
"""Pictures of at least this side are shown two by two, smaller ones three by three."""


def thumbnail(bundle: Bundle, progress: Progress | None = None) -> Bytes:
    """The bundle's preview, or a few seeded samples: uint8 (H, W, C). For the job lane.

    Samples are drawn once and remembered by model id.

    Raises:
        LoadError, DecodeError: if there is no preview and the model cannot draw.
        Cancelled: if ``progress`` says so.
    """
    image = bundle.spec.image
    side = 2 if max(image.height, image.width) >= FINE_FROM else 3
    remembered = cache_folder("thumbnails") / f"{bundle.model_id}.png"
    for path in (bundle.path / PREVIEW_NAME, remembered):
        pixels = _read(path)
        if pixels is not None:
            # A preview may be a whole sheet, too much for a thumbnail: its first samples will do.
            return pixels[: side * image.height, : side * image.width]
    generator = load_generator(bundle, device="cpu", threads=1)
    tiles = []
    for index in range(side * side):
        if progress is not None:
            progress.report(index / side**2)
        tiles.append(decode_recipe(generator, seeded_recipe(bundle.spec, 0, index)))
    sheet = layout_sheet(np.stack(tiles), np.arange(side * side), side, side)
    write_bytes(remembered, encode_png(sheet))
    return sheet


def _read(path: Path) -> Bytes | None:
    try:
        with path.open("rb") as file:
            return decode_png(file.read(MAX_BYTES))
    except (OSError, ImageError):
        return None
