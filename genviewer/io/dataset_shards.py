"""Which Parquet tables of a folder are read and which of them are held back, by their names alone.

As the Hugging Face Hub names them: ``data/train-00000-of-00002.parquet``, ``test.parquet``, or
``default/validation/0000.parquet``, where ``default`` is a configuration of several.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from genviewer.io.dataset_values import DataError
from genviewer.io.foreign.budget import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIX = ".parquet"
_ABOUT_FILES = "metadata.parquet"  # of a folder of images, which it only tells about
_TRAIN = frozenset({"train", "training"})
_HELD = frozenset(
    {"test", "testing", "eval", "evaluation", "val", "valid", "validation", "dev"}
)  # fmt: skip
_PART = re.compile(r"-\d{5}-of-\d{5}(-[0-9a-f]+)?\.parquet", re.IGNORECASE)  # older ones end so
_SHOWN = 6  # configurations in a sentence


class Shards(NamedTuple):
    """Tables, which of them are held back for testing, and what is not read, in plain words."""

    names: list[str]
    held: list[bool]
    without: str


def is_table(name: str) -> bool:
    """Whether a file's name is that of a Parquet table which may hold images."""
    lower = name.lower()
    return lower.endswith(SUFFIX) and PurePosixPath(lower).name != _ABOUT_FILES


def is_shard(name: str) -> bool:
    """Whether a table is called as the Hub calls the parts of what was uploaded as a table."""
    return _PART.search(name) is not None


def choose_shards(names: Sequence[str], place: str) -> Shards:
    """The tables that are read; those of one configuration, where there are several.

    That is the one which lies in no folder, or in ``data``, or in ``default``. Where a split is for
    training, those for testing are held back and others are not read; else all others are for
    training, and all of them where there is only one.

    Args:
        names: tables.
        place: what they lie in, to which the name of a folder can be added.

    Raises:
        DataError: several configurations, none of them the usual one; names them.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_configuration(name), []).append(name)
    usual = next((key for key in ("", "default") if key in found), None)
    if usual is None and len(found) > 1:
        folders = sorted(_folder(name) for name in (tables[0] for tables in found.values()))
        listed = ", ".join(clean(folder, 60) for folder in folders[:_SHOWN])
        raise DataError(
            f"{place} has {len(found)} configurations ({listed}{', …' * (len(folders) > _SHOWN)}): "
            f"name the folder of one, as in {place}/{clean(folders[0], 60)}."
        )
    chosen = next(iter(found)) if usual is None else usual
    without = sorted(clean(key, 60) for key in found if key != chosen)
    kept, held, others = _by_split(found[chosen])
    without += others
    return Shards(kept, held, ", ".join(without[:_SHOWN]) + ", …" * (len(without) > _SHOWN))


def _by_split(names: Sequence[str]) -> tuple[list[str], list[bool], list[str]]:
    """The tables to read, which of them are held back, and the splits that are not read."""
    splits = [_split(name) for name in names]
    if "train" not in splits and (None not in splits or "held" not in splits):
        return list(names), [False] * len(names), []
    wanted = {"held", "train" if "train" in splits else None}
    kept = [name for name, split in zip(names, splits, strict=True) if split in wanted]
    held = [split == "held" for split in splits if split in wanted]
    others = {
        clean(_PART.sub("", PurePosixPath(name).name).removesuffix(SUFFIX), 60)
        for name, split in zip(names, splits, strict=True)
        if split not in wanted
    }
    return kept, held, sorted(others)


def _split(name: str) -> str | None:
    """``train`` or ``held`` as the file says, or else the folders around it; None if none does."""
    for part in reversed(PurePosixPath(name).parts):
        found = _split_word(part)
        if found is not None:
            return found
    return None


def _split_word(text: str) -> str | None:
    for word in re.split(r"[^a-z]+", text.lower()):
        if word in _TRAIN:
            return "train"
        if word in _HELD:
            return "held"
    return None


def _configuration(name: str) -> str:
    """The folders of a table, without those of splits and ``data``."""
    parts = PurePosixPath(name).parts[:-1]
    return "/".join(p for p in parts if _split_word(p) is None and p.lower() != "data")


def _folder(name: str) -> str:
    """The folder of a table's configuration, from the first of the folders on."""
    parts = list(PurePosixPath(name).parts[:-1])
    while parts and _split_word(parts[-1]) is not None:
        parts.pop()
    return "/".join(parts)
