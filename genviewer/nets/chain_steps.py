"""The kinds of step of a chain, and what each makes of a shape; no torch in here.

A shape is (features,) or (C, H, W), without the batch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Shape = tuple[int, ...]
Pair = tuple[int, int]
Order = Literal["chw", "hwc"]

MAX_VALUES = 1 << 27
MAX_SIDE = 1 << 14
MAX_DEPTH = 8


class Linear(msgspec.Struct, frozen=True, tag="linear", forbid_unknown_fields=True):
    """``weight`` (outputs, inputs)."""

    name: str
    inputs: int
    outputs: int
    bias: bool = True


class Conv(msgspec.Struct, frozen=True, tag="conv", forbid_unknown_fields=True):
    """``weight`` (outputs, inputs / groups, kh, kw), or (inputs, outputs / groups, ..) if
    transposed.
    """

    name: str
    inputs: int
    outputs: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    output_padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    transposed: bool = False
    bias: bool = True
    mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros"


class BatchNorm(msgspec.Struct, frozen=True, tag="batch_norm", forbid_unknown_fields=True):
    """Over features or channels; ``weight`` and ``bias`` if affine, and the running statistics."""

    name: str
    features: int
    eps: float = 1e-5
    affine: bool = True


class ConditionalNorm(
    msgspec.Struct, frozen=True, tag="conditional_norm", forbid_unknown_fields=True
):
    """Batch normalisation whose gain and shift are rows of tables, one row per class.

    One table ``gain`` (classes, 2 features) of gains then shifts, or two of (classes, features).
    ``centred`` adds 1 to the gain.
    """

    name: str
    features: int
    condition: int
    classes: int
    gain: str
    shift: str | None = None
    eps: float = 1e-5
    centred: bool = False


class GroupNorm(msgspec.Struct, frozen=True, tag="group_norm", forbid_unknown_fields=True):
    """Over groups of channels of one sample; one channel per group is instance normalisation."""

    name: str
    channels: int
    groups: int
    eps: float = 1e-5
    affine: bool = True


class LayerNorm(msgspec.Struct, frozen=True, tag="layer_norm", forbid_unknown_fields=True):
    """Over the last axes, whose shape it has."""

    name: str
    shape: tuple[int, ...]
    eps: float = 1e-5


ActivationKind = Literal[
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "tanh", "sigmoid", "mish",
    "hardtanh", "relu6",
]  # fmt: skip


class Activation(msgspec.Struct, frozen=True, tag="activation", forbid_unknown_fields=True):
    """Value by value; ``slope`` is that of leaky_relu below zero, and elu's alpha."""

    kind: ActivationKind
    slope: float = 0.2


class PReLU(msgspec.Struct, frozen=True, tag="prelu", forbid_unknown_fields=True):
    """A leaky ReLU with a learned slope, one or one per channel."""

    name: str
    channels: int = 1


class Reshape(msgspec.Struct, frozen=True, tag="reshape", forbid_unknown_fields=True):
    """Features to a picture; ``hwc`` says that the channels vary fastest."""

    shape: tuple[int, int, int]
    order: Order = "chw"


class Flatten(msgspec.Struct, frozen=True, tag="flatten", forbid_unknown_fields=True):
    """A picture to features, the inverse of Reshape."""

    order: Order = "chw"


class Upsample(msgspec.Struct, frozen=True, tag="upsample", forbid_unknown_fields=True):
    """Larger by a whole factor."""

    factor: int = 2
    mode: Literal["nearest", "bilinear"] = "nearest"


class PixelShuffle(msgspec.Struct, frozen=True, tag="pixel_shuffle", forbid_unknown_fields=True):
    """Channels to pixels (Shi et al. 2016)."""

    factor: int = 2


class Pool(msgspec.Struct, frozen=True, tag="pool", forbid_unknown_fields=True):
    """Smaller, by maximum or mean; kernel 0 is the mean over the whole picture."""

    kind: Literal["max", "mean"]
    kernel: int
    stride: int = 0
    padding: int = 0


class Affine(msgspec.Struct, frozen=True, tag="affine", forbid_unknown_fields=True):
    """``x * scale + shift``."""

    scale: float = 1.0
    shift: float = 0.0


class Embedding(msgspec.Struct, frozen=True, tag="embedding", forbid_unknown_fields=True):
    """Class weights to the weighted sum of the rows of ``weight`` (classes, size)."""

    name: str
    classes: int
    size: int


class Merge(msgspec.Struct, frozen=True, tag="merge", forbid_unknown_fields=True):
    """Bring condition ``condition``, through steps of its own, into the main value.

    A vector is spread over a picture's pixels. ``before`` and ``after`` concatenate along the
    channels, the condition first or last.
    """

    condition: int
    how: Literal["before", "after", "multiply", "add"] = "after"
    steps: tuple[Step, ...] = ()


class Residual(msgspec.Struct, frozen=True, tag="residual", forbid_unknown_fields=True):
    """``steps(x) + shortcut(x)``."""

    steps: tuple[Step, ...]
    shortcut: tuple[Step, ...] = ()


Step = (
    Linear
    | Conv
    | BatchNorm
    | ConditionalNorm
    | GroupNorm
    | LayerNorm
    | Activation
    | PReLU
    | Reshape
    | Flatten
    | Upsample
    | PixelShuffle
    | Pool
    | Affine
    | Embedding
    | Merge
    | Residual
)


def after_steps(
    steps: Iterable[Step], shape: Shape, conditions: Sequence[int], depth: int = 0
) -> Shape:
    """The shape that the steps make of ``shape``.

    Raises:
        ValueError: naming the first step that does not fit, or a size beyond all bounds.
    """
    if depth > MAX_DEPTH:
        raise ValueError("steps are nested too deeply")
    for step in steps:
        shape = after_step(step, shape, conditions, depth)
        if min(shape) < 1 or math.prod(shape) > MAX_VALUES or max(shape[1:], default=1) > MAX_SIDE:
            raise ValueError(f"{_label(step)} makes the size {shape}, which is not usable")
    return shape


def after_step(step: Step, shape: Shape, conditions: Sequence[int], depth: int = 0) -> Shape:
    """As :func:`after_steps`, for one step."""
    match step:
        case Linear(inputs=inputs, outputs=outputs):
            _expect(step, shape == (inputs,) and outputs > 0, shape)
            return (outputs,)
        case Conv():
            return _after_conv(step, shape)
        case BatchNorm(features=features) | ConditionalNorm(features=features):
            _expect(step, shape[0] == features, shape)
        case GroupNorm(channels=channels, groups=groups):
            _expect(step, shape[0] == channels and groups > 0 and channels % groups == 0, shape)
        case LayerNorm(shape=wanted):
            _expect(step, 0 < len(wanted) <= len(shape), shape)
            _expect(step, shape[-len(wanted) :] == tuple(wanted), shape)
        case PReLU(channels=channels):
            _expect(step, channels in (1, shape[0]), shape)
        case Reshape(shape=wanted):
            sizes_fit = min(wanted) > 0 and math.prod(wanted) == math.prod(shape)
            _expect(step, sizes_fit and len(shape) == 1, shape)
            return tuple(wanted)
        case Flatten():
            return (math.prod(shape),)
        case Upsample(factor=factor):
            _expect(step, len(shape) == 3 and 0 < factor <= MAX_SIDE, shape)
            return (shape[0], shape[1] * factor, shape[2] * factor)
        case PixelShuffle(factor=factor):
            _expect(step, len(shape) == 3 and 0 < factor <= MAX_SIDE, shape)
            _expect(step, shape[0] % factor**2 == 0, shape)
            return (shape[0] // factor**2, shape[1] * factor, shape[2] * factor)
        case Pool():
            return _after_pool(step, shape)
        case Embedding(classes=classes, size=size):
            _expect(step, shape == (classes,) and size > 0, shape)
            return (size,)
        case Merge():
            return _after_merge(step, shape, conditions, depth)
        case Residual(steps=steps, shortcut=shortcut):
            inner = after_steps(steps, shape, conditions, depth + 1)
            _expect(step, inner == after_steps(shortcut, shape, conditions, depth + 1), inner)
            return inner
    return shape


def _after_conv(step: Conv, shape: Shape) -> Shape:
    groups = step.groups
    _expect(step, len(shape) == 3 and shape[0] == step.inputs and step.outputs > 0, shape)
    _expect(step, groups > 0 and not step.inputs % groups and not step.outputs % groups, shape)
    pairs = (step.kernel, step.stride, step.dilation)
    _expect(step, all(1 <= n <= 256 for pair in pairs for n in pair), shape)
    _expect(step, all(0 <= n <= 256 for n in (*step.padding, *step.output_padding)), shape)
    sides = []
    for axis in (0, 1):
        side, stride, padding = shape[1 + axis], step.stride[axis], step.padding[axis]
        reach = step.dilation[axis] * (step.kernel[axis] - 1)
        if step.transposed:
            extra = step.output_padding[axis]
            _expect(step, extra < max(stride, step.dilation[axis]), shape)
            sides.append((side - 1) * stride - 2 * padding + reach + extra + 1)
        else:
            _expect(step, step.mode != "reflect" or padding < side, shape)
            _expect(step, side + 2 * padding > reach, shape)
            sides.append((side + 2 * padding - reach - 1) // stride + 1)
    _expect(step, not (step.transposed and step.mode != "zeros"), shape)
    return (step.outputs, *sides)


def _after_pool(step: Pool, shape: Shape) -> Shape:
    _expect(step, len(shape) == 3 and 0 <= step.kernel <= 256, shape)
    if step.kernel == 0:
        return (shape[0],)
    stride = step.stride or step.kernel
    _expect(step, 0 < stride <= 256 and 0 <= 2 * step.padding <= step.kernel, shape)
    sides = [(side + 2 * step.padding - step.kernel) // stride + 1 for side in shape[1:]]
    return (shape[0], *sides)


def _after_merge(step: Merge, shape: Shape, conditions: Sequence[int], depth: int) -> Shape:
    _expect(step, 0 <= step.condition < len(conditions), shape)
    side = after_steps(step.steps, (conditions[step.condition],), conditions, depth + 1)
    _expect(step, len(side) == 1 or side[1:] == shape[1:], shape)
    if step.how in ("multiply", "add"):
        _expect(step, side[0] == shape[0], shape)
        return shape
    return (shape[0] + side[0], *shape[1:])


def parameter_shapes(step: Step) -> dict[str, Shape]:
    """Full names and shapes of the tensors that a step itself holds, buffers too."""
    match step:
        case Linear():
            shapes = {"weight": (step.outputs, step.inputs), "bias": (step.outputs,)}
        case Conv():
            first, second = step.outputs, step.inputs // max(step.groups, 1)
            if step.transposed:
                first, second = step.inputs, step.outputs // max(step.groups, 1)
            shapes = {"weight": (first, second, *step.kernel), "bias": (step.outputs,)}
        case BatchNorm(features=n):
            shapes = {"running_mean": (n,), "running_var": (n,)}
            if step.affine:
                shapes |= {"weight": (n,), "bias": (n,)}
        case ConditionalNorm(features=n, classes=k):
            table = (k, n if step.shift is not None else 2 * n)
            names: dict[str, tuple[int, ...]] = {f"{step.gain}.weight": table}
            names |= {f"{step.name}.running_mean": (n,), f"{step.name}.running_var": (n,)}
            return names | ({} if step.shift is None else {f"{step.shift}.weight": (k, n)})
        case GroupNorm(channels=n):
            shapes = {"weight": (n,), "bias": (n,)} if step.affine else {}
        case LayerNorm(shape=shape):
            shapes = {"weight": tuple(shape), "bias": tuple(shape)}
        case PReLU(channels=n):
            shapes = {"weight": (n,)}
        case Embedding():
            shapes = {"weight": (step.classes, step.size)}
        case _:
            return {}
    if isinstance(step, Linear | Conv) and not step.bias:
        del shapes["bias"]
    return {f"{step.name}.{key}": tuple(value) for key, value in shapes.items()}


def walk(steps: Iterable[Step]) -> Iterable[Step]:
    """Every step, those inside others too."""
    for step in steps:
        yield step
        if isinstance(step, Merge | Residual):
            yield from walk(step.steps)
        if isinstance(step, Residual):
            yield from walk(step.shortcut)


def check_names(parts: Iterable[Sequence[Step]]) -> int:
    """The number of parameters; a name may come twice only for the same tensor.

    Raises:
        ValueError: two steps claim one name for tensors of different shapes.
    """
    shapes: dict[str, Shape] = {}
    for part in parts:
        for step in walk(part):
            for name, shape in parameter_shapes(step).items():
                if shapes.setdefault(name, shape) != shape:
                    raise ValueError(f"two steps are called {name.rpartition('.')[0]!r}")
    return sum(math.prod(shape) for shape in shapes.values())


def _label(step: Step) -> str:
    name = getattr(step, "name", None)
    kind = type(step).__name__
    return f"{kind} {name[:60]!r}" if isinstance(name, str) else kind


def _expect(step: Step, fits: bool, shape: Shape) -> None:
    if not fits:
        raise ValueError(f"{_label(step)} does not fit the size {shape}")
