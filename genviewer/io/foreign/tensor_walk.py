"""Walking what a file holds, however entangled: no recursion, a budget of steps, no circles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.io.foreign.budget import (
    MAX_TENSORS,
    MAX_WALK_DEPTH,
    MAX_WALK_ENTERED,
    MAX_WALK_VISITS,
    UnreadableFileError,
)
from genviewer.io.foreign.inert import GETATTR, Global, Record
from genviewer.io.foreign.stored_tensor import StoredTensor, tensor_of_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_KEY = 1024
MAX_PATHS_LENGTH = 64 << 20

INSIDE, FOUND = 1, 2
"""What a visit says: look inside the value; it is one of those that are looked for."""


def key_text(key: object) -> str:
    """A dictionary key as a part of a path; odd ones become a question mark."""
    if isinstance(key, str):
        return key if len(key) <= MAX_KEY else f"{key[:MAX_KEY]}…"
    if isinstance(key, bytes):
        return key[:MAX_KEY].decode("latin-1")
    if isinstance(key, Global):
        return key.label
    if isinstance(key, tuple):
        return f"({', '.join(key_text(part) for part in key)})"
    return str(key) if isinstance(key, int | float | None) else "?"


def is_module(record: Record) -> bool:
    """Whether a record has the parts that every ``torch.nn.Module`` has."""
    return isinstance(record.attribute("_modules"), dict) and isinstance(
        record.attribute("_parameters"), dict
    )


def children(value: Any) -> Iterable[tuple[str | None, Any]]:
    """What a value holds, by name; a name of None adds nothing to the path."""
    if isinstance(value, dict):
        return ((key_text(key), child) for key, child in value.items())
    if isinstance(value, list | tuple):
        return ((str(i), child) for i, child in enumerate(value))
    if isinstance(value, Record):
        return _record_children(value)
    return ()


def _record_children(record: Record) -> Iterator[tuple[str | None, Any]]:
    if is_module(record):
        yield None, record.attribute("_parameters")
        buffers = record.attribute("_buffers")
        if isinstance(buffers, dict):
            left_out = record.attribute("_non_persistent_buffers_set")
            left_out = left_out if isinstance(left_out, set | frozenset) else ()
            for key, child in buffers.items():
                if key not in left_out:
                    yield key_text(key), child
        yield None, record.attribute("_modules")
        return
    parts = record.parts
    for part in parts:
        yield from ((key_text(key), child) for key, child in part.items())
    if record.items:
        yield None, record.items
    if record.state is not None and not isinstance(record.state, dict | tuple):
        yield "state", record.state
    bare = not any(parts) and not record.items and record.state is None
    if bare and record.kind != GETATTR:
        yield None, record.args


@dataclass(slots=True)
class _Level:
    name: str | None
    value: Any
    children: Iterator[tuple[str | None, Any]]
    fruitful: bool = False


def walk(tree: Any, name: str, visit: Callable[[Callable[[], str], Any], int]) -> None:
    """Call ``visit(path, value)`` for everything in a tree, in its order.

    A value in which nothing was found is not walked again where it occurs a second time.

    Args:
        tree: what a file holds.
        name: the file's, for errors.
        visit: gets a function that gives the dotted path, and the value; gives ``INSIDE`` and
            ``FOUND``, or neither.

    Raises:
        UnreadableFileError: the tree is entangled or nested beyond reason.
    """
    levels: list[_Level] = []
    inside: set[int] = set()
    barren: set[int] = set()
    visits = entered = 0

    def path() -> str:
        return ".".join(level.name for level in levels if level.name is not None)

    def enter(part: str | None, value: Any) -> None:
        nonlocal entered
        level = _Level(part, value, iter(()))
        levels.append(level)
        answer = visit(path, value)
        if answer & FOUND:
            for upper in reversed(levels):
                if upper.fruitful:
                    break
                upper.fruitful = True
        if answer & INSIDE and isinstance(value, dict | list | tuple | Record):
            entered += 1
            if entered > MAX_WALK_ENTERED:
                raise UnreadableFileError(f"{name} holds lists in lists without end.")
            if len(levels) > MAX_WALK_DEPTH:
                raise UnreadableFileError(f"{name} is nested too deeply.")
            inside.add(id(value))
            level.children = iter(children(value))
        else:
            levels.pop()

    enter(None, tree)
    while levels:
        level = levels[-1]
        for part, child in level.children:
            visits += 1
            if visits > MAX_WALK_VISITS:
                raise UnreadableFileError(f"{name} holds lists in lists without end.")
            if type(child) in _LEAVES or id(child) in inside or id(child) in barren:
                continue
            enter(part, child)
            if levels[-1] is not level:
                break
        else:
            inside.discard(id(level.value))
            if not level.fruitful and level.name is not None:
                barren.add(id(level.value))
            levels.pop()


_LEAVES = frozenset({str, int, float, bool, type(None), bytes, set, frozenset, Global})


def walk_tensors(tree: Any, name: str) -> dict[str, StoredTensor]:
    """The tensors in a tree by dotted path; ``name`` is the file's, for errors."""
    found: dict[str, StoredTensor] = {}
    length = 0

    def visit(path: Callable[[], str], value: Any) -> int:
        nonlocal length
        if isinstance(value, np.ndarray) and value.ndim:
            value = tensor_of_array(value, name)
        if not isinstance(value, StoredTensor):
            return INSIDE
        key = path()
        length += len(key)
        if len(found) >= MAX_TENSORS or length > MAX_PATHS_LENGTH:
            raise UnreadableFileError(f"{name} lists far more tensors than a model has.")
        if key in found:
            key = next(k for n in range(2, MAX_TENSORS + 3) if (k := f"{key}#{n}") not in found)
        found[key] = value
        return FOUND

    walk(tree, name, visit)
    return found
