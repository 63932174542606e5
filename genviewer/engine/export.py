"""Still images: drawn from an image record, and written with it.

The record is the order: whatever :func:`save_image` writes, :mod:`genviewer.engine.verify` draws
again from the record in the file. Any thread; of the job lane where a window waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.core.axes import AxisError
from genviewer.core.axis_sheet import axis_sheet
from genviewer.core.packing import pack_of
from genviewer.core.picture import NATIVE, Contact, SheetInputs
from genviewer.core.scene import Pane, Scene
from genviewer.core.sheet import Sheet
from genviewer.core.views import ViewInputs, make_sheet
from genviewer.engine.cells import CHUNK, decode_pack, decode_unit
from genviewer.engine.generator import DecodeError, Generator
from genviewer.io.atomic import write_bytes
from genviewer.io.enlarging import finished
from genviewer.io.image_formats import check_size, encode_image, format_of
from genviewer.io.images import ImageRecord, layout_sheet
from genviewer.io.provenance import sidecar_path
from genviewer.io.sheet_labels import with_labels
from genviewer.io.write_errors import refuse_existing, write_error

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.core.axes import AxisGrid
    from genviewer.core.picture import Picture
    from genviewer.core.recipe import Recipe
    from genviewer.engine.jobs import Progress
    from genviewer.io.image_formats import Levels

Generators = Mapping[str, Generator]
"""Generators by model id."""


def sample_record(
    generator: Generator, recipe: Recipe, picture: Picture = NATIVE, weights_sha256: str = ""
) -> ImageRecord:
    """The record of one sample."""
    return ImageRecord(
        generator.ref,
        recipe,
        picture=picture,
        weights_sha256=weights_sha256,
        engine=generator.engine,
    )


def scene_record(
    generator: Generator,
    scene: Scene,
    inputs: ViewInputs,
    picture: Picture = NATIVE,
    weights_sha256: str = "",
) -> ImageRecord:
    """The record of a view's whole Sheet."""
    return ImageRecord(
        scene.model,
        scene=scene,
        inputs=SheetInputs.of(inputs),
        picture=picture,
        weights_sha256=weights_sha256,
        engine=generator.engine,
    )


def grid_record(
    generator: Generator, grid: AxisGrid, picture: Picture = NATIVE, weights_sha256: str = ""
) -> ImageRecord:
    """The record of an axis grid."""
    return ImageRecord(
        grid.models[0],
        grid.recipe,
        grid=grid,
        picture=picture,
        weights_sha256=weights_sha256,
        engine=generator.engine,
    )


def contact_record(
    generator: Generator,
    contact: Contact,
    picture: Picture = NATIVE,
    weights_sha256: str = "",
) -> ImageRecord:
    """The record of a sheet of separate samples, such as all pins."""
    return ImageRecord(
        contact.panes[0].model,
        contact.panes[0].recipe,
        contact=contact,
        picture=picture,
        weights_sha256=weights_sha256,
        engine=generator.engine,
    )


def save_image(
    path: Path,
    record: ImageRecord,
    generators: Generators,
    *,
    embed: bool = True,
    sidecar: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> None:
    """Draw what a record says and write it, in the format of the path's suffix.

    Args:
        path: where to; nothing of it appears before all of it is there.
        record: what to draw.
        generators: of all models that it names.
        embed: whether the file carries the record.
        sidecar: whether a ``.json`` beside it does.
        overwrite: whether a file that is there may be replaced.
        progress: is told how far it is; cancelling leaves no file.

    Raises:
        ImageError: the format cannot hold it.
        DecodeError: the models do not fit the record, or fail.
        WriteError: it cannot be written, or is there already.
    """
    form = format_of(path)
    places = [path, sidecar_path(path)] if sidecar else [path]
    if not overwrite:
        for place in places:
            refuse_existing(place)
    levels = draw(record, generators, progress, size_check=path)
    data = encode_image(levels, form, record.text() if embed else None, record.picture.quality)
    if progress is not None:
        progress.report(1.0, f"Writing {path.name}")
    contents = [data, record.text().encode()] if sidecar else [data]
    for place, content in zip(places, contents, strict=True):
        if not overwrite:
            refuse_existing(place)
        try:
            write_bytes(place, content)
        except OSError as error:
            raise write_error(error, place) from error


def draw(
    record: ImageRecord,
    generators: Generators,
    progress: Progress | None = None,
    size_check: Path | None = None,
) -> Levels:
    """The picture of a record: (H, W, C), uint8 or uint16.

    ``size_check`` is the path of the file it is for, whose format has to be able to hold it.

    Raises:
        ImageError: that format cannot.
        DecodeError: the models do not fit the record, or fail.
    """
    picture = record.picture
    sheet = sheet_of(record, generators)
    first = _generator(generators, record.model.id).spec.image
    if size_check is not None:
        size = picture.size(sheet.columns * first.width, sheet.rows * first.height)
        check_size(*size, format_of(size_check), picture.bits)
    tiles, cells = sheet_tiles(sheet, generators, picture, progress)
    image = layout_sheet(tiles, cells, sheet.rows, sheet.columns)
    levels = finished(image, picture)
    if not picture.headers:
        return levels
    return with_labels(levels, sheet.rows, sheet.columns, sheet.row_labels, sheet.column_labels)


def sheet_of(record: ImageRecord, generators: Generators) -> Sheet:
    """The Sheet of a still image's record; a single sample is a Sheet of one cell.

    Raises:
        DecodeError: the record does not fit the models, or is of no still image.
    """
    try:
        if record.animation is not None:
            raise DecodeError("This was made as an animation, not as an image.")
        if record.grid is not None:
            specs = {m.id: _generator(generators, m.id).spec for m in record.grid.models}
            return axis_sheet(record.grid, specs)
        if record.contact is not None:
            return contact_sheet(record.contact)
        if record.scene is not None and record.scene.panes:
            inputs = record.inputs.view_inputs() if record.inputs is not None else ViewInputs()
            spec = _generator(generators, record.scene.model.id).spec
            return make_sheet(record.scene, spec, inputs)
    except (ValueError, AxisError) as error:
        raise DecodeError(str(error)) from error
    if record.recipe is None:
        raise DecodeError("The record says nothing about how the image was made.")
    return contact_sheet(Contact((Pane(record.model, record.recipe),), 1))


def contact_sheet(contact: Contact) -> Sheet:
    """The Sheet of separate samples, each in a pack of its own and so drawn by itself."""
    panes = contact.panes
    packs = tuple(pack_of(((cell, pane.recipe),), pane.model) for cell, pane in enumerate(panes))
    columns = min(contact.columns, len(panes))
    return Sheet(-(-len(panes) // columns), columns, packs)


def sheet_tiles(
    sheet: Sheet,
    generators: Generators,
    picture: Picture = NATIVE,
    progress: Progress | None = None,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """All samples of a Sheet, and the cells they belong to.

    Returns:
        tiles (n, H, W, C), uint8, or float32 in [0, 1] where the picture has 16 bits; cells
        int64 (n,).

    Raises:
        DecodeError: the models' images differ in size, or a model fails.
    """
    shapes = {
        (image.height, image.width, image.channels)
        for image in (_generator(generators, p.model.id).spec.image for p in sheet.packs)
    }
    if len(shapes) != 1:
        sizes = ", ".join(f"{w} x {h} x {c}" for h, w, c in sorted(shapes))
        raise DecodeError(
            f"Models of different images do not share a sheet: {sizes or 'no cells'}."
        )
    tiles: list[NDArray[Any]] = []
    cells, done = [], 0
    for pack in sheet.packs:
        generator = generators[pack.model.id]
        for start in range(0, len(pack.cells), CHUNK):
            if progress is not None:
                progress.report(done / max(1, sheet.count), "Drawing")
            rows = slice(start, start + CHUNK)
            decode = decode_pack if picture.bits == 8 else decode_unit
            tiles.append(decode(generator, pack, rows))
            cells.append(pack.cells[rows])
            done += len(pack.cells[rows])
    return np.concatenate(tiles), np.concatenate(cells)


def _generator(generators: Generators, model_id: str) -> Generator:
    found = generators.get(model_id)
    if found is None:
        raise DecodeError(f"The model {model_id[:8]} is not open.")
    return found
