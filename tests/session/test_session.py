"""The Session: edits, pins, models, and what a file holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from genviewer.core.condition import Condition, VectorPart, one_class
from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe, seeded_recipe
from genviewer.core.scene import MapOptions, Pane, Scene, TraverseOptions
from genviewer.core.spec import ConditionSpec, LatentSpec, Spec
from genviewer.session.fit import check_recipe, fit_recipe, fit_scene
from genviewer.session.recent import Recent, RecentModel, load_recent, save_recent
from genviewer.session.session import Session
from genviewer.session.state import (
    Controls,
    State,
    StateError,
    keep_aside,
    load_state,
    save_state,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_changed_is_emitted_once_per_change(session: Session, spec: Spec) -> None:
    seen: list[Scene] = []
    session.changed.connect(seen.append)
    other = session.scene.with_recipe(seeded_recipe(spec, 1))
    session.edit(other)
    session.edit(other)
    session.undo()
    session.undo()
    session.redo()
    assert [scene.recipe for scene in seen] == [
        seeded_recipe(spec, 1),
        seeded_recipe(spec, 0),
        seeded_recipe(spec, 1),
    ]


def test_pins_are_kept_named_moved_and_restored(session: Session) -> None:
    pane = session.scene.pane
    first = session.add_pin(pane, "first", b"png")
    second = session.add_pin(pane, "second", b"png")
    assert [p.name for p in session.pins] == ["second", "first"]
    session.rename_pin(first.id, "renamed")
    session.move_pin(first.id, 0)
    assert [p.name for p in session.pins] == ["renamed", "second"]
    removed = session.remove_pin(first.id)
    assert removed is not None
    assert session.remove_pin(first.id) is None
    session.restore_pin(*removed)
    assert [p.id for p in session.pins] == [first.id, second.id]
    third = session.add_pin(pane, "third", b"")
    assert third.id not in (first.id, second.id)


def test_a_pin_that_comes_back_shares_its_id_with_no_other(session: Session) -> None:
    pane = session.scene.pane
    removed = session.remove_pin(session.add_pin(pane, "old", b"png").id)
    assert removed is not None
    session.add_pin(pane, "new", b"png")
    session.restore_pin(*removed)
    assert len({pin.id for pin in session.pins}) == len(session.pins) == 2


def test_another_model_keeps_the_latent_where_it_fits(session: Session, spec: Spec) -> None:
    before = session.scene.recipe
    twin = ModelRef("twin", "id-2")
    session.show_model(twin, msgspec.structs.replace(spec, name="twin"))
    assert session.scene.model == twin
    assert session.scene.recipe.latent == before.latent
    wide = msgspec.structs.replace(spec, latent=LatentSpec(9), conditions=())
    session.show_model(ModelRef("wide", "id-3"), wide)
    assert session.scene.recipe.latent.dim == 9
    assert session.scene.recipe.condition == Condition()
    session.undo()
    session.undo()
    assert session.scene.recipe == before


def test_every_model_keeps_its_own_locks(session: Session) -> None:
    session.set_controls(Controls(locks=(0, 3)))
    session.turn_locks("id-4")
    assert session.controls.locks == ()
    session.set_controls(Controls(locks=(1,)))
    session.turn_locks("id-1")
    assert session.controls.locks == (0, 3)
    session.turn_locks("id-4")
    assert session.controls.locks == (1,)


def test_a_state_survives_the_disk(session: Session, tmp_path: Path) -> None:
    session.add_pin(session.scene.pane, "pin", b"\x89PNG\x00")
    session.set_controls(Controls(locks=(1,), seed=9, pad=(0, 2)))
    session.model_paths = {"id-1": "/models/digits", "unused": "/models/other"}
    path = tmp_path / "a.genviewer"
    save_state(path, session.state())
    back = load_state(path)
    assert back == session.state()
    assert back.model_paths == {"id-1": "/models/digits"}
    other = Session(State(Scene((Pane(ModelRef("x", "y"), Recipe(Latent([0.0]))),))))
    other.restore(back)
    assert other.state() == session.state()
    other.undo()
    assert other.scene.model == ModelRef("x", "y")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff" * 50,
        b"{}",
        b"[" * 100_000,
        b'{"scene": {"panes": []}}',
        b'{"scene": {"panes": []}, "format": "genviewer-state/9"}',
    ],
)
def test_a_damaged_state_is_one_sentence_and_kept_aside(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "session.json"
    path.write_bytes(data)
    with pytest.raises(StateError, match=r"session.json"):
        load_state(path)
    aside = keep_aside(path)
    assert not path.exists()
    assert aside.read_bytes() == data


def test_a_missing_state_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="not there"):
        load_state(tmp_path / "none.genviewer")


def test_recent_models_and_projects_are_newest_first_and_bounded(tmp_path: Path) -> None:
    recent = Recent()
    for i in range(20):
        recent = recent.with_model(RecentModel(f"/m/{i}", f"m{i}", f"id{i}"))
        recent = recent.with_project(f"/p/{i % 3}").with_data(f"/d/{i % 2}")
    recent = recent.with_model(RecentModel("/m/15", "m15", "id15"))
    assert [m.name for m in recent.models][:3] == ["m15", "m19", "m18"]
    assert len(recent.models) == 12
    assert recent.projects == ("/p/1", "/p/0", "/p/2")
    assert recent.data == ("/d/1", "/d/0")
    path = tmp_path / "recent.json"
    save_recent(path, recent)
    assert load_recent(path) == recent
    assert recent.without_model("/m/15").models[0].name == "m19"
    assert "/p/0" not in recent.without_project("/p/0").projects


def test_damaged_recent_files_are_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "recent.json"
    path.write_text("{")
    assert load_recent(path) == Recent()
    assert [p.name.startswith("recent.json.damaged") for p in tmp_path.iterdir()] == [True]
    assert load_recent(tmp_path / "none.json") == Recent()


def test_a_recipe_that_does_not_fit_says_why(spec: Spec) -> None:
    good = seeded_recipe(spec, 0)
    assert check_recipe(good, spec) is None
    bad = {
        "5 dimensions": msgspec.structs.replace(good, latent=Latent(np.zeros(5))),
        "w space": msgspec.structs.replace(good, latent=Latent(np.zeros(4), "w")),
        "no class 7": msgspec.structs.replace(good, condition=Condition((one_class("digit", 7),))),
        "truncation": msgspec.structs.replace(good, truncation=float("nan")),
    }
    for reason, recipe in bad.items():
        assert reason in str(check_recipe(recipe, spec))


def test_a_condition_is_carried_over_by_class_index(spec: Spec) -> None:
    letters = ConditionSpec("letter", "class", 2)
    tilt = ConditionSpec("tilt", "continuous", 1)
    other = msgspec.structs.replace(spec, conditions=(letters, tilt))
    recipe = seeded_recipe(spec, 0, index=1)
    fitted = fit_recipe(recipe, other)
    assert fitted is not None
    assert fitted.condition.class_weights("letter") == {1: 1.0}
    wrong = Condition((VectorPart("tilt", (1.0, 2.0)),))
    fitted = fit_recipe(msgspec.structs.replace(recipe, condition=wrong), other)
    assert fitted is not None
    assert check_recipe(fitted, other) is None


def test_a_scene_gets_options_that_the_model_can_show(spec: Spec) -> None:
    scene = Scene((Pane(ModelRef("m", "i"), seeded_recipe(spec, 0)),), "classes")
    scene = scene.with_options(MapOptions(axes=(0, 9)))
    scene = scene.with_options(TraverseOptions(first=7))
    fitted = fit_scene(scene, spec)
    assert fitted.options.map.axes is None
    assert fitted.options.traverse.first == 0
    assert fitted.view == "classes"
    assert fit_scene(scene, msgspec.structs.replace(spec, conditions=())).view == "grid"
