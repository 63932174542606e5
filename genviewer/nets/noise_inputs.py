"""Seeded noise for the noise inputs of a network: the same on every device, in every batch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor


class NoiseInputs:
    """Planes of standard normal noise by seed, drawn with NumPy in the order of the layers.

    The planes of the last seed are kept. Any thread.

    Args:
        sizes: the side of each layer's plane in pixels.
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self._sizes = sizes
        self._lock = threading.Lock()
        self._kept: tuple[int, torch.device, list[Tensor]] | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> NoiseInputs:
        return NoiseInputs(self._sizes)

    def planes(self, seed: int, device: torch.device) -> list[Tensor]:
        """One plane (S, S) float32 per layer, from ``numpy.random.default_rng(seed)``."""
        with self._lock:
            kept = self._kept
            if kept is not None and kept[0] == seed and kept[1] == device:
                return kept[2]
            rng = np.random.default_rng(seed % (1 << 63))
            planes = [
                torch.from_numpy(rng.standard_normal((size, size), dtype=np.float32)).to(device)
                for size in self._sizes
            ]
            self._kept = (seed, device, planes)
            return planes
