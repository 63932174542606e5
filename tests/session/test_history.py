"""Undo and redo."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe, seeded_recipe
from genviewer.core.scene import Pane, Scene
from genviewer.session.history import History


def scene(value: float) -> Scene:
    return Scene((Pane(ModelRef("m", "i"), Recipe(Latent([value]))),))


def test_a_drag_is_one_step() -> None:
    history = History(scene(0))
    for value in (1, 2, 3):
        history.edit(scene(value), "drag:1")
    history.edit(scene(4), "drag:2")
    history.edit(scene(5))
    history.edit(scene(6))
    shown = []
    while history.undo():
        shown.append(history.scene)
    assert shown == [scene(5), scene(4), scene(3), scene(0)]


def test_a_drag_after_an_undo_is_a_step_of_its_own() -> None:
    history = History(scene(0))
    history.edit(scene(1), "drag")
    history.undo()
    history.edit(scene(2), "drag")
    assert history.undo()
    assert history.scene == scene(0)


def test_the_same_scene_is_no_step() -> None:
    history = History(scene(0))
    assert not history.edit(scene(0))
    assert not history.can_undo


def test_an_edit_forgets_what_was_undone() -> None:
    history = History(scene(0))
    history.edit(scene(1))
    history.undo()
    history.edit(scene(2))
    assert not history.redo()


def test_only_the_newest_steps_are_kept() -> None:
    history = History(scene(0), limit=3)
    for value in range(1, 10):
        history.edit(scene(value))
    history.limit_to(2)
    assert [history.undo(), history.undo(), history.undo()] == [True, True, False]
    assert history.scene == scene(7)


@given(st.lists(st.one_of(st.integers(0, 5), st.sampled_from(["undo", "redo"])), max_size=60))
def test_it_is_a_list_with_a_cursor(steps: list[int | str]) -> None:
    history = History(scene(0), limit=1000)
    model, cursor = [scene(0)], 0
    for step in steps:
        if step == "undo":
            assert history.undo() == (cursor > 0)
            cursor = max(0, cursor - 1)
        elif step == "redo":
            assert history.redo() == (cursor < len(model) - 1)
            cursor = min(len(model) - 1, cursor + 1)
        elif history.edit(scene(float(step))):
            model = [*model[: cursor + 1], scene(float(step))]
            cursor += 1
        assert history.scene == model[cursor]
        assert (history.can_undo, history.can_redo) == (cursor > 0, cursor < len(model) - 1)


def test_an_amendment_belongs_to_the_step_before_it(session, spec):
    first = session.scene
    session.edit(first.with_recipe(seeded_recipe(spec, 1)), "drag")
    seen = []
    session.changed.connect(seen.append)
    amended = session.scene.with_view("grid")
    session.amend(amended)
    session.amend(amended)
    assert seen == [amended]
    session.edit(amended.with_recipe(seeded_recipe(spec, 2)), "drag")
    session.undo()
    assert session.scene == first
