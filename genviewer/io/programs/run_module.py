"""A class from a person's own file, with weights from another, in the guarded process."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from genviewer.io.programs.onnx_graph import read_regular
from genviewer.io.programs.run_torchscript import METHODS, TorchProgram

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

MAX_SOURCE_BYTES = 4 << 20


class ProgramRefused(ValueError):  # noqa: N818 - it is told as a refusal, by this name
    """The class and the weights do not go together; the message ends a sentence."""


class PersonsModule(TorchProgram):
    """A module made from a class; its methods tell their arguments by Python's own means."""

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self.methods = [name for name in METHODS if callable(getattr(module, name, None))]

    def _arguments(self, name: str) -> list[str]:
        target = getattr(self.module, name)
        target = target.forward if isinstance(target, torch.nn.Module) else target
        empty = inspect.Parameter.empty
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = inspect.signature(target).parameters.values()
        return [p.name for p in parameters if p.kind in kinds and p.default is empty]


def open_program(request: dict[str, Any], arrays: Sequence[NDArray[Any]]) -> PersonsModule:
    """What the guarded process runs: the person's file, the class, its weights."""
    torch.set_num_threads(int(request["threads"]))
    path = Path(request["module_path"])
    made = _made(_namespace(path), str(request["expression"]), request.get("arguments") or {})
    if not isinstance(made, torch.nn.Module):
        raise ProgramRefused(f"makes a {type(made).__name__}, which is no torch.nn.Module")
    tensors = {
        name: torch.tensor(array) for name, array in zip(request["names"], arrays, strict=True)
    }
    if tensors:
        _load(made, tensors)
    return PersonsModule(made.eval())


def _namespace(path: Path) -> dict[str, Any]:
    source = read_regular(path, MAX_SOURCE_BYTES).decode("utf-8")
    sys.path.insert(0, str(path.parent))  # what the file imports from beside itself
    module = types.ModuleType("genviewer_person")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module.__dict__


def _made(namespace: Mapping[str, Any], expression: str, known: dict[str, Any]) -> Any:
    """The module that ``Class``, ``Class(size=3)`` or ``function`` stands for."""
    name, arguments = parse_expression(expression)
    if name not in namespace:
        raise ProgramRefused(f"has no {name}")
    maker = namespace[name]
    if isinstance(maker, torch.nn.Module):
        return maker
    try:
        parameters = inspect.signature(maker).parameters
    except (TypeError, ValueError):
        parameters = {}  # type: ignore[assignment]
    given = {key: value for key, value in known.items() if key in parameters} | arguments
    empty = inspect.Parameter.empty
    plain = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    missing = [
        key
        for key, p in parameters.items()
        if p.default is empty and p.kind not in plain and key not in given
    ]
    if missing:
        raise ProgramRefused(
            f"needs {', '.join(missing)} for {name}: pass them as --module FILE:{name}"
            f"({', '.join(f'{key}=..' for key in missing)})"
        )
    return maker(**given)


def parse_expression(expression: str) -> tuple[str, dict[str, Any]]:
    """The name and the literal keyword arguments of ``Class`` or ``Class(size=3)``."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, {}
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.args:
            values = {str(k.arg): ast.literal_eval(k.value) for k in tree.keywords if k.arg}
            return tree.func.id, values
    except (ValueError, SyntaxError, RecursionError):
        pass
    raise ProgramRefused(f"takes Class or Class(name=value, ..), not {expression[:60]!r}")


def _load(module: torch.nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give the module its weights, whatever stands before their names in the file."""
    wanted = module.state_dict()
    needed = [name for name in wanted if not name.endswith("num_batches_tracked")]
    prefixes = {""}
    for name in tensors:
        parts = name.split(".")
        prefixes.update(".".join(parts[:depth]) + "." for depth in range(1, min(len(parts), 5)))
    best: list[str] = list(needed)
    for prefix in sorted(prefixes, key=_preference):
        found = {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}
        missing = [n for n in needed if n not in found or found[n].shape != wanted[n].shape]
        if not missing:
            kept = {name: tensor for name, tensor in found.items() if name in wanted}
            module.load_state_dict({**wanted, **kept})
            return
        best = min(best, missing, key=len)
    raise ProgramRefused(
        f"does not fit the weights: {len(best)} of {len(needed)} tensors differ, such as {best[0]}"
    )


def _preference(prefix: str) -> tuple[bool, int, str]:
    """Averaged weights first, then the shortest prefix."""
    return ("ema" not in prefix.lower(), len(prefix), prefix)
