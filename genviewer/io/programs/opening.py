"""Starting a program's guarded process again from what its bundle says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.io.programs.guarded_process import GuardedProcess, memory_for

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.io.bundle import Bundle


def opened_again(bundle: Bundle, path: Path, threads: int) -> GuardedProcess:
    """The program of a bundle that a reader opened before.

    Raises:
        ProgramError: if it does not open.
        OSError: if the file cannot be read.
    """
    network = bundle.config.network
    request = {
        "runtime": network["runtime"],
        "path": str(path.absolute()),
        **network.get("open", {}),
    }
    return GuardedProcess(
        request, memory=memory_for(path.stat().st_size, bundle.trusted), threads=threads
    )
