"""The inert unpickler: runs a pickle's instructions on plain data, and imports or calls nothing.

Iterative, so that nesting costs no stack; every step is counted against a budget. Known
globals, by exact name, become plain values (:mod:`genviewer.io.foreign.rebuild`); every other
class becomes a :class:`~genviewer.io.foreign.inert.Record`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from genviewer.io.foreign.budget import (
    MAX_MARKS,
    MAX_MEMO,
    MAX_OPCODES,
    MAX_STACK,
)
from genviewer.io.foreign.inert import Global, OddKey, Record
from genviewer.io.foreign.opcodes import ARGUMENTS, MAX_NAME, u1

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.io.foreign.opcodes import Window
    from genviewer.io.foreign.rebuild import Rebuilder

_STOP = ord(".")
_SCALARS = (str, int, float, bool, type(None), bytes, Global)


def safe_key(key: Any) -> Any:
    """What stands for a dictionary key: itself if hashing it is cheap, else an odd key."""
    kind = type(key)
    if kind in _SCALARS:
        return key if kind is not int or -(1 << 63) <= key < 1 << 63 else OddKey(key)
    if kind is tuple and len(key) <= 16 and all(type(part) in _SCALARS for part in key):
        return key
    return OddKey(key)


class PickleMachine:
    """Runs one pickle.

    Args:
        window: where it begins; afterwards, the first byte behind it.
        rebuilder: makes plain values of what the pickle would call.
        persistent: gives what a persistent id stands for; without one they are refused.
    """

    def __init__(
        self,
        window: Window,
        rebuilder: Rebuilder,
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        self.window = window
        self.budget = window.budget
        self.rebuilder = rebuilder
        self.persistent = persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.floor = 0  # values below belong to an open mark

    def run(self) -> Any:
        """The value that the pickle makes.

        Raises:
            UnreadableFileError: it is damaged, would run something, or is beyond the budget.
        """
        window, budget, steps = self.window, self.budget, _STEPS
        while True:
            code = u1(window)
            budget.opcodes += 1
            if budget.opcodes > MAX_OPCODES:
                budget.refuse(f"has more than {MAX_OPCODES:,} instructions, which no model has")
            step = steps.get(code)
            if step is None:
                budget.damaged(f"unknown instruction {code}")
            action, reader, constant = step
            if code == _STOP:
                return self.pop()
            if action is None:
                self.push(constant if reader is None else reader(window))
            else:
                action(self, reader(window) if reader is not None else None)

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)
        if len(self.stack) > MAX_STACK:
            self.budget.refuse("holds too many values side by side")

    def pop(self) -> Any:
        """Take the value on top."""
        if len(self.stack) <= self.floor:
            self.broken()
        return self.stack.pop()

    def top(self) -> Any:
        """The value on top."""
        if len(self.stack) <= self.floor:
            self.broken()
        return self.stack[-1]

    def pop_mark(self) -> list[Any]:
        """Take the values above the last mark, and the mark."""
        if not self.marks:
            self.broken()
        self.floor = self.marks.pop()
        values = self.stack[self.floor :]
        del self.stack[self.floor :]
        self.floor = self.marks[-1] if self.marks else 0
        return values

    def broken(self) -> NoReturn:
        """Refuse a pickle whose instructions make no sense."""
        self.budget.damaged("its instructions make no sense")

    # Marks and the memo ---------------------------------------------------------------------

    def _mark(self, _: None) -> None:
        self.marks.append(len(self.stack))
        self.floor = len(self.stack)
        if len(self.marks) > MAX_MARKS:
            self.budget.refuse("is nested too deeply")

    def _pop_one(self, _: None) -> None:
        if len(self.stack) > self.floor:
            self.stack.pop()
        else:
            self.pop_mark()

    def _drop_mark(self, _: None) -> None:
        self.pop_mark()

    def _duplicate(self, _: None) -> None:
        self.push(self.top())

    def _get(self, index: int) -> None:
        if index not in self.memo:
            self.broken()
        value = self.memo[index]
        if isinstance(value, Record):
            value = self.rebuilder.settled(value)
        self.push(value)

    def _put(self, index: int) -> None:
        self.memo[index] = self.top()
        if len(self.memo) > MAX_MEMO:
            self.budget.refuse("remembers too many values")

    def _memoize(self, _: None) -> None:
        self._put(len(self.memo))

    # Containers -----------------------------------------------------------------------------

    def _new_list(self, _: None) -> None:
        self.budget.spend_node()
        self.push([])

    def _new_dict(self, _: None) -> None:
        self.budget.spend_node()
        self.push({})

    def _new_set(self, _: None) -> None:
        self.budget.spend_node()
        self.push(set())

    def _list_of_mark(self, _: None) -> None:
        self.budget.spend_node()
        self.push(self.pop_mark())

    def _tuple_of_mark(self, _: None) -> None:
        self.budget.spend_node()
        self.push(tuple(self.pop_mark()))

    def _frozenset_of_mark(self, _: None) -> None:
        self.budget.spend_node()
        self.push(frozenset(safe_key(value) for value in self.pop_mark()))

    def _dict_of_mark(self, _: None) -> None:
        self.budget.spend_node()
        target: dict[Any, Any] = {}
        self._set_items(target, self.pop_mark())
        self.push(target)

    def _tuple1(self, _: None) -> None:
        self.budget.spend_node()
        self.push((self.pop(),))

    def _tuple2(self, _: None) -> None:
        self.budget.spend_node()
        second, first = self.pop(), self.pop()
        self.push((first, second))

    def _tuple3(self, _: None) -> None:
        self.budget.spend_node()
        third, second, first = self.pop(), self.pop(), self.pop()
        self.push((first, second, third))

    def _append(self, _: None) -> None:
        value = self.pop()
        self._extend(self.top(), [value])

    def _append_mark(self, _: None) -> None:
        values = self.pop_mark()
        self._extend(self.top(), values)

    def _add_mark(self, _: None) -> None:
        values, target = self.pop_mark(), self.top()
        if isinstance(target, set):
            target.update(safe_key(value) for value in values)
        else:
            self._extend(target, values)

    def _set_item(self, _: None) -> None:
        value, key = self.pop(), self.pop()
        self._set_items(self.top(), [key, value])

    def _set_mark(self, _: None) -> None:
        values = self.pop_mark()
        self._set_items(self.top(), values)

    def _extend(self, target: Any, values: list[Any]) -> None:
        if isinstance(target, Record):
            if target.items is None:
                target.items = []
            target.items.extend(values)
        elif isinstance(target, list):
            target.extend(values)
        else:
            self.broken()

    def _set_items(self, target: Any, values: list[Any]) -> None:
        if isinstance(target, Record):
            if target.mapping is None:
                target.mapping = {}
            target = target.mapping
        if not isinstance(target, dict) or len(values) % 2:
            self.broken()
        for i in range(0, len(values), 2):
            target[safe_key(values[i])] = values[i + 1]

    # Classes and functions, by name only ------------------------------------------------------

    def _name(self, names: tuple[str, str]) -> None:
        self.push(self._global(*names))

    def _name_from_stack(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        self.push(self._global(module, name))

    def _global(self, module: Any, name: Any) -> Global:
        if not isinstance(module, str) or not isinstance(name, str):
            self.broken()
        if len(module) > MAX_NAME or len(name) > MAX_NAME:
            self.budget.refuse("names a class with a name that is far too long")
        self.budget.spend_node()
        return Global(module, name)

    def _reduce(self, _: None) -> None:
        args, callee = self.pop(), self.pop()
        self._call(callee, args)

    def _new_object(self, _: None) -> None:
        self._reduce(None)

    def _new_object_with_names(self, _: None) -> None:
        kwargs, args, callee = self.pop(), self.pop(), self.pop()
        if not isinstance(kwargs, dict):
            self.broken()
        self._call(callee, args, kwargs)

    def _instance(self, names: tuple[str, str]) -> None:
        args = tuple(self.pop_mark())
        self._call(self._global(*names), args)

    def _object_of_mark(self, _: None) -> None:
        values = self.pop_mark()
        if not values:
            self.broken()
        self._call(values[0], tuple(values[1:]))

    def _call(self, callee: Any, args: Any, kwargs: dict[Any, Any] | None = None) -> None:
        if not isinstance(args, tuple) or not isinstance(callee, Global | Record):
            self.broken()
        self.budget.spend_node()
        self.push(self.rebuilder.call(callee, args, kwargs or None))

    def _build(self, _: None) -> None:
        state = self.pop()
        self.push(self.rebuilder.build(self.pop(), state))

    def _persistent_text(self, text: str) -> None:
        self._load_persistent(text)

    def _persistent_value(self, _: None) -> None:
        self._load_persistent(self.pop())

    def _load_persistent(self, key: Any) -> None:
        if self.persistent is None:
            self.budget.refuse("refers to data that is in another file")
        self.budget.spend_node()
        self.push(self.persistent(key))

    # What is skipped and what is not read -----------------------------------------------------

    def _protocol(self, version: int) -> None:
        if version > 5:
            self.budget.refuse(f"uses the pickle protocol {version}, which is not known")

    def _frame(self, length: int) -> None:
        if length > self.window.source.size:
            self.budget.damaged("it ends in the middle")

    def _not_read(self, _: object) -> None:
        self.budget.refuse("uses extension codes or buffers of another program")


_ACTIONS: dict[str, Callable[[PickleMachine, Any], None]] = {
    "MARK": PickleMachine._mark, "POP": PickleMachine._pop_one, "POP_MARK": PickleMachine._drop_mark,
    "DUP": PickleMachine._duplicate, "GET": PickleMachine._get, "BINGET": PickleMachine._get,
    "LONG_BINGET": PickleMachine._get, "PUT": PickleMachine._put, "BINPUT": PickleMachine._put,
    "LONG_BINPUT": PickleMachine._put, "MEMOIZE": PickleMachine._memoize,
    "EMPTY_LIST": PickleMachine._new_list, "EMPTY_DICT": PickleMachine._new_dict,
    "EMPTY_SET": PickleMachine._new_set, "LIST": PickleMachine._list_of_mark,
    "TUPLE": PickleMachine._tuple_of_mark, "FROZENSET": PickleMachine._frozenset_of_mark,
    "DICT": PickleMachine._dict_of_mark, "TUPLE1": PickleMachine._tuple1,
    "TUPLE2": PickleMachine._tuple2, "TUPLE3": PickleMachine._tuple3,
    "APPEND": PickleMachine._append, "APPENDS": PickleMachine._append_mark,
    "ADDITEMS": PickleMachine._add_mark, "SETITEM": PickleMachine._set_item,
    "SETITEMS": PickleMachine._set_mark, "GLOBAL": PickleMachine._name,
    "STACK_GLOBAL": PickleMachine._name_from_stack, "REDUCE": PickleMachine._reduce,
    "NEWOBJ": PickleMachine._new_object,
    "NEWOBJ_EX": PickleMachine._new_object_with_names,
    "INST": PickleMachine._instance, "OBJ": PickleMachine._object_of_mark,
    "BUILD": PickleMachine._build, "PERSID": PickleMachine._persistent_text,
    "BINPERSID": PickleMachine._persistent_value, "PROTO": PickleMachine._protocol,
    "FRAME": PickleMachine._frame, "EXT1": PickleMachine._not_read, "EXT2": PickleMachine._not_read,
    "EXT4": PickleMachine._not_read, "NEXT_BUFFER": PickleMachine._not_read,
    "READONLY_BUFFER": PickleMachine._not_read,
}  # fmt: skip

_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_WITHOUT_ARGUMENT = ARGUMENTS[ord("N")][1]

_STEPS: dict[int, tuple[Any, Any, Any]] = {
    code: (
        _ACTIONS.get(name),
        None if reader is _WITHOUT_ARGUMENT else reader,
        _CONSTANTS.get(name),
    )
    for code, (name, reader) in ARGUMENTS.items()
}
"""Instruction byte -> what it does (None: it pushes), how its argument is read, its constant."""
