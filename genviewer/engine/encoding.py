"""Images to latents: the posterior of a model that has an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genviewer.engine.generator import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

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
        LoadError: the model has no encoder, or cannot be built.
    """
    need_encoder(bundle)
    if bundle.config.network.get("type") == "program":
        from genviewer.engine.program_generator import encode_program

        return encode_program(bundle, images, y)
    import torch

    from genviewer.engine.device import choose_device
    from genviewer.engine.torch_decoder import load_network

    chosen = choose_device(device)
    network = load_network(bundle).to(chosen)
    means, logvars = [], []
    with torch.inference_mode():
        for start in range(0, len(images), CHUNK):
            x = torch.from_numpy(images[start : start + CHUNK]).to(chosen)
            part = None if y is None else torch.from_numpy(y[start : start + CHUNK]).to(chosen)
            mean, logvar = network.encode(x, part)  # type: ignore[operator]
            means.append(mean.float().cpu().numpy())
            logvars.append(logvar.float().cpu().numpy())
            if progress is not None:
                progress(len(x))
    return np.concatenate(means), np.concatenate(logvars)
