"""Writing what was drawn: an image, a sheet, arrays, or a folder with a manifest.

Every file is either complete or not there, and what exists is replaced only when asked to.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from genviewer.cli.errors import CommandError, UsageError, say
from genviewer.core.condition_parsing import describe, labels_from_conditions
from genviewer.core.recipe import to_json
from genviewer.io.atomic import replacing, write_bytes
from genviewer.io.image_formats import encode_image, format_of
from genviewer.io.images import ImageError, ImageRecord, encode_png, layout_sheet
from genviewer.io.latents_file import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from genviewer.cli.sampling import Samples
    from genviewer.core.recipe import ModelRef

Kind = Literal["image", "npy", "npz", "folder"]
KINDS: dict[str, Kind] = {
    ".png": "image",
    ".webp": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".npy": "npy",
    ".npz": "npz",
}
MAX_SIDE = {".webp": 16383, ".jpg": 65535, ".jpeg": 65535}
"""The longest side, in pixels, that a format can store."""

MANIFEST_NAME = "manifest.json"


def kind_of(out: Path) -> Kind:
    """What an output path asks for; whatever has no known suffix is a folder."""
    return KINDS.get(out.suffix.lower(), "folder")


def check_output(out: Path, force: bool) -> None:
    """Refuse to replace what is there, before any work is done.

    Raises:
        CommandError: the output exists and ``force`` is not given, or cannot be replaced by one
            of this kind.
    """
    folder = kind_of(out) == "folder"
    if not out.exists():
        if out.is_symlink():
            raise CommandError(f"{out} is a link that leads nowhere.")
        return
    if folder != out.is_dir():
        raise CommandError(f"{out} exists and is {'not ' if folder else ''}a folder.")
    if not force and not (folder and not any(out.iterdir())):
        raise CommandError(f"{out} exists; --force replaces it.")


def check_latents_output(path: Path, force: bool) -> None:
    """Refuse to replace a file of latents, or to write one of an unknown kind.

    Raises:
        CommandError: it exists and ``force`` is not given, or its suffix is unknown.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise CommandError(f"{path} is to hold latents: it ends in {', '.join(SUFFIXES)}.")
    if (path.exists() or path.is_symlink()) and not (force and path.is_file()):
        raise CommandError(f"{path} exists; --force replaces it.")


def check_raw(out: Path, raw: bool) -> None:
    """``--raw`` is the network's own numbers, which only `.npy` can hold."""
    if raw and kind_of(out) != "npy":
        raise UsageError("--raw writes the network's own output, so --out has to be a .npy file.")


def write_image(out: Path, tiles: NDArray[np.uint8], record: ImageRecord | None) -> None:
    """One image, or for several tiles a sheet of ceil(sqrt(N)) columns.

    Args:
        out: a path with the suffix of an image format.
        tiles: uint8 (N, H, W, C).
        record: how the sample or the sheet was made.

    Raises:
        CommandError: the sheet is larger than the format allows.
    """
    suffix = out.suffix.lower()
    count = len(tiles)
    columns = columns_of(count)
    rows = -(-count // columns)
    pixels = layout_sheet(tiles, np.arange(count), rows, columns)
    if max(pixels.shape[:2]) > MAX_SIDE.get(suffix, 1 << 31):
        raise CommandError(f"A sheet of {count} samples is too large for {suffix}; use .png.")
    text = None
    if record is not None:
        try:
            text = record.text()
        except ImageError:
            say("what the sheet was made from is too much to keep in the file")
    write_bytes(out, encode_image(pixels, format_of(out), text))


def columns_of(count: int) -> int:
    """The columns of a sheet of ``count`` samples."""
    return math.isqrt(count - 1) + 1


def write_npy(out: Path, array: NDArray[Any]) -> None:
    """A `.npy` file."""
    with replacing(out) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)


def write_npz(
    out: Path, images: NDArray[np.uint8], latents: NDArray[Any], samples: Samples
) -> None:
    """A `.npz` file: ``images`` uint8 (N, H, W, C), ``latents``, ``labels``, ``seeds``.

    ``latents`` are those that the decoder took, so ``--latents`` draws the same from them;
    ``labels`` as :func:`labels_from_conditions` has them; ``seeds`` is empty where latents
    were given.
    """
    conditions = [samples.condition(index) for index in range(samples.count)]
    with replacing(out) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            images=images,
            latents=latents,
            labels=labels_from_conditions(conditions, samples.spec),
            seeds=samples.seeds,
        )


def write_folder(
    out: Path, chunks: Iterable[NDArray[np.uint8]], samples: Samples, model: ModelRef
) -> None:
    """One PNG per sample, each with its Recipe, and a manifest.

    Everything is written beside the folder first; the manifest comes in last. Files of other
    names in a folder that was there already are left alone.

    Args:
        out: the folder; made if it is not there.
        chunks: uint8 (n, H, W, C), the samples in their order.
        samples: what they are of.
        model: who drew them.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        width = max(5, len(str(samples.count - 1)))
        entries = []
        for index, pixels in enumerate(_each(chunks)):
            recipe = samples.recipe(index)
            name = f"{index:0{width}d}.png"
            (work / name).write_bytes(encode_png(pixels, ImageRecord(model, recipe)))
            entries.append(
                {
                    "file": name,
                    "seed": samples.seed(index),
                    "condition": describe(recipe.condition, samples.spec),
                    "recipe": json.loads(to_json(recipe)),
                }
            )
        manifest = {"model": {"name": model.name, "id": model.id}, "images": entries}
        (work / MANIFEST_NAME).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
        out.mkdir(exist_ok=True)
        for name in [*(str(entry["file"]) for entry in entries), MANIFEST_NAME]:
            (work / name).replace(out / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _each(chunks: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    for chunk in chunks:
        yield from chunk
