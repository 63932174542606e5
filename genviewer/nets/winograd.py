"""3 x 3 convolutions with fewer multiplications, for wide layers on the CPU.

Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", F(2 x 2, 3 x 3): 16
products for every 2 x 2 outputs in the place of 36, as 16 matrix products over channels. Transforms
cost the same whatever the width, so it pays from 256 channels on. Differs from the direct sum by
rounding only.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

MIN_CHANNELS = 256
MIN_SIDE = 8
BAND = 8  # rows of 2 x 2 tiles at a time, so that what is between the transforms stays in the cache


def is_worth_it(inputs: int, outputs: int) -> bool:
    """Whether a layer of this width gains from it."""
    return min(inputs, outputs) >= MIN_CHANNELS


def fits(x: Tensor) -> bool:
    """Whether features (B, C, H, W) can be convolved so: on the CPU, without gradients."""
    height, width = x.shape[2:]
    return (
        x.device.type == "cpu"
        and not torch.is_grad_enabled()
        and height % 2 == width % 2 == 0
        and min(height, width) >= MIN_SIDE
    )


def transformed(weight: Tensor) -> Tensor:
    """Weights (O, I, 3, 3) as :func:`convolved` takes them: (16, I, O)."""
    # G of the paper, one row per product.
    rows = weight.new_tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]])
    return torch.einsum("xa,oiab,yb->xyio", rows, weight, rows).flatten(0, 1).contiguous()


def convolved(x: Tensor, weight: Tensor) -> Tensor:
    """(B, I, H, W), of even size, to (B, O, H, W), with a border of zeros; no gradients."""
    batch, _, height, width = x.shape
    result = x.new_empty(batch, height, width, weight.shape[2])
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    for row in range(batch):
        for top in range(0, height, 2 * BAND):
            count = min(BAND, (height - top) // 2)
            strip = padded[row, top : top + 2 * count + 2]
            _band(strip, weight, result[row, top : top + 2 * count])
    return result.permute(0, 3, 1, 2)


def _band(strip: Tensor, weight: Tensor, out: Tensor) -> None:
    """Rows (2n + 2, W + 2, I) to (2n, W, O), written into ``out``."""
    tiles, across, channels = len(strip) // 2 - 1, strip.shape[1] // 2 - 1, strip.shape[2]
    products = strip.new_empty(4, 4, tiles, across, channels)
    rows = [strip[i : i + 2 * tiles - 1 : 2] for i in range(4)]
    for i, mixed in enumerate(
        (rows[0] - rows[2], rows[1] + rows[2], rows[2] - rows[1], rows[1] - rows[3])
    ):
        part = [mixed[:, j : j + 2 * across - 1 : 2] for j in range(4)]
        torch.sub(part[0], part[2], out=products[i, 0])
        torch.add(part[1], part[2], out=products[i, 1])
        torch.sub(part[2], part[1], out=products[i, 2])
        torch.sub(part[1], part[3], out=products[i, 3])
    summed = torch.bmm(products.view(16, -1, channels), weight)
    summed = summed.view(4, 4, tiles, across, -1)
    for i, mixed in enumerate(
        (summed[0] + summed[1] + summed[2], summed[1] - summed[2] - summed[3])
    ):
        torch.add(mixed[0] + mixed[1], mixed[2], out=out[i::2, 0::2])
        torch.sub(mixed[1] - mixed[2], mixed[3], out=out[i::2, 1::2])
