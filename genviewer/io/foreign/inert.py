"""What stands in for objects of classes that we do not import: names and data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MISFIT = object()
"""What a rebuilding function gives when the arguments are not those that it knows."""


@dataclass(frozen=True, slots=True)
class Global:
    """A class or function that a pickle names; it was neither looked for nor imported."""

    module: str
    name: str

    @property
    def label(self) -> str:
        """The dotted name, as it was in the file."""
        return f"{self.module}.{self.name}"


GETATTR = Global("builtins", "getattr")


class OddKey:
    """A dictionary key that is neither text nor a number nor a tuple of these."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


class Record:
    """An object of a class, or the result of a function, that we know by its name only.

    Attributes:
        kind: what would have been called; a Record itself if a program in the file made it.
        args: arguments it would have been called with.
        kwargs: keyword arguments, where the file gives them.
        state: what would have been its ``__dict__`` or gone to ``__setstate__``; None without.
        items: what would have been appended; None if nothing was.
        mapping: what would have been set by key; None if nothing was.
    """

    __slots__ = ("args", "items", "kind", "kwargs", "mapping", "state")

    def __init__(
        self,
        kind: Global | Record,
        args: tuple[Any, ...] = (),
        kwargs: dict[Any, Any] | None = None,
        state: Any = None,
    ) -> None:
        self.kind = kind
        self.args = args
        self.kwargs = kwargs
        self.state = state
        self.items: list[Any] | None = None
        self.mapping: dict[Any, Any] | None = None

    @property
    def module(self) -> str:
        """The module of its class; empty if a program in the file made the class."""
        return self.kind.module if isinstance(self.kind, Global) else ""

    @property
    def name(self) -> str:
        """The name of its class, as it was in the file."""
        return self.kind.name if isinstance(self.kind, Global) else "(made by a program)"

    @property
    def label(self) -> str:
        """The dotted name of its class."""
        return self.kind.label if isinstance(self.kind, Global) else self.name

    @property
    def parts(self) -> list[dict[Any, Any]]:
        """The dictionaries that hold its attributes: set keys, state, slots; not copies."""
        parts = [self.mapping, self.state]
        if isinstance(self.state, tuple) and len(self.state) == 2:
            parts = [self.mapping, *self.state]
        return [part for part in parts if isinstance(part, dict)]

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes by name, as a new dictionary: state, slots and set keys in one.

        Values may be anything that a file holds, this record included.
        """
        return {
            key: value for part in self.parts for key, value in part.items() if isinstance(key, str)
        }

    def attribute(self, name: str) -> Any:
        """One attribute; None if there is none of that name."""
        for part in reversed(self.parts):
            if name in part:
                return part[name]
        return None

    def __repr__(self) -> str:
        return f"<Record of {self.label[:80]}>"


_SCALARS = (str, float, bool, type(None), bytes, Global)
_MAX_INT = 1 << 63


def safe_key(key: Any) -> Any:
    """What stands for a dictionary key: itself if hashing it is cheap, else an odd key.

    Hashing nested tuples recurses, and large integers can be made to collide by the thousand.
    """
    if _is_scalar(key):
        return key
    if type(key) is tuple and len(key) <= 16 and all(_is_scalar(part) for part in key):
        return key
    return OddKey(key)


def _is_scalar(value: Any) -> bool:
    kind = type(value)
    return kind in _SCALARS or (kind is int and -_MAX_INT <= value < _MAX_INT)
