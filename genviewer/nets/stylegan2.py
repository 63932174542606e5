"""StyleGAN2 with the changes of its "ADA" version.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" and "Training
Generative Adversarial Networks with Limited Data". Written from the papers; parameters have the
names under which published checkpoints hold them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.nets.mapping import GAIN, LEAK, StyleNetwork
from genviewer.nets.modulation import ModulatedConv
from genviewer.nets.noise_inputs import NoiseInputs
from genviewer.nets.style_configs import FIRST, StyleGAN2Config

if TYPE_CHECKING:
    from genviewer.core.synthesis import Synthesis


class StyledConv(ModulatedConv):
    """A modulated 3 x 3 convolution, noise, bias and a leaky ReLU."""

    noise_const: Tensor

    def __init__(
        self, inputs: int, outputs: int, size: int, config: StyleGAN2Config, up: bool = False
    ) -> None:
        filter_size = config.filter_size if up else 0
        super().__init__(inputs, outputs, 3, config.mapping.widths[-1], filter_size=filter_size)
        if not up:  # published checkpoints hold the filter for every layer
            self.register_buffer(
                "resample_filter", torch.zeros(config.filter_size, config.filter_size)
            )
        self.clamp = config.clamp
        self.has_noise = config.noise
        if config.noise:
            self.noise_strength = nn.Parameter(torch.zeros(()))
            self.register_buffer("noise_const", torch.randn(size, size))

    def forward(
        self, x: Tensor, w: Tensor, noise: Tensor | None, strength: float, gain: float = 1.0
    ) -> Tensor:
        """(B, inputs, H, W) and styles (B, W); the activation is scaled by ``gain``.

        ``noise`` is a plane to use in place of the constant one; ``strength`` a factor, 0 for none.
        """
        # A leaky ReLU passes factors on, so its gain goes into what it is given.
        scale = GAIN * gain
        plain = not torch.is_grad_enabled()
        x = self.convolve(x, w, scale)
        if self.has_noise and strength != 0.0:
            plane = self.noise_const if noise is None else noise
            plane = plane * (self.noise_strength * (strength * scale))
            x = x.add_(plane) if plain else x + plane
        x = F.leaky_relu(x, LEAK, inplace=plain)
        if self.clamp is None:
            return x
        bound = self.clamp * gain
        return x.clamp_(-bound, bound) if plain else x.clamp(-bound, bound)


class ToImage(ModulatedConv):
    """A modulated 1 x 1 convolution to the picture's channels, without demodulation."""

    def __init__(self, inputs: int, config: StyleGAN2Config) -> None:
        super().__init__(
            inputs, config.image_channels, 1, config.mapping.widths[-1], demodulate=False
        )
        self.clamp = config.clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """(B, inputs, H, W) and styles (B, W) to (B, channels, H, W)."""
        x = self.convolve(x, w)
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class Shortcut(nn.Module):
    """The 1 x 1 convolution, upwards, beside a residual block."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, config: StyleGAN2Config) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.register_buffer("resample_filter", torch.zeros(config.filter_size, config.filter_size))

    def forward(self, x: Tensor, gain: float) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, 2H, 2W)."""
        x = F.conv2d(x, self.weight * (gain / math.sqrt(self.weight.shape[1])))
        return upsampled(x, self.resample_filter)


class Block(nn.Module):
    """All layers of one resolution."""

    resample_filter: Tensor

    def __init__(self, index: int, config: StyleGAN2Config) -> None:
        super().__init__()
        size, outputs = FIRST << index, config.channels[index]
        self.register_buffer("resample_filter", torch.zeros(config.filter_size, config.filter_size))
        self.conv0: StyledConv | None = None
        self.skip: Shortcut | None = None
        self.torgb: ToImage | None = None
        if index == 0:
            self.const = nn.Parameter(torch.randn(outputs, size, size))
        else:
            inputs = config.channels[index - 1]
            self.conv0 = StyledConv(inputs, outputs, size, config, up=True)
            if config.architecture == "resnet":
                self.skip = Shortcut(inputs, outputs, config)
        self.conv1 = StyledConv(outputs, outputs, size, config)
        if config.architecture == "skip" or index == len(config.channels) - 1:
            self.torgb = ToImage(outputs, config)

    @property
    def convolutions(self) -> int:
        """How many of its layers take a style and a noise plane."""
        return 1 if self.conv0 is None else 2

    def forward(
        self,
        x: Tensor | None,
        image: Tensor | None,
        ws: Tensor,
        noise: list[Tensor] | None,
        strength: float,
    ) -> tuple[Tensor, Tensor | None]:
        """Features and picture of the block before to this one's.

        ``ws`` (B, 2 or 3, W) are its convolutions' styles and that of the picture.
        """
        planes: list[Tensor | None] = [None, None] if noise is None else [*noise]
        if x is None or self.conv0 is None:
            x = self.const.expand(ws.shape[0], -1, -1, -1)
            x = x.contiguous(memory_format=torch.channels_last)
            x = self.conv1(x, ws[:, 0], planes[0], strength)
        elif self.skip is not None:
            half = math.sqrt(0.5)  # keeps the variance of a sum of two
            beside = self.skip(x, half)
            x = self.conv0(x, ws[:, 0], planes[0], strength)
            x = beside + self.conv1(x, ws[:, 1], planes[1], strength, half)
        else:
            x = self.conv0(x, ws[:, 0], planes[0], strength)
            x = self.conv1(x, ws[:, 1], planes[1], strength)
        if image is not None:
            image = upsampled(image, self.resample_filter)
        if self.torgb is not None:
            drawn = self.torgb(x, ws[:, -1])
            image = drawn if image is None else image + drawn
        return x, image


class SynthesisNetwork(nn.Module):
    """Styles (B, layers, W) to pictures."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.blocks: list[tuple[str, int]] = []  # names, and how many convolutions each has
        sizes: list[int] = []
        for index in range(len(config.channels)):
            name = f"b{FIRST << index}"
            block = Block(index, config)
            self.add_module(name, block)
            self.blocks.append((name, block.convolutions))
            sizes += [FIRST << index] * block.convolutions
        self.noise = NoiseInputs(tuple(sizes))

    def forward(self, ws: Tensor, how: Synthesis) -> Tensor:
        """Pictures (B, C, H, W), about [-1, 1]."""
        strength = 0.0 if how.noise == "none" else how.noise_strength
        planes: list[Tensor] | None = None
        if isinstance(how.noise, int):
            planes = self.noise.planes(how.noise, ws.device)
        x: Tensor | None = None
        image: Tensor | None = None
        at = 0
        for name, count in self.blocks:
            noise = None if planes is None else planes[at : at + count]
            # A picture is drawn with the style that the next block begins with.
            styles = ws[:, at : at + count + 1]
            x, image = self.get_submodule(name)(x, image, styles, noise, strength)
            at += count
        assert image is not None  # the last block draws, whatever the architecture
        return image


class StyleGAN2(StyleNetwork):
    """Mapping and synthesis; pictures are about [-1, 1], without a final activation."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__(config)
        self.synthesis = SynthesisNetwork(config)


def upsampled(x: Tensor, taps: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2H, 2W) through the filter ``taps`` (T, T) of unit sum."""
    channels, height, width = (int(size) for size in x.shape[1:])
    count = len(taps)
    kernel = (taps * 4.0).to(x.dtype).repeat(channels, 1, 1, 1)
    front = (count + 1) // 2  # zeros before the first sample, after insertion of zeros between
    padding = count - 1 - front
    full = F.conv_transpose2d(x, kernel, stride=2, groups=channels)
    return full[:, :, padding : padding + 2 * height, padding : padding + 2 * width]
