"""Encoder and decoder in files of their own, side by side: which file is the other half."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import flat_tensors, read_contents
from genviewer.io.readers.canonical import networks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genviewer.io.foreign.stored_tensor import StoredTensor
    from genviewer.io.readers.layers import Tensor

_DECODERS = ("decoder", "generator", "dec", "gen", "G")
_ENCODERS = ("encoder", "enc", "E")
_WORD = re.compile(
    r"(?<![A-Za-z])(?P<net>net_?)?(?P<word>decoder|generator|encoder|dec|gen|enc|[GE])(?![A-Za-z])",
    re.IGNORECASE,
)
MAX_NAME = 200


def other_half(path: Path) -> tuple[Path, bool] | None:
    """The file beside ``path`` that is called as it, but after the other side of a network.

    Returns the file and whether it is the encoder. A few names are looked up one by one; nothing
    is listed, and nothing outside the folder is looked at.
    """
    name = path.name
    match = _WORD.search(name) if len(name) <= MAX_NAME else None
    if match is None:
        return None
    word = match["word"]
    wants_encoder = word.lower() in {one.lower() for one in _DECODERS}
    for other in _ENCODERS if wants_encoder else _DECODERS:
        start, end = match.span("word")
        for spelt in dict.fromkeys((other, other.lower(), other.upper(), other.capitalize())):
            beside = path.with_name(name[:start] + spelt + name[end:])
            if beside.is_file() and not beside.is_symlink():
                return beside, wants_encoder
    return None


def joined(path: Path, tensors: Mapping[str, StoredTensor]) -> tuple[dict[str, Tensor], str] | None:
    """Both halves as the tensors of one network, and the other file's name; None without one."""
    found = other_half(path)
    if found is None:
        return None
    beside, is_encoder = found
    try:
        others = flat_tensors(read_contents(beside))
    except UnreadableFileError:
        return None
    mine, theirs = networks(tensors), networks(others)
    if not mine or not theirs:
        return None
    encoder, decoder = (theirs[0], mine[0]) if is_encoder else (mine[0], theirs[0])
    both: dict[str, Tensor] = {f"encoder.{key}": value for key, value in encoder.tensors.items()}
    both |= {f"decoder.{key}": value for key, value in decoder.tensors.items()}
    return both, beside.name
