"""A PNG brings back the Recipe, and the Recipe the same pixels: for every bundled model."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from genviewer.core.condition import Condition, VectorPart, blend, one_class
from genviewer.core.latent import Latent
from genviewer.core.prior import draw
from genviewer.core.recipe import Recipe
from genviewer.engine.export import sample_record, save_image
from genviewer.engine.generator import load_generator
from genviewer.engine.library import bundled_models
from genviewer.engine.verify import Verifier
from genviewer.io.images import read_record

BUNDLES = {bundle.spec.name: bundle for bundle in bundled_models()}


def random_recipe(spec, seed) -> Recipe:
    rng = np.random.default_rng([seed, 17])
    condition = Condition()
    for wanted in spec.conditions:
        if wanted.kind != "class":
            values = rng.uniform(wanted.low, wanted.high, wanted.size)
            condition = condition.with_part(VectorPart(wanted.name, tuple(values.tolist())))
        elif rng.random() < 0.5:
            condition = condition.with_part(one_class(wanted.name, int(rng.integers(wanted.size))))
        elif rng.random() < 0.7 or not wanted.optional:
            weights = {
                int(k): float(rng.random()) + 0.01 for k in rng.integers(wanted.size, size=3)
            }
            condition = condition.with_part(blend(wanted.name, weights))
    psi = float(rng.choice([1.0, rng.uniform(0.0, 1.5)])) if spec.truncation else 1.0
    return Recipe(Latent(draw(spec.latent, seed)), condition, psi)


def check(bundle, folder, seeds) -> None:
    """Each file is verified as exact by a generator that was opened anew."""
    generator = load_generator(bundle, "cpu", threads=1)
    verifier = Verifier(lambda _: bundle, "cpu")
    for seed in seeds:
        recipe = random_recipe(bundle.spec, seed)
        path = folder / f"{seed}.png"
        record = sample_record(generator, recipe, weights_sha256=bundle.weights_sha256)
        save_image(path, record, {bundle.model_id: generator})
        back = read_record(path)
        assert back.recipe == recipe
        assert back.model == bundle.ref
        verdict = verifier.verify(path)
        assert verdict.status == "exact", (seed, verdict)
        with Image.open(path) as image:
            assert image.size == (bundle.spec.image.width, bundle.spec.image.height)
        path.unlink()


@pytest.mark.parametrize("name", BUNDLES)
def test_50_random_recipes_come_back(tmp_path, name):
    check(BUNDLES[name], tmp_path, range(50))


@pytest.mark.soak
@pytest.mark.parametrize("name", BUNDLES)
def test_1000_random_recipes_come_back(tmp_path, name):
    check(BUNDLES[name], tmp_path, range(1000, 2000))
