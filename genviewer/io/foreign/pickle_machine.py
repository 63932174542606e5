"""The inert unpickler: runs a pickle's instructions on plain data, and imports or calls nothing.

Iterative, so that nesting costs no stack; every step is counted against a budget. Known
globals, by exact name, become plain values (:mod:`genviewer.io.foreign.rebuild`); every other
class becomes a :class:`~genviewer.io.foreign.inert.Record`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.budget import MAX_OPCODES
from genviewer.io.foreign.inert import Global, Record
from genviewer.io.foreign.opcodes import ARGUMENTS, MAX_NAME
from genviewer.io.foreign.pickle_stack import PickleStack

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.io.foreign.opcodes import Window
    from genviewer.io.foreign.rebuild import Rebuilder

_STOP = ord(".")


class PickleMachine(PickleStack):
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
        super().__init__(window.budget, rebuilder)
        self.window = window
        self.persistent = persistent

    def run(self) -> Any:
        """The value that the pickle makes.

        Raises:
            UnreadableFileError: it is damaged, would run something, or is beyond the budget.
        """
        window, budget, steps = self.window, self.budget, STEPS
        take_byte = window.take_byte
        while True:
            code = take_byte()
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
    "MARK": PickleMachine._mark, "POP": PickleMachine._pop_one,
    "POP_MARK": PickleMachine._drop_mark,
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

STEPS: dict[int, tuple[Any, Any, Any]] = {
    code: (
        _ACTIONS.get(name),
        None if reader is _WITHOUT_ARGUMENT else reader,
        _CONSTANTS.get(name),
    )
    for code, (name, reader) in ARGUMENTS.items()
}
"""Instruction byte -> what it does (None: it pushes), how its argument is read, its constant."""
