"""Messages between the program and a guarded process: a small JSON header, then arrays.

Arrays travel through memory that both map where the system allows it, else through the pipe. What
arrives is checked on both sides: the other one may have been taken over by what it runs.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
import tempfile
from typing import IO, TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_HEADER_BYTES = 4 << 20
MAX_PAYLOAD_BYTES = 1 << 30
AREA_BYTES = 256 << 20
DTYPES = (
    "float32", "float16", "float64", "uint8", "int8", "int16", "uint16", "int32", "uint32",
    "int64", "uint64", "bool",
)  # fmt: skip


class ChannelError(RuntimeError):
    """The other side has gone, or what it said makes no sense."""


def make_area() -> int | None:
    """A file descriptor of :data:`AREA_BYTES` that another process can map; None on Windows."""
    if os.name == "nt":
        return None
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("genviewer")
    else:
        with tempfile.TemporaryFile() as file:
            handle = os.dup(file.fileno())
    os.ftruncate(handle, AREA_BYTES)  # takes memory only where something is written
    return handle


class Channel:
    """One end of the connection. Messages alternate; one thread at a time.

    Args:
        reader, writer: the pipe's ends.
        area: a descriptor of :func:`make_area`, mapped here and not closed; None for none.
    """

    def __init__(self, reader: IO[bytes], writer: IO[bytes], area: int | None) -> None:
        self._reader = reader
        self._writer = writer
        self._area = None if area is None else mmap.mmap(area, AREA_BYTES)

    def close(self) -> None:
        """Unmap the shared memory and close the pipe's ends."""
        for end in (self._writer, self._reader):
            try:
                end.close()
            except OSError:  # what was left to write has no reader any more
                continue
        if self._area is not None:
            self._area.close()

    def send(self, header: dict[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> None:
        """Send one message.

        Raises:
            ChannelError: if the other side has gone, or the arrays are too large.
        """
        blocks = [np.ascontiguousarray(array) for array in arrays]
        total = sum(block.nbytes for block in blocks)
        shared = self._area is not None and total <= AREA_BYTES
        if total > MAX_PAYLOAD_BYTES:
            raise ChannelError("the arrays are too large to hand over")
        described = [[block.dtype.name, list(block.shape)] for block in blocks]
        raw = msgspec.json.encode(header | {"arrays": described, "shared": shared})
        try:
            if shared and self._area is not None:
                at = 0
                for block in blocks:
                    self._area[at : at + block.nbytes] = block.tobytes()
                    at += block.nbytes
            self._writer.write(struct.pack("<I", len(raw)) + raw)
            if not shared:
                for block in blocks:
                    self._writer.write(block.tobytes())
            self._writer.flush()
        except (OSError, ValueError) as error:
            raise ChannelError("the other process has gone") from error

    def receive(self) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """The next message; arrays are copies. Waits for it.

        Raises:
            ChannelError: if the other side has gone or sent nonsense.
        """
        (length,) = struct.unpack("<I", self._exactly(4))
        if length > MAX_HEADER_BYTES:
            raise ChannelError("a message is too long")
        try:
            header = msgspec.json.decode(self._exactly(length))
            described, shared = header.pop("arrays"), header.pop("shared")
            wanted = [_described(entry) for entry in described]
        except (msgspec.DecodeError, RecursionError, AttributeError, KeyError, TypeError) as error:
            raise ChannelError("a message cannot be read") from error
        total = sum(size for _dtype, _shape, size in wanted)
        if total > (AREA_BYTES if shared else MAX_PAYLOAD_BYTES):
            raise ChannelError("the arrays of a message are too large")
        arrays: list[NDArray[Any]] = []
        at = 0
        for dtype, shape, size in wanted:
            if shared:
                if self._area is None:
                    raise ChannelError("a message refers to memory that is not there")
                raw = self._area[at : at + size]
                at += size
            else:
                raw = self._exactly(size)
            arrays.append(np.frombuffer(raw, dtype).reshape(shape))
        return header, arrays

    def _exactly(self, size: int) -> bytes:
        try:
            data = self._reader.read(size)
        except (OSError, ValueError) as error:
            raise ChannelError("the other process has gone") from error
        if len(data) != size:
            raise ChannelError("the other process has gone")
        return data


def _described(entry: Any) -> tuple[str, tuple[int, ...], int]:
    dtype, shape = entry
    if dtype not in DTYPES or len(shape) > 16:
        raise TypeError
    if any(not isinstance(size, int) or size < 0 for size in shape):
        raise TypeError
    return dtype, tuple(shape), math.prod(shape) * np.dtype(dtype).itemsize
