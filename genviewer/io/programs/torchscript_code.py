"""The text of a TorchScript program, read without running it: does it do more than compute?

TorchScript is a language of its own, printed in the archive. Its operators can write files
(``torch.save``), create them (``torch.from_file``), and run at loading time (``__setstate__``).
What is found here is refused by name even where the person trusts the file; what is not found
still meets the guarded process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genviewer.io.foreign.budget import Budget, UnreadableFileError, clean
from genviewer.io.foreign.source import open_source
from genviewer.io.foreign.zip_index import ZipIndex

if TYPE_CHECKING:
    from pathlib import Path

MAX_CODE_BYTES = 8 << 20
_OWN_OPERATORS = ("aten", "prim", "quantized", "prims")
_WRITES = re.compile(
    r"\b(?:torch|ops\.aten)\.(save|from_file|_save_parameter|load_library|set_num_threads)\s*\("
)
_SETSTATE = re.compile(r"\bdef\s+__setstate__\s*\(")
_NAMESPACE = re.compile(r"\bops\.([A-Za-z_]\w*)\.([A-Za-z_]\w*)")
_ARCHIVE = re.compile(r"^[^/]+/code/.*\.py$", re.DOTALL)


def check_torchscript(path: Path) -> str:
    """The program's text, refused where it does more than compute.

    Raises:
        UnreadableFileError: naming the operator.
    """
    source = open_source(path)
    index = ZipIndex(source, Budget(path.name, source.size))
    names = [name for name in index.entries if _ARCHIVE.match(name)]
    parts, left = [], MAX_CODE_BYTES
    for name in names:
        data = index.read(name, left)
        left -= len(data)
        parts.append(data.decode("utf-8", "replace"))
    code = "\n".join(parts)
    reason = does_more(code)
    if reason is not None:
        raise UnreadableFileError(f"{clean(path.name, 80)} {reason}, so it is not run.")
    return code


def does_more(code: str) -> str | None:
    """What a program's text does besides computing, as the end of a sentence; None if nothing."""
    found = _WRITES.search(code)
    if found is not None:
        return f"is a program that writes files or changes the process (torch.{found[1]})"
    if _SETSTATE.search(code) is not None:
        return "is a program that runs code of its own while it is loaded (__setstate__)"
    for namespace, operator in _NAMESPACE.findall(code):
        if namespace not in _OWN_OPERATORS:
            return f"is a program with operators that are not PyTorch's ({namespace}::{operator})"
    return None
