"""Directions that mean something, found in a model's layers or in what it makes of a data set.

Harkonen et al. 2020 (GANSpace: principal components of features, mapped back to the latent), Shen
and Zhou 2021 (SeFa: the closed-form factorisation of the layer that reads the latent), and the
means of encoded classes (Larsen et al. 2016).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genviewer.core.condition import pack
from genviewer.core.directions import (
    Directions,
    class_means,
    covariance_of,
    factorised,
    principal_directions,
    select,
    unit_rows,
)
from genviewer.core.prior import draws
from genviewer.core.recipe import default_condition
from genviewer.engine.directions_layers import features, response, style_weights
from genviewer.engine.encoding import encode
from genviewer.engine.generator import LoadError
from genviewer.engine.torch_decoder import load_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genviewer.core.directions import Method
    from genviewer.core.spec import LatentSpec
    from genviewer.engine.density import Reports
    from genviewer.engine.generator import Floats
    from genviewer.io.bundle import Bundle

DRAWS = 4000
MAX_FEATURES = 4096
"""Wider features are projected: their covariance would not fit in memory."""

PROJECTIONS = 1024
LEAST_DEVIATION = 1e-5

_PRIOR_DEVIATION = {"uniform": 1.0 / np.sqrt(3.0), "truncated_normal": 0.8796}


def found_in_model(
    bundle: Bundle, method: Method, count: int = 10, *, points: int = DRAWS, seed: int = 0
) -> Directions:
    """Directions that need no data: ``pca`` of features, or ``sefa``; seconds, on the CPU.

    Where a model has styles, they are in its space ``w``.

    Args:
        bundle: the model.
        method: ``pca`` or ``sefa``.
        count: at most so many directions, at least 1.
        points: draws from the prior for ``pca``.
        seed: of the draws.

    Raises:
        LoadError: the model is a program whose layers cannot be seen, or has none that fit.
        ValueError: the method needs data.
    """
    spec = bundle.spec
    if method not in ("pca", "sefa"):
        raise ValueError(f"Directions by {method} are not found in a model's layers.")
    if bundle.config.network.get("type") == "program":
        raise LoadError(f"{spec.name} is a program: its layers cannot be seen.")
    network = load_network(bundle)
    styled = spec.truncates_styles and "w" in spec.prior_latent.spaces
    if method == "sefa":
        if styled and spec.synthesis is not None:
            matrix = style_weights(network, spec.synthesis.w_dim)
            usual = _styles(network, bundle, min(points, 500), seed)
        else:
            matrix = response(network, *_pair(bundle))
            usual = None
        vectors, values = factorised(matrix)
        vectors = vectors[:count]
    elif styled:
        usual = _styles(network, bundle, points, seed)
        vectors, values = principal_directions(usual, count)
    else:
        vectors, values = _from_features(network, bundle, count, points, seed)
        usual = None
    units = unit_rows(vectors)
    deviations = _deviations(units, usual, spec.prior_latent)
    explained = (values[: len(units)] / max(float(values.sum()), 1e-12)).astype(np.float32)
    names = tuple(f"{method} {index + 1}" for index in range(len(units)))
    covariance = None if usual is None else covariance_of(usual)
    space = "w" if styled else "z"
    return Directions(units, deviations, explained, names, method, space, covariance)


def found_in_data(
    bundle: Bundle,
    images: Floats,
    y: Floats | None,
    labels: NDArray[np.int64] | None,
    names: Sequence[str] | None,
    method: Method,
    count: int = 10,
    device: str = "auto",
    progress: Reports | None = None,
) -> Directions:
    """Directions in what the encoder makes of images: ``pca`` of latents, or ``class`` means.

    Args:
        bundle: a model with an encoder.
        images: float32 (N, C, H, W) in the model's range, N above 1.
        y: packed conditions float32 (N, K), or None.
        labels: int64 (N,), for ``class``.
        names: of the labels; by default their numbers.
        method: ``pca`` or ``class``.
        count: at most so many directions of ``pca``.
        device: where to compute.
        progress: told how far it is; it may cancel.

    Raises:
        LoadError: the model has no encoder.
        ValueError: there are too few images or classes, or all are alike, or ``sefa`` is asked for.
    """
    if method == "sefa":
        raise ValueError("The factorisation of a layer takes no data.")
    if len(images) < 2:
        raise ValueError("Directions in data need at least two images.")
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None:
            progress.report(done / len(images), "encoding")

    means, _ = encode(bundle, images, y, device, tell)
    if method == "pca":
        vectors, values = principal_directions(means, count, lambda: tell(0))
        explained = values[: len(vectors)] / max(float(values.sum()), 1e-12)
        labelled = [f"pca {index + 1}" for index in range(len(vectors))]
    else:
        if labels is None or len(np.unique(labels)) < 2:
            raise ValueError("Directions between classes need labels of at least two classes.")
        vectors, explained, classes = class_means(means, labels)
        labelled = [names[i] if names is not None else str(i) for i in classes.tolist()]
    units = unit_rows(vectors)
    deviations = _deviations(units, means, bundle.spec.latent)
    shares = np.asarray(explained, np.float32)
    covariance = covariance_of(means)
    found = Directions(units, deviations, shares, tuple(labelled), method, covariance=covariance)
    # Along others nothing lies apart: they would have no length, or no unit to move by.
    apart = (np.linalg.norm(units, axis=1) > 0.5) & (deviations > LEAST_DEVIATION)
    if not apart.any():
        raise ValueError("The images all lie at one place of the latent space.")
    return select(found, np.flatnonzero(apart).tolist())


def _from_features(
    network: Any, bundle: Bundle, count: int, points: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Principal components of features, mapped back by regressing the latents on their scores.

    The classes are drawn in turn, and what they alone change is left out.
    """
    spec = bundle.spec
    z = draws(spec.latent, seed, points)
    y, classes = None, np.zeros(points, np.int64)
    if spec.conditions:
        y = np.stack([pack(default_condition(spec, index), spec) for index in range(points)])
        if spec.class_condition is not None:
            classes = np.arange(points) % spec.class_condition.size
    found = _narrowed(features(network, z, y)).astype(np.float64)
    for index in np.unique(classes):
        found[classes == index] -= found[classes == index].mean(0)
    components, values = principal_directions(found, min(count, spec.latent.dim))
    scores = found @ components.T  # (N, M)
    return (scores.T @ (z - z.mean(0))) / len(z), values


def _narrowed(found: Floats) -> Floats:
    """Features (N, F), or where F is too large random projections of them that keep distances."""
    if found.shape[1] <= MAX_FEATURES:
        return found
    rng = np.random.default_rng(0)
    projection = rng.standard_normal((found.shape[1], PROJECTIONS), np.float32)
    return found @ projection / np.float32(np.sqrt(projection.shape[1]))


def _pair(bundle: Bundle) -> tuple[Floats, Floats | None]:
    """Two latents, and the same condition for both."""
    z = draws(bundle.spec.latent, 0, 2)
    if not bundle.spec.conditions:
        return z, None
    return z, np.repeat(pack(default_condition(bundle.spec), bundle.spec)[None], 2, 0)


@torch.inference_mode()
def _styles(network: Any, bundle: Bundle, count: int, seed: int) -> Floats:
    """Points of the space ``w``, float32 (count, W), of the classes in turn."""
    spec = bundle.spec
    z = torch.from_numpy(draws(spec.prior_latent, seed, count))
    y = None
    if spec.conditions:
        rows = [pack(default_condition(spec, index), spec) for index in range(count)]
        y = torch.from_numpy(np.stack(rows))
    styles: Floats = network.map_to_w(z, y).numpy()
    return styles


def _deviations(units: Floats, points: Floats | None, latent: LatentSpec) -> Floats:
    """The standard deviation of points along directions, or of the prior where there are none."""
    if points is None:
        return np.full(len(units), _PRIOR_DEVIATION.get(latent.prior, 1.0), np.float32)
    spread: Floats = (points @ units.T).std(0).astype(np.float32)
    return spread
