"""How alike two pictures are: PSNR and SSIM."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

WINDOW = 11
SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def psnr(found: Tensor, wanted: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of pictures (N, C, H, W) in [0, 1]: (N,).

    100 dB, less than a rounding error of float32, stands for pictures that are equal.
    """
    error = (found - wanted).square().flatten(1).mean(1)
    return -10.0 * torch.log10(error.clamp_min(1e-10))


def ssim(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean structural similarity of pictures (N, C, H, W) in [0, 1]: (N,), at most 1.

    Wang et al. 2004, with their Gaussian window (a smaller one where the picture is), over the
    places where it lies within the picture, each channel by itself.
    """
    # In float32 the variances of flat places, differences of squares, would be rounding errors.
    found, wanted = found.double().cpu(), wanted.double().cpu()
    size = min(WINDOW, *found.shape[2:])
    size -= 1 - size % 2
    at = torch.arange(size, dtype=found.dtype, device=found.device) - (size - 1) / 2.0
    taps = torch.exp(-0.5 * (at / SIGMA).square())
    taps = taps / taps.sum()

    def local(x: Tensor) -> Tensor:
        x = x.flatten(0, 1)[:, None]  # every channel a picture of its own
        return F.conv2d(F.conv2d(x, taps.view(1, 1, -1, 1)), taps.view(1, 1, 1, -1))

    mean_a, mean_b = local(found), local(wanted)
    variance_a = local(found.square()) - mean_a.square()
    variance_b = local(wanted.square()) - mean_b.square()
    covariance = local(found * wanted) - mean_a * mean_b
    luminance = (2.0 * mean_a * mean_b + _C1) / (mean_a.square() + mean_b.square() + _C1)
    structure = (2.0 * covariance + _C2) / (variance_a + variance_b + _C2)
    return (luminance * structure).view(len(found), -1).mean(1)


def scales(height: int, width: int) -> int:
    """How often a picture can be halved before a side is below four pixels, the first included."""
    return 1 + max(0, int(math.log2(max(min(height, width) / 4.0, 1.0))))
