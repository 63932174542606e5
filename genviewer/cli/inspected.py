"""The images that the inspecting commands are asked about, and what to call each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genviewer.cli.encoding import read_npy
from genviewer.cli.errors import CommandError, UsageError, say, sentence
from genviewer.io.dataset_decode import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genviewer.core.spec import Spec

SPLITS = ("train", "test", "all")
MAX_FOLDER = 1_000_000


@dataclass(frozen=True, eq=False)
class Inspected:
    """Images in the model's size, and where each is from.

    Attributes:
        entries: ``{"file": name}`` or ``{"index": i}`` for each image.
        images: uint8 (N, H, W, C).
        labels: the model's class of each, int64 (N,), where the data has them.
        failed: how many files could not be used; each was told of.
        groups: the data's own class of each, int64 (N,), which the model may know nothing of.
        names: of the data's own classes.
    """

    entries: list[dict[str, str | int]]
    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    failed: int = 0
    groups: NDArray[np.int64] | None = None
    names: tuple[str, ...] | None = None


@dataclass
class _Files:
    images: list[NDArray[np.uint8]] = field(default_factory=list)
    entries: list[dict[str, str | int]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    failed: int = 0


def read_inspected(
    sources: Sequence[str], split: str | None, spec: Spec, limit: int | None = None
) -> Inspected:
    """The images of files, of a folder of them, or of a data set.

    Files that cannot be used are told of on stderr and left out; the folders that files are in are
    their classes.

    Args:
        sources: image files and folders of them, or one data set.
        split: ``train``, ``test`` or ``all``; by default ``test`` where the data set has it.
        spec: of the model that they are shown to.
        limit: the first so many images, at least 1; the others are not looked at.

    Raises:
        CommandError, UsageError, DataError, LoadError: there are none.
    """
    if split is not None and split not in SPLITS:
        raise UsageError(f"--split is {', '.join(SPLITS)}, not {split!r}.")
    files = _image_files(sources)
    if files is not None:
        if split is not None:
            raise UsageError("--split is for data sets; image files have no splits.")
        return _from_files(files, spec, limit)
    if len(sources) > 1:
        raise UsageError("Several IMAGES are image files or folders; name one data set.")
    return _from_data(sources[0], split, spec, limit)


def _image_files(sources: Sequence[str]) -> list[Path] | None:
    """The image files that are meant, or None for a data set."""
    files: list[Path] = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            found = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in PICTURE_SUFFIXES]
            if not found and len(sources) == 1:
                return None  # idx files, or nothing; the reader of data sets says which
            if len(found) > MAX_FOLDER:
                raise CommandError(f"{path} has more than {MAX_FOLDER:,} images.")
            files += found
        elif path.suffix.lower() in PICTURE_SUFFIXES:
            files.append(path)
        else:
            return None
    return files


def _from_files(files: Sequence[Path], spec: Spec, limit: int | None) -> Inspected:
    from genviewer.engine.density_images import fit_images
    from genviewer.engine.generator import LoadError
    from genviewer.engine.viewed_data import model_labels
    from genviewer.io.datasets import Images
    from genviewer.io.image_decode import decode_picture
    from genviewer.io.images import ImageError

    read, sizes, unread = _Files(), set(), iter(files)
    for path in unread:
        try:
            image = decode_picture(path)
            if image.dtype == np.uint16:
                image = np.round(image / 257.0)
            sizes.add(image.shape)
            read.images.append(fit_images(image.astype(np.uint8)[None], spec)[0])
        except (ImageError, LoadError, OSError) as error:
            say(sentence(error))
            read.failed += 1
        else:
            read.entries.append({"file": str(path)})
            read.folders.append(path.parent.name)
        if len(read.images) == limit:
            break
    if not read.images:
        raise CommandError("None of the images can be used.")
    _tell_of_fitting(sizes, spec)
    folders = {*read.folders, *(path.parent.name for path in unread)}
    images, names = np.stack(read.images), tuple(sorted(folders))
    if len(names) < 2:
        return Inspected(read.entries, images, None, read.failed)
    groups = np.array([names.index(name) for name in read.folders], np.int64)
    labels = model_labels(Images("", images, groups, names), spec)
    return Inspected(read.entries, images, labels, read.failed, groups, names)


def _from_data(source: str, split: str | None, spec: Spec, limit: int | None) -> Inspected:
    from genviewer.engine.density_images import fit_images
    from genviewer.engine.viewed_data import model_labels
    from genviewer.io.datasets import Images, load_images

    if source.lower().endswith(".npy"):
        if split is not None:
            raise UsageError("--split is for data sets with splits; a .npy file has none.")
        parts = [Images(source, _pixels(source, spec))]
    else:
        image = spec.image
        mixed = (image.height, image.width, image.channels)
        train, test = load_images(source, mixed_shape=mixed)
        if split == "test" and test is None:
            raise CommandError(f"{source} has no test split.")
        if split is None and test is not None:
            say(f"the {len(test.images)} images of the test split; --split names another")
        chosen = split or ("train" if test is None else "test")
        parts = [
            part
            for name, part in (("train", train), ("test", test))
            if part is not None and chosen in (name, "all")
        ]
    shown: list[NDArray[np.uint8]] = []
    for part in parts:
        left = None if limit is None else limit - sum(map(len, shown))
        if left != 0:
            shown.append(fit_images(part.images if left is None else part.images[:left], spec))
    images = np.concatenate(shown)
    _tell_of_fitting({part.images.shape[1:] for part in parts[: len(shown)]}, spec)
    labels = _joined([model_labels(part, spec) for part in parts])
    groups = _joined([part.labels for part in parts])
    labels, groups = (None if known is None else known[:limit] for known in (labels, groups))
    entries: list[dict[str, str | int]] = [{"index": i} for i in range(len(images))]
    return Inspected(entries, images, labels, 0, groups, parts[0].names)


def _joined(parts: Sequence[NDArray[np.int64] | None]) -> NDArray[np.int64] | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _pixels(source: str, spec: Spec) -> NDArray[np.uint8]:
    """uint8 (N, H, W, C) of an array of bytes, or of floats in [0, 1], in any usual layout."""
    array = np.asarray(read_npy(Path(source)))
    if array.ndim == 2 and array.shape[1] == spec.image.height * spec.image.width:
        array = array.reshape(len(array), spec.image.height, spec.image.width)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim == 4 and array.shape[3] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
        array = np.moveaxis(array, 1, 3)
    if array.ndim != 4 or array.shape[3] not in (1, 3, 4) or not array.size:
        raise CommandError(f"{source} holds {array.shape}, which are no images.")
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f" or not (array.min() >= 0.0 and array.max() <= 1.0):
        raise CommandError(f"{source} holds neither bytes nor values in [0, 1].")
    return np.round(array * 255.0).astype(np.uint8)


def _tell_of_fitting(shapes: set[tuple[int, ...]], spec: Spec) -> None:
    wanted = (spec.image.height, spec.image.width, spec.image.channels)
    if shapes - {wanted}:
        size = f"{wanted[1]}x{wanted[0]} with {wanted[2]} channel(s)"
        say(f"images were brought to {size}, which is what {spec.name} takes")
