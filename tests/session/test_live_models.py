"""A model whose weights still change: what cites it, and what becomes of it."""

from __future__ import annotations

import msgspec
import pytest

from genviewer.core.condition import one_class
from genviewer.core.recipe import ModelRef, Recipe, seeded_recipe
from genviewer.core.scene import Pane
from genviewer.core.spec import ConditionSpec
from genviewer.session.fit import check_recipe
from genviewer.session.track import Track

LIVE = ModelRef("digits", "live")
KEPT = ModelRef("digits", "kept-1")


@pytest.fixture
def training(session, spec):
    """A session on a live model that is cited as ``KEPT``."""
    session.cite = lambda model, like: (like or KEPT) if model.id == LIVE.id else model
    session.show_model(LIVE, spec, seeded_recipe(spec, 1))
    return session


def test_what_lasts_cites_weights_that_last(training):
    scene = training.scene
    pin = training.add_pin(scene.pane, "one", b"")
    assert (pin.pane.model, pin.pane.recipe) == (KEPT, scene.recipe)
    assert training.cited(scene).model == KEPT
    assert training.state().scene.model == KEPT
    assert training.scene.model == LIVE  # it goes on


def test_a_file_may_name_another_in_its_place(training):
    base = ModelRef("digits", "id-1")
    state = training.state(lambda model, _: base if model.id == LIVE.id else model)
    assert state.scene.model == base


def test_keyframes_of_one_training_share_a_model(training):
    before = ModelRef("digits", "kept-0")
    assert training.cited_pane(training.scene.pane, before).model == before
    assert training.cited_pane(training.scene.pane).model == KEPT


def test_replacing_a_model_reaches_history_pins_and_keyframes(session, spec):
    session.show_model(LIVE, spec, seeded_recipe(spec, 1))
    session.edit_recipe(seeded_recipe(spec, 2))
    session.add_pin(session.scene.pane, "two", b"")
    session.set_track(Track().with_added(session.scene.pane, b""))
    session.undo()
    session.replace_model(LIVE, KEPT, spec)
    assert session.scene.pane == Pane(KEPT, seeded_recipe(spec, 1))
    assert session.pins[0].pane.model == KEPT
    assert session.track.model == KEPT
    session.redo()
    assert session.scene.pane == Pane(KEPT, seeded_recipe(spec, 2))
    session.undo()
    session.undo()
    assert session.scene.pane == Pane(ModelRef("digits", "id-1"), seeded_recipe(spec, 0))


def test_a_step_that_led_nowhere_else_is_gone(session, spec):
    first = session.scene
    session.show_model(LIVE, spec, first.recipe)
    session.edit_recipe(seeded_recipe(spec, 2))
    session.replace_model(LIVE, first.model, spec)
    session.undo()
    assert session.scene == first
    assert not session.history.can_undo


def test_recipes_of_a_class_that_is_gone_become_those_that_can_be_drawn(session, spec):
    (condition,) = spec.conditions
    grown = msgspec.structs.replace(
        spec, conditions=(ConditionSpec("digit", "class", 4, (*condition.names, "a"), True),)
    )
    new_class = Recipe(session.scene.recipe.latent).condition.with_part(one_class("digit", 3))
    recipe = msgspec.structs.replace(session.scene.recipe, condition=new_class)
    session.show_model(LIVE, grown, recipe)
    session.replace_model(LIVE, ModelRef("digits", "id-1"), spec)
    assert check_recipe(session.scene.recipe, spec) is None
    assert session.scene.recipe.latent == recipe.latent
