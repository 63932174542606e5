"""Directions along which what a model draws gets brighter, wider, more slanted, ...

What can be measured of any picture is measured of many samples, and the latents are regressed on
it. This takes neither data nor an encoder, so it works for every model that draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from genviewer.core.condition import pack
from genviewer.core.directions import Directions, covariance_of, unit_rows
from genviewer.core.prior import draws
from genviewer.core.recipe import default_condition
from genviewer.engine.generator import LoadError
from genviewer.engine.torch_decoder import load_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.engine.generator import Floats
    from genviewer.io.bundle import Bundle

DRAWS = 1500
CHUNK = 50
LEAST_EXPLAINED = 0.03
"""An attribute of which the latents explain a smaller share of the variance is left out."""


def measured_attributes(images: Floats) -> dict[str, NDArray[np.float64]]:
    """What can be said of pictures in numbers, by name: float64 (N,) each.

    Args:
        images: float32 (N, C, H, W) in [0, 1].

    Returns:
        brightness and contrast; width, height, place and slant of what stands out from the
        picture's edge; of coloured pictures how red, green, blue and vivid they are.
    """
    grey = images.mean(1, dtype=np.float64)  # (N, H, W)
    _, height, width = grey.shape
    edge = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1)
    mass = np.abs(grey - np.median(edge, axis=1)[:, None, None])
    mass = mass / np.maximum(mass.sum((1, 2), keepdims=True), 1e-6)
    x, y = np.linspace(-1.0, 1.0, width), np.linspace(-1.0, 1.0, height)
    middle_x, middle_y = mass.sum(1) @ x, mass.sum(2) @ y
    away_x = x[None] - middle_x[:, None]  # (N, W)
    away_y = y[None] - middle_y[:, None]
    spread_x = (mass.sum(1) * away_x**2).sum(1)
    spread_y = (mass.sum(2) * away_y**2).sum(1)
    shared = np.einsum("nhw,nh,nw->n", mass, away_y, away_x)
    found = {
        "brightness": grey.mean((1, 2)),
        "contrast": grey.std((1, 2)),
        "width": np.sqrt(spread_x),
        "height": np.sqrt(spread_y),
        "to the right": middle_x,
        "downwards": middle_y,
        # Leaning to the right: what is higher up (y small) lies further right.
        "slant": -shared / np.maximum(spread_y, 1e-6),
    }
    if images.shape[1] == 3:
        mean = images.mean((2, 3), dtype=np.float64)  # (N, 3)
        for index, name in enumerate(("red", "green", "blue")):
            found[name] = mean[:, index] - mean.mean(1)
        found["vividness"] = (images.max(1) - images.min(1)).mean((1, 2), dtype=np.float64)
    return found


def found_in_attributes(
    bundle: Bundle,
    *,
    points: int = DRAWS,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Directions:
    """Directions along which attributes of the pictures change; seconds, on the CPU.

    Where classes are drawn in turn, what they alone change is left out. ``explained`` is the
    share of an attribute's variance that a linear function of the latent tells.

    Args:
        bundle: the model.
        points: samples to look at.
        seed: of them.
        progress: told what share is done; it may raise to end it.

    Raises:
        LoadError: the model is a program, has too many dimensions for so many samples, or nothing
            that can be measured follows its latents.
    """
    spec = bundle.spec
    if bundle.config.network.get("type") == "program":
        raise LoadError(f"{spec.name} is a program: its layers cannot be seen.")
    dim = spec.prior_latent.dim
    if points < 2 * dim:  # a fit to chance would look like one to the pictures
        raise LoadError(
            f"{spec.name} has {dim:,} latent dimensions: {points:,} samples are too few to tell "
            "what follows them."
        )
    network = load_network(bundle)
    z = draws(spec.prior_latent, seed, points)
    y, classes = None, np.zeros(points, np.int64)
    if spec.conditions:
        y = np.stack([pack(default_condition(spec, index), spec) for index in range(points)])
        if spec.class_condition is not None:
            classes = np.arange(points) % spec.class_condition.size
    low, high = spec.image.range
    parts: list[dict[str, NDArray[np.float64]]] = []
    with torch.inference_mode():
        for at in range(0, points, CHUNK):
            rows = slice(at, at + CHUNK)
            part = None if y is None else torch.from_numpy(y[rows])
            raw = network.decode(torch.from_numpy(z[rows]), part).float()  # type: ignore[operator]
            images = ((raw - low) / (high - low)).clamp_(0.0, 1.0).numpy()
            parts.append(measured_attributes(images))
            if progress is not None:
                progress(min(at + CHUNK, points) / points)
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _regressed(z, values, classes, spec.name)


def _regressed(
    z: Floats, values: dict[str, NDArray[np.float64]], classes: NDArray[np.int64], model: str
) -> Directions:
    """The directions in which a linear function of the latent that tells an attribute rises."""
    centred = z.astype(np.float64) - z.mean(0)
    vectors, explained, names = [], [], []
    for name, measured in values.items():
        left = measured.copy()
        for index in np.unique(classes):
            left[classes == index] -= left[classes == index].mean()
        if left.std() < 1e-9:
            continue
        left /= left.std()
        slope, *_ = np.linalg.lstsq(centred, left, rcond=None)
        # With many dimensions some of the fit is chance: the share is corrected for their number.
        free = max(len(z) - z.shape[1] - 1, 1)
        share = 1.0 - np.square(left - centred @ slope).sum() / free / (left @ left / len(left))
        if share >= LEAST_EXPLAINED:
            vectors.append(slope)
            explained.append(share)
            names.append(name)
    if not vectors:
        raise LoadError(f"Nothing that can be measured of what {model} draws follows its latents.")
    units = unit_rows(np.stack(vectors))
    deviations = (z @ units.T).std(0).astype(np.float32)
    shares = np.asarray(explained, np.float32)
    covariance = covariance_of(z)
    return Directions(units, deviations, shares, tuple(names), "attribute", covariance=covariance)
