"""How a model's samples become more like the images that it learns from, while it learns.

The Frechet distance (Heusel et al. 2017) in the features of fixed random convolutions: it needs no
labels and no other network, and takes a fraction of a second. Runs of one data set can be
compared by it; what a picture shows is judged by `genviewer evaluate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genviewer.core.prior import draws
from genviewer.engine.evaluate_features import RandomSpace
from genviewer.engine.evaluate_metrics import frechet_distance
from genviewer.engine.train_networks import drawn_mean
from genviewer.engine.train_state import one_hot

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from genviewer.core.spec import Spec
    from genviewer.io.datasets import Images

LEAST, MOST = 2, 500  # images and as many samples; one has no spread
_CHUNK = 50


class Quality:
    """Compares samples, always of the same latents, with some of the images and their classes.

    There must be :data:`LEAST` images.
    """

    def __init__(self, images: Images, spec: Spec, seed: int) -> None:
        count = min(MOST, len(images.images))
        chosen = np.random.default_rng(seed).permutation(len(images.images))[:count]
        rows = np.sort(chosen)
        self._space, self._span = RandomSpace(spec.image.channels), spec.image.range
        self._z = torch.from_numpy(draws(spec.latent, seed, count))
        self._y: Tensor | None = None
        if spec.class_condition is not None and images.labels is not None:
            self._y = one_hot(images.labels[rows], spec.class_condition.size)
        pixels = (images.images[rows[at : at + _CHUNK]] for at in range(0, count, _CHUNK))
        self._real = np.concatenate([self._space.look(part)[0] for part in pixels])

    def measure(self, network: nn.Module) -> dict[str, float]:
        """``frechet``, of a network on the CPU in its evaluation mode: 0 is best.

        Raises:
            LinAlgError: of samples that are no numbers.
        """
        features = [
            self._space.look(self._drawn(network, slice(at, at + _CHUNK)))[0]
            for at in range(0, len(self._z), _CHUNK)
        ]
        return {"frechet": frechet_distance(self._real, np.concatenate(features))}

    @torch.inference_mode()
    def _drawn(self, network: nn.Module, rows: slice) -> NDArray[Any]:
        y = None if self._y is None else self._y[rows]
        unit = drawn_mean(network, self._z[rows], y, self._span)
        pixels: NDArray[Any] = (unit * 255.0).round().byte().permute(0, 2, 3, 1).numpy()
        return pixels
