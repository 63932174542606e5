"""Which columns of a Parquet table hold images and their classes, by its schema alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from genviewer.io.dataset_items import MAX_CLASSES, UNLABELLED
from genviewer.io.foreign.budget import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

IMAGE_NAMES = ("image", "img", "picture", "photo")
LABEL_NAMES = (
    "label", "labels", "fine_label", "class", "classes", "class_label", "category", "target",
)  # fmt: skip
"""Of several columns the one with the first of these names is taken."""

_MAX_FEATURES_BYTES = 4 << 20
_CLASS = "ClassLabel"
_DEPTH = 2  # names in the path of a column that is read
_BYTES = ".bytes"  # the field of the Hub's structure of an image that holds the file


class Columns(NamedTuple):
    """Where a table has its images and classes.

    Attributes:
        image: path of the column of encoded images.
        label: that of the classes, or None.
        names: of classes that are numbers; None where numbers are the names.
        text: whether the classes are strings.
    """

    image: str
    label: str | None
    names: tuple[str, ...] | None
    text: bool


def find_columns(metadata: Any) -> Columns | None:
    """The columns of a table, or None if it has no images.

    What ``datasets`` has written about the columns counts first (``Image``, ``ClassLabel``), then
    how they are made: a structure with ``bytes`` before plain bytes; a number or string with one of
    :data:`LABEL_NAMES`. Of several that of the first usual name is taken, else the first.

    Args:
        metadata: ``pyarrow.parquet.FileMetaData``.
    """
    leaves = _leaves(metadata)
    features = _features(metadata)
    image = _image(leaves, features)
    if image is None:
        return None
    kinds = {name: kind for name, kind in leaves.items() if kind in ("number", "text")}
    classes = [n for n, kind in kinds.items() if kind == "number" and _type(features, n) == _CLASS]
    label = _preferred(classes, LABEL_NAMES) or _usual(kinds, LABEL_NAMES)
    if label is None:
        return Columns(image, None, None, False)
    names = _names(features, label) if label in classes else None
    return Columns(image, label, names, kinds[label] == "text")


def _leaves(metadata: Any) -> dict[str, str]:
    """The columns that are no lists, by path: ``bytes``, ``text`` or ``number``.

    Those that cannot be read alone, since another's path is the same or goes on from it, are left
    out.
    """
    columns = [metadata.schema.column(place) for place in range(metadata.num_columns)]
    paths = [tuple(column.path.split(".")[: _DEPTH + 1]) for column in columns]
    begun = Counter(path[:depth] for path in paths for depth in range(1, len(path) + 1))
    found: dict[str, str] = {}
    for path, column in zip(paths, columns, strict=True):
        if len(path) > _DEPTH or begun[path] > 1 or column.max_repetition_level:
            continue
        kind = _kind(column.physical_type, column.logical_type.type)
        if kind is not None:
            found[column.path] = kind
    return found


def _kind(physical: str, logical: str) -> str | None:
    if physical == "BYTE_ARRAY":
        return {"NONE": "bytes", "STRING": "text", "ENUM": "text"}.get(logical)
    number = physical in ("INT32", "INT64", "BOOLEAN") and logical in ("NONE", "INT")
    return "number" if number else None


def _features(metadata: Any) -> dict[str, Any]:
    """What ``datasets`` says of each column, as far as it can be understood."""
    text = (metadata.metadata or {}).get(b"huggingface", b"")
    if len(text) > _MAX_FEATURES_BYTES:
        return {}
    try:
        found = msgspec.json.decode(text)
        features = found["info"]["features"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def _type(features: dict[str, Any], name: str) -> str | None:
    feature = features.get(name)
    found = feature.get("_type") if isinstance(feature, dict) else None
    return found if isinstance(found, str) else None


def _image(leaves: dict[str, str], features: dict[str, Any]) -> str | None:
    bytes_ = [path for path, kind in leaves.items() if kind == "bytes"]
    inside = [path.removesuffix(_BYTES) for path in bytes_ if path.endswith(_BYTES)]
    plain = [path for path in bytes_ if "." not in path]
    told = [name for name in (*inside, *plain) if _type(features, name) == "Image"]
    for names in (told, inside, plain):
        free = [name for name in names if _type(features, name) in (None, "Image", "Value")]
        found = _preferred(free, IMAGE_NAMES)
        if found is not None:
            return found + _BYTES if found in inside else found
    return None


def _preferred(names: Sequence[str], usual: Sequence[str]) -> str | None:
    """The first of the usual names, else the first of all."""
    return _usual(names, usual) or (names[0] if names else None)


def _usual(names: Iterable[str], usual: Sequence[str]) -> str | None:
    lower = {name.lower(): name for name in reversed(list(names))}
    return next((lower[name] for name in usual if name in lower), None)


def _names(features: dict[str, Any], label: str) -> tuple[str, ...] | None:
    """The names of classes, if they are different ones and not too many."""
    told = features[label].get("names")
    if not isinstance(told, list) or not 0 < len(told) <= MAX_CLASSES:
        return None
    names = tuple(clean(name, 80) for name in told)
    return names if len(set(names)) == len(names) and UNLABELLED not in names else None
