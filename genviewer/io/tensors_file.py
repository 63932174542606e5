"""Writes arrays as safetensors files, whole or not at all."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.io.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_SYSTEM_ERROR = re.compile(r"\b(?:os error |code: )(\d{1,9})\b")


def save_tensors(
    path: Path, tensors: Mapping[str, NDArray[Any]], metadata: dict[str, str] | None = None
) -> None:
    """Write arrays by name, atomically.

    Raises:
        OSError: it cannot be written, with the system's reason.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    arrays = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(arrays, temporary, metadata)
        except SafetensorError as error:
            # Of a full disk, too, it tells in words only.
            found = _SYSTEM_ERROR.search(str(error))
            if found is None:
                raise
            raise _system_error(int(found[1])) from error


def _system_error(number: int) -> OSError:
    if sys.platform == "win32":
        import ctypes

        return ctypes.WinError(number)
    return OSError(number, os.strerror(number))
