"""What a data set holds, before anything is trained on it."""

from __future__ import annotations

from dataclasses import dataclass

UNLABELLED = ""
"""The class of all images of a data set without classes, in mappings; no folder is called so."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found in a data set.

    Attributes:
        source: the path or name that it was asked for.
        kind: what it is, in plain words, such as ``a folder with a folder for each class``.
        count: usable images to train on.
        class_counts: the classes and how many of these images each has; empty without classes.
        sizes: ((width, height), images), most frequent first.
        modes: (colour mode in plain words, images), most frequent first.
        bad: (file, reason) of the first of those that are left out.
        bad_count: how many are left out.
        test_count: images of a test split that the data set itself has.
    """

    source: str
    kind: str
    count: int
    class_counts: tuple[tuple[str, int], ...]
    sizes: tuple[tuple[tuple[int, int], int], ...]
    modes: tuple[tuple[str, int], ...]
    bad: tuple[tuple[str, str], ...]
    bad_count: int
    test_count: int
