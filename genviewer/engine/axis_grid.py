"""What an axis grid is drawn with: its base Recipe and its models' generators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.core.condition import one_class
from genviewer.core.condition_parsing import ConditionError, parse_classes
from genviewer.core.recipe import Recipe, seeded_recipe
from genviewer.engine.generator import Engine, Generator, load_generator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from genviewer.core.spec import Spec
    from genviewer.io.bundle import Bundle


def base_recipe(
    spec: Spec, seed: int, classes: str | None = None, truncation: float = 1.0
) -> Recipe:
    """Sample 0 of a seed, of one class where that is said.

    Raises:
        ConditionError: the model has no such class, or the text names several.
    """
    recipe = msgspec.structs.replace(seeded_recipe(spec, seed), truncation=truncation)
    if classes is None:
        return recipe
    wanted = spec.class_condition
    if wanted is None:
        raise ConditionError(f"{spec.name} has no classes.")
    indices = parse_classes(classes, wanted)
    if len(indices) > 1:
        raise ConditionError(f"{classes!r} names {len(indices)} classes; give one.")
    part = one_class(wanted.name, indices[0])
    return msgspec.structs.replace(recipe, condition=recipe.condition.with_part(part))


def generators_of(
    bundles: Iterable[Bundle], device: str = "auto", engine: Engine = "auto"
) -> dict[str, Generator]:
    """Generators by model id.

    Raises:
        LoadError: a model cannot be built, or the device is not there.
    """
    return {bundle.model_id: load_generator(bundle, device, engine) for bundle in bundles}
