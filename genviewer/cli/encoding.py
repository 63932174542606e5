"""What `genviewer encode` reads and writes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genviewer.cli.errors import CommandError, UsageError, say, sentence
from genviewer.core.condition import pack
from genviewer.core.condition_parsing import conditions_from_labels
from genviewer.io.atomic import write_bytes
from genviewer.io.dataset_decode import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.core.spec import Spec
    from genviewer.io.bundle import Bundle


def check_npz(out: Path) -> None:
    """UsageError unless the output is an .npz."""
    if out.suffix.lower() != ".npz":
        raise UsageError(f"--out is an .npz, not {out.name!r}.")


@dataclass(frozen=True, eq=False)
class Read:
    """The images that are encoded.

    Attributes:
        images: bytes or floats in [0, 1], of any layout that the model can be given.
        labels: the model's class of each, int64 (N,), where the data say it.
        rows: int64 (N,), which of the ``count`` that were named could be read.
        count: how many were named.
    """

    images: NDArray[np.generic]
    labels: NDArray[np.int64] | None
    rows: NDArray[np.int64]
    count: int


def read_images(paths: Sequence[Path], spec: Spec) -> Read:
    """The images of files, a folder or a data set.

    Image files become grey or coloured as the model's are: not every format knows grey. Those that
    cannot be read are told and left out. The names of the data's classes say which of the model's
    they are; data whose classes are others than the model's say none, which is told.

    Raises:
        CommandError, DataError, ImageError: they cannot be read; none of the files can.
    """
    if all(path.suffix.lower() in PICTURE_SUFFIXES for path in paths):
        return _of_files(paths, spec)
    if len(paths) > 1:
        raise UsageError("Several IMAGES are image files; name one folder or data set.")
    path = paths[0]
    if path.suffix.lower() == ".npy":
        return _all(_levels(path, spec), None)
    from genviewer.engine.viewed_data import model_labels
    from genviewer.io.datasets import load_images

    image = spec.image
    train, _ = load_images(str(path), mixed_shape=(image.height, image.width, image.channels))
    labels = model_labels(train, spec)
    if labels is None and train.labels is not None and spec.conditions:
        say(f"the classes of {path} are not those of {spec.name}, and are left out")
    return _all(train.images, labels)


def _all(images: NDArray[np.generic], labels: NDArray[np.int64] | None) -> Read:
    return Read(images, labels, np.arange(len(images)), len(images))


def read_npy(path: Path) -> NDArray[np.generic]:
    """A `.npy` array of numbers; nothing in the file is executed, its size is checked first."""
    if not path.is_file():
        raise CommandError(f"{path} is not a file.")
    try:
        array: NDArray[np.generic] = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, EOFError, SyntaxError) as error:
        raise CommandError(f"{path} is not a .npy file of numbers.") from error
    if array.dtype.kind not in "fiu" or not array.ndim:
        raise CommandError(f"{path} holds {array.dtype} {array.shape}, not images or labels.")
    return array


def _levels(path: Path, spec: Spec) -> NDArray[np.generic]:
    """A `.npy` array of bytes, of values in [0, 1], or in the model's range, which is below 0 too.

    Raises:
        CommandError: as :func:`read_npy`; or it holds others, such as bytes kept as integers.
    """
    array = read_npy(path)
    if array.dtype != np.uint8 and array.size and float(array.min()) >= 0.0:
        if float(array.max()) > max(1.0, spec.image.range[1]) + 1e-3:
            raise CommandError(f"{path} holds neither bytes (uint8) nor values in [0, 1].")
    return array


def _of_files(paths: Sequence[Path], spec: Spec) -> Read:
    """The files that hold images of the model's size; of the others it is told why not.

    Raises:
        CommandError, ImageError: there is none.
    """
    from genviewer.io.dataset_fit import with_channels
    from genviewer.io.image_decode import decode_picture
    from genviewer.io.images import ImageError

    image = spec.image
    wanted = (image.height, image.width, image.channels)
    images: list[NDArray[np.generic]] = []
    rows: list[int] = []
    for row, path in enumerate(paths):
        try:
            levels: NDArray[np.generic] = decode_picture(path)
            if levels.dtype == np.uint8:
                levels = with_channels(levels.astype(np.uint8)[None], image.channels)[0]
            if levels.shape != wanted:
                given, own = (" x ".join(map(str, shape)) for shape in (levels.shape, wanted))
                raise CommandError(
                    f"{path} is an image of {given} values (height, width, channels), and "
                    f"{spec.name} takes images of {own}."
                )
        except (ImageError, CommandError) as error:
            if len(paths) == 1:
                raise
            say(sentence(error))
        else:
            images.append(levels)
            rows.append(row)
    if not images:
        raise CommandError("None of the images can be used.")
    found: NDArray[np.generic] = np.stack(images)
    if found.dtype != np.uint8:  # 16 bits, or 8 and 16
        most = [255.0 if levels.dtype == np.uint8 else 65535.0 for levels in images]
        found = found.astype(np.float32) / np.array(most, np.float32)[:, None, None, None]
    return Read(found, None, np.array(rows, np.int64), len(paths))


def told_conditions(path: Path, read: Read, spec: Spec) -> NDArray[np.float32] | None:
    """Packed conditions (N, K) that a file has for every image that was named.

    Raises:
        CommandError: there are not as many labels as images.
        ConditionError: the labels do not fit the model.
    """
    if not spec.conditions:
        return None
    conditions = conditions_from_labels(np.asarray(read_npy(path)), spec)
    if len(conditions) != read.count:
        raise CommandError(f"There are {len(conditions)} labels for {read.count} image(s).")
    return np.stack([pack(conditions[row], spec) for row in read.rows])


def conditions_of(
    found: NDArray[np.int64] | None,
    images: NDArray[np.float32],
    bundle: Bundle,
    device: str = "auto",
    *,
    remedy: str,
) -> NDArray[np.float32] | None:
    """Packed conditions (N, K) of images: ``found``, else empty ones.

    A model that cannot do without is asked which class it takes each image for; one that cannot
    say that either takes image i for class i mod K. Both is told, and where there are no classes
    that the other conditions are empty.

    Args:
        found: the model's class of each image, int64 (N,), where the data say it.
        images: float32 (N, C, H, W) in the model's range.
        bundle: the model.
        device: where it is asked.
        remedy: ends what is told, such as ``see --labels``.
    """
    spec = bundle.spec
    if not spec.conditions:
        return None
    from genviewer.cli.inspecting import told_progress
    from genviewer.engine.directions_images import conditions_of_images

    with told_progress(f"classes of {len(images)} image(s)") as progress:
        y, guess = conditions_of_images(bundle, images, found, device, progress)
    if guess == "believed":
        say(f"{spec.name} needs the class: an image has the one it takes it for; {remedy}")
    elif guess == "in turn" and spec.class_condition is None:
        needed = " and ".join(spec.must_be_told)
        say(f"{spec.name} needs {needed}: nothing is told of an image; {remedy}")
    elif guess == "in turn":
        say(f"{spec.name} needs the class: image i is taken for class i mod K; {remedy}")
    return y


def write_posterior(out: Path, mean: NDArray[np.float32], logvar: NDArray[np.float32]) -> None:
    """The .npz with keys mean and logvar, atomically."""
    buffer = io.BytesIO()
    np.savez(buffer, mean=mean, logvar=logvar)
    write_bytes(out, buffer.getvalue())
