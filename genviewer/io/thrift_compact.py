"""Numbers out of structures in Thrift's compact protocol, in which Parquet describes itself.

Strict: where another reader could understand the same bytes otherwise (a field that is there twice
or of another kind, a number that is too long for its kind), they are refused.
(thrift-compact-protocol.md of Apache Thrift.)
"""

from __future__ import annotations

from typing import Any

from genviewer.io.programs.protobuf import varint

I32, I64 = 5, 6
MAX_STRUCTS = 500_000  # that are given
_STOP, _TRUE, _FALSE, _BYTE, _I16, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = (
    0, 1, 2, 3, 4, 7, 8, 9, 10, 12,
)  # fmt: skip
_BITS = {_I16: 16, I32: 32, I64: 64}
_MAX_DEPTH = 16

Wanted = dict[int, Any]
"""Fields by number: I32 or I64, the Wanted of a structure, or a list of the Wanted of its items."""


class CompactError(ValueError):
    """Bytes that are no structure as it was expected."""


class CutShortError(CompactError):
    """The bytes end before the structure does."""


class CompactReader:
    """A reader of structures, one after the other.

    Attributes:
        at: where in the bytes it has come to.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._structs = 0
        self.at = 0

    def read(self, wanted: Wanted) -> dict[int, Any]:
        """The fields of the next structure that are wanted and there.

        Raises:
            CutShortError: the bytes end before it does.
            CompactError: it is damaged, or larger than anything that is sound.
        """
        return self._struct(wanted, 0)

    def _struct(self, wanted: Wanted, depth: int) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise CompactError("it is too deep")
        found: dict[int, Any] = {}
        field = 0
        while (byte := self._byte()) != _STOP:
            kind, step = byte & 15, byte >> 4
            field = field + step if step else self._number(_I16)
            if field > 32767:
                raise CompactError("a field has no possible number")
            want = wanted.get(field)
            if want is None:
                if kind not in (_TRUE, _FALSE):  # which the kind says already
                    self._skip(kind, depth)
            elif field in found:
                raise CompactError("a field is there twice")
            else:
                found[field] = self._value(want, kind, depth)
        return found

    def _value(self, want: Any, kind: int, depth: int) -> Any:
        if isinstance(want, int) and kind == want:
            return self._number(kind)
        if isinstance(want, dict) and kind == _STRUCT:
            return self._item(want, depth)
        if isinstance(want, list) and kind == _LIST:
            inner, count = self._list()
            if inner == _STRUCT or not count:
                return [self._item(want[0], depth) for _ in range(count)]
        raise CompactError("a field is of another kind")

    def _item(self, want: Wanted, depth: int) -> dict[int, Any]:
        self._structs += 1
        if self._structs > MAX_STRUCTS:
            raise CompactError("it has far too many parts")
        return self._struct(want, depth + 1)

    def _skip(self, kind: int, depth: int) -> None:
        """Over a value; a truth value in a list takes a byte."""
        if kind in _BITS:
            self._number(kind)
        elif kind in (_TRUE, _FALSE, _BYTE):
            self._over(1)
        elif kind == _DOUBLE:
            self._over(8)
        elif kind == _BINARY:
            self._over(self._varint())
        elif kind in (_LIST, _SET):
            inner, count = self._list()
            if depth > _MAX_DEPTH:
                raise CompactError("it is too deep")
            for _ in range(count):
                self._skip(inner, depth + 1)
        elif kind == _STRUCT:
            self._struct({}, depth + 1)
        else:
            raise CompactError("a field is of a kind that is not known")

    def _list(self) -> tuple[int, int]:
        """The kind of a list's items, and how many there are, each at least of one byte."""
        byte = self._byte()
        count = byte >> 4 if byte >> 4 < 15 else self._varint()
        if count > len(self._data) - self.at:
            raise CutShortError("it ends in a list")
        return byte & 15, count

    def _byte(self) -> int:
        if self.at >= len(self._data):
            raise CutShortError("it has no end")
        byte = self._data[self.at]
        self.at += 1
        return byte

    def _over(self, count: int) -> None:
        if count > len(self._data) - self.at:
            raise CutShortError("it ends in a value")
        self.at += count

    def _varint(self) -> int:
        try:
            value, self.at = varint(self._data, self.at)
        except IndexError:
            raise CutShortError("it has no end") from None
        except ValueError as error:
            raise CompactError("a number has no end") from error
        return value

    def _number(self, kind: int) -> int:
        value = self._varint()
        if value >> _BITS[kind]:
            raise CompactError("a number is too large for its kind")
        return value >> 1 ^ -(value & 1)
