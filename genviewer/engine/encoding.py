"""Images to latents: the posterior of a model that has an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genviewer.engine.generator import LoadError
from genviewer.nets.chain_config import POINT_LOGVAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import nn

    from genviewer.engine.generator import Floats
    from genviewer.io.bundle import Bundle

CHUNK = 64


def to_model_range(images: NDArray[np.generic], bundle: Bundle) -> Floats:
    """Images as the model's network takes them.

    Args:
        images: uint8, or floats in [0, 1], or floats that reach below 0 and are in the model's
            range already; (N, C, H, W), (N, H, W, C), (N, H, W) or (N, C H W).
        bundle: the model.

    Returns:
        float32 (N, C, H, W) in the Spec's range.

    Raises:
        LoadError: the images have another size than the model's.
    """
    image = bundle.spec.image
    channels, height, width = image.channels, image.height, image.width
    shape = images.shape[1:]
    if shape == (height, width, channels) and shape != (channels, height, width):
        images = np.moveaxis(images, 3, 1)
    elif shape in ((height, width), (channels * height * width,)):
        if shape == (height, width) and channels != 1:
            raise LoadError(f"{bundle.spec.name} takes images of {channels} channels.")
        images = images.reshape(len(images), channels, height, width)
    if images.shape[1:] != (channels, height, width):
        given = " x ".join(map(str, shape))
        raise LoadError(
            f"{bundle.spec.name} takes images of {channels} x {height} x {width} values "
            f"(channels, height, width), not of {given}."
        )
    values = images.astype(np.float32)
    if images.dtype == np.uint8:
        values /= np.float32(255.0)
    elif not np.isfinite(values).all():
        raise LoadError("The images hold values that are not finite.")
    elif len(values) and float(values.min()) < -1e-3:
        return np.ascontiguousarray(values)
    low, high = image.range
    return np.ascontiguousarray(values * np.float32(high - low) + np.float32(low))


def need_encoder(bundle: Bundle) -> None:
    """LoadError if the model has no encoder."""
    if not bundle.spec.encoder:
        raise LoadError(f"{bundle.spec.name} has no encoder: it only draws.")


def are_points(logvar: Floats) -> bool:
    """Whether log-variances (N, D) say that an encoder gives points: their KL means nothing."""
    return logvar.size > 0 and float(logvar.max()) <= POINT_LOGVAR


class ImageEncoder:
    """The encoder of a model, built once; ``encode`` may be called from one thread at a time.

    Raises:
        LoadError: the model has no encoder, or cannot be built.
    """

    def __init__(self, bundle: Bundle, device: str = "auto") -> None:
        need_encoder(bundle)
        self._bundle = bundle
        self._network: nn.Module | None = None
        if bundle.config.network.get("type") == "program":
            return  # it has a process of its own
        from genviewer.engine.device import choose_device
        from genviewer.engine.torch_decoder import load_network

        self._device = choose_device(device)
        self._network = load_network(bundle).to(self._device)

    def take_weights(self, bundle: Bundle) -> None:
        """Go on with other weights of the same network; LoadError if they do not fit."""
        self._bundle = bundle
        if self._network is not None:
            from genviewer.engine.torch_decoder import take_weights

            take_weights(self._network, bundle)

    def encode(
        self,
        images: Floats,
        y: Floats | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Floats, Floats]:
        """Mean and log-variance of q(z | x, y); arguments and result as of :func:`encode`."""
        mean, logvar = self._encode(images, y, progress)
        if not np.isfinite(mean).all() or np.isnan(logvar).any():
            raise LoadError(
                f"{self._bundle.spec.name} encodes images as values that are not finite: its "
                "weights are damaged, or the images beyond what it was made for."
            )
        return mean, logvar

    def _encode(
        self, images: Floats, y: Floats | None, progress: Callable[[int], None] | None
    ) -> tuple[Floats, Floats]:
        if self._network is None:
            from genviewer.engine.program_generator import encode_program

            return encode_program(self._bundle, images, y)
        import torch

        means, logvars = [], []
        with torch.inference_mode():
            for start in range(0, len(images), CHUNK):
                rows = slice(start, start + CHUNK)
                x = torch.from_numpy(images[rows]).to(self._device)
                part = None if y is None else torch.from_numpy(y[rows]).to(self._device)
                mean, logvar = self._network.encode(x, part)  # type: ignore[operator]
                means.append(mean.float().cpu().numpy())
                logvars.append(logvar.float().cpu().numpy())
                if progress is not None:
                    progress(len(x))
        return np.concatenate(means), np.concatenate(logvars)


def encode(
    bundle: Bundle,
    images: Floats,
    y: Floats | None = None,
    device: str = "auto",
    progress: Callable[[int], None] | None = None,
) -> tuple[Floats, Floats]:
    """Mean and log-variance of q(z | x, y).

    Args:
        bundle: the model.
        images: float32 (N, C, H, W) in the Spec's range.
        y: packed conditions float32 (N, K); None for empty ones.
        device: where to compute.
        progress: told how many images of each chunk are done.

    Returns:
        two arrays float32 (N, D).

    Raises:
        LoadError: the model has no encoder, or cannot be built; or its values are not finite.
    """
    return ImageEncoder(bundle, device).encode(images, y, progress)
