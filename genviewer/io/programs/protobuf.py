"""Walking serialised protobuf without its library: bounded, without recursion into what we skip."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(data: memoryview | bytes, at: int) -> tuple[int, int]:
    """The variable-length integer at ``at``, and where it ends.

    Raises:
        ValueError: if it is longer than 64 bits.
        IndexError: if the data end in it.
    """
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Field numbers and values of one message; a length-delimited value is a view of it.

    Raises:
        ValueError, IndexError: if the bytes are no message.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if wire == BYTES:
            size, at = varint(data, at)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise ValueError("a field has no known type")
        if at + size > end:
            raise ValueError("a field ends after its message")
        yield number, data[at : at + size]
        at += size


def message(value: memoryview | int) -> memoryview:
    """A field's value as a message or bytes; ValueError if it is a number."""
    if isinstance(value, int):
        raise ValueError("a number stands where a message should")
    return value


def text(value: memoryview | int) -> str:
    """A field's value as text; ValueError if it is none."""
    return bytes(message(value)).decode("utf-8")


def integers(value: memoryview | int) -> list[int]:
    """A repeated integer field, packed or not, each signed 64 bits."""
    if isinstance(value, int):
        return [signed(value)]
    numbers, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        numbers.append(signed(number))
    return numbers


def signed(value: int) -> int:
    """A varint as the signed 64-bit number that it encodes."""
    return value - (1 << 64) if value >= 1 << 63 else value


def number(value: memoryview | int) -> float:
    """A float field's value."""
    (result,) = struct.unpack("<f", message(value))
    return float(result)
