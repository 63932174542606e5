"""Programs of ``torch.export`` in the guarded process, by an interpreter of their graphs.

A graph is a list of ATen operators with plain arguments (the schema of torch/_export/serde). They
are called one after the other; no text is evaluated and no object made. Imports torch.
"""

from __future__ import annotations

import operator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from genviewer.io.programs.exported_archive import check_exported
from genviewer.io.programs.run_torchscript import arrays_of, tensors_of
from genviewer.io.programs.torch_onnx import graph_of, parse_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from genviewer.io.programs.exported_archive import ExportedArchive

DTYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64,
    6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip
_MEMORY_FORMATS = {
    1: torch.contiguous_format, 2: torch.channels_last, 4: torch.preserve_format,
}  # fmt: skip
_OPERATORS = {
    name: getattr(operator, name)
    for name in (
        *("add", "sub", "mul", "floordiv", "truediv", "mod", "neg"),
        *("eq", "ne", "lt", "le", "gt", "ge", "getitem"),
    )
}
_PLAIN = ("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string")
_TENSORS = ("as_tensor", "as_sym_int", "as_sym_float", "as_sym_bool")
_LISTS = ("as_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools")
KEYWORD = 2


class Interpreter:
    """The graph of an exported program with its weights.

    Raises:
        ValueError: at construction, if it needs what is not interpreted.
    """

    def __init__(self, archive: ExportedArchive) -> None:
        module = archive.graph["graph_module"]
        self._nodes = module["graph"]["nodes"]
        self._outputs = module["signature"]["output_specs"]
        self._constants: dict[str, Tensor] = {}
        self._inputs: list[str] = []
        tensors = {kind: _Payloads(archive, kind) for kind in ("weights", "constants")}
        for spec in module["signature"]["input_specs"]:
            ((kind, content),) = spec.items()
            if kind == "user_input":
                self._inputs.append(content["arg"]["as_tensor"]["name"])
                continue
            name = content.get(f"{kind}_name")
            if name is None:
                raise ValueError(f"it takes a {kind}, which is not read")
            source = tensors["weights"] if tensors["weights"].has(name) else tensors["constants"]
            self._constants[content["arg"]["name"]] = source.read(name)
        self._functions = [_function(str(node["target"])) for node in self._nodes]

    def __call__(self, inputs: Sequence[Tensor]) -> list[Any]:
        """Run the graph over its inputs in order; what it gives for the user."""
        values: dict[str, Any] = dict(self._constants)
        values.update(zip(self._inputs, inputs, strict=True))
        for node, function in zip(self._nodes, self._functions, strict=True):
            positional, named = [], {}
            for argument in node["inputs"]:
                value = _value(argument["arg"], values)
                if argument.get("kind") == KEYWORD:
                    named[argument["name"]] = value
                else:
                    positional.append(value)
            _keep(node["outputs"], function(*positional, **named), values)
        return [
            values[spec["user_output"]["arg"]["as_tensor"]["name"]]
            for spec in self._outputs
            if "user_output" in spec and "as_tensor" in spec["user_output"]["arg"]
        ]


class _Payloads:
    """The weights or constants of an archive."""

    def __init__(self, archive: ExportedArchive, kind: str) -> None:
        self._folder = f"{archive.root}/data/{kind}"
        self._index = archive.index
        self._config = archive.payloads[kind]

    def has(self, name: str) -> bool:
        return name in self._config

    def read(self, name: str) -> Tensor:
        entry = self._config[name]
        path = f"{self._folder}/{entry['path_name']}"
        data = self._index.read(path, self._index.entries[path].size)
        meta = entry["tensor_meta"]
        dtype = DTYPES[meta["dtype"]]
        sizes, strides = ([int(n["as_int"]) for n in meta[k]] for k in ("sizes", "strides"))
        offset = int(meta["storage_offset"]["as_int"])
        flat = (
            torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
        )
        # Checks by itself that sizes and strides stay inside; a copy ends sharing.
        return flat.as_strided(sizes, strides, offset).clone()


def _function(target: str) -> Any:
    if target.startswith("_operator."):
        return _OPERATORS[target.removeprefix("_operator.")]
    _torch, _ops, namespace, name, overload = target.split(".")
    return getattr(getattr(getattr(torch.ops, namespace), name), overload)


def _value(argument: dict[str, Any], values: dict[str, Any]) -> Any:
    """One argument of an operator, from its tagged JSON."""
    ((kind, content),) = argument.items()
    if kind == "as_none":
        return None
    if kind in _PLAIN:
        return content
    if kind in _TENSORS:
        return _named(content, values)
    if kind in _LISTS:
        return [_named(item, values) for item in content]
    if kind == "as_optional_tensors":
        return [_value(item, values) for item in content]
    if kind == "as_scalar_type":
        return DTYPES[content]
    if kind == "as_memory_format":
        return _MEMORY_FORMATS[content]
    if kind == "as_layout":
        return torch.strided
    if kind == "as_device":
        return torch.device("cpu")
    raise ValueError(f"its graph has an argument of the kind {kind}")


def _named(content: dict[str, Any], values: dict[str, Any]) -> Any:
    name = content.get("name", content.get("as_name"))
    if name is not None:
        return values[name]
    ((_kind, value),) = content.items()  # a number where a symbol could stand
    return value


def _keep(outputs: list[dict[str, Any]], result: Any, values: dict[str, Any]) -> None:
    if len(outputs) == 1:
        ((kind, content),) = outputs[0].items()
        if kind not in _LISTS:
            values[content.get("name", content.get("as_name"))] = result
            return
        outputs = [{kind.removesuffix("s"): item} for item in content]
    for output, item in zip(outputs, result, strict=True):
        ((_kind, content),) = output.items()
        if content is not None and not isinstance(content, bool):
            values[content.get("name", content.get("as_name"))] = item


class ExportedModule:
    """An exported program, called with tensors by position."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter

    def describe(self) -> dict[str, Any]:
        """Nothing: the archive was read before."""
        return {}

    def run(self, method: str, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """What the program gives: its tensors, one array each."""
        graph = parse_request(method)
        if graph is not None:
            _name, output, free = graph
            return graph_of(self._called, inputs, output, free, tensors_of)
        with torch.inference_mode():
            return arrays_of(self._interpreter([torch.tensor(value) for value in inputs]))

    def _called(self, *inputs: Tensor) -> list[Any]:
        return self._interpreter(inputs)


def open_program(request: dict[str, Any], arrays: Sequence[NDArray[Any]]) -> ExportedModule:
    """What the guarded process runs: checks the archive again and reads its weights."""
    torch.set_num_threads(int(request["threads"]))
    return ExportedModule(Interpreter(check_exported(Path(request["path"]))))
