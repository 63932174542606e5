"""From a state dict's tensors to its layers: which tensors belong together, and what they are."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal[
    "linear", "conv", "norm", "group_norm", "layer_norm", "prelu", "conditional_norm", "other"
]
Shape = tuple[int, ...]

MAX_LAYERS = 400
PARAMETERS = ("weight", "bias", "running_mean", "running_var")
_NORMALISED = re.compile(
    r"^(?:(?P<old>.+)\.weight_(?P<part>orig|u|v|g)"
    r"|(?P<new>.+)\.parametrizations\.(?P<field>weight|bias)\."
    r"(?P<piece>original\d?|0\._u|0\._v))$"
)


class Tensor(Protocol):
    """What is needed of a stored tensor."""

    @property
    def dtype(self) -> str:
        """Its type by torch's name."""
        ...

    @property
    def shape(self) -> Shape:
        """Its shape."""
        ...

    def float32(self, name: str) -> NDArray[np.float32]:
        """Its values, read now."""
        ...


Read = Callable[[], "NDArray[np.float32]"]


@dataclass(frozen=True)
class Layer:
    """Tensors of one module.

    Attributes:
        name: the module's dotted path.
        kind: what its tensors make it.
        shape: of the weight; of the running mean for a norm without one.
        bias: whether it has one.
        place: its position in the file.
        affine: for norms, whether they scale and shift.
        outputs: features that come out, where the bias tells.
        tables: names of a conditional norm's tables of gains and shifts.
        classes: their rows.
        centred: gains are stored less 1.
    """

    name: str
    kind: Kind
    shape: Shape
    bias: bool
    place: int
    affine: bool = True
    outputs: int | None = None
    tables: tuple[str, ...] = ()
    classes: int = 0
    centred: bool = False

    @property
    def features(self) -> int:
        """Channels of a norm."""
        return self.shape[0]


@dataclass(frozen=True)
class Layers:
    """The layers of a network in the file's order, and how to read their tensors by full name."""

    layers: tuple[Layer, ...]
    reads: Mapping[str, Read]

    def only(self, layers: tuple[Layer, ...]) -> Layers:
        """Some of the layers."""
        return Layers(layers, self.reads)


def gather(tensors: Mapping[str, Tensor]) -> Layers:
    """Group tensors by module; spectral and weight normalisation are resolved.

    Raises:
        ValueError: there are more layers than any generator has.
    """
    shapes: dict[str, Shape] = {}
    reads: dict[str, Read] = {}
    normalised: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        match = _NORMALISED.match(name)
        if match is not None:
            target = (
                f"{match['old']}.weight" if match["old"] else f"{match['new']}.{match['field']}"
            )
            part = match["part"] or match["piece"]
            normalised.setdefault(target, {})[part] = tensor
            if part in ("orig", "v", "original", "original1"):
                shapes.setdefault(target, tensor.shape)
            continue
        if tensor.dtype.startswith(("int", "uint", "bool")) or not tensor.shape:
            continue
        shapes[name] = tuple(tensor.shape)
        reads[name] = _reader(tensor, name)
    for target, parts in normalised.items():
        main = parts.get("orig") or parts.get("original") or parts.get("original1")
        main = main if main is not None else parts.get("v")
        if main is not None:
            shapes[target] = tuple(main.shape)
            reads[target] = _resolver(target, parts)
    modules: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        module, _, field = name.rpartition(".")
        modules.setdefault(module, {})[field] = shape
    layers: list[Layer] = []
    for module, fields in modules.items():
        layers.extend(_classify(module, fields, len(layers)))
        if len(layers) > MAX_LAYERS:
            raise ValueError(f"more than {MAX_LAYERS} layers")
    return Layers(tuple(_with_tables(layers)), reads)


def _reader(tensor: Tensor, name: str) -> Read:
    return lambda: tensor.float32(name)


def _resolver(target: str, parts: Mapping[str, Tensor]) -> Read:
    """The weight that normalisation makes: W / sigma, or g W / |W|."""

    def read() -> NDArray[np.float32]:
        values = {part: tensor.float32(target) for part, tensor in parts.items()}
        if "orig" in values or "original" in values:
            weight = values.get("orig", values.get("original"))
            u = values.get("u", values.get("0._u"))
            v = values.get("v", values.get("0._v"))
            if weight is None or u is None:
                raise ValueError(f"{target} is normalised in an unknown way")
            sigma = _spectral_norm(weight, u, v)
            return (weight / np.float32(sigma)).astype(np.float32)
        gain = values.get("g", values.get("original0"))
        weight = values.get("v", values.get("original1"))
        if gain is None or weight is None:
            raise ValueError(f"{target} is normalised in an unknown way")
        axes = tuple(axis for axis in range(weight.ndim) if gain.shape[axis] == 1)
        norm = np.sqrt((weight.astype(np.float64) ** 2).sum(axes, keepdims=True))
        scaled: NDArray[np.float32] = (weight * (gain / norm)).astype(np.float32)
        return scaled

    return read


def _spectral_norm(
    weight: NDArray[np.float32], u: NDArray[np.float32], v: NDArray[np.float32] | None
) -> float:
    """The largest singular value that training kept in ``u`` and ``v``.

    A transposed convolution is normalised over its second axis; where both axes are as long as
    ``u``, the one is right for which the vectors belong together.
    """
    found = []
    for axis in (0, 1):
        if weight.ndim <= axis or weight.shape[axis] != u.size:
            continue
        flat = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
        right = flat.T @ u
        right = right / max(float(np.linalg.norm(right)), 1e-12)
        if v is not None and v.size == right.size:
            right = v
        left = flat @ right
        together = abs(float(u @ left)) / max(float(np.linalg.norm(left)), 1e-12)
        found.append((together, float(u @ left)))
    if not found or not max(found)[1]:
        raise ValueError("a weight is normalised in an unknown way")
    return max(found)[1]


def _with_tables(layers: list[Layer]) -> list[Layer]:
    """Norms without scale and shift joined with the tables of these beside them."""
    result, used = [], set()
    for norm in layers:
        tables = _tables_of(norm, layers) if norm.kind == "norm" and not norm.affine else ()
        if tables:
            used |= {table.name for table in tables}
            names = tuple(table.name for table in tables)
            norm = replace(norm, kind="conditional_norm", tables=names, classes=tables[0].shape[0])
        result.append(norm)
    return [layer for layer in result if layer.name not in used]


def _tables_of(norm: Layer, layers: list[Layer]) -> tuple[Layer, ...]:
    def tables(parent: str) -> list[Layer]:
        return [
            layer
            for layer in layers
            if layer.kind == "linear"
            and not layer.bias
            and layer.name.startswith(f"{parent}." if parent else "")
        ]

    parent = norm.name.rpartition(".")[0]
    for place in (norm.name, parent):
        if not place:
            continue
        beside = tables(place)
        both = [table for table in beside if table.shape[1] == 2 * norm.features]
        if both:
            return (both[0],)
        single = [table for table in beside if table.shape[1] == norm.features]
        if len(single) == 2 and single[0].shape == single[1].shape:
            return tuple(single)
    return ()


def _classify(module: str, fields: Mapping[str, Shape], place: int) -> list[Layer]:
    weight, bias = fields.get("weight"), fields.get("bias")
    mean = fields.get("running_mean")
    if mean is not None and len(mean) == 1 and fields.get("running_var") == mean:
        return [Layer(module, "norm", mean, bias is not None, place, weight is not None)]
    if weight is None:
        kept = [name for name in fields if name not in PARAMETERS]
        return [
            Layer(f"{module}.{name}" if module else name, "other", fields[name], False, place)
            for name in kept
        ]
    outputs = bias[0] if bias is not None and len(bias) == 1 else None
    if bias is not None and bias == weight:
        kind: Kind = "layer_norm" if len(weight) > 1 else "group_norm"
        return [Layer(module, kind, weight, True, place)]
    if len(weight) == 1:
        return [Layer(module, "prelu", weight, False, place)]
    if len(weight) == 2 and (bias is None or bias == (weight[0],)):
        return [Layer(module, "linear", weight, bias is not None, place, outputs=weight[0])]
    if len(weight) == 4 and math.prod(weight[2:]) <= 1024:
        return [Layer(module, "conv", weight, bias is not None, place, outputs=outputs)]
    return [Layer(module, "other", weight, bias is not None, place)]
