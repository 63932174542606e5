"""Panes of a Session: linked ones follow, each is one step of undo."""

import msgspec
import numpy as np
import pytest

from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.core.scene import MAX_PANES, Scene
from genviewer.session import edits
from genviewer.session.state import load_state, save_state

OTHER = ModelRef("other", "id-2")


@pytest.fixture
def pair(session, spec):
    session.add_pane(OTHER, spec)
    return session


def test_a_linked_pane_follows_and_both_are_one_undo_step(pair):
    first = pair.scene
    edits.set_latent(pair, np.full(4, 0.5, np.float32), "drag")
    edits.set_latent(pair, np.full(4, 0.75, np.float32), "drag")
    edits.choose_class(pair, 2)
    assert pair.scene.panes[0].recipe == pair.scene.panes[1].recipe
    pair.undo()
    pair.undo()
    assert pair.scene == first


def test_an_unlinked_pane_stays_and_when_linked_again_keeps_its_difference(pair):
    pair.link_pane(1, False)
    edits.set_truncation(pair, 0.5)
    assert [pane.recipe.truncation for pane in pair.scene.panes] == [0.5, 1.0]
    pair.link_pane(1, True)
    edits.set_seed(pair, 3)
    one, two = pair.scene.panes
    assert one.recipe.latent == two.recipe.latent
    assert two.recipe.truncation == 1.0
    pair.focus_pane(1)
    edits.choose_class(pair, 1)
    assert pair.scene.panes[0].recipe.condition == pair.scene.panes[1].recipe.condition


def test_an_unlinked_pane_in_focus_moves_alone(pair):
    pair.focus_pane(1)
    pair.link_pane(1, False)
    before = pair.scene.panes[0]
    edits.set_seed(pair, 11)
    assert pair.scene.panes[0] == before


def test_closing_a_pane_keeps_the_focus_on_the_same_one(pair, spec):
    pair.add_pane(ModelRef("third", "id-3"), spec)
    pair.focus_pane(2)
    pair.close_pane(0)
    assert [pane.model.name for pane in pair.scene.panes] == ["other", "third"]
    assert pair.scene.model.name == "third"
    pair.close_pane(1)
    pair.close_pane(0)
    assert pair.scene.model.name == "other"


def test_there_are_at_most_four(pair, spec):
    for number in range(3, MAX_PANES + 1):
        pair.add_pane(ModelRef("m", f"id-{number}"), spec)
    with pytest.raises(ValueError, match="at most"):
        pair.add_pane(ModelRef("m", "id-9"), spec)


def test_another_model_begins_with_what_it_can_draw_of_the_current_sample(session, spec):
    wide = msgspec.structs.replace(spec, latent=msgspec.structs.replace(spec.latent, dim=9))
    edits.set_seed(session, 5)
    session.add_pane(OTHER, wide)
    session.add_pane(ModelRef("again", "id-4"), spec)
    assert session.scene.panes[1].recipe.latent.array.shape == (9,)
    assert session.scene.panes[2].recipe == session.scene.recipe


def test_panes_and_their_models_are_kept_in_the_file(pair, tmp_path):
    pair.model_paths[OTHER.id] = "somewhere"
    pair.link_pane(1, False)
    save_state(tmp_path / "s.json", pair.state())
    state = load_state(tmp_path / "s.json")
    assert state.scene == pair.scene
    assert state.model_paths == {OTHER.id: "somewhere"}


def test_going_to_a_sample_of_the_same_model_takes_linked_panes_along(pair, spec):
    edits.go_to(pair, pair.scene.model, seeded_recipe(spec, 21))
    assert {pane.recipe.latent for pane in pair.scene.panes} == {seeded_recipe(spec, 21).latent}
    edits.go_to(pair, ModelRef("pinned", "id-7"), seeded_recipe(spec, 22))
    assert pair.scene.panes[1].recipe.latent == seeded_recipe(spec, 21).latent


def test_a_scene_without_the_last_pane_is_itself(spec, session):
    scene: Scene = session.scene
    assert scene.without_pane(0) is scene
