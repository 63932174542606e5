"""Why something could not be written, as one sentence for a person."""

from __future__ import annotations

import errno
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO, errno.ESTALE, errno.ENOTDIR}


class WriteError(OSError):
    """A file could not be written; the message is one sentence that names it."""


def write_error(error: OSError, path: Path) -> WriteError:
    """The sentence for an error that came up while ``path`` was written."""
    if isinstance(error, WriteError):
        return error
    if error.errno in _FULL:
        why = "there is no space left on the disk, or the file would be too large for it"
    elif error.errno in _FORBIDDEN:
        why = "it is not allowed to write there"
    elif error.errno in _GONE:
        why = "its folder is gone, or its disk was removed"
    elif isinstance(error, FileExistsError):
        why = "it exists already"
    else:
        why = error.strerror or str(error) or type(error).__name__
    return WriteError(f"{Path(path).name} cannot be written: {why}.")


def refuse_existing(path: Path) -> None:
    """Never overwrite silently.

    Raises:
        WriteError: something is there already.
    """
    if path.exists() or path.is_symlink():
        raise WriteError(f"{path.name} exists already; choose another name, or replace it.")
