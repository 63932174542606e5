"""Files that carry programs: what a person is asked before one runs, and what they answered.

A remembered answer is for the very bytes of a file; a changed file is asked about again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genviewer.io.atomic import write_bytes
from genviewer.io.foreign.budget import clean
from genviewer.io.foreign.sniff import sniff
from genviewer.io.foreign.source import open_source

if TYPE_CHECKING:
    from pathlib import Path

MAX_STORE_BYTES = 4 << 20
BLOCK_BYTES = 4 << 20
_KINDS = {"torchscript": "a TorchScript program", "pt2": "a program of torch.export"}


@dataclass(frozen=True)
class TrustQuestion:
    """What a person is asked before a file may run.

    Attributes:
        path: the file.
        digest: sha256 of its bytes, under which the answer is remembered.
        kind: what it is, with its article.
        text: the question, as plain text.
    """

    path: Path
    digest: str
    kind: str
    text: str


def needs_trust(path: Path) -> TrustQuestion | None:
    """The question that a file needs answered before it can be opened; None if it needs none.

    Reads the whole file where it is such a program. Any thread.

    Raises:
        UnreadableFileError: if it cannot be read.
    """
    kind = _KINDS.get(sniff(path).kind)
    if kind is None:
        return None
    return TrustQuestion(path, digest_of(path), kind, question(path.name, kind))


def question(name: str, kind: str) -> str:
    """What to ask about a file of that name and kind."""
    return (
        f"{clean(name, 80)} is {kind}, not just weights: to draw with it, genviewer has to run "
        "what is in it. It would run in a process of its own, with limits on memory and time and "
        "without network or files to write. Open it only if you trust where it came from."
    )


def refusal(name: str, kind: str) -> str:
    """Why it is not opened without trust, for the command line."""
    return (
        f"{clean(name, 80)} is {kind}, and opening it runs what is in it; if you trust where it "
        "came from, pass --trust."
    )


def digest_of(path: Path) -> str:
    """sha256 of a file's bytes.

    Raises:
        UnreadableFileError: if it cannot be read.
    """
    source = open_source(path)
    digest = hashlib.sha256()
    for start in range(0, source.size, BLOCK_BYTES):
        digest.update(source.read(start, min(BLOCK_BYTES, source.size - start)))
    return digest.hexdigest()


class TrustStore:
    """The files that were trusted, by their sha256, in a small JSON file.

    Args:
        path: the file; made when something is remembered.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def remembered(self, digest: str) -> bool:
        """Whether these bytes were trusted before; a damaged store remembers nothing."""
        return digest in self._read()

    def remember(self, digest: str) -> None:
        """Trust these bytes from now on.

        Raises:
            OSError: if it cannot be written.
        """
        known = self._read()
        known.add(digest)
        write_bytes(self._path, json.dumps(sorted(known)).encode())

    def _read(self) -> set[str]:
        try:
            if self._path.stat().st_size > MAX_STORE_BYTES:
                return set()
            known = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return set()
        return (
            {item for item in known if isinstance(item, str)} if isinstance(known, list) else set()
        )
