"""Reads the checkpoints that runs are resumed from; their files may come from anywhere."""

from __future__ import annotations

import pickle
import struct
import zipfile
from typing import TYPE_CHECKING, Any, TypeVar

from genviewer.engine.train_config import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
_TIMES_WEIGHTS, _BESIDE_BYTES = 4, 16 << 20
"""A checkpoint holds weights, their average and two moments of each, and little beside."""


def load_checkpoint(path: Path, weights: int, take: Callable[[dict[str, Any]], T]) -> T:
    """What ``take`` makes of the tensors, numbers and dicts in a file; no code in it is run.

    ``weights`` are the bytes of the network that it is to be for; a file that unpacks to far more
    is not read. Imports torch.

    Raises:
        TrainingError: the file is damaged, or ``take`` cannot use it.
    """
    import torch

    try:
        _check_size(path, weights)
        return take(torch.load(path, map_location="cpu", weights_only=True))
    except (
        RuntimeError, LookupError, ValueError, TypeError, AttributeError, OSError, EOFError,
        ArithmeticError, pickle.UnpicklingError, struct.error, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise TrainingError(f"{path} cannot be resumed: {error}.") from error


def _check_size(path: Path, weights: int) -> None:
    if not path.is_file():  # a pipe would be waited for
        raise ValueError("it is no regular file")
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _TIMES_WEIGHTS * weights + _BESIDE_BYTES:
        raise ValueError(f"it holds {unpacked:,} bytes, far more than this network needs")
