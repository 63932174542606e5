"""Whether what was dropped is images to train on, rather than a model or an export."""

from __future__ import annotations

import os
import zipfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.io.bundle import CONFIG_NAME
from genviewer.io.dataset_arrays import is_idx
from genviewer.io.dataset_csv import is_picture, names_files
from genviewer.io.dataset_shards import is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WEIGHTS = (
    ".pt", ".pth", ".ckpt", ".bin", ".pkl", ".safetensors", ".onnx", ".pt2", ".th", ".tar", ".h5",
    ".index",
)  # fmt: skip
MODEL_NAMES = (CONFIG_NAME, "model_index.json")
MAX_NAMES = 2000
"""So many names of a folder or an archive are looked at."""

LEAST_NAMES = 16  # of each of many folders

MAX_DEPTH, MAX_FOLDERS = 5, 32
"""The folder itself and so many levels less one below it, and so many folders of each level."""


def is_run(path: Path) -> bool:
    """Whether a folder is that of a training rather than a model's."""
    return (path / "train.toml").is_file() and not (path / CONFIG_NAME).is_file()


def is_data_set(path: Path) -> bool:
    """Whether a file or folder holds images to train on. A bounded look, by names and the first
    lines; who reads it says what is wrong with it.
    """
    name = path.name.lower()
    try:
        if path.is_dir():
            return _names_data(_names_in(path))
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                return _names_data(islice(archive.namelist(), MAX_NAMES))
        if name.endswith(".npz"):
            with zipfile.ZipFile(path) as archive:
                names = {entry.removesuffix(".npy") for entry in archive.namelist()}
            return bool(names & {"images", "train_images"})
        if name.endswith(".csv"):
            with path.open("rb") as file:
                return names_files(file)
        return (is_idx(name) or is_table(name)) and path.is_file()
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _names_data(names: Iterable[str]) -> bool:
    """Images or arrays of them, and nothing that is a model's."""
    found = False
    for name in names:
        lowered = name.lower()
        if lowered.endswith(WEIGHTS) or lowered.rpartition("/")[2] in MODEL_NAMES:
            return False
        found = found or is_picture(name) or is_idx(name) or is_table(name)
        found = found or lowered.endswith((".npz", ".csv", ".zip"))
    return found


def _names_in(folder: Path) -> Iterator[str]:
    """Names in a folder and in the first folders below it, such as ``train/cat``, level by level.

    Hidden folders and links to folders are not looked into, nor are they when they are read.
    """
    left, level = MAX_NAMES, [folder]
    for depth in range(MAX_DEPTH):
        below: list[Path] = []
        share = left if depth == 0 else max(left // len(level), LEAST_NAMES)
        for place in level:
            try:
                with os.scandir(place) as entries:
                    looked_at = list(islice(entries, min(share, left)))
            except OSError:
                if depth == 0:
                    raise
                continue  # of one that may not be looked into the others say enough
            left -= len(looked_at)
            for entry in looked_at:
                if not entry.is_dir(follow_symlinks=False):
                    yield Path(entry.path).relative_to(folder).as_posix()
                elif not entry.name.startswith((".", "__MACOSX")):
                    below.append(Path(entry.path))
        level = sorted(below)[:MAX_FOLDERS]
        if not level or left <= 0:
            return
