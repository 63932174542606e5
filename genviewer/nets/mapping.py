"""The mapping network of style-based generators: from ``z`` and a condition to styles.

Karras et al. 2019 and 2020. Parameters have the names under which published checkpoints hold them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.core.synthesis import PLAIN, Synthesis

if TYPE_CHECKING:
    from genviewer.nets.style_configs import MappingConfig, StyleGAN2Config, StyleGAN3Config

LEAK = 0.2
GAIN = math.sqrt(2.0)
EPSILON = 1e-8


class EqualLinear(nn.Module):
    """A linear layer whose weights are stored at unit variance and scaled when used."""

    def __init__(self, inputs: int, outputs: int, rate: float = 1.0, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.gain = rate / math.sqrt(inputs)
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) to (B, outputs)."""
        return torch.addmm(self.bias, x, self.weight.t(), beta=self.rate, alpha=self.gain)


class MappingNetwork(nn.Module):
    """Latents (B, D) and condition values (B, K) to styles (B, W)."""

    w_avg: Tensor

    def __init__(self, config: MappingConfig) -> None:
        super().__init__()
        self.config = config
        self.embed: EqualLinear | None = None
        if config.classes:
            self.embed = EqualLinear(config.classes, config.embed)
        width = config.latent_dim + config.embed
        self.layers: list[str] = []
        for index, outputs in enumerate(config.widths):
            self.layers.append(f"fc{index}")
            self.add_module(f"fc{index}", EqualLinear(width, outputs, config.rate))
            width = outputs
        self.register_buffer("w_avg", torch.zeros(width))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Styles (B, W), before truncation; without ``y`` the condition is all zeros."""
        x = _normalised(z)
        if self.embed is not None:
            if y is None:
                y = z.new_zeros(z.shape[0], self.config.classes)
            x = torch.cat([x, _normalised(self.embed(y))], 1)
        for name in self.layers:
            x = F.leaky_relu(self.get_submodule(name)(x), LEAK) * GAIN
        return x

    def styles(self, z: Tensor, y: Tensor | None, how: Synthesis, layers: int) -> Tensor:
        """The style of every layer, mixed and truncated as ``how`` says: (B, layers, W)."""
        w = z if how.space == "w" else self(z, y)
        ws = w.unsqueeze(1).expand(-1, layers, -1)
        if how.mix is not None:
            second = torch.tensor(how.mix.latent.array, device=z.device).reshape(1, -1)
            if how.mix.latent.space != "w":
                second = self(second.expand(z.shape[0], -1), y)
            place = torch.arange(layers, device=z.device).unsqueeze(1)  # (layers, 1)
            mixed = (place >= how.mix.first) & (place <= how.mix.last)
            ws = torch.where(mixed, second.unsqueeze(1), ws)
        if how.psi == 1.0:
            return ws
        truncated = torch.lerp(self.w_avg, ws, how.psi)
        if how.cutoff is None or how.cutoff >= layers:
            return truncated
        return torch.cat([truncated[:, : how.cutoff], ws[:, how.cutoff :]], 1)


class StyleNetwork(nn.Module):
    """A mapping network before a synthesis network, which the family's class makes."""

    synthesis: nn.Module

    def __init__(self, config: StyleGAN2Config | StyleGAN3Config) -> None:
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config.mapping)

    def map_to_w(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Styles (B, W) of latents (B, D), before truncation."""
        w: Tensor = self.mapping(z, y)
        return w

    def decode(self, z: Tensor, y: Tensor | None = None, how: Synthesis = PLAIN) -> Tensor:
        """Pictures (B, C, H, W) of latents (B, D), in ``how.space``, and conditions (B, K)."""
        ws = self.mapping.styles(z, y, how, self.config.layers)
        image: Tensor = self.synthesis(ws, how)
        return image

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """As :meth:`decode`."""
        return self.decode(z, y)


def _normalised(x: Tensor) -> Tensor:
    """Rows scaled to a mean square of one."""
    return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()
