"""Panes that follow another: by latent where sizes agree, by class name, by number."""

import msgspec
import numpy as np
import pytest

from genviewer.core.condition import Condition, VectorPart, blend, one_class
from genviewer.core.latent import Latent
from genviewer.core.linking import followed, matched_classes
from genviewer.core.recipe import Recipe, seeded_recipe
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec


def spec(dim=4, names=("cat", "dog", "fox"), name="animal", **more) -> Spec:
    conditions = (ConditionSpec(name, "class", len(names), names, optional=True),) if names else ()
    return Spec("m", "vae", LatentSpec(dim), ImageSpec(1, 8, 8), conditions, **more)


def changed(recipe: Recipe, **values) -> Recipe:
    return msgspec.structs.replace(recipe, **values)


def test_the_latent_follows_where_sizes_and_priors_agree():
    before = seeded_recipe(spec(), 0)
    after = changed(before, latent=Latent(np.arange(4, dtype=np.float32)))
    other = seeded_recipe(spec(), 9)
    assert followed(before, after, spec(), other, spec()).latent == after.latent
    assert followed(before, after, spec(), seeded_recipe(spec(5), 9), spec(5)) == seeded_recipe(
        spec(5), 9
    )
    uniform = msgspec.structs.replace(spec(), latent=LatentSpec(4, "uniform"))
    assert followed(before, after, spec(), other, uniform) == other


def test_only_what_changed_is_taken_over():
    before = seeded_recipe(spec(), 0)
    after = changed(before, latent=seeded_recipe(spec(), 1).latent)
    other = changed(before, truncation=0.5, condition=Condition((one_class("animal", 2),)))
    result = followed(before, after, spec(), other, spec())
    assert result == changed(other, latent=after.latent)
    softer = followed(after, changed(after, truncation=0.8), spec(), result, spec())
    assert softer.truncation == 0.8
    rigid = spec(truncation=False)
    assert followed(after, changed(after, truncation=0.8), spec(), result, rigid) == result


def test_classes_follow_by_name_whatever_their_numbers_and_condition_are_called():
    target = spec(names=("fox", "cow", "cat"), name="kind")
    before = seeded_recipe(spec(), 0)
    after = changed(before, condition=Condition((blend("animal", {0: 1, 1: 2, 2: 1}),)))
    result = followed(before, after, spec(), seeded_recipe(target, 0), target)
    assert result.condition.class_weights("kind") == pytest.approx({0: 0.5, 2: 0.5})
    alone = changed(before, condition=Condition((one_class("animal", 1),)))
    kept = followed(before, alone, spec(), result, target)
    assert kept.condition == result.condition  # it has no dog


def test_an_emptied_class_is_emptied_where_the_model_can():
    before = seeded_recipe(spec(), 0)
    after = changed(before, condition=Condition())
    assert followed(before, after, spec(), before, spec()).condition == Condition()
    fixed = msgspec.structs.replace(
        spec(), conditions=(msgspec.structs.replace(spec().conditions[0], optional=False),)
    )
    assert followed(before, after, spec(), before, fixed).condition == before.condition


def test_values_follow_only_where_there_are_as_many():
    def made(size):
        return msgspec.structs.replace(
            spec(), conditions=(ConditionSpec("pose", "continuous", size),)
        )

    before = Recipe(Latent(np.zeros(4, np.float32)))
    after = changed(before, condition=Condition((VectorPart("pose", (1.0, 2.0)),)))
    assert followed(before, after, made(2), before, made(2)).condition == after.condition
    assert followed(before, after, made(2), before, made(3)) == before


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (("a", "b"), ("x", "y"), {1: 1.0}),
        (("a", "b"), ("x", "y", "z"), {}),
        (("a", "b"), ("b", "q"), {0: 1.0}),
    ],
)
def test_classes_without_a_common_name_meet_by_number_if_there_are_as_many(
    source, target, expected
):
    one, two = (ConditionSpec("c", "class", len(n), n) for n in (source, target))
    assert matched_classes({1: 1.0}, one, two) == expected
