import numpy as np
import pytest

from genviewer.core.latent import Latent
from genviewer.core.prior import draw
from genviewer.core.recipe import ModelRef, Recipe
from genviewer.core.scene import Pane, Scene
from genviewer.core.spec import ImageSpec, LatentSpec, Spec, SynthesisSpec
from genviewer.core.synthesis import Mix, Transform
from genviewer.session import edits, styles
from genviewer.session.fit import check_recipe
from genviewer.session.session import Session
from genviewer.session.state import State

MODEL = ModelRef("styles", "a" * 32)
SPEC = Spec(
    "styles",
    "gan",
    LatentSpec(3, "normal", ("z", "w")),
    ImageSpec(3, 8, 8),
    layers=6,
    noise=True,
    synthesis=SynthesisSpec(w_dim=4, transform=True),
)


class Doubling:
    def map_to_w(self, z, y):
        return np.concatenate([2 * z, np.ones((len(z), 1), np.float32)], 1)

    def average_w(self):
        return np.full(4, 7.0, np.float32)


@pytest.fixture
def session():
    session = Session(State(Scene((Pane(MODEL, Recipe(Latent(np.arange(3.0)))),))))
    session.specs[MODEL.id] = SPEC
    session.styles.maps[MODEL.id] = Doubling()
    return session


def values(session):
    return session.scene.recipe.latent.array.tolist()


def test_the_latent_goes_to_w_and_back_to_the_z_that_was_left(session):
    assert styles.set_space(session, "w")
    assert session.scene.recipe.latent == Latent([0.0, 2.0, 4.0, 1.0], "w")
    assert session.spec.latent.dim == 4
    assert session.spec is session.spec  # widgets tell models apart by it
    edits.set_latent(session, np.zeros(4, np.float32))
    assert styles.set_space(session, "z")
    assert session.scene.recipe.latent == Latent(np.arange(3.0))
    assert session.spec.latent.dim == 3
    session.undo()
    assert values(session) == [0.0] * 4
    session.undo()
    session.undo()
    assert values(session) == [0.0, 1.0, 2.0]


def test_without_a_z_that_was_left_there_is_that_of_the_seed(session):
    session.edit_recipe(Recipe(Latent(np.zeros(4), "w")))
    assert styles.set_space(session, "z")
    wanted = Latent(draw(SPEC.latent, session.controls.seed))
    assert session.scene.recipe.latent == wanted


def test_a_space_that_cannot_be_gone_to_changes_nothing(session):
    before = session.scene
    assert not styles.set_space(session, "z")
    assert not styles.set_space(session, "w+")
    session.styles.maps.clear()
    assert not styles.set_space(session, "w")
    assert session.scene == before


def test_seeds_in_w_go_through_z_and_locks_hold(session):
    styles.set_space(session, "w")
    edits.set_seed(session, 12)
    z = draw(SPEC.latent, 12)
    np.testing.assert_allclose(session.scene.recipe.latent.array, [*(2 * z), 1.0])
    edits.set_latent(session, np.full(4, 5.0, np.float32))
    session.set_controls(type(session.controls)(locks=(1,)))
    edits.set_seed(session, 12)
    assert values(session)[1] == 5.0
    assert values(session)[3] == 1.0
    edits.reset_latent(session)
    assert values(session) == [7.0, 5.0, 7.0, 7.0]


def test_a_variation_in_w_of_no_strength_is_the_sample(session):
    styles.set_space(session, "w")
    before = values(session)
    edits.vary_here(session, 0.0)
    assert values(session) == before
    edits.vary_here(session, 1.0)
    assert values(session) != before
    assert values(session)[3] == 1.0  # as every style has


def test_edits_are_undone_one_by_one_and_a_drag_as_one(session):
    before = session.scene
    styles.set_cutoff(session, 3)
    styles.set_noise(session, 5, 0.5)
    styles.mix_with_seed(session, 9, 1, 4)
    for step in range(5):
        styles.set_transform(session, Transform(0.1 * step, 0.0, 0.0), key="drag")
    recipe = session.scene.recipe
    assert (recipe.truncation_cutoff, recipe.noise, recipe.noise_strength) == (3, 5, 0.5)
    assert recipe.mix == Mix(Latent(draw(SPEC.latent, 9)), 1, 4)
    assert recipe.transform == Transform(0.4)
    for _ in range(4):
        session.undo()
    assert session.scene == before


def test_a_transform_that_does_nothing_is_none(session):
    styles.set_transform(session, Transform(0.1))
    styles.set_transform(session, Transform())
    assert session.scene.recipe.transform is None


def test_pins_of_the_model_can_be_mixed_in(session):
    other = Latent(np.ones(3))
    pin = session.add_pin(Pane(MODEL, Recipe(other)), "mine", b"")
    foreign = session.add_pin(Pane(ModelRef("x", "b" * 32), Recipe(other)), "other", b"")
    assert styles.mix_with_pin(session, pin.id, 0, 2)
    assert session.scene.recipe.mix == Mix(other, 0, 2)
    assert not styles.mix_with_pin(session, foreign.id, 0, 2)
    assert not styles.mix_with_pin(session, 99, 0, 2)


def test_recipes_from_elsewhere_are_checked_in_their_space():
    assert check_recipe(Recipe(Latent(np.zeros(4), "w")), SPEC) is None
    assert "4 dimensions, not 3" in check_recipe(Recipe(Latent(np.zeros(4))), SPEC)
    mix = Mix(Latent(np.zeros(5), "w"), 0, 1)
    assert "second latent" in check_recipe(Recipe(Latent(np.zeros(3)), mix=mix), SPEC)
    good = Mix(Latent(np.zeros(4), "w"), 0, 1)
    assert check_recipe(Recipe(Latent(np.zeros(3)), mix=good), SPEC) is None
