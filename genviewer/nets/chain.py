"""The network that a :class:`~genviewer.nets.chain_config.ChainConfig` describes.

Its state dict has the names that the steps carry, whatever they are: modules are hung into a tree
of plain containers without torch's restrictions on names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from genviewer.nets import chain_steps as steps_
from genviewer.nets.chain_config import POINT_LOGVAR, ChainConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Chain", "ChainConfig"]

LOGVAR_RANGE = (POINT_LOGVAR, 20.0)
SMALLEST_SCALE = 1e-12


class Norm(nn.Module):
    """Batch normalisation of features (B, F) or pictures (B, C, H, W) alike."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, eps: float, affine: bool) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(features)) if affine else None
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training,
            eps=self.eps,
        )


class Table(nn.Module):
    """Rows to be mixed by class weights (B, K)."""

    def __init__(self, rows: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(rows, size))

    def forward(self, y: Tensor) -> Tensor:
        return y @ self.weight


class Slope(nn.Module):
    """A leaky ReLU with learned slopes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.weight)


class Plain(nn.Module):
    """A step without parameters."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class WithCondition:
    """A step that needs the conditions' parts, each (B, K_i), beside the main value."""

    def run(self, x: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """The main value after this step."""
        raise NotImplementedError

    def modules(self) -> Iterator[nn.Module]:
        """The modules that it runs."""
        raise NotImplementedError


class ConditionalNormStep(WithCondition):
    """Normalise, then scale and shift by rows of tables mixed by the class weights."""

    def __init__(self, step: steps_.ConditionalNorm, tree: nn.Module) -> None:
        self.norm = _hang(tree, step.name, Norm(step.features, step.eps, False))
        size = step.features if step.shift is not None else 2 * step.features
        self.gain = _hang(tree, step.gain, Table(step.classes, size))
        self.shift: nn.Module | None = None
        if step.shift is not None:
            self.shift = _hang(tree, step.shift, Table(step.classes, step.features))
        self.condition, self.centred = step.condition, step.centred

    def run(self, x: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """``norm(x) * gain[y] + shift[y]``."""
        y = parts[self.condition]
        if self.shift is None:
            gain, shift = self.gain(y).chunk(2, dim=1)
        else:
            gain, shift = self.gain(y), self.shift(y)
        if self.centred:
            gain = gain + 1.0
        tail = (1,) * (x.ndim - 2)
        normed: Tensor = self.norm(x)
        gain, shift = gain.reshape(*gain.shape, *tail), shift.reshape(*shift.shape, *tail)
        result: Tensor = normed * gain + shift
        return result

    def modules(self) -> Iterator[nn.Module]:
        """The normalisation and its tables."""
        yield from (m for m in (self.norm, self.gain, self.shift) if m is not None)


class MergeStep(WithCondition):
    """Bring a condition into the main value."""

    def __init__(self, step: steps_.Merge, sizes: Sequence[int], tree: nn.Module) -> None:
        self.condition, self.how = step.condition, step.how
        self.line = Line(step.steps, sizes, tree)

    def run(self, x: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """Concatenate, multiply or add; a vector is spread over a picture."""
        y = self.line.run(parts[self.condition], parts)
        if x.ndim == 4 and y.ndim == 2:
            y = y.reshape(*y.shape, 1, 1)
            if self.how in ("before", "after"):
                y = y.expand(-1, -1, *x.shape[2:])
        if self.how == "multiply":
            return x * y
        if self.how == "add":
            return x + y
        return torch.cat([y, x] if self.how == "before" else [x, y], 1)

    def modules(self) -> Iterator[nn.Module]:
        """Those on the condition's way."""
        return self.line.modules()


class ResidualStep(WithCondition):
    """A branch added to its shortcut."""

    def __init__(self, step: steps_.Residual, sizes: Sequence[int], tree: nn.Module) -> None:
        self.branch = Line(step.steps, sizes, tree)
        self.shortcut = Line(step.shortcut, sizes, tree)

    def run(self, x: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """``branch(x) + shortcut(x)``."""
        return self.branch.run(x, parts) + self.shortcut.run(x, parts)

    def modules(self) -> Iterator[nn.Module]:
        """Those of the branch and of the shortcut."""
        yield from self.branch.modules()
        yield from self.shortcut.modules()


class Line:
    """Steps one after the other; their parameters live in the tree of the network."""

    def __init__(self, steps: Sequence[steps_.Step], sizes: Sequence[int], tree: nn.Module) -> None:
        self.steps = tuple(steps)
        self.operations = [_operation(step, sizes, tree) for step in steps]

    def run(self, x: Tensor, parts: Sequence[Tensor], stop: int | None = None) -> Tensor:
        """The value after all steps, or after the first ``stop``."""
        for operation in self.operations[:stop]:
            if isinstance(operation, WithCondition):
                x = operation.run(x, parts)
            else:
                x = operation(x)
        return x

    def modules(self) -> Iterator[nn.Module]:
        """The modules that the steps run, those inside others too."""
        for operation in self.operations:
            if isinstance(operation, WithCondition):
                yield from operation.modules()
            else:
                yield operation

    def fold(self) -> None:
        """Fold batch normalisation into the layer before it; evaluation mode only."""
        for index, operation in enumerate(self.operations):
            if isinstance(operation, MergeStep):
                operation.line.fold()
            elif isinstance(operation, ResidualStep):
                operation.branch.fold()
                operation.shortcut.fold()
            elif index and isinstance(operation, Norm):
                before = self.operations[index - 1]
                fused = _fused(before, operation)
                if fused is not None:
                    self.operations[index - 1 : index + 1] = [fused, nn.Identity()]


class Chain(nn.Module):
    """Decoder, and encoder where there is one, from a config.

    ``decode(z, y)`` and ``encode(x, y)`` take packed conditions ``y`` (B, K), the parts in the
    order of ``config.conditions``; missing ones count as zeros.
    """

    def __init__(self, config: ChainConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder_line = Line(config.decoder, config.conditions, self)
        encoder = config.encoder
        lines = () if encoder is None else (encoder.steps, encoder.mean, encoder.scale)
        self.encoder_lines = tuple(Line(line, config.conditions, self) for line in lines)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The picture (B, C, H, W), raw, of latents (B, D) and packed conditions (B, K)."""
        return self.decoder_line.run(z, self._parts(z, y))

    def logits(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The logit (B, C, H, W) of the mean, where the likelihood is ``bernoulli``."""
        steps = self.decoder_line.steps
        last = max(i for i, step in enumerate(steps) if _is_sigmoid(step))
        x = self.decoder_line.run(z, self._parts(z, y), stop=last)
        return x.reshape(len(x), *self.config.image)

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, D) of images (B, C, H, W) in the decoder's range.

        Without a scale, the log-variance is that of a point, ``POINT_LOGVAR``.

        Raises:
            RuntimeError: the network has no encoder.
        """
        encoder = self.config.encoder
        if encoder is None:
            raise RuntimeError("the network has no encoder")
        parts = self._parts(x, y)
        common = self.encoder_lines[0].run(x, parts)
        mean = self.encoder_lines[1].run(common, parts)
        if encoder.split == "halves":
            mean, scale = mean.chunk(2, dim=1)
        elif encoder.split == "interleaved":
            mean, scale = mean[:, 0::2], mean[:, 1::2]
        elif encoder.split == "heads":
            scale = self.encoder_lines[2].run(common, parts)
        else:
            return mean, torch.full_like(mean, POINT_LOGVAR)
        if encoder.kind == "log_sigma":
            scale = 2.0 * scale
        elif encoder.kind == "sigma":
            scale = 2.0 * torch.log(scale.abs().clamp_min(SMALLEST_SCALE))
        elif encoder.kind == "variance":
            scale = torch.log(scale.clamp_min(SMALLEST_SCALE))
        return mean, scale.clamp(*LOGVAR_RANGE)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """As :meth:`decode`."""
        return self.decode(z, y)

    def fold(self) -> None:
        """Fold batch normalisation; the network is for evaluation only from then on."""
        lines = (self.decoder_line, *self.encoder_lines)
        for line in lines:
            line.fold()
        # What was fused is in no container of the tree, so .to(device) would leave it behind.
        self._modules = {"folded": nn.ModuleList(m for line in lines for m in line.modules())}

    def _parts(self, like: Tensor, y: Tensor | None) -> tuple[Tensor, ...]:
        sizes = self.config.conditions
        if not sizes:
            return ()
        if y is None:
            y = like.new_zeros(len(like), sum(sizes))
        return torch.split(y, list(sizes), dim=1)


def _is_sigmoid(step: steps_.Step) -> bool:
    return isinstance(step, steps_.Activation) and step.kind == "sigmoid"


def _operation(
    step: steps_.Step, sizes: Sequence[int], tree: nn.Module
) -> nn.Module | WithCondition:
    match step:
        case steps_.Linear():
            return _hang(tree, step.name, nn.Linear(step.inputs, step.outputs, step.bias))
        case steps_.Conv():
            return _hang(tree, step.name, _conv(step))
        case steps_.BatchNorm():
            return _hang(tree, step.name, Norm(step.features, step.eps, step.affine))
        case steps_.GroupNorm():
            norm = nn.GroupNorm(step.groups, step.channels, step.eps, step.affine)
            return _hang(tree, step.name, norm)
        case steps_.LayerNorm():
            return _hang(tree, step.name, nn.LayerNorm(step.shape, step.eps))
        case steps_.PReLU():
            return _hang(tree, step.name, Slope(step.channels))
        case steps_.Embedding():
            return _hang(tree, step.name, Table(step.classes, step.size))
        case steps_.ConditionalNorm():
            return ConditionalNormStep(step, tree)
        case steps_.Merge():
            return MergeStep(step, sizes, tree)
        case steps_.Residual():
            return ResidualStep(step, sizes, tree)
    return _plain(step)


def _plain(step: steps_.Step) -> nn.Module:
    match step:
        case steps_.Activation():
            return _activation(step)
        case steps_.Reshape(shape=(channels, height, width), order="hwc"):
            return Plain(
                lambda x: x.reshape(-1, height, width, channels).permute(0, 3, 1, 2).contiguous()
            )
        case steps_.Reshape(shape=shape):
            return nn.Unflatten(1, tuple(shape))
        case steps_.Flatten(order=order):
            if order == "hwc":
                return Plain(lambda x: (x if x.ndim == 2 else x.permute(0, 2, 3, 1)).flatten(1))
            return nn.Flatten(1)
        case steps_.Upsample(factor=factor, mode=mode):
            align = False if mode == "bilinear" else None
            return nn.Upsample(scale_factor=float(factor), mode=mode, align_corners=align)
        case steps_.PixelShuffle(factor=factor):
            return nn.PixelShuffle(factor)
        case steps_.Pool(kernel=0):
            return Plain(lambda x: x.mean((2, 3)))
        case steps_.Pool(kind="max", kernel=kernel, stride=stride, padding=padding):
            return nn.MaxPool2d(kernel, stride or kernel, padding)
        case steps_.Pool(kernel=kernel, stride=stride, padding=padding):
            return nn.AvgPool2d(kernel, stride or kernel, padding)
        case steps_.Affine(scale=scale, shift=shift):
            return Plain(lambda x: x * scale + shift)
    raise ValueError(f"there is no step {type(step).__name__}")


def _activation(step: steps_.Activation) -> nn.Module:
    kinds: dict[str, Callable[[], nn.Module]] = {
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(step.slope),
        "elu": lambda: nn.ELU(step.slope),
        "selu": nn.SELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "softplus": nn.Softplus,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "mish": nn.Mish,
        "hardtanh": nn.Hardtanh,
        "relu6": nn.ReLU6,
    }
    return kinds[step.kind]()


def _conv(step: steps_.Conv) -> nn.Conv2d | nn.ConvTranspose2d:
    if step.transposed:
        return nn.ConvTranspose2d(
            step.inputs,
            step.outputs,
            step.kernel,
            step.stride,
            step.padding,
            step.output_padding,
            step.groups,
            step.bias,
            step.dilation,
        )
    return nn.Conv2d(
        step.inputs,
        step.outputs,
        step.kernel,
        step.stride,
        step.padding,
        step.dilation,
        step.groups,
        step.bias,
        step.mode,
    )


def _fused(before: object, norm: Norm) -> nn.Module | None:
    affine = nn.BatchNorm2d(len(norm.running_mean), eps=norm.eps, affine=norm.weight is not None)
    affine.load_state_dict(norm.state_dict(), strict=False)
    affine.eval()
    if isinstance(before, nn.Conv2d):
        return fuse_conv_bn_eval(before.eval(), affine)
    if isinstance(before, nn.ConvTranspose2d) and before.groups == 1:
        return fuse_conv_bn_eval(before.eval(), affine, transpose=True)
    if isinstance(before, nn.Linear):
        return fuse_linear_bn_eval(before.eval(), affine)
    return None


def _hang(tree: nn.Module, name: str, module: nn.Module) -> nn.Module:
    """Put a module at its dotted place, making containers on the way; returns what is there.

    ``_modules`` is written directly: ``add_module`` refuses names that torch uses itself, such
    as ``half``, and a foreign file may use any.
    """
    *way, last = name.split(".")
    for part in way:
        found = tree._modules.get(part)
        if found is None:
            found = tree._modules[part] = nn.Module()
        tree = found
    there = tree._modules.get(last)
    if there is not None and next(iter([*there._parameters, *there._buffers]), None) is None:
        module._modules.update(there._modules)  # a container from before becomes the module
        there = None
    if there is None:
        tree._modules[last] = module
        return module
    return there
