"""Whether files still are what their records say: drawn again and compared. Any thread."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec
import numpy as np

from genviewer.engine.animate import write_movie
from genviewer.engine.export import draw, sheet_of
from genviewer.engine.generator import DecodeError, LoadError, load_generator
from genviewer.io.bundle import BundleError
from genviewer.io.image_decode import decode_image
from genviewer.io.image_formats import encode_image
from genviewer.io.images import ImageError, ImageRecord, NoRecordError, read_record
from genviewer.io.movie_frames import movie_frames
from genviewer.io.provenance import file_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from genviewer.core.recipe import ModelRef
    from genviewer.engine.generator import Engine, Generator
    from genviewer.engine.jobs import Progress
    from genviewer.io.bundle import Bundle
    from genviewer.io.image_formats import Levels
    from genviewer.io.movie_files import MovieFormat
    from genviewer.io.provenance import FileKind

Status = Literal[
    "exact", "close", "different", "wrong_weights", "no_recipe", "missing_model", "unreadable"
]
DIFFERS: tuple[Status, ...] = ("different", "wrong_weights")
"""The statuses that mean that a file is not what its record says."""

FAILS: tuple[Status, ...] = ("no_recipe", "missing_model", "unreadable")
"""The statuses that mean that a file could not be verified."""

CLOSE = 1.0 / 255.0

_MOVIES: dict[FileKind | None, MovieFormat] = {
    "mp4": "mp4",
    "webm": "webm",
    "gif": "gif",
    "webp": "webp",
    "png": "apng",
}


class Verdict(msgspec.Struct, frozen=True):
    """What came of one file.

    Attributes:
        file: as it was named.
        status: ``exact`` and ``close`` (within 1/255) are as promised; ``wrong_weights`` means
            that only a model of that name with other weights is at hand.
        max_abs_diff: 0..1; None where nothing was compared.
        message: one sentence that says why, where the status alone does not.
    """

    file: str
    status: Status
    max_abs_diff: float | None = None
    message: str = ""


class FindModel(Protocol):
    """Finds the model that a record names.

    Gives the one of that id; else one of that name, whose id is another; else None.
    """

    def __call__(self, model: ModelRef) -> Bundle | None:
        """The bundle, or None."""
        ...


class Verifier:
    """Verifies one file after the other and keeps the models open that they need.

    Args:
        find: finds models.
        device, engine: what draws; ``auto`` takes the engine that drew the file, on the CPU.
    """

    def __init__(self, find: FindModel, device: str = "auto", engine: Engine = "auto") -> None:
        self._find = find
        self._device, self._engine = device, engine
        self._open: dict[tuple[str, str], tuple[Bundle, Generator] | None] = {}

    def verify(self, path: Path, progress: Progress | None = None) -> Verdict:
        """The verdict on one file; never raises for what is wrong with it.

        Raises:
            Cancelled: the progress says so.
        """
        name = str(path)
        try:
            record = read_record(path)
        except NoRecordError as error:
            # A picture that cannot be opened at all is no picture without a Recipe.
            status: Status = "no_recipe" if _opens(path) else "unreadable"
            return Verdict(name, status, message=str(error))
        except ImageError as error:
            return Verdict(name, "unreadable", message=str(error))
        models = record.grid.models if record.grid is not None else (record.model,)
        if record.contact is not None:
            models = tuple(pane.model for pane in record.contact.panes)
        generators: dict[str, Generator] = {}
        wrong = False
        for model in models:
            try:
                opened = self._opened(model, record.engine)
            except (BundleError, LoadError, DecodeError) as error:
                return Verdict(name, "missing_model", message=str(error))
            if opened is None:
                text = f"The model {model.name!r} ({model.id[:8]}) is not at hand."
                return Verdict(name, "missing_model", message=text)
            wrong |= opened[0].model_id != model.id
            generators[model.id] = opened[1]
        try:
            difference = _difference(path, record, generators, progress)
        except ImageError as error:
            return Verdict(name, "unreadable", message=str(error))
        except DecodeError as error:
            status = "wrong_weights" if wrong else "different"
            return Verdict(name, status, message=str(error))
        if wrong:
            text = f"It was made with other weights of {record.model.name}."
            return Verdict(name, "wrong_weights", difference, text)
        if difference is None:
            return Verdict(name, "different", None, "It has another size than its record says.")
        return Verdict(name, _status(difference), difference)

    def verify_all(self, paths: Iterable[Path]) -> Iterator[Verdict]:
        """The verdicts on several files, in their order."""
        return (self.verify(path) for path in paths)

    def _opened(self, model: ModelRef, drawn_by: str) -> tuple[Bundle, Generator] | None:
        device, engine = self._device, self._engine
        if device == engine == "auto" and drawn_by == "torch":
            engine = "torch"
        key = (model.id, engine)
        if key not in self._open:
            bundle = self._find(model)
            self._open[key] = (
                None if bundle is None else (bundle, load_generator(bundle, device, engine))
            )
        return self._open[key]


def _opens(path: Path) -> bool:
    try:
        if path.suffix.lower() in (".mp4", ".webm", ".mkv"):
            return True  # its container was read already
        decode_image(path)
    except ImageError:
        return False
    return True


def _status(difference: float) -> Status:
    if difference == 0.0:
        return "exact"
    return "close" if difference <= CLOSE + 1e-9 else "different"


def _difference(
    path: Path,
    record: ImageRecord,
    generators: dict[str, Generator],
    progress: Progress | None,
) -> float | None:
    """The largest difference, 0..1, to what is drawn now; None if the sizes differ."""
    first = generators.get(record.model.id)
    if first is None:
        raise DecodeError("The record names a model that it has no part of.")
    if record.animation is not None:
        return _animation_difference(path, record, first, progress)
    found = decode_image(path)
    # A file can say that it is of any size: what is not its own size is not drawn.
    sheet, image = sheet_of(record, generators), first.spec.image
    size = record.picture.size(sheet.columns * image.width, sheet.rows * image.height)
    if size[0] > found.shape[1] or size[1] > found.shape[0]:
        return None
    return largest_difference(found, _as_stored(path, record, draw(record, generators, progress)))


def _as_stored(path: Path, record: ImageRecord, levels: Levels) -> Levels:
    """What a format makes of the pixels: those of a lossy one differ from what was drawn."""
    with path.open("rb") as file:
        kind = file_kind(file.read(16))
    lossy = kind == "jpeg" or (kind == "webp" and record.picture.quality is not None)
    if not lossy:
        return levels
    form: Literal["jpeg", "webp"] = "jpeg" if kind == "jpeg" else "webp"
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "again"
        again.write_bytes(encode_image(levels, form, None, record.picture.quality))
        return decode_image(again)


def largest_difference(a: Levels, b: Levels) -> float | None:
    """The largest difference of two images of any depth, 0..1; None if their sizes differ.

    Grey and colour are compared as colour, and transparency counts as opaque where one has none.
    """
    if a.shape[:2] != b.shape[:2]:
        return None
    if a.dtype != b.dtype:
        a, b = (x if x.dtype == np.uint8 else (x >> 8).astype(np.uint8) for x in (a, b))
    top = int(np.iinfo(a.dtype).max)
    channels = max(a.shape[2], b.shape[2])
    a, b = (_with_channels(x, channels, top) for x in (a, b))
    difference = np.abs(a.astype(np.int32) - b.astype(np.int32))
    return float(difference.max(initial=0)) / top


def _with_channels(levels: Levels, channels: int, top: int) -> Levels:
    if levels.shape[2] == 1 and channels > 1:
        levels = np.repeat(levels, 3, axis=2)
    if levels.shape[2] == 3 and channels == 4:
        alpha = np.full((*levels.shape[:2], 1), top, levels.dtype)
        levels = np.concatenate([levels, alpha], axis=2)
    return levels


def _animation_difference(
    path: Path, record: ImageRecord, generator: Generator, progress: Progress | None
) -> float | None:
    """Made again in the same format, since most of them lose something, and compared frame by
    frame.
    """
    with path.open("rb") as file:
        kind = file_kind(file.read(16))
    form = _MOVIES.get(kind)
    if form is None:
        raise ImageError(f"{path.name} is no animation.")
    largest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "again"
        write_movie(again, form, record, generator, None, progress)
        for a, b in itertools.zip_longest(movie_frames(path), movie_frames(again)):
            if progress is not None:
                progress.check()
            difference = None if a is None or b is None else largest_difference(a, b)
            if difference is None:
                return None
            largest = max(largest, difference)
    return largest
