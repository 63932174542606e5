"""What a person does to the current sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genviewer.core.prior import draw
from genviewer.core.views import ViewInputs
from genviewer.session import edits
from genviewer.session.state import Controls

if TYPE_CHECKING:
    from genviewer.core.spec import Spec
    from genviewer.session.session import Session


def test_a_seed_is_the_same_sample_every_time(session: Session, spec: Spec) -> None:
    edits.set_seed(session, 41)
    assert session.scene.recipe.latent.array.tobytes() == draw(spec.latent, 41).tobytes()
    edits.step_seed(session, 1)
    assert session.controls.seed == 42
    assert session.scene.recipe.latent.array.tobytes() == draw(spec.latent, 42).tobytes()
    edits.set_seed(session, 0)
    edits.step_seed(session, -1)
    assert session.controls.seed == edits.MAX_SEED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(locks=st.sets(st.integers(0, 3)), strength=st.floats(0, 1))
def test_locked_dimensions_stay(session: Session, locks: set[int], strength: float) -> None:
    edits.set_latent(session, np.array([1, 2, -1, 0.5], np.float32))
    session.set_controls(Controls(locks=tuple(sorted(locks))))
    before = session.scene.recipe.latent.array
    u = np.array([0.5, 0.5, 0.5, 0.5], np.float32)
    v = np.array([0.5, -0.5, 0.5, -0.5], np.float32)
    for change in (
        lambda: edits.roll(session),
        lambda: edits.vary_here(session, strength),
        lambda: edits.reset_latent(session),
        lambda: edits.drag_in_plane(session, u, v, 0.3, 0.2, "drag"),
    ):
        change()
        after = session.scene.recipe.latent.array
        for d in locks:
            assert after[d] == before[d]


def test_rolling_changes_what_is_unlocked_and_is_one_step(session: Session) -> None:
    before = session.scene.recipe.latent
    edits.roll(session)
    assert session.scene.recipe.latent != before
    session.undo()
    assert session.scene.recipe.latent == before


def test_classes_by_key(session: Session, spec: Spec) -> None:
    edits.choose_class(session, 2)
    assert session.scene.recipe.condition.class_weights("digit") == {2: 1.0}
    edits.choose_class(session, 9)
    assert session.scene.recipe.condition.class_weights("digit") == {2: 1.0}
    assert edits.leave_class_empty(session)
    assert session.scene.recipe.condition.class_weights("digit") == {}
    strict = tuple(msgspec.structs.replace(c, optional=False) for c in spec.conditions)
    session.specs["id-1"] = msgspec.structs.replace(spec, conditions=strict)
    edits.choose_class(session, 1)
    assert not edits.leave_class_empty(session)


def test_a_drag_on_the_picture_is_one_step_in_the_plane(session: Session) -> None:
    edits.set_latent(session, np.zeros(4, np.float32))
    u, v = np.eye(4, dtype=np.float32)[[1, 3]]
    for _ in range(4):
        edits.drag_in_plane(session, u, v, 0.05, -0.1, "image:1")
    expected = [0, 0.2 * edits.FULL_DRAG, 0, -0.4 * edits.FULL_DRAG]
    assert np.allclose(session.scene.recipe.latent.array, expected)
    session.undo()
    assert not session.scene.recipe.latent.array.any()


def test_the_map_cursor_moves_only_within_its_plane(session: Session, spec: Spec) -> None:
    options = msgspec.structs.replace(session.scene.options.map, axes=(2, 0))
    session.edit(session.scene.with_options(options))
    before = session.scene.recipe.latent.array
    edits.move_on_map(session, ViewInputs(), 1.5, -0.5, "map")
    after = session.scene.recipe.latent.array
    assert np.allclose(after[[2, 0]], [1.5, -0.5])
    assert np.allclose(after[[1, 3]], before[[1, 3]], atol=1e-3)


def test_a_recipe_is_described_in_words(session: Session, spec: Spec) -> None:
    recipe = msgspec.structs.replace(session.scene.recipe, truncation=0.7)
    text = edits.describe(recipe, spec, "row 1")
    assert text.startswith("row 1 · digit zero · ψ 0.70 · z [")


def test_the_map_comes_with_the_current_sample_in_sight(session: Session) -> None:
    edits.set_latent(session, np.array([0.5, -0.5, 0, 0], np.float32))
    edits.set_view(session, "map", ViewInputs())
    assert session.scene.options.map.center == (0.0, 0.0)
    edits.set_view(session, "grid", ViewInputs())
    edits.set_latent(session, np.array([0.5, 3.0, 0, 0], np.float32))
    edits.set_view(session, "map", ViewInputs())
    assert session.scene.options.map.center == (0.5, 3.0)
