"""The autoencoder of latent diffusion models: pictures to a small picture of latents, and back.

Rombach et al. 2022, "High-resolution image synthesis with latent diffusion models". Tensors are
named as the diffusers library names them, so its files load as they are.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.nets.autoencoder_kl_config import AutoencoderKLConfig

__all__ = ["AutoencoderKL", "AutoencoderKLConfig"]

EPS = 1e-6
LOGVAR_RANGE = (-30.0, 20.0)
"""The published models were trained with this bound."""


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs, EPS)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, outputs, EPS)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        short = x if self.conv_shortcut is None else self.conv_shortcut(x)
        out: Tensor = short + h
        return out


class _Attention(nn.Module):
    """Self-attention of one head over all places of a picture."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, EPS)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x: Tensor) -> Tensor:
        B, C, H, W = x.shape
        h = self.group_norm(x).reshape(B, C, H * W).transpose(1, 2)  # (B, H*W, C)
        q, k, v = (layer(h)[:, None] for layer in (self.to_q, self.to_k, self.to_v))
        h = self.to_out[0](F.scaled_dot_product_attention(q, k, v)[:, 0])
        out: Tensor = x + h.transpose(1, 2).reshape(B, C, H, W)
        return out


class _Middle(nn.Module):
    def __init__(self, channels: int, groups: int, attention: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([_Residual(channels, channels, groups) for _ in range(2)])
        parts = [_Attention(channels, groups)] if attention else []
        self.attentions = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        x = self.resnets[0](x)
        for part in self.attentions:
            x = part(x)
        out: Tensor = self.resnets[1](x)
        return out


class _Resampling(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        padding = 1 if stride == 1 else 0
        self.conv = nn.Conv2d(channels, channels, 3, stride=stride, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class _Stage(nn.Module):
    """Residual blocks, then half or twice the side where it is not the last stage."""

    def __init__(self, inputs: int, outputs: int, layers: int, groups: int, change: str) -> None:
        super().__init__()
        sizes = [inputs] + [outputs] * layers
        self.resnets = nn.ModuleList([_Residual(a, b, groups) for a, b in pairwise(sizes)])
        if change == "down":
            self.downsamplers = nn.ModuleList([_Resampling(outputs, 2)])
        elif change == "up":
            self.upsamplers = nn.ModuleList([_Resampling(outputs, 1)])
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        for block in self.resnets:
            x = block(x)
        if self.change == "down":  # the published models pad below and to the right only
            x = self.downsamplers[0](F.pad(x, (0, 1, 0, 1)))
        elif self.change == "up":
            x = self.upsamplers[0](F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return x


class _Encoder(nn.Module):
    def __init__(self, config: AutoencoderKLConfig) -> None:
        super().__init__()
        sizes, last = config.channels, len(config.channels) - 1
        self.conv_in = nn.Conv2d(config.image_channels, sizes[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            [
                _Stage(
                    sizes[max(i - 1, 0)], size, config.layers, config.groups,
                    "down" if i < last else "",
                )
                for i, size in enumerate(sizes)
            ]
        )  # fmt: skip
        self.mid_block = _Middle(sizes[-1], config.groups, config.attention)
        self.conv_norm_out = nn.GroupNorm(config.groups, sizes[-1], EPS)
        self.conv_out = nn.Conv2d(sizes[-1], 2 * config.latent_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv_in(x)
        for stage in self.down_blocks:
            h = stage(h)
        out: Tensor = self.conv_out(F.silu(self.conv_norm_out(self.mid_block(h))))
        return out


class _Decoder(nn.Module):
    def __init__(self, config: AutoencoderKLConfig) -> None:
        super().__init__()
        sizes, last = config.channels[::-1], len(config.channels) - 1
        self.conv_in = nn.Conv2d(config.latent_channels, sizes[0], 3, padding=1)
        self.mid_block = _Middle(sizes[0], config.groups, config.attention)
        self.up_blocks = nn.ModuleList(
            [
                _Stage(
                    sizes[max(i - 1, 0)], size, config.layers + 1, config.groups,
                    "up" if i < last else "",
                )
                for i, size in enumerate(sizes)
            ]
        )  # fmt: skip
        self.conv_norm_out = nn.GroupNorm(config.groups, sizes[-1], EPS)
        self.conv_out = nn.Conv2d(sizes[-1], config.output_channels, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.mid_block(self.conv_in(z))
        for stage in self.up_blocks:
            h = stage(h)
        out: Tensor = self.conv_out(F.silu(self.conv_norm_out(h)))
        return out


class AutoencoderKL(nn.Module):
    """Pictures (B, C, H, W) in [-1, 1]; latents flat (B, D), D = channels x height x width."""

    def __init__(self, config: AutoencoderKLConfig) -> None:
        super().__init__()
        self.config = config
        C = config.latent_channels
        self.encoder = _Encoder(config) if config.encoder else None
        self.decoder = _Decoder(config)
        self.quant_conv = nn.Conv2d(2 * C, 2 * C, 1) if config.encoder and config.quant else None
        self.post_quant_conv = nn.Conv2d(C, C, 1) if config.post_quant else None

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Latents (B, D) to pictures (B, C, H, W)."""
        config = self.config
        h = z.reshape(-1, config.latent_channels, config.height, config.width)
        if self.post_quant_conv is not None:
            h = self.post_quant_conv(h)
        pictures: Tensor = self.decoder(h)
        return pictures

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the posterior, each (B, D).

        Raises:
            ValueError: the file had no encoder.
        """
        if self.encoder is None:
            raise ValueError("this autoencoder has no encoder")
        h = self.encoder(x)
        if self.quant_conv is not None:
            h = self.quant_conv(h)
        mean, logvar = torch.chunk(h, 2, dim=1)
        return mean.flatten(1), logvar.clamp(*LOGVAR_RANGE).flatten(1)
