"""The closed list of what pickles of models call, rebuilt by hand as plain values.

Only exact names count, never a prefix. What is not in the list becomes an inert record or ends
the reading, as :mod:`genviewer.io.foreign.verdict` says; nothing is imported or called.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.budget import clean
from genviewer.io.foreign.inert import GETATTR, MISFIT, Global, Record, safe_key
from genviewer.io.foreign.rebuild_numpy import (
    NUMPY_CALLS,
    PendingArray,
    PendingDtype,
)
from genviewer.io.foreign.rebuild_plain import PLAIN_CALLS
from genviewer.io.foreign.rebuild_torch import TORCH_CALLS
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
        strict: whether a file that would run something is refused; else it is read to its end as
            inert records, and ``refusal`` says what was found.
    """

    def __init__(
        self, budget: Budget, read_nested: Callable[[ByteSource], Any], strict: bool = True
    ) -> None:
        self.budget = budget
        self.read_nested = read_nested
        self.strict = strict
        self.refusal: str | None = None
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
        elif callee.kind == GETATTR:
            self.refuse_call(GETATTR, "would run what builtins.getattr gives")
        return Record(callee, args, kwargs)

    def _note(self, callee: Global) -> None:
        verdict = judge(callee)
        if verdict == "refuse":
            self.refuse_call(callee, f"would run {clean(callee.label, 80)}, which no model needs")
        else:
            counter = self.records if verdict == "record" else self.functions
            counter[clean(callee.label, 80)] += 1

    def refuse_call(self, callee: Global, what: str) -> None:
        """Refuse the file for something it would run; or, if not strict, note that."""
        if self.strict:
            self.budget.refuse(f"{what}, and is not opened")
        self.functions[clean(callee.label, 80)] += 1
        self.refusal = self.refusal or f"{self.budget.name} {what}, and is not opened."

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
            self.refuse_call(target, f"would change {clean(target.label, 80)}")
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


def _attribute(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``getattr(something, name)``: its name, one step longer; nothing is looked up."""
    if len(args) == 2 and isinstance(args[1], str) and not args[1].startswith("__"):
        if isinstance(args[0], Global):
            rebuilder.budget.spend_text(len(args[0].name) + len(args[1]))
            return Global(args[0].module, f"{args[0].name}.{args[1]}")
        if isinstance(args[0], Record):
            return Record(GETATTR, args)
    rebuilder.refuse_call(GETATTR, "would run builtins.getattr")
    return Record(GETATTR, args)


def _reconstructed(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``copyreg._reconstructor(class, base, state)``: an object of protocol 0 or 1."""
    if len(args) != 3 or not _is_class(args[0]):
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
    if not args or not _is_class(args[0]):
        return MISFIT
    return rebuilder.call(args[0], args[1:], None)


def _new_with_names(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``copyreg.__newobj_ex__(class, args, kwargs)``."""
    if len(args) != 3 or not _is_class(args[0]) or not isinstance(args[1], tuple):
        return MISFIT
    return rebuilder.call(args[0], args[1], args[2] if isinstance(args[2], dict) else None)


def _is_class(value: Any) -> bool:
    """Whether it may be a class; the functions of copyreg are none, and would go round."""
    return isinstance(value, Global) and value.module not in _COPYREG


_COPYREG = ("copyreg", "copy_reg")

_CALLS: dict[tuple[str, str], Callable[[Rebuilder, tuple[Any, ...]], Any]] = {
    **{(module, "getattr"): _attribute for module in ("builtins", "__builtin__")},
    **{(module, "_reconstructor"): _reconstructed for module in _COPYREG},
    **{(module, "__newobj__"): _new for module in _COPYREG},
    **{(module, "__newobj_ex__"): _new_with_names for module in _COPYREG},
    **PLAIN_CALLS,
    **TORCH_CALLS,
    **NUMPY_CALLS,
}
"""(module, name) -> what rebuilds its result."""
