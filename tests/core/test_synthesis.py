import json

import numpy as np
import pytest

from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe, from_json, to_json
from genviewer.core.spec import ImageSpec, LatentSpec, Spec, SynthesisSpec
from genviewer.core.synthesis import Mix, Synthesis, Transform


def test_a_recipe_of_before_loads_as_it_was():
    latent = Latent(np.arange(3.0))
    old = {
        "latent": latent.to_json(),
        "condition": {"parts": []},
        "truncation": 0.7,
        "truncation_cutoff": 4,
        "noise": 12,
    }
    assert from_json(json.dumps(old), Recipe) == Recipe(
        latent,
        truncation=0.7,
        **{
            "truncation_cutoff": 4,
            "noise": 12,
        },
    )


def test_mix_and_transform_survive_json():
    mix = Mix(Latent(np.linspace(0, 1, 5), "w"), 2, 6)
    recipe = Recipe(
        Latent(np.zeros(4)),
        noise="none",
        noise_strength=0.25,
        mix=mix,
        transform=Transform(0.1, -0.2, 30.0),
    )
    again = from_json(to_json(recipe), Recipe)
    assert again == recipe
    assert hash(again) == hash(recipe)
    assert again.synthesis == Synthesis("z", 1.0, None, "none", 0.25, mix, recipe.transform)


def test_a_transform_maps_places_in_the_picture_to_places_in_the_content():
    matrix = Transform(0.5, -0.25, 90.0).matrix()
    # The content's origin is seen half a picture to the right and a quarter up.
    np.testing.assert_allclose(matrix @ [0.5, -0.25, 1.0], [0.0, 0.0, 1.0], atol=1e-6)
    # Turned counter-clockwise, the content's right is up, where y is negative.
    np.testing.assert_allclose(matrix @ [0.5, -1.25, 1.0], [1.0, 0.0, 1.0], atol=1e-6)


def test_a_spec_of_another_space_has_its_size_and_finds_the_way_back():
    spec = Spec(
        "m",
        "gan",
        LatentSpec(6, "normal", ("z", "w")),
        ImageSpec(3, 8, 8),
        synthesis=SynthesisSpec(w_dim=9),
    )
    there = spec.of_space("w")
    assert (there.latent.dim, there.latent.prior) == (9, "none")
    assert there.prior_latent == spec.latent == spec.prior_latent
    assert there.of_space("w") == there
    assert there.of_space("z") == spec
    assert spec.of_space("w+") == spec
    plain = Spec("p", "vae", LatentSpec(2), ImageSpec(1, 8, 8))
    assert plain.of_space("w") is plain
    assert not plain.truncates_styles


@pytest.mark.parametrize("wrong", ['{"latent": 3}', '{"latent": {}, "mix": {"first": 1}}'])
def test_damaged_json_is_refused(wrong):
    with pytest.raises(ValueError, match=r".+"):
        from_json(wrong, Recipe)
