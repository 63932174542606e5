"""Directions as a file beside a model: `.safetensors` with names and shares in its metadata.

| tensor | holds |
|---|---|
| ``directions`` | float32 (M, D), each of length one |
| ``deviations``, ``explained`` | float32 (M,) |

The metadata have ``format``, ``model``, ``model_id``, ``method``, ``space``, and as JSON ``names``
and ``explained_variance``. What is read is bounded and checked; nothing in it is executed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import msgspec
import numpy as np

from genviewer.core.directions import Directions, Method
from genviewer.io.bundle import MAX_LATENT, BundleError, read_header
from genviewer.io.tensors_file import save_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.core.recipe import ModelRef
    from genviewer.core.spec import Spec

FORMAT = "genviewer-directions/1"
SUFFIX = ".safetensors"
MAX_DIRECTIONS = 4096
MAX_NAME = 200
_METHODS: tuple[Method, ...] = get_args(Method)


class DirectionsError(ValueError):
    """A file of directions cannot be used; the message is one sentence for the user."""


def write_directions(path: Path, directions: Directions, model: ModelRef) -> None:
    """Write the file atomically.

    Raises:
        DirectionsError: its suffix is another.
        OSError: it cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise DirectionsError(f"{path} is to hold directions: it ends in {SUFFIX}.")
    tensors = {
        "directions": directions.vectors,
        "deviations": directions.deviations,
        "explained": directions.explained,
    }
    metadata = {
        "format": FORMAT,
        "model": model.name,
        "model_id": model.id,
        "method": directions.method,
        "space": directions.space,
        "names": msgspec.json.encode(directions.names).decode(),
        "explained_variance": msgspec.json.encode(
            [float(share) for share in directions.explained]
        ).decode(),
    }
    arrays = {name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()}
    save_tensors(path, arrays, metadata)


def read_directions(path: Path, spec: Spec | None = None) -> tuple[Directions, str]:
    """The directions in a file, and the id of the model that they were found in.

    Directions of another model with latents of the same size are taken: a fine-tuned model is
    another model, in which the directions of the old one still mean something.

    Args:
        path: the file.
        spec: of the model that is to be moved along them; its latents must have their size.

    Raises:
        DirectionsError: the file is not one of directions, or they do not fit the model.
    """
    from safetensors import SafetensorError, safe_open

    try:
        shapes = {name: info.shape for name, info in read_header(path)[0].items()}
        _check_shapes(shapes, path.name)
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in shapes}
    except BundleError as error:
        raise DirectionsError(str(error)) from error
    except (OSError, SafetensorError) as error:
        raise DirectionsError(f"{path.name} cannot be read.") from error
    directions = _checked(metadata, arrays, path.name)
    if spec is not None:
        _check_fit(directions, spec, path.name)
    return directions, metadata.get("model_id", "")


def _check_shapes(shapes: dict[str, tuple[int, ...]], where: str) -> None:
    """Before anything is allocated."""
    shape = shapes.get("directions", ())
    fits = len(shape) == 2 and 1 <= shape[0] <= MAX_DIRECTIONS and 1 <= shape[1] <= MAX_LATENT
    if not fits or set(shapes) != {"directions", "deviations", "explained"}:
        raise DirectionsError(f"{where} is no file of directions.")
    if not shapes["deviations"] == shapes["explained"] == shape[:1]:
        raise DirectionsError(f"{where} has not one deviation and share for every direction.")


def _checked(metadata: dict[str, str], arrays: dict[str, np.ndarray], where: str) -> Directions:
    space = metadata.get("space", "z")
    method = next((m for m in _METHODS if m == metadata.get("method")), None)
    if metadata.get("format") != FORMAT or method is None:
        raise DirectionsError(f"{where} is no file of directions that this version can read.")
    try:
        names = msgspec.json.decode(metadata.get("names", ""), type=tuple[str, ...])
    except (msgspec.DecodeError, RecursionError):
        raise DirectionsError(f"{where} has damaged names.") from None
    vectors, deviations, explained = (
        arrays[name] for name in ("directions", "deviations", "explained")
    )
    if any(value.dtype != np.float32 for value in arrays.values()):
        raise DirectionsError(f"{where} holds other numbers than float32.")
    if len(names) != len(vectors) or any(len(name) > MAX_NAME for name in names):
        raise DirectionsError(f"{where} has not one usable name for every direction.")
    if space not in ("z", "w"):
        raise DirectionsError(f"{where} is for latents of the unknown space {space[:20]!r}.")
    lengths = np.linalg.norm(vectors, axis=1)
    sound = bool(np.isfinite(lengths).all()) and bool((np.abs(lengths - 1.0) < 1e-3).all())
    for values in (deviations, explained):
        sound = sound and bool(np.isfinite(values).all()) and bool((values >= 0.0).all())
    if not sound:
        raise DirectionsError(f"{where} holds values that are no directions.")
    return Directions(vectors, deviations, explained, names, method, space)


def _check_fit(directions: Directions, spec: Spec, where: str) -> None:
    latent = spec.of_space(directions.space).latent
    if directions.space not in spec.prior_latent.spaces or latent.dim != directions.dim:
        raise DirectionsError(
            f"{where} has directions of {directions.dim} values in {directions.space}, which are "
            f"not those of {spec.name}."
        )
