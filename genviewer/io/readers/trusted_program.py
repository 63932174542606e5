"""TorchScript and ``torch.export`` programs, and a class of the person's own: run on trust only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genviewer.io.programs.discover import (
    Discovery,
    Hints,
    Input,
    NotADecoderError,
    discover,
)
from genviewer.io.programs.exported_archive import check_exported
from genviewer.io.programs.guarded_process import GuardedProcess, ProgramError, memory_for
from genviewer.io.programs.torchscript_code import check_torchscript
from genviewer.io.programs.trust import digest_of, refusal
from genviewer.io.readers.onnx_model import NETWORK_TYPE, assumptions
from genviewer.io.readers.source import Source, UnreadableModelError, make_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from genviewer.io.bundle import Bundle

THREADS = 2
MODULE_FIELD = "module"
MAX_CONFIG_BYTES = 1 << 20
_RUNTIMES = {"torchscript": "torchscript", "pt2": "exported"}
_BOUNDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


def sniff(source: Source) -> bool:
    """Whether it carries a program, or the person names a class for it."""
    return MODULE_FIELD in source.settings.values or source.container.kind in _RUNTIMES


def read(source: Source) -> Bundle:
    """The decoder that the program or the class is.

    Raises:
        UnreadableModelError: it is not trusted, or is no decoder.
        UnreadableFileError: it does more than compute, or cannot be read.
    """
    name = source.path.name
    module = source.settings.text(MODULE_FIELD)
    if not source.trust:
        if module is not None:
            raise UnreadableModelError(
                f"--module runs {module.rpartition(':')[0] or module}; if you trust that file, "
                "pass --trust."
            )
        raise UnreadableModelError(refusal(name, source.container.title))
    try:
        if module is not None:
            return _read_module(source, module)
        if source.container.kind == "pt2":
            return _read_exported(source)
        return _read_torchscript(source)
    except (NotADecoderError, ProgramError) as error:
        raise UnreadableModelError(f"{name} {str(error).rstrip('.')}.") from error


def _read_torchscript(source: Source) -> Bundle:
    check_torchscript(source.path)
    request = {"runtime": "torchscript", "path": str(source.path.absolute())}
    process = _started(source, request, source.path.stat().st_size)
    try:
        found = _first_method(source, process)
    finally:
        process.close()
    return _bundle(source, "torchscript", found, {})


def _read_exported(source: Source) -> Bundle:
    archive = check_exported(source.path)
    last = next((b for word, b in _BOUNDS.items() if f".{word}." in archive.last_operator), None)
    sizes, classes = sizes_of(archive.weights)
    request = {"runtime": "exported", "path": str(source.path.absolute())}
    process = _started(source, request, source.path.stat().st_size)
    try:
        hints = Hints(sizes, classes, last)
        found = discover(source.name, archive.inputs, process.run, hints, source.settings)
    finally:
        process.close()
    return _bundle(source, "exported", found, {})


def _read_module(source: Source, module: str) -> Bundle:
    file, _colon, expression = module.rpartition(":")
    path = Path(file).absolute()
    if not file or not path.is_file():
        raise UnreadableModelError(
            f"--module takes FILE.py:Class, and {file or module} is no file."
        )
    request = {
        "runtime": "module",
        "module_path": str(path),
        "expression": expression,
        "arguments": _arguments_beside(source.path),
    }
    names, arrays = weights_of(source)
    process = _started(source, request | {"names": names}, sum(a.nbytes for a in arrays), arrays)
    try:
        found = _first_method(source, process)
    finally:
        process.close()
    return _bundle(source, "module", found, request | {"module_sha256": digest_of(path)})


def weights_of(source: Source) -> tuple[list[str], list[NDArray[Any]]]:
    """The names and arrays of a file's tensors, float16 and bfloat16 as float32."""
    tensors = source.tensors
    arrays = [
        tensor.float32(name) if tensor.dtype in ("bfloat16", "float16") else tensor.array()
        for name, tensor in tensors.items()
    ]
    return list(tensors), arrays


def _arguments_beside(path: Path) -> dict[str, Any]:
    """What a ``config.json`` beside the weights says of the constructor's arguments."""
    config = (path if path.is_dir() else path.parent) / "config.json"
    try:
        if not config.is_file() or config.stat().st_size > MAX_CONFIG_BYTES:
            return {}
        values = json.loads(config.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _started(
    source: Source, request: dict[str, Any], size: int, arrays: Sequence[NDArray[Any]] = ()
) -> GuardedProcess:
    return GuardedProcess(request, arrays, memory=memory_for(size, source.trust), threads=THREADS)


def _first_method(source: Source, process: GuardedProcess) -> Discovery:
    """What the first method that draws was found to be."""
    described = process.description
    sizes, classes = sizes_of([(n, tuple(s)) for n, s in described.get("parameters", [])])
    reasons = []
    wanted = source.settings.text("method")
    methods: dict[str, list[str]] = described.get("methods", {})
    if wanted is not None:
        methods = {name: names for name, names in methods.items() if name == wanted}
    for method, names in methods.items():
        inputs = [Input(name) for name in names] or [Input("z")]
        run = _runner(process, method)
        try:
            return discover(
                source.name, inputs, run, Hints(sizes, classes, method=method), source.settings
            )
        except NotADecoderError as error:
            reasons.append(str(error))
    raise NotADecoderError(reasons[-1] if reasons else "has nothing that draws")


def _runner(
    process: GuardedProcess, method: str
) -> Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]:
    return lambda arrays: process.run(arrays, method)


def sizes_of(
    parameters: Sequence[tuple[str, tuple[int, ...]]],
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Sizes that a latent may have and numbers of classes, from shapes of weights in order."""
    tables = [
        shape[0]
        for name, shape in parameters
        if len(shape) == 2 and ("emb" in name.lower() or "label" in name.lower())
    ]
    sizes: list[int] = []
    for _name, shape in parameters:
        if len(shape) == 2:
            sizes.append(shape[1])
        elif len(shape) == 4:
            sizes += [shape[0], shape[1]]
    # A latent beside a class is smaller than what its first layer takes.
    extra = [size - other for size in sizes[:6] for other in _label_sizes(parameters, tables)]
    ordered = dict.fromkeys([*sizes[:1], *(n for n in extra if n > 0), *sizes])
    return tuple(ordered)[:24], tuple(dict.fromkeys(n for n in tables if n > 1))


def _label_sizes(
    parameters: Sequence[tuple[str, tuple[int, ...]]], tables: Sequence[int]
) -> list[int]:
    widths = [
        shape[1]
        for name, shape in parameters
        if len(shape) == 2 and ("emb" in name.lower() or "label" in name.lower())
    ]
    return [*widths, *tables, 10]


def _bundle(source: Source, runtime: str, found: Discovery, opening: dict[str, Any]) -> Bundle:
    network = {
        "type": NETWORK_TYPE,
        "runtime": runtime,
        "guarded": True,
        "sha256": digest_of(source.path) if source.path.is_file() else "",
        "wiring": msgspec.to_builtins(found.wiring),
        "open": opening,
    }

    def arrays() -> dict[str, NDArray[Any]]:
        if runtime == "exported":
            return {}
        names, values = weights_of(Source(source.path, {}))
        return dict(zip(names, values, strict=True))

    return make_bundle(
        source,
        reader=runtime,
        spec=found.spec,
        network=network,
        arrays=arrays,
        assumptions=assumptions(found),
        warnings=found.warnings,
    )
