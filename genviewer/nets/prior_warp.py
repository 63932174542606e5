"""A fixed map of the plane that takes the standard normal prior to another distribution.

A VAE's encoder never fills its prior exactly: between the places where it puts the data lie seams
that decode to shapes that are neither this nor that. A map that takes the prior to the
encoder's aggregated posterior gives the seams the share of the prior that the data have there,
which is next to none (the idea of the second stage of Dai and Wipf 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PriorWarp(nn.Module):
    """(B, 2) under the standard normal prior to (B, 2), by a table over the unit square.

    ``table`` (2, S, S) holds the target's coordinates at the middles of S x S cells of equal
    probability under the prior, the second coordinate along rows; between them it is bilinear, and
    beyond the outermost constant. A new one is the prior itself.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", prior_table(side))

    def forward(self, z: Tensor) -> Tensor:
        """(B, 2) to (B, 2)."""
        places = torch.erf(z * 0.5**0.5)  # the prior's distribution function, in [-1, 1]
        found = F.grid_sample(
            self.table[None], places[None, None], padding_mode="border", align_corners=False
        )  # (1, 2, 1, B)
        return found[0, :, 0].T


def prior_table(side: int) -> Tensor:
    """The table (2, S, S) of the standard normal distribution itself."""
    shares = (torch.arange(side, dtype=torch.float64, device="cpu") + 0.5) / side
    at = torch.special.ndtri(shares).float()
    second, first = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([first, second])
