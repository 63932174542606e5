"""Labelled images to train on, from the sources that the command line names."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from genviewer.io.dataset_fit import DEFAULT_FIT, Fit
from genviewer.io.dataset_items import ArrayItems
from genviewer.io.dataset_lazy import prepare
from genviewer.io.dataset_listing import list_items
from genviewer.io.dataset_survey import survey_items
from genviewer.io.dataset_values import DataError, Images

if TYPE_CHECKING:
    from genviewer.io.dataset_survey import Survey

__all__ = ["DataError", "Images", "load_images"]

_log = logging.getLogger(__name__)


def load_images(
    source: str,
    *,
    seed: int = 0,
    count: int = 0,
    fit: Fit = DEFAULT_FIT,
    shape: tuple[int, int, int] | None = None,
    mixed_shape: tuple[int, int, int] | None = None,
) -> tuple[Images, Images | None]:
    """All training images in memory and, where the source has one, the test split.

    ``source`` is ``mnist``, ``builtin:shapes`` (``count`` of them, from ``seed``),
    ``builtin:letters`` (of the fonts on this machine),
    ``hf-data://owner/name[/folder][@revision]``, a folder of images (its subfolders are the
    classes), of idx files or of Parquet tables, a ``.parquet`` table, an ``.npz`` with
    ``images``/``labels`` or ``train_images``/``train_labels`` and ``test_images``/``test_labels``,
    an idx file, a CSV file with rows of ``label, pixel...`` (a square grey image) or ``file,
    label``, or a zip or folder with one of these in it. Files that are no sound images are left
    out, which a warning in the log says.

    ``shape`` is the (height, width, channels) that all are brought to by ``fit``. Without it they
    stay as they are, if all are of one size; the colours are those of ``fit``, or else of the first
    image. ``mixed_shape`` is what images of different sizes are brought to; without it they are
    refused.

    Raises:
        DataError: with one sentence for the user.
    """
    items = list_items(source, seed=seed, count=count)
    if isinstance(items, ArrayItems):
        for part in items.splits:
            if part is not None:
                _check_labels(part)
        if shape is None:
            return items.splits
    found = survey_items(source, items, lambda _done, _text: None)
    if found.bad_count:
        name, reason = found.bad[0]
        _log.warning(
            "%s: files left out: %s; the first, %s, %s.", source, found.bad_count, name, reason
        )
    if shape is None:
        shape = _common_shape(found, fit, mixed_shape)
    train, test = prepare(found, *shape, fit, None, 1.0 if len(found.test_rows) else 0.0)
    return _in_memory(train), None if test is None else _in_memory(test)


def _common_shape(
    found: Survey, fit: Fit, mixed: tuple[int, int, int] | None
) -> tuple[int, int, int]:
    """The one shape that all images have, or ``mixed``.

    Raises:
        DataError: there is neither; names the first image of another size.
    """
    first = None
    for row, look in enumerate(found.looks):
        if look is None:
            continue
        if first is None:
            first = look
        if (look.width, look.height) != (first.width, first.height):
            if mixed is not None:
                return mixed
            raise DataError(
                f"{found.items.name(row)} is {look.width}x{look.height}, the first image "
                f"{first.width}x{first.height}: bring all images to one size."
            )
    pixels = found.items.pixels(int(found.rows[0]))
    channels = {"grey": 1, "rgb": 3, "model": 1 if pixels.shape[2] == 1 else 3}[fit.colour]
    return (*pixels.shape[:2], channels)


def _in_memory(images: Images) -> Images:
    whole = replace(images, images=np.asarray(images.images))
    if whole.names is not None and len(whole.names) < 2:
        return replace(whole, labels=None, names=None)  # one folder around all is no class
    return whole


def _check_labels(data: Images) -> None:
    if data.labels is not None and data.labels.min() < 0:
        raise DataError(f"{data.source} has negative labels.")
