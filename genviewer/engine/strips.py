"""A small row of samples that shows what one latent dimension does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.sheet import Pack
from genviewer.core.views import quantiles
from genviewer.engine.cells import decode_pack

if TYPE_CHECKING:
    from genviewer.core.recipe import Recipe
    from genviewer.core.spec import Spec
    from genviewer.engine.generator import Bytes, Floats, Generator


def strip_values(spec: Spec, count: int = 7, span: float = 0.98) -> Floats:
    """float32 (count,): the values that a strip shows, over the prior's central ``span``."""
    return quantiles(spec.latent, count, span)


def strip(
    generator: Generator, recipe: Recipe, dim: int, count: int = 7, span: float = 0.98
) -> Bytes:
    """The Recipe's sample with one dimension at :func:`strip_values`: uint8 (count, H, W, C).

    Raises:
        DecodeError: if the Recipe does not fit the model, or the model fails.
    """
    spec = generator.spec.of_space(recipe.latent.space)
    latents = np.repeat(recipe.latent.array.reshape(1, -1), count, axis=0)
    latents[:, dim] = strip_values(spec, count, span)
    pack = Pack(
        generator.ref,
        np.arange(count, dtype=np.int64),
        latents,
        (recipe.condition,),
        np.zeros(count, np.int64),
        recipe.truncation,
        recipe.truncation_cutoff,
        recipe.noise,
        recipe.latent.space,
        recipe.noise_strength,
        recipe.mix,
        recipe.transform,
    )
    return decode_pack(generator, pack)
