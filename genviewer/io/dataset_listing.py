"""What images a source has: the one place that tells a folder of them from a zip, CSV or array."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from genviewer.io.dataset_arrays import idx_roles, is_idx, read_idx, read_npz
from genviewer.io.dataset_csv import is_picture, names_files, read_csv
from genviewer.io.dataset_hub import fetch_data
from genviewer.io.dataset_items import UNLABELLED, ArrayItems, FileItems
from genviewer.io.dataset_letters import load_letters
from genviewer.io.dataset_mnist import mnist_folder
from genviewer.io.dataset_parquet import NoImagesError, open_table
from genviewer.io.dataset_parquet_items import ParquetItems
from genviewer.io.dataset_shapes import make_shapes
from genviewer.io.dataset_shards import SUFFIX, choose_shards, is_table
from genviewer.io.dataset_trees import FolderTree, ZipTree, zip_inside
from genviewer.io.dataset_values import MAX_BYTES, BadFileError, DataError, Images, MissingFileError
from genviewer.io.foreign.budget import clean
from genviewer.io.hub import DATA_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.io.dataset_items import Items
    from genviewer.io.dataset_trees import FileTree

DEFAULT_SHAPES = 20_000
TEST_SHAPES = 2_000
_TRAIN = "train"
_HELD = frozenset({"test", "val", "valid", "validation"})


def list_items(source: str, *, seed: int = 0, count: int = 0) -> Items:
    """The images of a source, not yet looked at; takes time where they are arrays.

    Args:
        source: as :func:`genviewer.io.datasets.load_images` takes it.
        seed: of a source that is generated.
        count: of a source that is generated; 0 is its own default.

    Raises:
        DataError: with one sentence for the user.
    """
    if source == "mnist":
        return _listed(mnist_folder())
    if source.startswith("builtin:"):
        return _built_in(source, seed, count)
    if source.startswith(DATA_PREFIX):
        return _listed(fetch_data(source))
    return _listed(Path(source))


def _built_in(source: str, seed: int, count: int) -> Items:
    if source == "builtin:letters":
        return ArrayItems("letters of the fonts on this machine", *load_letters())
    if source != "builtin:shapes":
        raise DataError(
            f"{source} is not known; the built-in sources are builtin:shapes and builtin:letters."
        )
    train = Images(source, make_shapes(seed, count or DEFAULT_SHAPES).images)
    # A seed of its own kind, which no seed of a training set can be.
    test = Images(source, make_shapes([seed, 1], TEST_SHAPES).images)
    return ArrayItems("drawn shapes", train, test)


def _listed(path: Path) -> Items:
    try:
        return _of_path(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise DataError(f"{path} needs more memory than there is.") from error
    except (
        ValueError, KeyError, EOFError, zipfile.BadZipFile, struct.error, zlib.error,
        RuntimeError,  # of zipfile: encrypted, or packed in a way that is not known
    ) as error:  # fmt: skip
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is not a data set that can be read: {error}.") from error


def _of_path(path: Path) -> Items:
    if not path.exists():
        raise DataError(f"{path} does not exist.")
    if path.is_dir():
        return _of_tree(FolderTree(path))
    name = path.name.lower()
    if name.endswith(".zip"):
        return _of_tree(ZipTree(path))
    if name.endswith(SUFFIX):
        tree = FolderTree(path.parent, path.resolve().parent)
        return ParquetItems(tree, [path.name], [False], "a Parquet table")
    if path.is_symlink():  # it was named, so it may lie anywhere; what it names lies beside it
        path = path.resolve()
    if name.endswith((".npz", ".csv")) or is_idx(name):
        return _of_file(FolderTree(path.parent), path.name, str(path))
    raise DataError(
        f"{path} is none of a folder, .npz, .zip, .csv, .parquet or idx file (a name with ubyte "
        "or idx)."
    )


def _of_tree(tree: FileTree) -> Items:
    """Idx files, tables of images, CSV files that name images, images by folder, or the one file of
    another kind.

    In this order: a folder of idx files or tables may hold a preview, and labels beat folders'
    names.
    """
    names = tree.names()
    roles = idx_roles(name for name in names if "/" not in name)
    if "train_images" in roles:
        return ArrayItems(f"idx files in {tree.kind}", *read_idx(tree, roles))
    pictures = [name for name in names if is_picture(name)]
    others = [n for n in names if n.lower().endswith((".npz", ".csv", ".zip")) or is_idx(n)]
    rows = [name for name in names if is_table(name)]
    if rows and (not (pictures or others) or _has_images(tree, rows[0])):
        return _by_row(tree, rows)
    if pictures:
        tables = _tables(tree, names)
        return _by_table(tree, tables) if tables else _by_folder(tree, pictures)
    if len(others) != 1:
        raise DataError(f"{tree.source} has no image files{_instead(others)}.")
    if not others[0].lower().endswith(".zip"):
        return _of_file(tree, others[0], f"{tree.source}/{others[0]}")
    if isinstance(tree, ZipTree):
        raise DataError(f"{tree.source} holds another zip file: unpack it first.")
    return _of_tree(zip_inside(tree, others[0]))


def _instead(others: Sequence[str]) -> str:
    """What is there in the place of images."""
    if others:
        return f", but {len(others)} other files that could hold some: name the one that is meant"
    return ", nor another file that holds some"


def _has_images(tree: FileTree, table: str) -> bool:
    """Whether a Parquet table holds images, rather than tells about those beside it."""
    try:
        open_table(tree, table)
    except NoImagesError:
        return False
    except BadFileError as error:
        tree.refused.append((error.name, error.reason))
        return False
    return True


def _by_row(tree: FileTree, names: Sequence[str]) -> Items:
    """The images that are rows of Parquet tables."""
    shards = choose_shards(names, tree.source)
    kind = "Parquet tables" + (f", without {shards.without}" if shards.without else "")
    return ParquetItems(tree, shards.names, shards.held, kind)


def _tables(tree: FileTree, names: Sequence[str]) -> list[str]:
    """The CSV files that say which class the images beside each have; one in a folder, or none."""
    found = [name for name in names if name.lower().endswith(".csv")]
    if len({PurePosixPath(name).parent for name in found}) < len(found):
        return []
    for name in found:
        with tree.open(name, MAX_BYTES) as file:
            if not names_files(file):
                return []
    return found


def _by_table(tree: FileTree, tables: Sequence[str]) -> Items:
    """The images that CSV files name; those in folders such as ``test`` are held back."""
    names: list[str] = []
    given: list[str] = []
    held: list[bool] = []
    for table in tables:
        with tree.open(table, MAX_BYTES) as file:
            found = read_csv(file, table)
        if isinstance(found, Images):
            raise DataError(f"{table} has rows of pixels, and other files name images.")
        folder = PurePosixPath(table).parent
        names += [name if folder == PurePosixPath() else f"{folder}/{name}" for name in found[0]]
        given += found[1]
        held += [len(tables) > 1 and bool(_HELD & set(folder.parts))] * len(found[0])
    return FileItems(tree, names, given, held, "images that a CSV file names", numbers=True)


def _of_file(tree: FileTree, name: str, shown: str) -> Items:
    """One file of arrays or rows among those of a tree."""
    lower = name.lower()
    if is_idx(lower):
        return ArrayItems("an idx file", *read_idx(tree, _idx_beside(tree, name)))
    with tree.open(name, MAX_BYTES) as file:
        if not lower.endswith(".csv"):
            return ArrayItems("an .npz file of arrays", *read_npz(file, shown))
        found = read_csv(file, shown)
    if isinstance(found, Images):
        return ArrayItems("a CSV file of pixels", found)
    return _by_table(tree, [name])


def _idx_beside(tree: FileTree, name: str) -> dict[str, str]:
    """A file of images, and that of their labels if it lies beside it."""
    roles = {"train_images": name}
    labels = name.replace("images", "labels").replace("idx3", "idx1")
    if labels != name:
        try:
            tree.open(labels).close()
        except MissingFileError:
            return roles
        roles["train_labels"] = labels
    return roles


def _by_folder(tree: FileTree, names: list[str]) -> Items:
    """Folders ``train`` and ``test`` are splits, folders below them classes."""
    parts = [PurePosixPath(name).parts for name in names]
    level = 0
    while len({p[level] for p in parts}) == 1 and all(len(p) > level + 2 for p in parts):
        level += 1
    tops = {p[level] for p in parts if len(p) > level + 1}
    split = _TRAIN in tops and len(tops) > 1 and tops <= {_TRAIN} | _HELD
    held = [split and p[level] in _HELD for p in parts]
    if split:
        level += 1
    given = [clean(p[level], 80) if len(p) > level + 1 else UNLABELLED for p in parts]
    kinds = "of images" if set(given) == {UNLABELLED} else "of images, a folder for each class"
    return FileItems(tree, names, given, held, f"{tree.kind} {kinds}")
