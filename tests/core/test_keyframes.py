"""Keyframes, easing, conditions mixed, animations: properties that hold for all of them."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genviewer.core.animation import (
    MAX_FRAMES,
    Animation,
    TraversePath,
    WalkPath,
    walk_through_samples,
)
from genviewer.core.condition import (
    Condition,
    TextPart,
    VectorPart,
    blend,
    one_class,
    pack,
)
from genviewer.core.condition_mixing import mix_conditions
from genviewer.core.easing import EASINGS, eased
from genviewer.core.keyframes import Keyframe, Timeline
from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe, from_json, seeded_recipe, to_json
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec

SPEC = Spec(
    "m",
    "vae",
    LatentSpec(5),
    ImageSpec(1, 2, 2),
    (
        ConditionSpec("class", "class", 3, ("a", "b", "c"), optional=True),
        ConditionSpec("size", "continuous", 2),
    ),
)

units = st.floats(0, 1)
conditions = st.builds(
    lambda weights, values: Condition(
        tuple(p for p in (weights and blend("class", weights), values) if p)
    ),
    st.none() | st.dictionaries(st.integers(0, 2), st.floats(0.1, 1), min_size=1),
    st.none() | st.builds(lambda a, b: VectorPart("size", (a, b)), units, units),
)
recipes = st.builds(
    lambda seed, condition, psi: Recipe(
        Latent(np.random.default_rng(seed).standard_normal(5)), condition, psi
    ),
    st.integers(0, 1000),
    conditions,
    st.floats(0, 2),
)
timelines = st.builds(
    Timeline,
    st.lists(
        st.builds(
            Keyframe,
            recipes,
            st.floats(0.1, 9),
            st.sampled_from([name for name in EASINGS if name != "hold"]),
        ),
        min_size=1,
        max_size=6,
    ).map(tuple),
    st.booleans(),
    st.sampled_from(["lerp", "slerp", "spline"]),
)


@given(timelines)
def test_a_timeline_goes_through_its_keyframes(timeline):
    for keyframe, start in zip(timeline.keyframes, timeline.starts, strict=False):
        at = timeline.at(start)
        assert np.allclose(at.latent.array, keyframe.recipe.latent.array, atol=1e-5)
        assert np.allclose(pack(at.condition, SPEC), pack(keyframe.recipe.condition, SPEC))
    assert timeline.at(0.0) == timeline.keyframes[0].recipe
    if not timeline.loop:
        assert timeline.at(timeline.seconds) == timeline.keyframes[-1].recipe
        assert timeline.at(timeline.seconds + 5) == timeline.keyframes[-1].recipe


@given(timelines, units)
def test_a_timeline_has_no_jumps(timeline, where):
    t = where * timeline.seconds
    step = 1e-4 * min(keyframe.seconds for keyframe in timeline.keyframes)
    a, b = timeline.at(t), timeline.at(t + step)
    assert np.abs(a.latent.array - b.latent.array).max() < 0.02
    assert np.abs(pack(a.condition, SPEC) - pack(b.condition, SPEC)).max() < 0.02


@given(timelines)
def test_a_loop_comes_back(timeline):
    looped = msgspec.structs.replace(timeline, loop=True)
    assert looped.at(looped.seconds) == looped.at(0.0)
    assert np.allclose(
        looped.at(0.25 + looped.seconds).latent.array, looped.at(0.25).latent.array, atol=1e-3
    )


@given(timelines, units)
def test_norms_stay_typical_on_arcs_and_splines(timeline, where):
    norms = [float(np.linalg.norm(k.recipe.latent.array)) for k in timeline.keyframes]
    point = timeline.at(where * timeline.seconds).latent.array
    assert np.linalg.norm(point) <= max(norms) + 1e-4
    if timeline.path != "lerp":
        assert np.linalg.norm(point) >= min(norms) - 1e-4


@given(timelines, st.floats(1, 60))
def test_an_animation_survives_json_and_has_its_frames(timeline, fps):
    animation = Animation(timeline, fps)
    assert from_json(to_json(animation), Animation) == animation
    assert animation.frames == max(1, round(timeline.seconds * fps))
    at = animation.recipes(SPEC)
    assert at(0) == timeline.keyframes[0].recipe
    last = at(animation.frames - 1)
    if animation.frames > 1 and not timeline.loop:
        assert last == timeline.keyframes[-1].recipe
    times = [animation.time(i) for i in range(min(animation.frames, 20))]
    assert times == sorted(set(times))


@given(conditions, conditions, units)
def test_mixed_conditions_are_mixed_rows(a, b, t):
    mixed = pack(mix_conditions(a, b, t), SPEC)
    assert np.allclose(mixed, (1 - t) * pack(a, SPEC) + t * pack(b, SPEC), atol=1e-6)
    assert mix_conditions(a, b, 0.0) == a
    assert mix_conditions(a, b, 1.0) == b


def test_texts_change_half_way():
    a, b = (Condition((TextPart("text", text),)) for text in ("one", "two"))
    assert mix_conditions(a, b, 0.49) == a
    assert mix_conditions(a, b, 0.51) == b


@given(st.sampled_from(list(EASINGS)), units, units)
def test_easing_never_falls(name, a, b):
    assert eased(name, 0.0) == 0.0
    assert eased(name, 1.0) == 1.0
    assert eased(name, min(a, b)) <= eased(name, max(a, b)) + 1e-12


def test_hold_jumps_at_the_next_keyframe():
    first, second = (Keyframe(seeded_recipe(SPEC, seed), 1.0, "hold") for seed in (0, 1))
    timeline = Timeline((first, second))
    assert timeline.at(0.999) == first.recipe
    assert timeline.at(1.0) == second.recipe


@pytest.mark.parametrize(
    "keyframes",
    [(), (Keyframe(Recipe(Latent(np.zeros(2)))), Keyframe(Recipe(Latent(np.zeros(3)))))],
)
def test_keyframes_that_do_not_fit_are_refused(keyframes):
    with pytest.raises(ValueError, match="keyframes"):
        Timeline(keyframes)


def test_an_endless_animation_is_refused():
    timeline = Timeline((Keyframe(seeded_recipe(SPEC, 0), 3600.0 * 24),))
    with pytest.raises(ValueError, match=str(MAX_FRAMES)):
        Animation(timeline, 240.0)


def test_a_walk_goes_through_the_samples_of_a_seed():
    timeline = walk_through_samples(SPEC, 4, 10, 6.0)
    assert timeline.seconds == pytest.approx(6.0)
    for index, start in enumerate(timeline.starts):
        rng = np.random.default_rng(10 + index)
        latent = rng.standard_normal(5).astype(np.float32)
        recipe = timeline.at(start)
        assert np.array_equal(recipe.latent.array, latent)
        assert recipe.condition.class_weights("class") == {index % 3: 1.0}
    looped = walk_through_samples(SPEC, 4, 10, 6.0, loop=True, classes=(2,))
    assert looped.seconds == pytest.approx(6.0)
    assert looped.at(5.999).condition == Condition((one_class("class", 2),))
    assert walk_through_samples(SPEC, 1, 0, 2.0).seconds == 2.0


def test_a_traverse_goes_there_and_back():
    path = TraversePath(seeded_recipe(SPEC, 0), 2.0, 3, -2.0, 2.0)
    animation = Animation(path, 10.0)
    values = [animation.recipes(SPEC)(i).latent.array[3] for i in range(animation.frames)]
    assert values[0] == -2.0
    assert max(values) == values[10] == 2.0
    others = {tuple(np.delete(animation.recipes(SPEC)(i).latent.array, 3)) for i in range(20)}
    assert len(others) == 1
    with pytest.raises(ValueError, match="no dimension 5"):
        TraversePath(seeded_recipe(SPEC, 0), 2.0, 5, -2.0, 2.0)


def test_a_looped_walk_closes():
    animation = Animation(WalkPath(seeded_recipe(SPEC, 0), 4.0, 3, "loop"), 25.0)
    at = animation.recipes(SPEC)
    steps = [
        np.abs(at(a).latent.array - at(b).latent.array).max()
        for a, b in itertools.pairwise([*range(100), 0])
    ]
    assert max(steps) < 6 * np.median(steps)


def test_the_last_frame_is_taken_at_the_very_end():
    for seconds in (0.1, 0.3, 1.1, 7.7, 12.3):
        for fps in (24.0, 29.97, 49.0):
            still = Recipe(Latent(np.zeros(2, np.float32)))
            path = TraversePath(still, seconds, 0, -1.0, 1.0, loop=False)
            animation = Animation(path, fps)
            assert animation.time(animation.frames - 1) == seconds
