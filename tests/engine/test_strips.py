"""The row of samples that shows what a dimension does."""

import numpy as np
import pytest

from genviewer.core.recipe import Recipe, seeded_recipe
from genviewer.engine.cells import decode_recipe
from genviewer.engine.strips import strip, strip_values


def test_a_strip_moves_one_dimension_over_the_prior(linear):
    recipe = seeded_recipe(linear.spec, 2, 1)
    recipe = Recipe(recipe.latent, recipe.condition, truncation=0.5)
    values = strip_values(linear.spec, 5, 0.8)
    assert values == pytest.approx([-1.2816, -0.5244, 0.0, 0.5244, 1.2816], abs=1e-3)
    pixels = strip(linear, recipe, 3, 5, 0.8)
    assert pixels.shape == (5, 6, 6, 1)
    for row, value in zip(pixels, values, strict=True):
        expected = Recipe(recipe.latent.with_value(3, float(value)), recipe.condition, 0.5)
        assert (row == decode_recipe(linear, expected)).all()
    assert not np.array_equal(pixels[0], pixels[4])
