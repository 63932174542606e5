"""What a person does to the current sample, as edits of the Session. No Qt."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from genviewer.core import plane
from genviewer.core.arithmetic import lerp, randomise, vary
from genviewer.core.condition import Condition, one_class
from genviewer.core.latent import Latent
from genviewer.core.views import ViewInputs, plane_axes
from genviewer.session import styles

if TYPE_CHECKING:
    from collections.abc import Hashable

    from genviewer.core.recipe import ModelRef, Recipe
    from genviewer.core.scene import ViewName
    from genviewer.core.spec import Spec
    from genviewer.session.session import Session

Floats = NDArray[np.float32]
MAX_SEED = 2**31 - 1
FULL_DRAG = 5.0
"""How far, in units of the prior's deviation, a drag across the whole picture goes."""


def lock_mask(session: Session, dim: int) -> NDArray[np.bool_]:
    """Bool (dim,): the locked dimensions."""
    mask = np.zeros(dim, np.bool_)
    mask[[d for d in session.controls.locks if d < dim]] = True
    return mask


def set_latent(session: Session, values: Floats, key: Hashable | None = None) -> None:
    """Move the current sample to a point of its latent space."""
    recipe = session.scene.recipe
    latent = Latent(values, recipe.latent.space)
    session.edit_recipe(msgspec.structs.replace(recipe, latent=latent), key)


def set_seed(session: Session, seed: int) -> None:
    """Draw the sample of a seed; locked dimensions stay."""
    spec = session.spec
    if spec is None:
        return
    seed = max(0, min(int(seed), MAX_SEED))
    session.set_controls(msgspec.structs.replace(session.controls, seed=seed))
    values = session.scene.recipe.latent.array
    locks = lock_mask(session, spec.latent.dim)
    drawn = styles.fresh(session, seed)
    if drawn is None:
        set_latent(session, randomise(spec.latent, values, seed, locks))
    else:
        set_latent(session, np.where(locks, values, drawn))


def roll(session: Session) -> None:
    """Draw the sample of a fresh random seed."""
    set_seed(session, secrets.randbelow(MAX_SEED))


def step_seed(session: Session, by: int) -> None:
    """Draw the sample of the seed that many further."""
    set_seed(session, (session.controls.seed + by) % (MAX_SEED + 1))


def vary_here(session: Session, strength: float) -> None:
    """Go to a random neighbour of the current sample."""
    spec = session.spec
    if spec is None:
        return
    session.set_controls(msgspec.structs.replace(session.controls, vary_strength=strength))
    values = session.scene.recipe.latent.array
    locks, seed = lock_mask(session, spec.latent.dim), secrets.randbelow(MAX_SEED)
    drawn = styles.fresh(session, seed)
    if drawn is None:
        set_latent(session, vary(spec.latent, values, strength, seed, locks))
    else:
        set_latent(session, np.where(locks, values, lerp(values, drawn, strength)))


def reset_latent(session: Session) -> None:
    """Put every unlocked dimension to the centre of its space."""
    values, center = session.scene.recipe.latent.array, styles.center(session)
    if center is None:
        center = np.zeros_like(values)
    set_latent(session, np.where(lock_mask(session, values.size), values, center))


def set_truncation(session: Session, psi: float, key: Hashable | None = None) -> None:
    """Scale the current sample towards the prior's centre."""
    session.edit_recipe(msgspec.structs.replace(session.scene.recipe, truncation=psi), key)


def set_condition(session: Session, condition: Condition, key: Hashable | None = None) -> None:
    """Ask for other classes, attributes or values."""
    recipe: Recipe = msgspec.structs.replace(session.scene.recipe, condition=condition)
    session.edit_recipe(recipe, key)


def choose_class(session: Session, index: int) -> None:
    """Ask for one class of the first class condition; nothing happens if it has no such class."""
    wanted = session.spec.class_condition if session.spec else None
    if wanted is not None and 0 <= index < wanted.size:
        condition = session.scene.recipe.condition
        set_condition(session, condition.with_part(one_class(wanted.name, index)))


def leave_class_empty(session: Session) -> bool:
    """Ask for any class; False where the model cannot."""
    wanted = session.spec.class_condition if session.spec else None
    if wanted is None or not wanted.optional:
        return False
    set_condition(session, session.scene.recipe.condition.without(wanted.name))
    return True


def drag_in_plane(
    session: Session, u: Floats, v: Floats, across: float, up: float, key: Hashable
) -> None:
    """Move the latent within a plane, by fractions of a drag across the whole picture.

    ``u`` and ``v`` are orthonormal axes (D,); ``across`` and ``up`` are fractions of the picture's
    side, to the right and upwards. Locked dimensions stay.
    """
    values = session.scene.recipe.latent.array
    moved = values + np.float32(across * FULL_DRAG) * u + np.float32(up * FULL_DRAG) * v
    locks = lock_mask(session, values.size)
    moved[locks] = values[locks]
    set_latent(session, moved.astype(np.float32), key)


def set_view(session: Session, view: ViewName, inputs: ViewInputs | None = None) -> None:
    """Look at the Scene in another way; the Map comes with the current sample in sight."""
    scene, spec = session.scene.with_view(view), session.spec
    if view == "map" and session.scene.view != "map" and spec is not None and inputs is not None:
        u, v, _, _ = plane_axes(scene, spec, inputs)
        place = plane.position(scene.recipe.latent.array, u, v)
        options = scene.options.map
        away = max(abs(p - c) for p, c in zip(place, options.center, strict=True))
        if away > options.extent:
            scene = scene.with_options(msgspec.structs.replace(options, center=place))
    session.edit(scene)


def move_on_map(
    session: Session, inputs: ViewInputs, x: float, y: float, key: Hashable | None = None
) -> None:
    """Move the latent within the Map's plane to plane coordinates (x, y)."""
    spec, scene = session.spec, session.scene
    if spec is None:
        return
    u, v, _, _ = plane_axes(scene, spec, inputs)
    set_latent(session, plane.moved(scene.recipe.latent.array, u, v, x, y), key)


def go_to(session: Session, model: ModelRef, recipe: Recipe) -> None:
    """Make a sample the current one."""
    if model.id == session.scene.model.id:
        session.edit_recipe(recipe)
    else:
        pane = msgspec.structs.replace(session.scene.pane, model=model, recipe=recipe)
        session.edit(session.scene.with_pane(pane))


def describe(recipe: Recipe, spec: Spec | None, label: str = "") -> str:
    """A Recipe in a few words: label, classes, truncation, the beginning of the latent."""
    words = [label] if label else []
    wanted = spec.class_condition if spec else None
    if wanted is not None:
        weights = recipe.condition.class_weights(wanted.name)
        names = [
            wanted.label(i) if w > 0.995 else f"{wanted.label(i)} {w:.0%}"
            for i, w in sorted(weights.items(), key=lambda pair: -pair[1])[:4]
        ]
        text = " + ".join(names) if names else "any"
        if text != label:
            words.append(f"{wanted.name} {text}")
    if recipe.truncation != 1.0:
        words.append(f"ψ {recipe.truncation:.2f}")
    values = recipe.latent.array.ravel()
    shown = ", ".join(f"{value:.2f}" for value in values[:4])
    words.append(f"{recipe.latent.space} [{shown}{', …' if values.size > 4 else ''}]")
    return " · ".join(words)
