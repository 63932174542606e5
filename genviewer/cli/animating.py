"""The paths that `animate` can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.cli.errors import UsageError
from genviewer.core.animation import TraversePath, walk_through_samples
from genviewer.core.axes import AxisError, parse_axis, split_axis
from genviewer.core.condition_parsing import ConditionError, parse_classes
from genviewer.core.keyframes import Keyframe, Timeline
from genviewer.io.latents_file import read_latents

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.core.easing import EasingName
    from genviewer.core.keyframes import PathKind
    from genviewer.core.recipe import Recipe
    from genviewer.core.spec import Spec


def walk_path(
    spec: Spec,
    count: int,
    seed: int,
    seconds: float,
    classes: str | None,
    truncation: float,
    loop: bool,
    path: PathKind,
    easing: EasingName,
) -> Timeline:
    """Through the samples of a seed.

    Raises:
        ConditionError: the model has no such classes.
    """
    wanted = spec.class_condition
    if classes is not None and wanted is None:
        raise ConditionError(f"{spec.name} has no classes.")
    indices = parse_classes(classes, wanted) if classes is not None and wanted is not None else ()
    way = walk_through_samples(
        spec, count, seed, seconds, loop=loop, classes=indices, truncation=truncation
    )
    eased = tuple(msgspec.structs.replace(k, easing=easing) for k in way.keyframes)
    return Timeline(eased, loop, path)


def traverse_path(spec: Spec, recipe: Recipe, text: str, seconds: float) -> TraversePath:
    """One dimension from the first to the last of its values and back.

    Raises:
        AxisError: the text names no dimension with values.
    """
    axis = parse_axis(*split_axis(text), spec)
    if axis.kind != "dim":
        raise AxisError(f"{text!r} is no latent dimension with its values, such as dim3=-2..2.")
    return TraversePath(recipe, seconds, axis.dim, float(axis.values[0]), float(axis.values[-1]))


def keyframe_path(
    spec: Spec, file: Path, seconds: float, loop: bool, path: PathKind, easing: EasingName
) -> Timeline:
    """Through the Recipes of a file, at an even pace.

    Raises:
        LatentsError: the file cannot be used.
        UsageError: it holds too many.
    """
    recipes = read_latents(file).to_recipes(spec)
    segments = max(1, len(recipes) if loop else len(recipes) - 1)
    try:
        return Timeline(
            tuple(Keyframe(recipe, seconds / segments, easing) for recipe in recipes), loop, path
        )
    except ValueError as error:
        raise UsageError(f"{file.name} cannot be animated: {error}.") from error
