"""What a pickled module tells beyond its tensors: its layers' own attributes.

A file written by ``torch.save(model)`` names every layer with stride, padding, epsilon and slope;
only the code of ``forward`` is missing. So what stands in a Sequential is known exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genviewer.io.readers.canonical import WRAPPERS
from genviewer.io.readers.lines import NO_HINTS, Hints
from genviewer.nets import chain_steps as chain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genviewer.io.foreign.contents import ModuleRecord
    from genviewer.io.readers.layers import Layers
    from genviewer.nets.chain_steps import Activation, Step

ACTIVATIONS = {
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "SELU": "selu", "GELU": "gelu",
    "SiLU": "silu", "Softplus": "softplus", "Tanh": "tanh", "Sigmoid": "sigmoid", "Mish": "mish",
    "Hardtanh": "hardtanh", "ReLU6": "relu6",
}  # fmt: skip
SILENT = frozenset(
    {"Dropout", "Dropout1d", "Dropout2d", "Identity", "Flatten", "Unflatten", "AlphaDropout"}
)
SEQUENCES = frozenset({"Sequential"})
FINALS = ("tanh", "sigmoid")


def hints_of(records: Mapping[str, ModuleRecord], path: str, layers: Layers) -> Hints:
    """Hints for a network found at a path of a file; nothing where the file names no modules."""
    named = {_short(name, path): record for name, record in records.items() if _below(name, path)}
    steps: dict[str, Step] = {}
    for layer in layers.layers:
        record = named.get(layer.name)
        step = None if record is None else _parametric(layer.name, record)
        if step is not None:
            steps[layer.name] = step
    if not steps:
        return NO_HINTS
    between, final = _sequences(named, [layer.name for layer in layers.layers])
    kinds = {_activation(record) for record in named.values()} - {None}
    hidden = {kind for kind in kinds if kind is not None and kind.kind not in FINALS}
    only = next(iter(hidden)) if len(hidden) == 1 else None
    return Hints(steps, between, only, final)


def _below(name: str, path: str) -> bool:
    return not path or name == path or name.startswith(f"{path}.")


def _short(name: str, path: str) -> str:
    rest = name[len(path) :].lstrip(".") if path else name
    return ".".join(part for part in rest.split(".") if part not in WRAPPERS)


def _pair(value: Any) -> tuple[int, int] | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if isinstance(value, tuple | list) and len(value) == 2:
        first, second = value
        if isinstance(first, int) and isinstance(second, int):
            return first, second
    return None


def _parametric(name: str, record: ModuleRecord) -> Step | None:
    if not record.module.startswith("torch.nn"):
        return None
    get = record.attributes.get
    if record.class_name in ("Conv2d", "ConvTranspose2d"):
        fields = ("kernel_size", "stride", "padding", "output_padding", "dilation")
        pairs = [_pair(get(field, 0 if "padding" in field else 1)) for field in fields]
        sizes = [get("in_channels"), get("out_channels"), get("groups", 1)]
        if any(pair is None for pair in pairs) or not all(isinstance(n, int) for n in sizes):
            return None
        kernel, stride, padding, extra, dilation = pairs
        mode = get("padding_mode", "zeros")
        return chain.Conv(
            name, sizes[0], sizes[1], kernel, stride, padding, extra, dilation, sizes[2],  # type: ignore[arg-type]
            record.class_name == "ConvTranspose2d",
            mode=mode if mode in ("zeros", "reflect", "replicate", "circular") else "zeros",
        )  # fmt: skip
    if record.class_name in ("BatchNorm1d", "BatchNorm2d"):
        features, eps = get("num_features"), get("eps")
        if isinstance(features, int) and isinstance(eps, float) and 0.0 < eps < 10.0:
            return chain.BatchNorm(name, features, eps, bool(get("affine", True)))
    if record.class_name == "GroupNorm":
        channels, groups = get("num_channels"), get("num_groups")
        if isinstance(channels, int) and isinstance(groups, int):
            return chain.GroupNorm(name, channels, groups)
    return None


def _activation(record: ModuleRecord) -> Activation | None:
    kind = ACTIVATIONS.get(record.class_name)
    if kind is None or not record.module.startswith("torch.nn"):
        return None
    slope = record.attributes.get("negative_slope", record.attributes.get("alpha", 0.2))
    number = float(slope) if isinstance(slope, int | float) and 0 <= slope <= 10 else 0.2
    return chain.Activation(kind, number if kind in ("leaky_relu", "elu") else 0.2)  # type: ignore[arg-type]


def _plain(record: ModuleRecord) -> tuple[Step, ...] | None:
    """The steps of a module without parameters; None for one that is not known."""
    activation = _activation(record)
    if activation is not None:
        return (activation,)
    get = record.attributes.get
    if record.class_name in SILENT:
        return ()
    if record.class_name in ("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"):
        factor = get("scale_factor")
        factor = factor[0] if isinstance(factor, tuple) and factor else factor
        if not isinstance(factor, int | float) or factor != int(factor) or get("align_corners"):
            return None
        mode = get("mode", "nearest")
        if mode not in ("nearest", "bilinear"):
            return None
        return (chain.Upsample(int(factor), mode),)
    if record.class_name in ("MaxPool2d", "AvgPool2d"):
        kernel, stride, padding = (_pair(get(n, 0)) for n in ("kernel_size", "stride", "padding"))
        if kernel is None or kernel[0] != kernel[1]:
            return None
        stride_side = kernel[0] if stride is None else stride[0]
        kind = "max" if record.class_name == "MaxPool2d" else "mean"
        return (chain.Pool(kind, kernel[0], stride_side, padding[0] if padding else 0),)  # type: ignore[arg-type]
    if record.class_name == "PixelShuffle":
        factor = get("upscale_factor")
        return (chain.PixelShuffle(factor),) if isinstance(factor, int) else None
    if not record.module.startswith("torch."):
        return ()  # a view of the author's own; the shapes tell what it does
    return None


def _sequences(
    named: Mapping[str, ModuleRecord], layers: Sequence[str]
) -> tuple[dict[tuple[str, str], tuple[Step, ...]], dict[str, str]]:
    """Steps between neighbouring layers of one Sequential, and the last activation after some."""
    parents = {name.rpartition(".")[0] for name in named if name}
    leaves = [name for name in named if name and name not in parents]
    with_tensors = set(layers)
    between: dict[tuple[str, str], tuple[Step, ...]] = {}
    final: dict[str, str] = {}
    before = ""
    steps: tuple[Step, ...] = ()
    known = True
    for name in leaves:
        if name in with_tensors:
            if before and known and _in_sequence(before, name, named):
                between[before, name] = steps
            before, steps, known = name, (), True
            continue
        plain = _plain(named[name])
        if plain is None or not (before and _in_sequence(before, name, named)):
            known = False
            continue
        steps = (*steps, *plain)
        last = plain[-1] if plain else None
        if isinstance(last, chain.Activation) and last.kind in FINALS:
            final[before] = last.kind
    return between, final


def _in_sequence(first: str, second: str, named: Mapping[str, ModuleRecord]) -> bool:
    """Whether everything from the modules' common parent down is a Sequential."""
    a, b = first.split("."), second.split(".")
    shared = 0
    while shared < min(len(a), len(b)) and a[shared] == b[shared]:
        shared += 1
    parents = {".".join(way[:n]) for way in (a, b) for n in range(shared, len(way))}
    return all(name in named and named[name].class_name in SEQUENCES for name in parents)
