"""A bundle's folder written beside its place and moved there when it is whole."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.io.bundle import CONFIG_NAME, BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_place(out: Path, force: bool) -> None:
    """Refuse a place where something is.

    Raises:
        BundleError: naming it, unless it is an empty folder, or a folder and ``force`` is given.
    """
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise BundleError(f"{out} exists and is not a folder.")
    if not force and any(out.iterdir()):
        raise BundleError(f"{out} exists; --force replaces what is in it.")


@contextlib.contextmanager
def bundle_folder(out: Path, force: bool = False) -> Iterator[Path]:
    """Yield an empty folder whose files are in ``out`` when the block ends well.

    After an error ``out`` is as it was. ``config.json`` comes last where the folder was there.

    Raises:
        BundleError: as :func:`check_place`.
        OSError: if it cannot be written.
    """
    check_place(out, force)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield work
        if not out.exists():
            work.chmod(0o755)
            work.rename(out)
            return
        for path in sorted(work.iterdir(), key=lambda path: path.name == CONFIG_NAME):
            path.replace(out / path.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
