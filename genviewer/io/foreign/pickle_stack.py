"""The stack, the marks and the memo of a pickle, and the containers that are built on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from genviewer.io.foreign.budget import MAX_MARKS, MAX_MEMO, MAX_STACK
from genviewer.io.foreign.inert import Record, safe_key

if TYPE_CHECKING:
    from genviewer.io.foreign.budget import Budget
    from genviewer.io.foreign.rebuild import Rebuilder


class PickleStack:
    """Values side by side, as a pickle's instructions put and take them.

    Args:
        budget: of the file.
        rebuilder: knows which record an array has taken the place of.
    """

    def __init__(self, budget: Budget, rebuilder: Rebuilder) -> None:
        self.budget = budget
        self.rebuilder = rebuilder
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.floor = 0  # values below belong to an open mark

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
