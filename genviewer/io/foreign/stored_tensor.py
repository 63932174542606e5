"""Tensors that stay in their file until they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.io.foreign.budget import (
    MAX_DIMENSIONS,
    UnreadableFileError,
    clean,
)
from genviewer.io.foreign.source import memory_source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.io.foreign.budget import Budget
    from genviewer.io.foreign.source import ByteSource

NUMPY_TYPES: dict[str, str] = {
    "float64": "f8", "float32": "f4", "float16": "f2", "bfloat16": "u2", "complex64": "c8",
    "complex128": "c16", "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
    "uint64": "u8", "uint32": "u4", "uint16": "u2", "uint8": "u1", "bool": "u1",
    "float8_e4m3fn": "u1", "float8_e5m2": "u1", "complex32": "V4", "quint8": "u1", "qint8": "i1",
    "qint32": "i4",
}  # fmt: skip
"""dtype by torch's name -> the NumPy type of its elements in the file."""

SMALL_EXPANDED = 1 << 16
"""Elements up to which a tensor may have more than it stores: buffers are saved expanded."""

_REAL = frozenset({"float64", "float32", "float16", "bfloat16"})
_NAMED_ONLY = frozenset({"float8_e4m3fn", "float8_e5m2", "complex32", "quint8", "qint8", "qint32"})


def item_size(dtype: str) -> int:
    """Bytes per element of a dtype by torch's name."""
    return np.dtype(NUMPY_TYPES[dtype]).itemsize


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """A run of elements in a file, which one or more tensors are views of.

    Attributes:
        dtype: torch's name, such as ``float32``; ``uint8`` for untyped ones.
        source: its bytes.
        big_endian: whether its elements have their highest byte first.
    """

    dtype: str
    source: ByteSource
    big_endian: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes in the file."""
        return self.source.size


@dataclass(frozen=True, slots=True, eq=False)
class StoredTensor:
    """A tensor of a file: dtype, shape and where its elements are.

    Attributes:
        dtype: torch's name, such as ``float32`` or ``bfloat16``.
        shape: lengths.
        strides: in elements.
        offset: of the first element, in elements of ``dtype``.
        storage: shared by tensors that are views of the same elements.
    """

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    storage: Storage

    @property
    def numel(self) -> int:
        """Number of elements."""
        return _product(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the elements, in the file's own type."""
        return self.numel * item_size(self.dtype)

    def array(self) -> NDArray[Any]:
        """The elements as a fresh, contiguous, writable array; reads the file. Any thread.

        bfloat16 becomes float32; every other type stays.

        Raises:
            UnreadableFileError: the file has changed or gone, or NumPy has no such type.
        """
        if self.dtype in _NAMED_ONLY:
            raise UnreadableFileError(f"Tensors of type {self.dtype} are not read.")
        kind = np.dtype(NUMPY_TYPES[self.dtype]).newbyteorder(
            ">" if self.storage.big_endian else "<"
        )
        if not self.numel:
            return self._converted(np.zeros(self.shape, kind))
        reach = 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        flat = np.empty(reach, kind)
        self.storage.source.read_into(self.offset * kind.itemsize, flat.view(np.uint8).data)
        if self.strides == contiguous_strides(self.shape):
            return self._converted(flat.reshape(self.shape))
        strides = tuple(s * kind.itemsize for s in self.strides)
        view = np.lib.stride_tricks.as_strided(flat, self.shape, strides, writeable=False)
        return self._converted(np.ascontiguousarray(view).reshape(self.shape))

    def _converted(self, array: NDArray[Any]) -> NDArray[Any]:
        native = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(self.shape)
        if self.dtype == "bfloat16":
            native = (native.astype(np.uint32) << 16).view(np.float32)
        elif self.dtype == "bool":
            native = native.astype(np.bool_)
        return native

    def float32(self, name: str) -> NDArray[np.float32]:
        """The elements as float32; ``name`` is what an error calls the tensor.

        Raises:
            UnreadableFileError: they are not real numbers; or as :meth:`array`.
        """
        if self.dtype not in _REAL:
            raise UnreadableFileError(
                f"The tensor {clean(name)} holds {self.dtype} values; weights are real numbers."
            )
        return self.array().astype(np.float32, copy=False)

    def __repr__(self) -> str:
        return f"<StoredTensor {self.dtype} {list(self.shape)}>"


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in elements of a contiguous tensor."""
    strides: list[int] = []
    step = 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(length, 1)
    return tuple(reversed(strides))


def make_tensor(
    budget: Budget, storage: Storage, dtype: str, offset: object, shape: object, strides: object
) -> StoredTensor:
    """A tensor over a storage, after everything about it was checked.

    Raises:
        UnreadableFileError: it does not fit its storage, or has more elements than that.
    """
    sizes, steps = _lengths(budget, shape), _lengths(budget, strides)
    if 0 in sizes:
        check_shape(budget, sizes)
    if type(offset) is not int or offset < 0:
        budget.damaged("a tensor begins before its data")
    if len(sizes) != len(steps):
        budget.damaged("a tensor's shape and strides disagree")
    held = storage.nbytes // item_size(dtype)
    count = _product(sizes)
    if count > max(held, SMALL_EXPANDED):
        budget.refuse(
            f"has a tensor of {count:,} elements of which it stores {held:,}, and is not opened"
        )
    if count:
        last = offset + sum((n - 1) * s for n, s in zip(sizes, steps, strict=True))
        if last >= held:
            budget.damaged("a tensor reaches beyond its data")
    budget.spend_tensor(max(count * item_size(dtype), 1))
    return StoredTensor(dtype, sizes, steps, offset, storage)


def tensor_of_array(array: NDArray[Any], name: str) -> StoredTensor | None:
    """A numeric NumPy array of a file as a tensor; None if torch has no such type."""
    dtype = torch_name(array.dtype)
    if dtype is None:
        return None
    data = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    storage = Storage(dtype, memory_source(data.tobytes(), name))
    return StoredTensor(dtype, array.shape, contiguous_strides(array.shape), 0, storage)


def torch_name(dtype: np.dtype[Any]) -> str | None:
    """Torch's name of a NumPy dtype; None if it has no such type."""
    name = "bool" if dtype.kind == "b" else dtype.name
    return name if name in NUMPY_TYPES and name not in _NAMED_ONLY else None


def check_shape(budget: Budget, shape: tuple[int, ...]) -> None:
    """Refuse what no array may have: too many axes, or lengths whose product is beyond all."""
    if len(shape) > MAX_DIMENSIONS or _product(tuple(max(n, 1) for n in shape)) >= 1 << 48:
        budget.damaged("a tensor has no usable shape")


def _lengths(budget: Budget, values: object) -> tuple[int, ...]:
    if not isinstance(values, list | tuple) or len(values) > MAX_DIMENSIONS:
        budget.damaged("a tensor has no usable shape")
    for value in values:
        if type(value) is not int or not 0 <= value < 1 << 48:
            budget.damaged("a tensor has no usable shape")
    return tuple(values)


def _product(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count
