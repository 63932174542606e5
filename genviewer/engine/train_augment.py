"""Differentiable augmentation of real and generated images alike (Zhao et al. 2020).

The discriminator then cannot learn a small data set by heart, and the generator does not learn the
augmentation, since the gradient passes through it. Noise comes from the generator that is handed
in, so that a resumed run repeats it.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genviewer.engine.train_noise import integers, uniform

_MAX_SHIFT = 1 / 8  # of the side
_CUTOUT = 1 / 2


def augment(x: Tensor, policy: str, noise: Generator) -> Tensor:
    """Images (B, C, H, W) in [-1, 1] after the comma-separated steps of ``policy``."""
    for name in filter(None, policy.split(",")):
        x = _STEPS[name](x, noise)
    return x


def _brightness(x: Tensor, noise: Generator) -> Tensor:
    shift = uniform(noise, len(x), 1, 1, 1) - 0.5
    return x + shift


def _translation(x: Tensor, noise: Generator) -> Tensor:
    B, _, H, W = x.shape
    reach_y, reach_x = int(H * _MAX_SHIFT + 0.5), int(W * _MAX_SHIFT + 0.5)
    dy = integers(noise, -reach_y, reach_y + 1, B, 1, 1)
    dx = integers(noise, -reach_x, reach_x + 1, B, 1, 1)
    padded = F.pad(x, (1, 1, 1, 1), value=-1.0)  # what moves in is background
    rows = (torch.arange(H, device=x.device).view(1, H, 1) + dy + 1).clamp(0, H + 1)
    columns = (torch.arange(W, device=x.device).view(1, 1, W) + dx + 1).clamp(0, W + 1)
    batch = torch.arange(B, device=x.device).view(B, 1, 1)
    return padded.permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 3, 1, 2)


def _cutout(x: Tensor, noise: Generator) -> Tensor:
    B, _, H, W = x.shape
    half_y, half_x = int(H * _CUTOUT / 2 + 0.5), int(W * _CUTOUT / 2 + 0.5)
    cy = integers(noise, 0, H, B, 1, 1, 1)
    cx = integers(noise, 0, W, B, 1, 1, 1)
    inside_y = (torch.arange(H, device=x.device).view(1, 1, H, 1) - cy).abs() < half_y
    inside_x = (torch.arange(W, device=x.device).view(1, 1, 1, W) - cx).abs() < half_x
    return x * ~(inside_y & inside_x)


_STEPS = {"brightness": _brightness, "translation": _translation, "cutout": _cutout}
