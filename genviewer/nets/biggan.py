"""BigGAN-deep.

Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", in the
arrangement of the converted weights that are published as ``config.json`` and
``pytorch_model.bin``; parameters have their names, with spectral normalisation divided out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.core.synthesis import PLAIN, Synthesis
from genviewer.nets.style_configs import FIRST, BigGANConfig, BigGANLayer


class TruncatedNorm(nn.Module):
    """Batch normalisation with statistics per truncation, its scale given by the condition.

    Without ``condition`` (its width) it has a weight and bias of its own.
    """

    running_means: Tensor
    running_vars: Tensor

    def __init__(self, channels: int, config: BigGANConfig, condition: int = 0) -> None:
        super().__init__()
        self.eps = config.eps
        self.register_buffer("running_means", torch.zeros(config.statistics, channels))
        self.register_buffer("running_vars", torch.ones(config.statistics, channels))
        self.scale: nn.Linear | None = None
        if condition:
            self.scale = nn.Linear(condition, channels, bias=False)
            self.offset = nn.Linear(condition, channels, bias=False)
        else:
            self.weight = nn.Parameter(torch.ones(channels))
            self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, truncation: float, condition: Tensor) -> Tensor:
        """(B, C, H, W) and conditions (B, E), for a truncation of 0..1, through a ReLU."""
        mean = self._row(self.running_means, truncation)
        factor = (self._row(self.running_vars, truncation) + self.eps).rsqrt()
        if self.scale is None:
            factor = (factor * self.weight).unsqueeze(0)
            bias = self.bias - mean * factor
        else:
            factor = factor * (1.0 + self.scale(condition))  # (B, C)
            bias = self.offset(condition) - mean * factor
        return torch.relu(torch.addcmul(bias[:, :, None, None], x, factor[:, :, None, None]))

    def _row(self, statistics: Tensor, truncation: float) -> Tensor:
        """Statistics (C,) for a truncation.

        Between two rows the published network weighs the nearer one less. Its pictures are what
        people know, so that is kept.
        """
        step = 1.0 / (len(statistics) - 1)
        between, row = math.modf(min(max(truncation, 0.0), 1.0) / step)
        at = min(int(row), len(statistics) - 1)
        if between == 0.0 or at == len(statistics) - 1:
            return statistics[at]
        return statistics[at] * between + statistics[at + 1] * (1.0 - between)


class Block(nn.Module):
    """A bottleneck of four convolutions beside a path that drops channels."""

    def __init__(self, layer: BigGANLayer, config: BigGANConfig) -> None:
        super().__init__()
        self.up, self.outputs = layer.up, layer.outputs
        middle = layer.inputs // 4
        condition = config.latent_dim + config.embed
        self.bn_0 = TruncatedNorm(layer.inputs, config, condition)
        self.conv_0 = nn.Conv2d(layer.inputs, middle, 1)
        self.bn_1 = TruncatedNorm(middle, config, condition)
        self.conv_1 = nn.Conv2d(middle, middle, 3, padding=1)
        self.bn_2 = TruncatedNorm(middle, config, condition)
        self.conv_2 = nn.Conv2d(middle, middle, 3, padding=1)
        self.bn_3 = TruncatedNorm(middle, config, condition)
        self.conv_3 = nn.Conv2d(middle, layer.outputs, 1)

    def forward(self, x: Tensor, truncation: float, condition: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W), or twice that size."""
        h = self.conv_0(self.bn_0(x, truncation, condition))
        h = self.bn_1(h, truncation, condition)
        if self.up:
            h = F.interpolate(h, scale_factor=2)
        h = self.conv_1(h)
        h = self.conv_2(self.bn_2(h, truncation, condition))
        h = self.conv_3(self.bn_3(h, truncation, condition))
        x = x[:, : self.outputs]
        result: Tensor = h + (F.interpolate(x, scale_factor=2) if self.up else x)
        return result


class SelfAttention(nn.Module):
    """Self-attention over places (Zhang et al. 2019), keys and values at half the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, wide = max(channels // 8, 1), max(channels // 2, 1)
        self.snconv1x1_theta = nn.Conv2d(channels, narrow, 1, bias=False)
        self.snconv1x1_phi = nn.Conv2d(channels, narrow, 1, bias=False)
        self.snconv1x1_g = nn.Conv2d(channels, wide, 1, bias=False)
        self.snconv1x1_o_conv = nn.Conv2d(wide, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        height, width = x.shape[2:]
        queries = self.snconv1x1_theta(x).flatten(2).transpose(1, 2)  # (B, H*W, C/8)
        keys = F.max_pool2d(self.snconv1x1_phi(x), 2).flatten(2)  # (B, C/8, H*W/4)
        values = F.max_pool2d(self.snconv1x1_g(x), 2).flatten(2)  # (B, C/2, H*W/4)
        weights = torch.softmax(queries @ keys, 2)  # (B, H*W, H*W/4)
        seen = (values @ weights.transpose(1, 2)).reshape(*values.shape[:2], height, width)
        result: Tensor = x + self.gamma * self.snconv1x1_o_conv(seen)
        return result


class BigGANGenerator(nn.Module):
    """Latent and embedded class (B, D + E) to pictures."""

    def __init__(self, config: BigGANConfig) -> None:
        super().__init__()
        self.first = config.blocks[0].inputs
        self.gen_z = nn.Linear(config.latent_dim + config.embed, FIRST * FIRST * self.first)
        layers: list[nn.Module] = []
        for index, block in enumerate(config.blocks):
            if index == config.attention:
                layers.append(SelfAttention(block.inputs))
            layers.append(Block(block, config))
        self.layers = nn.ModuleList(layers)
        last = config.blocks[-1].outputs
        self.bn = TruncatedNorm(last, config)
        self.conv_to_rgb = nn.Conv2d(last, config.colours, 3, padding=1)

    def forward(self, condition: Tensor, truncation: float) -> Tensor:
        """Pictures (B, 3, H, W) in [-1, 1]."""
        x = self.gen_z(condition).unflatten(1, (FIRST, FIRST, self.first)).permute(0, 3, 1, 2)
        for layer in self.layers:
            x = layer(x) if isinstance(layer, SelfAttention) else layer(x, truncation, condition)
        # The convolution has more outputs than there are colours; the others are never seen.
        convolution = self.conv_to_rgb
        assert convolution.bias is not None  # as constructed
        x = self.bn(x, truncation, condition)
        return torch.tanh(F.conv2d(x, convolution.weight[:3], convolution.bias[:3], padding=1))


class BigGAN(nn.Module):
    """Class embedding and generator; pictures are in [-1, 1]."""

    def __init__(self, config: BigGANConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = nn.Linear(config.classes, config.embed, bias=False)
        self.generator = BigGANGenerator(config)

    def decode(self, z: Tensor, y: Tensor | None = None, how: Synthesis = PLAIN) -> Tensor:
        """Pictures (B, 3, H, W) of latents (B, D), truncated already, and class weights (B, K).

        ``how.psi`` selects the batch-norm statistics.
        """
        if y is None:
            y = z.new_zeros(z.shape[0], self.config.classes)
        image: Tensor = self.generator(torch.cat([z, self.embeddings(y)], 1), how.psi)
        return image

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """As :meth:`decode`."""
        return self.decode(z, y)
