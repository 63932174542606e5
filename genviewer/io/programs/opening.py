"""Starting a program's guarded process again from what its bundle says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.programs.guarded_process import GuardedProcess, ProgramError, memory_for
from genviewer.io.programs.trust import digest_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.io.bundle import Bundle


def opened_again(bundle: Bundle, path: Path, threads: int) -> GuardedProcess:
    """The program of a bundle that a reader opened before.

    Args:
        bundle: whose ``network`` says how it is opened.
        path: the program's file.
        threads: threads of one run.

    Raises:
        ProgramError: if it does not open, needs a trust that was not given, or has changed since
            it was trusted.
        OSError, ValueError: if the file cannot be read.
    """
    network = bundle.config.network
    # A bundle's configuration comes with the bundle, so it may not say what else is to run.
    request: dict[str, Any] = {}
    if network["runtime"] != "onnx":
        if not bundle.trusted or bundle.reader == "bundle":
            raise ProgramError("runs a program, which needs your trust first", "refused")
        request = dict(network.get("open", {}))
        _check_unchanged(path, network.get("sha256"))
        if "module_path" in request:
            _check_unchanged(Path(request["module_path"]), request.get("module_sha256"))
    request |= {"runtime": network["runtime"], "path": str(path.absolute())}
    arrays: list[NDArray[Any]] = []
    if network["runtime"] == "module":
        tensors = bundle.tensors()
        request["names"], arrays = list(tensors), list(tensors.values())
    size = path.stat().st_size + sum(array.nbytes for array in arrays)
    return GuardedProcess(request, arrays, memory=memory_for(size, bundle.trusted), threads=threads)


def _check_unchanged(path: Path, digest: str | None) -> None:
    try:
        same = not digest or digest_of(path) == digest
    except UnreadableFileError as error:
        raise ProgramError("cannot be read any more", "gone") from error
    if not same:
        raise ProgramError("has changed since it was trusted: open it again", "refused")
