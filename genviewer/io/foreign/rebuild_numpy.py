"""NumPy's scalars and arrays out of pickles, rebuilt without NumPy's own unpickling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.io.foreign.budget import MAX_DIMENSIONS
from genviewer.io.foreign.inert import MISFIT, Global, Record
from genviewer.io.foreign.stored_tensor import (
    Storage,
    StoredTensor,
    check_shape,
    contiguous_strides,
    make_tensor,
    torch_name,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.io.foreign.budget import Budget
    from genviewer.io.foreign.rebuild import Rebuilder

_CODES = frozenset("biufc")
_MAX_ITEM = 16


class PendingDtype(Record):
    """A ``numpy.dtype``: its code such as ``f4``, and the byte order that its state tells."""

    __slots__ = ("code", "order")

    def __init__(self, kind: Global, args: tuple[Any, ...]) -> None:
        super().__init__(kind, args)
        self.code = args[0]
        self.order = "<"

    def build(self, budget: Budget, state: Any) -> None:
        """Take ``(version, byte order, ...)``."""
        if isinstance(state, tuple) and len(state) > 1 and state[1] in (">", "<", "|", "="):
            self.order = ">" if state[1] == ">" else "<"
        self.state = None

    def resolve(self) -> np.dtype[Any] | None:
        """A plain numeric dtype; None for strings, objects, structures and what is no code."""
        code = self.code
        known = (
            isinstance(code, str)
            and 2 <= len(code) <= 3
            and code[0] in _CODES
            and code[1:] in ("1", "2", "4", "8", "16")
        )
        if not known:
            return None
        try:
            dtype = np.dtype(self.order + code)
        except TypeError:
            return None
        return dtype if dtype.itemsize <= _MAX_ITEM else None


class PendingArray(Record):
    """A ``numpy.ndarray`` before its state is known; ``array`` is it afterwards.

    A small one is a read-only array, a large one a tensor that stays in the file.
    """

    __slots__ = ("array",)

    def __init__(self, kind: Global, args: tuple[Any, ...]) -> None:
        super().__init__(kind, args)
        self.array: NDArray[Any] | StoredTensor | None = None

    def build(self, budget: Budget, state: Any) -> None:
        """Take ``(version, shape, dtype, is_fortran, bytes)``; others stay as inert state."""
        if not isinstance(state, tuple) or len(state) != 5:
            self.state = state
            return
        _, shape, dtype, fortran, data = state
        self.array = _array(budget, shape, dtype, bool(fortran), data)
        if self.array is None:
            self.state = state


def _array(
    budget: Budget, shape: Any, dtype: Any, fortran: bool, data: Any
) -> NDArray[Any] | StoredTensor | None:
    """An array over bytes in memory; a tensor over bytes that stayed in the file."""
    resolved = dtype.resolve() if isinstance(dtype, PendingDtype) else None
    if resolved is None or not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS:
        return None
    if not all(type(n) is int and 0 <= n < 1 << 48 for n in shape):
        budget.damaged("an array has no usable shape")
    check_shape(budget, shape)
    if isinstance(data, str):
        budget.spend_inline(len(data))
        data = data.encode("latin-1", "replace")
    size = len(data) if isinstance(data, bytes) else getattr(data, "size", -1)
    if size != math.prod(shape) * resolved.itemsize:
        budget.damaged("an array's shape and data disagree")
    if isinstance(data, bytes):
        budget.spend_tensor(max(size, 1))
        flat = np.frombuffer(data, resolved)
        return flat.reshape(shape, order="F" if fortran else "C")
    name = torch_name(resolved)
    if name is None:
        return None
    strides = contiguous_strides(shape)
    if fortran:
        strides = tuple(reversed(contiguous_strides(tuple(reversed(shape)))))
    storage = Storage(name, data, resolved.str.startswith(">"))
    return make_tensor(budget, storage, name, 0, shape, strides)


def _dtype(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``numpy.dtype("f4", False, True)``."""
    if not args or not isinstance(args[0], str):
        return MISFIT
    return PendingDtype(Global("numpy", "dtype"), args)


def _scalar(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``scalar(dtype, bytes)``: a Python number."""
    if len(args) != 2 or not isinstance(args[0], PendingDtype):
        return MISFIT
    array = _array(rebuilder.budget, (), args[0], False, args[1])
    return array.item() if isinstance(array, np.ndarray) else MISFIT


def _reconstruct(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``_reconstruct(ndarray, (0,), b"b")``: an array whose state follows."""
    return PendingArray(Global("numpy", "ndarray"), args[:1])


def _from_buffer(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``_frombuffer(bytes, dtype, shape, order)``: an array of protocol 5."""
    if len(args) != 4 or not isinstance(args[1], PendingDtype):
        return MISFIT
    array = _array(rebuilder.budget, args[2], args[1], args[3] == "F", args[0])
    return MISFIT if array is None else array


NUMPY_CALLS = {
    ("numpy", "dtype"): _dtype,
    **{
        (f"numpy.{core}.multiarray", name): function
        for core in ("core", "_core")
        for name, function in (("scalar", _scalar), ("_reconstruct", _reconstruct))
    },
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}
"""(module, name) -> what rebuilds its result."""
