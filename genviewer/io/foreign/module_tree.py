"""The modules inside a pickle: their classes and plain attributes, as inert data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.inert import Record
from genviewer.io.foreign.stored_tensor import StoredTensor
from genviewer.io.foreign.tensor_walk import FOUND, INSIDE, is_module, walk

if TYPE_CHECKING:
    from collections.abc import Callable

_BOOKKEEPING = frozenset(
    {
        "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "_backward_hooks",
        "_backward_pre_hooks", "_forward_hooks", "_forward_hooks_with_kwargs",
        "_forward_hooks_always_called", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs",
        "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks",
        "_load_state_dict_post_hooks", "_is_full_backward_hook", "_backend",
        "_orig_module_src", "_orig_class_name",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModuleRecord:
    """A module of a pickled network.

    Attributes:
        module: of its class, such as ``torch.nn.modules.conv``.
        class_name: such as ``Conv2d``, or the author's own.
        attributes: what the layer remembers, such as ``kernel_size``; values of the tree, without
            tensors, submodules and torch's own bookkeeping.
        record: the whole of it.
    """

    module: str
    class_name: str
    attributes: dict[str, Any]
    record: Record


def walk_modules(tree: Any, name: str) -> dict[str, ModuleRecord]:
    """The modules in a tree by dotted path; ``name`` is the file's, for errors."""
    found: dict[str, ModuleRecord] = {}
    made: dict[int, ModuleRecord] = {}  # by identity: a module may be in many places

    def visit(path: Callable[[], str], value: Any) -> int:
        if isinstance(value, Record) and _counts(value):
            if id(value) not in made:
                made[id(value)] = _module(value)
            found.setdefault(path(), made[id(value)])
            return INSIDE | FOUND
        return INSIDE

    walk(tree, name, visit)
    return found


def _counts(record: Record) -> bool:
    """Modules of Python, and of TorchScript, whose classes are made by a program in the file."""
    return is_module(record) or record.module.partition(".")[0] == "__torch__"


def _module(record: Record) -> ModuleRecord:
    attributes = {
        key: value
        for key, value in record.attributes.items()
        if key not in _BOOKKEEPING
        and not isinstance(value, StoredTensor)
        and not (isinstance(value, Record) and _counts(value))
    }
    return ModuleRecord(record.module, record.name, attributes, record)
