"""Starting a program's guarded process again from what its bundle says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genviewer.io.programs.guarded_process import GuardedProcess, memory_for

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.io.bundle import Bundle


def opened_again(bundle: Bundle, path: Path, threads: int) -> GuardedProcess:
    """The program of a bundle that a reader opened before.

    Args:
        bundle: whose ``network`` says how it is opened.
        path: the program's file.
        threads: threads of one run.

    Raises:
        ProgramError: if it does not open.
        OSError, ValueError: if the file cannot be read.
    """
    network = bundle.config.network
    request = {"runtime": network["runtime"], "path": str(path.absolute())}
    request |= network.get("open", {})
    arrays: list[NDArray[Any]] = []
    if network["runtime"] == "module":
        tensors = bundle.tensors()
        request["names"], arrays = list(tensors), list(tensors.values())
    size = path.stat().st_size + sum(array.nbytes for array in arrays)
    return GuardedProcess(request, arrays, memory=memory_for(size, bundle.trusted), threads=threads)
