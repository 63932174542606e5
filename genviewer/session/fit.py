"""Whether a Recipe or a Scene that came from elsewhere can be drawn by a model, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from genviewer.core.condition import ClassPart, Condition, blend, one_class, pack
from genviewer.core.recipe import Recipe, default_condition

if TYPE_CHECKING:
    from genviewer.core.scene import Scene
    from genviewer.core.spec import Spec
    from genviewer.core.synthesis import Mix


def check_recipe(recipe: Recipe, spec: Spec) -> str | None:
    """Why a model cannot draw a Recipe, as one clause; None if it can."""
    if recipe.latent.space not in spec.latent.spaces:
        return f"its latent is in {recipe.latent.space} space"
    dim = spec.of_space(recipe.latent.space).latent.dim
    if recipe.latent.array.shape != (dim,):
        return f"its latent has {recipe.latent.dim} dimensions, not {dim}"
    if recipe.mix is not None and (problem := _check_mix(recipe.mix, spec)) is not None:
        return problem
    try:
        pack(recipe.condition, spec)
    except ValueError as error:
        return str(error)
    if not np.isfinite(recipe.truncation):
        return "its truncation is not a number"
    return None


def _check_mix(mix: Mix, spec: Spec) -> str | None:
    """Why a model cannot mix a second latent in; None if it can."""
    space = mix.latent.space
    if not spec.layers or space not in spec.latent.spaces:
        return "its second latent is not one that the model mixes in"
    if mix.latent.array.shape != (spec.of_space(space).latent.dim,):
        return "its second latent is of another size"
    return None


def fit_recipe(recipe: Recipe, spec: Spec) -> Recipe | None:
    """The Recipe as another model can draw it: the same latent where sizes agree, classes
    matched by condition and class index; None where the latents differ.
    """
    if recipe.latent.space != "z" or recipe.latent.array.shape != (spec.latent.dim,):
        return None
    condition = fit_condition(recipe.condition, spec)
    return Recipe(recipe.latent, condition, recipe.truncation)


def fit_condition(condition: Condition, spec: Spec) -> Condition:
    """Keep the parts that the model knows; defaults for the others."""
    fitted = default_condition(spec)
    for wanted in spec.conditions:
        part = condition.part(wanted.name)
        if wanted.kind != "class":
            if part is not None:
                fitted = fitted.with_part(part)
            continue
        if not isinstance(part, ClassPart):
            part = next((p for p in condition.parts if isinstance(p, ClassPart)), None)
        weights = {i: w for i, w in (part.weights if part else ()) if i < wanted.size}
        fitted = fitted.with_part(
            blend(wanted.name, weights) if weights else one_class(wanted.name, 0)
        )
    try:
        pack(fitted, spec)
    except ValueError:
        return default_condition(spec)
    return fitted


def fit_scene(scene: Scene, spec: Spec) -> Scene:
    """The Scene with a view and options that make sense for the model."""
    dim = spec.latent.dim
    options = scene.options
    axes = options.map.axes
    if axes is not None and (max(axes) >= dim or min(axes) < 0 or axes[0] == axes[1]):
        plane = msgspec.structs.replace(options.map, axes=None)
        options = msgspec.structs.replace(options, map=plane)
    if options.traverse.first >= dim:
        traverse = msgspec.structs.replace(options.traverse, first=0)
        options = msgspec.structs.replace(options, traverse=traverse)
    classes = spec.class_condition
    if classes is not None and options.classes.first >= classes.size:
        shown = msgspec.structs.replace(options.classes, first=0)
        options = msgspec.structs.replace(options, classes=shown)
    view = scene.view
    if (view == "classes" and classes is None) or (view == "map" and dim < 2):
        view = "grid"
    return msgspec.structs.replace(scene, view=view, options=options)
