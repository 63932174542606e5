"""Reads the checkpoints that runs are resumed from; their files may come from anywhere."""

from __future__ import annotations

import pickle
import struct
import zipfile
from typing import TYPE_CHECKING, Any, TypeVar

from genviewer.engine.memory_errors import is_out_of_memory
from genviewer.engine.train_config import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
_TIMES_WEIGHTS, _BESIDE_BYTES = 4, 16 << 20
"""A checkpoint holds weights, their average and two moments of each, and little beside."""
_BLOCK = 1 << 20


class DamagedCheckpointError(TrainingError):
    """What is in a file is no checkpoint of this network; an older one may do."""


def load_checkpoint(path: Path, weights: int, take: Callable[[dict[str, Any]], T]) -> T:
    """What ``take`` makes of the tensors, numbers and dicts in a file; no code in it is run.

    ``weights`` are the bytes of the network that it is to be for; a file that unpacks to far more
    is not read. Imports torch.

    Raises:
        DamagedCheckpointError: the file is damaged, or ``take`` cannot use it.
        TrainingError: the system does not give its content, or not the memory for it.
    """
    import torch

    try:
        _check_size(path, _most_bytes(weights))
        return take(torch.load(path, map_location="cpu", weights_only=True))
    except (
        RuntimeError, LookupError, ValueError, TypeError, AttributeError, OSError, EOFError,
        ArithmeticError, pickle.UnpicklingError, struct.error, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        kind = DamagedCheckpointError if _is_damage(error, path, weights) else TrainingError
        raise kind(f"{path} cannot be resumed: {error}.") from error


def _most_bytes(weights: int) -> int:
    return _TIMES_WEIGHTS * weights + _BESIDE_BYTES


def _is_damage(error: Exception, path: Path, weights: int) -> bool:
    """Whether a checkpoint could not be read for what is in it."""
    if is_out_of_memory(error) or (isinstance(error, OSError) and error.errno is not None):
        return False
    try:  # torch does not tell an error of the system from a file that ends too early
        if path.is_file():  # a pipe would be waited for
            with path.open("rb") as file:
                left = _most_bytes(weights)
                while left > 0 and file.read(_BLOCK):
                    left -= _BLOCK
    except OSError:
        return False
    return True


def _check_size(path: Path, most: int) -> None:
    if not path.is_file():  # a pipe would be waited for
        raise ValueError("it is no regular file")
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > most:
        raise ValueError(f"it holds {unpacked:,} bytes, far more than this network needs")
