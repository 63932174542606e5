"""Steps run on trial, without a network being built: what the self-tests stand on.

Imports torch; nothing else among the readers does at its top.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from genviewer.io.cancelling import check_cancelled
from genviewer.nets import chain_steps as chain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from genviewer.nets.chain_steps import Activation, Step

Tensors = dict[str, Tensor]

_LAST = torch.channels_last

MAX_MAP_VALUES = 1 << 18
"""Values of a map of all samples together; of larger ones fewer samples go on."""

FEWEST, FEWEST_COSTLY = 16, 6
STEP_EFFORT = 1.5e9
"""Multiplications that one step of one path may take."""

EFFORT = 40e9
"""Multiplications that all self-tests of a file may take together, about two seconds of a core."""

PER_VALUE = 16.0
"""Multiplications in whose time one value is moved."""


class Effort:
    """What self-tests may still take. It counts work rather than time, so that a file is settled
    alike on every machine: what is chosen becomes a part of the model's identity.
    """

    def __init__(self, left: float = EFFORT) -> None:
        self.left = left

    @property
    def spent(self) -> bool:
        """Whether nothing is left: the best so far has to do."""
        return self.left <= 0.0

    def spend(self, amount: float) -> None:
        """Count some multiplications; raises if opening was cancelled."""
        check_cancelled()
        self.left -= amount


class Trial:
    """Runs single steps on a batch.

    Args:
        tensors: the file's, by full name.
        batch_statistics: normalise by the batch, as in training; else by the stored statistics.
        effort: what it may take; None for a little of its own.
    """

    def __init__(
        self, tensors: Tensors, batch_statistics: bool, effort: Effort | None = None
    ) -> None:
        self.tensors = tensors
        self.batch_statistics = batch_statistics
        self.effort = Effort() if effort is None else effort

    def steps(self, steps: Sequence[Step], x: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """All steps; ``parts`` are the conditions."""
        for step in steps:
            x = self.step(step, x, parts)
        return x

    def step(self, step: Step, x: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """One step."""
        get = self.tensors.get
        name = getattr(step, "name", "")
        weight, bias = get(f"{name}.weight"), get(f"{name}.bias")
        self.effort.spend(len(x) * multiplications(step, x.shape[1:]))
        match step:
            case chain.Linear():
                return F.linear(x, weight, bias if step.bias else None)  # type: ignore[arg-type]
            case chain.Conv():
                return _convolve(step, x, weight, bias)
            case chain.BatchNorm() | chain.ConditionalNorm():
                return self._norm(step, x, parts)
            case chain.GroupNorm():
                return F.group_norm(x, step.groups, weight, bias, step.eps)
            case chain.LayerNorm():
                return F.layer_norm(x, step.shape, weight, bias, step.eps)
            case chain.PReLU() if weight is not None:
                return F.prelu(x, weight)
            case chain.Embedding() if weight is not None:
                return x @ weight
            case chain.Merge():
                return _merged(step, x, self.steps(step.steps, parts[step.condition], parts))
            case chain.Residual():
                return self.steps(step.steps, x, parts) + self.steps(step.shortcut, x, parts)
        return _plain(step, x)

    def _norm(
        self, step: chain.BatchNorm | chain.ConditionalNorm, x: Tensor, parts: Sequence[Tensor]
    ) -> Tensor:
        mean, var = (
            self.tensors[f"{step.name}.running_mean"],
            self.tensors[f"{step.name}.running_var"],
        )
        affine = isinstance(step, chain.BatchNorm) and step.affine
        weight = self.tensors[f"{step.name}.weight"] if affine else None
        bias = self.tensors[f"{step.name}.bias"] if affine else None
        if self.batch_statistics:
            mean, var = moments(x)
        x = F.batch_norm(x, mean, var, weight, bias, training=False, eps=step.eps)
        if isinstance(step, chain.ConditionalNorm):
            y = parts[step.condition]
            gain = y @ self.tensors[f"{step.gain}.weight"]
            if step.shift is None:
                gain, shift = gain.chunk(2, dim=1)
            else:
                shift = y @ self.tensors[f"{step.shift}.weight"]
            tail = (1,) * (x.ndim - 2)
            gain = gain + 1.0 if step.centred else gain
            x = x * gain.reshape(*gain.shape, *tail) + shift.reshape(*shift.shape, *tail)
        return x

    def mismatch(self, name: str, x: Tensor) -> float:
        """How far the statistics of what flows into a norm are from those that it stored.

        0 for none; about 1 where one has nothing to do with the other.
        """
        mean, var = self.tensors[f"{name}.running_mean"], self.tensors[f"{name}.running_var"]
        found_mean, found_var = moments(x)
        self.effort.spend(PER_VALUE * x.numel())
        var = var.clamp_min(1e-12)
        shift = ((found_mean - mean).abs() / (var + 1e-8).sqrt()).clamp_max(4.0)
        ratio = (found_var.clamp_min(1e-12) / var).log().abs().clamp_max(4.0)
        return float((shift + ratio).mean())


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance by channel, (C,) each.

    Several times as fast as ``torch.var_mean`` over several axes, exact enough where a variance
    is no millionth of the mean's square.
    """
    if x.ndim == 4 and x.is_contiguous() and not x.is_contiguous(memory_format=_LAST):
        flat = x.flatten(2)
        count = flat.shape[2]
        mean = flat.mean(2).mean(0)
        square = torch.linalg.vector_norm(flat, dim=2).square().mean(0) / count
    else:
        flat = x.permute(0, 2, 3, 1).flatten(0, 2) if x.ndim == 4 else x
        mean = flat.mean(0)
        square = torch.linalg.vector_norm(flat, dim=0).square() / len(flat)
    return mean, (square - mean.square()).clamp_min(0.0)


def _convolve(step: chain.Conv, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    if weight is None:
        raise ValueError(f"{step.name} has no weight")
    bias = bias if step.bias else None
    if step.transposed:
        # In this layout it is about three times as fast.
        x = x.contiguous(memory_format=_LAST)
        return F.conv_transpose2d(
            x, weight, bias, step.stride, step.padding, step.output_padding, step.groups,
            step.dilation,
        )  # fmt: skip
    padding = step.padding
    if step.mode != "zeros":
        x = F.pad(x, (padding[1], padding[1], padding[0], padding[0]), mode=step.mode)
        padding = (0, 0)
    return F.conv2d(x, weight, bias, step.stride, padding, step.dilation, step.groups)


def _merged(step: chain.Merge, x: Tensor, y: Tensor) -> Tensor:
    if x.ndim == 4 and y.ndim == 2:
        y = y.reshape(*y.shape, 1, 1)
        if step.how in ("before", "after"):
            y = y.expand(-1, -1, *x.shape[2:])
    if step.how == "multiply":
        return x * y
    if step.how == "add":
        return x + y
    return torch.cat([y, x] if step.how == "before" else [x, y], 1)


def activate(activation: Activation, x: Tensor) -> Tensor:
    """One activation."""
    functions: dict[str, Callable[[Tensor], Tensor]] = {
        "relu": F.relu,
        "leaky_relu": lambda x: F.leaky_relu(x, activation.slope),
        "elu": lambda x: F.elu(x, activation.slope),
        "selu": F.selu,
        "gelu": F.gelu,
        "silu": F.silu,
        "softplus": F.softplus,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "mish": F.mish,
        "hardtanh": F.hardtanh,
        "relu6": F.relu6,
    }
    return functions[activation.kind](x)


def _plain(step: Step, x: Tensor) -> Tensor:
    match step:
        case chain.Activation():
            return activate(step, x)
        case chain.Reshape(shape=(channels, height, width), order="hwc"):
            return x.reshape(-1, height, width, channels).permute(0, 3, 1, 2)
        case chain.Reshape():
            return x.reshape(-1, *step.shape)
        case chain.Flatten(order="hwc"):
            return (x if x.ndim == 2 else x.permute(0, 2, 3, 1)).flatten(1)
        case chain.Flatten():
            return x.flatten(1)
        case chain.Upsample():
            return F.interpolate(x, scale_factor=step.factor, mode=step.mode)
        case chain.PixelShuffle():
            return F.pixel_shuffle(x, step.factor)
        case chain.Pool(kernel=0):
            return x.mean((2, 3))
        case chain.Pool(kind="max"):
            return F.max_pool2d(x, step.kernel, step.stride or step.kernel, step.padding)
        case chain.Pool():
            return F.avg_pool2d(x, step.kernel, step.stride or step.kernel, step.padding)
        case chain.Affine():
            return x * step.scale + step.shift
    raise ValueError(f"there is no step {type(step).__name__}")


def multiplications(step: Step, shape: Sequence[int]) -> float:
    """What a step takes for one sample of ``shape``, moving its values included."""
    total = PER_VALUE * math.prod(shape)
    if isinstance(step, chain.Linear):
        total += step.inputs * step.outputs
    elif isinstance(step, chain.Conv):
        inputs, outputs = step.inputs, step.outputs
        taken = inputs * outputs * math.prod(step.kernel) / max(step.groups, 1)
        area = math.prod(shape[1:])
        total += taken * (area if step.transposed else area / math.prod(step.stride))
    return total


def work_of(steps: Sequence[Step], shape: chain.Shape, conditions: Sequence[int]) -> float:
    """What all steps take for one sample of ``shape``."""
    total = 1.0
    for step in steps:
        total += multiplications(step, shape)
        shape = chain.after_step(step, shape, conditions)
    return total


def fewer(
    x: Tensor, parts: Sequence[Tensor], step: Step, most: int = MAX_MAP_VALUES
) -> tuple[Tensor, list[Tensor]]:
    """No more samples than a map of this size, and the step that comes, are worth."""
    count = len(x)
    if x.ndim == 4 and x.numel() > most:
        count = max(FEWEST, most * count // x.numel())
    count = min(count, max(FEWEST_COSTLY, int(STEP_EFFORT / multiplications(step, x.shape[1:]))))
    return x[:count], [part[:count] for part in parts]


def as_tensors(arrays: Mapping[str, object]) -> Tensors:
    """Arrays as tensors, copied: those of a mapped file are read-only."""
    return {name: torch.tensor(array) for name, array in arrays.items()}
