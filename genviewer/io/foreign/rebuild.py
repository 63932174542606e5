"""The closed list of what pickles of models call, rebuilt by hand as plain values.

Only exact names count, never a prefix. What is not in the list becomes an inert record or ends
the reading, as :mod:`genviewer.io.foreign.verdict` says; nothing is imported or called.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.budget import clean
from genviewer.io.foreign.inert import MISFIT, Global, Record
from genviewer.io.foreign.pickle_machine import safe_key
from genviewer.io.foreign.rebuild_numpy import (
    NUMPY_CALLS,
    PendingArray,
    PendingDtype,
)
from genviewer.io.foreign.source import memory_source
from genviewer.io.foreign.stored_tensor import (
    Storage,
    StoredTensor,
    make_tensor,
)
from genviewer.io.foreign.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from genviewer.io.foreign.budget import Budget
    from genviewer.io.foreign.source import ByteSource


class Rebuilder:
    """Makes plain values in the place of calls, and notes what it did not know.

    Args:
        budget: of the file.
        read_nested: reads a file inside the file, such as the storages in StyleGAN's pickles.
    """

    def __init__(self, budget: Budget, read_nested: Callable[[ByteSource], Any]) -> None:
        self.budget = budget
        self.read_nested = read_nested
        self.records: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()

    def call(
        self, callee: Global | Record, args: tuple[Any, ...], kwargs: dict[Any, Any] | None
    ) -> Any:
        """What stands for the result of a call.

        Raises:
            UnreadableFileError: naming what the file would have run.
        """
        if isinstance(callee, Global):
            known = _CALLS.get((callee.module, callee.name))
            if known is not None and kwargs is None:
                value = known(self, args)
                if value is not MISFIT:
                    return value
                self.records[clean(callee.label, 80)] += 1
            else:
                self._note(callee)
        elif callee.kind == _GETATTR:
            self.budget.refuse("would run what builtins.getattr gives, and is not opened")
        return Record(callee, args, kwargs)

    def _note(self, callee: Global) -> None:
        verdict = judge(callee)
        if verdict == "refuse":
            self.budget.refuse(
                f"would run {clean(callee.label, 80)}, which no model needs, and is not opened"
            )
        counter = self.records if verdict == "record" else self.functions
        counter[clean(callee.label, 80)] += 1

    def build(self, target: Any, state: Any) -> Any:
        """What stands for an object after its state was set; most often the object itself."""
        if isinstance(target, PendingDtype | PendingArray):
            target.build(self.budget, state)
            return self.settled(target)
        if isinstance(target, Record):
            if isinstance(target.state, dict) and isinstance(state, dict):
                target.state = {**target.state, **state}
                self.charge(len(target.state))
            else:
                target.state = state
        elif isinstance(target, Global):
            self.budget.refuse(f"would change {clean(target.label, 80)}, and is not opened")
        return target

    def settled(self, record: Record) -> Any:
        """The array that a record stands for once its state is known; else the record itself."""
        if isinstance(record, PendingArray) and record.array is not None:
            return record.array
        return record

    def charge(self, amount: int) -> None:
        """Count the copying of ``amount`` values as so many instructions."""
        self.budget.opcodes += amount

    def keys(self, values: Iterable[Any]) -> list[Any]:
        """Values as elements of a set, or keys of a dictionary."""
        result = [safe_key(value) for value in values]
        self.charge(len(result))
        return result


# Tensors -----------------------------------------------------------------------------------------


def _tensor(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``_rebuild_tensor`` and ``_v2``: storage, offset, size, stride, ..."""
    if len(args) < 4 or not isinstance(args[0], Storage):
        return MISFIT
    return make_tensor(rebuilder.budget, args[0], args[0].dtype, *args[1:4])


def _tensor_v3(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``_rebuild_tensor_v3``: as v2, and the dtype for a storage without one."""
    if len(args) < 7 or not isinstance(args[0], Storage) or not isinstance(args[6], Global):
        return MISFIT
    dtype = args[6].name if args[6].module == "torch" else ""
    if dtype not in STORAGE_TYPES.values():
        return MISFIT
    return make_tensor(rebuilder.budget, args[0], dtype, *args[1:4])


def _first_tensor(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """A Parameter or Variable around a tensor."""
    return args[0] if args and isinstance(args[0], StoredTensor) else MISFIT


def _typed(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``_rebuild_from_type_v2(function, type, args, state)``: what the function gives."""
    if len(args) < 3 or not isinstance(args[0], Global) or not isinstance(args[2], tuple):
        return MISFIT
    known = _CALLS.get((args[0].module, args[0].name))
    if known not in (_tensor, _tensor_v3, _first_tensor):
        return MISFIT
    return known(rebuilder, args[2])


def _nested(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``torch.storage._load_from_bytes``: a whole torch file in a byte string."""
    if len(args) != 1:
        return MISFIT
    source = args[0]
    if isinstance(source, bytes):
        source = memory_source(source, rebuilder.budget.name)
    if not hasattr(source, "read_into"):
        return MISFIT
    rebuilder.budget.enter_nested()
    value = rebuilder.read_nested(source)
    rebuilder.budget.leave_nested()
    return value


STORAGE_TYPES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
    "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
    "ComplexHalfStorage": "complex32", "QUInt8Storage": "quint8", "QInt8Storage": "qint8",
    "QInt32Storage": "qint32", "UntypedStorage": "uint8", "_UntypedStorage": "uint8",
    "UInt16Storage": "uint16", "UInt32Storage": "uint32", "UInt64Storage": "uint64",
    "Float8_e4m3fnStorage": "float8_e4m3fn", "Float8_e5m2Storage": "float8_e5m2",
}  # fmt: skip
"""Storage classes of torch -> the dtype of their elements."""


def storage_dtype(kind: object) -> str | None:
    """The dtype of a storage class that a pickle names; None if it is no storage class."""
    if isinstance(kind, Global) and kind.module in ("torch", "torch.cuda", "torch.storage"):
        return STORAGE_TYPES.get(kind.name)
    return None


# Plain values ------------------------------------------------------------------------------------


def _dictionary(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """dict, OrderedDict, Counter, EasyDict: of nothing, of a dict, or of pairs."""
    result: dict[Any, Any] = {}
    if not args:
        return result
    if len(args) != 1 or not isinstance(args[0], dict | list | tuple):
        return MISFIT
    pairs = list(args[0].items()) if isinstance(args[0], dict) else list(args[0])
    rebuilder.charge(2 * len(pairs))
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            return MISFIT
        result[safe_key(pair[0])] = pair[1]
    return result


def _default_dictionary(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``defaultdict(factory, ...)``; the factory is left out."""
    return _dictionary(rebuilder, args[1:])


def _list(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """List, tuple's like and deque; a deque's greatest length is left out."""
    if not args:
        return []
    if not isinstance(args[0], list | tuple | set | frozenset):
        return MISFIT
    rebuilder.charge(len(args[0]))
    return list(args[0])


def _tuple(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    values = _list(rebuilder, args)
    return values if values is MISFIT else tuple(values)


def _set(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    values = _list(rebuilder, args)
    return values if values is MISFIT else set(rebuilder.keys(values))


def _frozenset(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    values = _set(rebuilder, args)
    return values if values is MISFIT else frozenset(values)


def _same(*kinds: type) -> Callable[[Rebuilder, tuple[Any, ...]], Any]:
    """A built-in type around a value of its own kind."""

    def rebuild(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
        if not args:
            return kinds[0]()
        return args[0] if len(args) == 1 and isinstance(args[0], kinds) else MISFIT

    return rebuild


def _encoded(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``_codecs.encode(text, "latin1")``: how bytes are written in protocol 2."""
    if len(args) != 2 or not isinstance(args[0], str) or not isinstance(args[1], str):
        return MISFIT
    if args[1].replace("-", "").lower() not in ("latin1", "iso88591", "utf8", "ascii"):
        return MISFIT
    rebuilder.budget.spend_inline(len(args[0]))
    encoding = "utf-8" if "8" in args[1][-1:] and "u" in args[1].lower() else "latin-1"
    try:
        return args[0].encode(encoding)
    except UnicodeEncodeError:
        return MISFIT


def _path(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """A path, as text."""
    if not all(isinstance(part, str) for part in args) or len(args) > 256:
        return MISFIT
    rebuilder.budget.spend_text(sum(len(part) for part in args))
    return "/".join(args).replace("//", "/")


def _device(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``torch.device(type, index)``, as text."""
    if not 1 <= len(args) <= 2 or not all(isinstance(part, str | int) for part in args):
        return MISFIT
    return ":".join(str(part)[:32] for part in args)


def _attribute(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``getattr(something, name)``: its name, one step longer; nothing is looked up."""
    if len(args) == 2 and isinstance(args[1], str) and not args[1].startswith("__"):
        if isinstance(args[0], Global):
            rebuilder.budget.spend_text(len(args[0].name) + len(args[1]))
            return Global(args[0].module, f"{args[0].name}.{args[1]}")
        if isinstance(args[0], Record):
            return Record(_GETATTR, args)
    return rebuilder.budget.refuse("would run builtins.getattr, and is not opened")


# Objects -----------------------------------------------------------------------------------------


def _reconstructed(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``copyreg._reconstructor(class, base, state)``: an object of protocol 0 or 1."""
    if len(args) != 3 or not isinstance(args[0], Global):
        return MISFIT
    value = rebuilder.call(args[0], (), None)
    if isinstance(value, Record):
        if isinstance(args[2], dict):
            value.mapping = args[2]
        elif isinstance(args[2], list | tuple):
            rebuilder.charge(len(args[2]))
            value.items = list(args[2])
    elif isinstance(value, dict) and isinstance(args[2], dict):
        return args[2]
    return value


def _new(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``copyreg.__newobj__(class, *args)``."""
    if not args or not isinstance(args[0], Global):
        return MISFIT
    return rebuilder.call(args[0], args[1:], None)


def _new_with_names(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``copyreg.__newobj_ex__(class, args, kwargs)``."""
    if len(args) != 3 or not isinstance(args[0], Global) or not isinstance(args[1], tuple):
        return MISFIT
    return rebuilder.call(args[0], args[1], args[2] if isinstance(args[2], dict) else None)


_GETATTR = Global("builtins", "getattr")

PERSISTENCE = "torch_utils.persistence"
"""The module name of a StyleGAN network's record; its own name is that of the network class."""


def _persistent(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """StyleGAN's persistence record, whose source text is never run: class name and state."""
    if len(args) != 1 or not isinstance(args[0], dict):
        return MISFIT
    name, state = args[0].get("class_name"), args[0].get("state")
    kind = Global(PERSISTENCE, name if isinstance(name, str) else "")
    rebuilder.records[clean(kind.label, 80)] += 1
    return Record(kind, args, None, state if isinstance(state, dict) else None)


def _first(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """TorchScript's typed lists and tags: the list itself."""
    return args[0] if args else MISFIT


_Known = dict[tuple[str, str], "Callable[[Rebuilder, tuple[Any, ...]], Any]"]

_BUILTINS = {
    "dict": _dictionary, "list": _list, "tuple": _tuple, "set": _set, "frozenset": _frozenset,
    "int": _same(int), "long": _same(int), "float": _same(float), "bool": _same(bool),
    "str": _same(str), "unicode": _same(str), "bytes": _same(bytes),
    "bytearray": _same(bytes), "getattr": _attribute,
}  # fmt: skip

_PATHS = [
    (module, name)
    for module in ("pathlib", "pathlib._local")
    for name in (
        "Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"
    )
]  # fmt: skip

_CALLS: _Known = {
    **{(module, n): f for module in ("builtins", "__builtin__") for n, f in _BUILTINS.items()},
    **dict.fromkeys(_PATHS, _path),
    **dict.fromkeys(
        [("collections", "OrderedDict"), ("collections", "Counter"), ("dnnlib.util", "EasyDict"),
         ("dnnlib", "EasyDict")], _dictionary),
    ("collections", "defaultdict"): _default_dictionary,
    ("collections", "deque"): _list,
    ("_codecs", "encode"): _encoded,
    **{(m, "_reconstructor"): _reconstructed for m in ("copyreg", "copy_reg")},
    **{(m, "__newobj__"): _new for m in ("copyreg", "copy_reg")},
    **{(m, "__newobj_ex__"): _new_with_names for m in ("copyreg", "copy_reg")},
    ("torch", "Size"): _tuple,
    ("torch", "device"): _device,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_v3,
    ("torch._utils", "_rebuild_parameter"): _first_tensor,
    ("torch._utils", "_rebuild_parameter_with_state"): _first_tensor,
    ("torch._tensor", "_rebuild_from_type_v2"): _typed,
    ("torch.nn.parameter", "Parameter"): _first_tensor,
    ("torch.nn.parameter", "Buffer"): _first_tensor,
    ("torch.autograd.variable", "Variable"): _first_tensor,
    ("torch.storage", "_load_from_bytes"): _nested,
    (PERSISTENCE, "_reconstruct_persistent_obj"): _persistent,
    **{("torch.jit._pickle", n): _first for n in (
        "build_intlist", "build_tensorlist", "build_doublelist", "build_boollist",
        "restore_type_tag")},
    **NUMPY_CALLS,
}  # fmt: skip
"""(module, name) -> what rebuilds its result."""
