"""Latent, Condition, Recipe and Scene as values: equality, hashing, JSON."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genviewer.core.condition import (
    ClassPart,
    Condition,
    TextPart,
    VectorPart,
    blend,
    one_class,
    pack,
)
from genviewer.core.latent import Latent
from genviewer.core.recipe import (
    ModelRef,
    Recipe,
    default_condition,
    from_json,
    seeded_recipe,
    to_json,
)
from genviewer.core.scene import GridOptions, MapOptions, Pane, Scene, ViewOptions
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec

FINITE = st.floats(-(2.0**99), 2.0**99, width=32)
SPEC = Spec(
    "digits",
    "vae",
    LatentSpec(3),
    ImageSpec(1, 28, 28),
    (
        ConditionSpec("digit", "class", 10),
        ConditionSpec("tilt", "continuous", 2, ("x", "y"), low=-1.0),
        ConditionSpec("caption", "text", 1),
    ),
)


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=2, max_side=40), elements=FINITE))
def test_a_latent_survives_json_bit_for_bit(values: np.ndarray) -> None:
    latent = Latent(values, "w")
    back = Latent.from_json(json.loads(json.dumps(latent.to_json())))
    assert back == latent
    assert back.array.tobytes() == values.tobytes()
    assert hash(back) == hash(latent)


def test_latents_differ_by_space_shape_and_bytes() -> None:
    zero = Latent([0.0, 0.0])
    assert zero == Latent(np.zeros(2))
    assert zero != Latent([0.0, 0.0], "w")
    assert zero != Latent([[0.0, 0.0]])
    assert zero != Latent([0.0, -0.0])
    assert len({zero, Latent([0.0, 0.0]), Latent([1.0, 0.0])}) == 2


def test_a_latent_cannot_be_changed() -> None:
    source = np.ones(3, np.float32)
    latent = Latent(source)
    source[0] = 5.0
    assert latent.array[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        latent.array[0] = 2.0
    with pytest.raises(AttributeError):
        latent.space = "w"
    assert latent.with_value(1, 4.0).array.tolist() == [1.0, 4.0, 1.0]
    assert pickle.loads(pickle.dumps(latent)) == latent


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_latent_holds_finite_numbers_only(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Latent([0.0, bad])


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"space": "z", "shape": [2], "float32": "AAAA"},
        {"space": "z", "shape": [10**12], "float32": ""},
        {"space": "z", "shape": [-1], "float32": ""},
        {"space": "z", "shape": [1 << 20, 1 << 20], "float32": ""},
        {"space": "z", "shape": [1], "float32": "!!!!!!!!"},
        {"space": 3, "shape": [0], "float32": ""},
    ],
)
def test_what_is_no_latent_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - base64's own error is one too
        Latent.from_json(value)


def test_a_blend_is_normalised_and_sorted() -> None:
    assert blend("digit", {7: 3.0, 2: 1.0, 4: 0.0}) == ClassPart("digit", ((2, 0.25), (7, 0.75)))
    for bad in ({}, {1: 0.0}, {1: -1.0, 2: 2.0}, {1: float("nan")}):
        with pytest.raises(ValueError, match="weights"):
            blend("digit", bad)


def test_packing_follows_the_order_of_the_spec() -> None:
    condition = (
        Condition()
        .with_part(VectorPart("tilt", (-0.5, 0.25)))
        .with_part(blend("digit", {0: 1, 9: 3}))
        .with_part(TextPart("caption", "hello"))
    )
    row = pack(condition, SPEC)
    assert row.dtype == np.float32
    assert row.tolist() == [0.25, 0, 0, 0, 0, 0, 0, 0, 0, 0.75, -0.5, 0.25]
    assert pack(Condition(), SPEC).tolist() == [0.0] * 12
    with pytest.raises(ValueError, match="no class 10"):
        pack(Condition((one_class("digit", 10),)), SPEC)
    with pytest.raises(ValueError, match="takes 2 values"):
        pack(Condition((VectorPart("tilt", (1.0,)),)), SPEC)


def test_the_order_of_setting_parts_does_not_matter() -> None:
    tilt, digit = VectorPart("tilt", (0.0, 0.0)), one_class("digit", 3)
    assert Condition().with_part(tilt).with_part(digit) == Condition().with_part(digit).with_part(
        tilt
    )
    assert Condition((digit,)).with_part(one_class("digit", 4)).class_weights("digit") == {4: 1.0}
    assert Condition((digit, tilt)).without("digit") == Condition((tilt,))


def test_sample_i_of_a_seed_has_class_i_and_the_generator_of_seed_plus_i() -> None:
    for index in (0, 3, 12):
        recipe = seeded_recipe(SPEC, 100, index)
        expected = np.random.default_rng(100 + index).standard_normal(3).astype(np.float32)
        assert recipe.latent.array.tobytes() == expected.tobytes()
        assert recipe.condition.class_weights("digit") == {index % 10: 1.0}
    assert default_condition(SPEC, 23).class_weights("digit") == {3: 1.0}


@given(
    st.lists(FINITE, min_size=1, max_size=8),
    st.floats(0, 2),
    st.sampled_from(["const", "none", 0, 2**40]),
    st.dictionaries(st.integers(0, 9), st.floats(0.01, 10), min_size=1, max_size=4),
    st.text(max_size=20),
)
def test_a_scene_survives_json(
    values: list[float], psi: float, noise: str | int, weights: dict[int, float], name: str
) -> None:
    condition = Condition((blend("digit", weights), TextPart("text", name)))
    recipe = Recipe(Latent(values), condition, psi, 4, noise)
    scene = Scene(
        (Pane(ModelRef(name, "id"), recipe),),
        "map",
        ViewOptions(grid=GridOptions(cells=1024), map=MapOptions(axes=(1, 0))),
    )
    back = from_json(to_json(scene), Scene)
    assert back == scene
    assert hash(back) == hash(scene)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"panes": 3}',
        b'{"panes": [], "view": "everything"}',
        b'{"panes": [], "options": {"grid": {"cells": 100000}}}',
        b'{"panes": [], "options": {"map": {"extent": 0}}}',
    ],
)
def test_what_is_no_scene_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's errors are ValueErrors
        from_json(text, Scene)


def test_a_scene_replaces_only_what_it_is_told_to() -> None:
    first, second = seeded_recipe(SPEC, 1), seeded_recipe(SPEC, 2)
    ref = ModelRef("m", "i")
    scene = Scene((Pane(ref, first), Pane(ref, first)), focus=1)
    moved = scene.with_recipe(second)
    assert moved.panes == (Pane(ref, first), Pane(ref, second))
    assert moved.recipe == second
    grid = GridOptions(cells=9)
    assert scene.with_options(grid).options.grid == grid
    assert scene.with_options(grid).options.map == scene.options.map
    assert scene.with_view("grid").panes == scene.panes
