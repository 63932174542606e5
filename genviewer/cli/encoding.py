"""What `genviewer encode` reads and writes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from genviewer.cli.errors import CommandError, UsageError, say
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


def read_images(
    paths: Sequence[Path], spec: Spec
) -> tuple[NDArray[np.generic], NDArray[np.int64] | None]:
    """The images of files, a folder or a data set, and the model's class of each where said.

    Image files become grey or coloured as the model's are: not every format knows grey. The names
    of the data's classes say which of the model's they are; data whose classes are others than the
    model's say none, which is told.

    Raises:
        CommandError, DataError, ImageError: they cannot be read.
    """
    if all(path.suffix.lower() in PICTURE_SUFFIXES for path in paths):
        return _stacked(paths, spec.image.channels), None
    if len(paths) > 1:
        raise UsageError("Several IMAGES are image files; name one folder or data set.")
    path = paths[0]
    if path.suffix.lower() == ".npy":
        return _levels(path, spec), None
    from genviewer.engine.viewed_data import model_labels
    from genviewer.io.datasets import load_images

    image = spec.image
    train, _ = load_images(str(path), mixed_shape=(image.height, image.width, image.channels))
    labels = model_labels(train, spec)
    if labels is None and train.labels is not None and spec.conditions:
        say(f"the classes of {path} are not those of {spec.name}, and are left out")
    return train.images, labels


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


def _stacked(paths: Sequence[Path], channels: int) -> NDArray[np.generic]:
    from genviewer.io.dataset_fit import with_channels
    from genviewer.io.image_decode import decode_picture

    images: list[NDArray[np.generic]] = []
    for path in paths:
        levels = decode_picture(path)
        bytes_alone = levels.astype(np.uint8)[None] if levels.dtype == np.uint8 else None
        images.append(levels if bytes_alone is None else with_channels(bytes_alone, channels)[0])
    first = images[0].shape
    for path, image in zip(paths, images, strict=True):
        if image.shape != first:
            raise CommandError(f"{path} has another size than {paths[0]}; encode it apart.")
    stack = np.stack(images)
    return stack if stack.dtype == np.uint8 else (stack / np.float32(65535.0)).astype(np.float32)


def conditions_of(
    path: Path | None,
    found: NDArray[np.int64] | None,
    images: NDArray[np.float32],
    bundle: Bundle,
    device: str = "auto",
) -> NDArray[np.float32] | None:
    """Packed conditions (N, K) of the images: those of a file, else ``found``, else empty ones.

    A model that cannot do without is asked which class it takes each image for; one that cannot
    say that either takes image i for class i mod K. Both is told.

    Args:
        path: of the file, or None.
        found: the model's class of each image, int64 (N,), where the data say it.
        images: float32 (N, C, H, W) in the model's range.
        bundle: the model.
        device: where it is asked.

    Raises:
        CommandError: there are not as many labels as images.
        ConditionError: the labels do not fit the model.
    """
    spec = bundle.spec
    if not spec.conditions:
        return None
    if path is not None:
        conditions = conditions_from_labels(np.asarray(read_npy(path)), spec)
        if len(conditions) != len(images):
            raise CommandError(f"There are {len(conditions)} labels for {len(images)} image(s).")
        return np.stack([pack(condition, spec) for condition in conditions])
    from genviewer.cli.inspecting import told_progress
    from genviewer.engine.directions_images import conditions_of_images

    with told_progress(f"classes of {len(images)} image(s)") as progress:
        y, guess = conditions_of_images(bundle, images, found, device, progress)
    if guess == "believed":
        say(f"{spec.name} needs the class: an image has the one it takes it for; see --labels")
    elif guess == "in turn":
        say(f"{spec.name} needs the class: image i is taken for class i mod K; see --labels")
    return y


def write_posterior(out: Path, mean: NDArray[np.float32], logvar: NDArray[np.float32]) -> None:
    """The .npz with keys mean and logvar, atomically."""
    buffer = io.BytesIO()
    np.savez(buffer, mean=mean, logvar=logvar)
    write_bytes(out, buffer.getvalue())
