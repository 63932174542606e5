"""Python's own containers, paths and the like out of pickles, as the plainest values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.inert import MISFIT, safe_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.io.foreign.rebuild import Rebuilder


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


_TYPES = {
    "dict": _dictionary, "list": _list, "tuple": _tuple, "set": _set, "frozenset": _frozenset,
    "int": _same(int), "long": _same(int), "float": _same(float), "bool": _same(bool),
    "str": _same(str), "unicode": _same(str), "bytes": _same(bytes), "bytearray": _same(bytes),
}  # fmt: skip

_PATHS = ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")

PLAIN_CALLS: dict[tuple[str, str], Callable[[Rebuilder, tuple[Any, ...]], Any]] = {
    **{(module, n): f for module in ("builtins", "__builtin__") for n, f in _TYPES.items()},
    **{(module, n): _path for module in ("pathlib", "pathlib._local") for n in _PATHS},
    ("collections", "OrderedDict"): _dictionary,
    ("collections", "Counter"): _dictionary,
    ("collections", "defaultdict"): _default_dictionary,
    ("collections", "deque"): _list,
    ("dnnlib", "EasyDict"): _dictionary,
    ("dnnlib.util", "EasyDict"): _dictionary,
    ("_codecs", "encode"): _encoded,
    ("torch", "Size"): _tuple,
    ("torch", "device"): _device,
}  # fmt: skip
"""(module, name) -> what rebuilds its result."""
