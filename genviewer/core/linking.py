"""Panes that move together: what an edit of one asks of another, whose model may be another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.core.condition import ClassPart, blend

if TYPE_CHECKING:
    from genviewer.core.condition import Condition
    from genviewer.core.recipe import Recipe
    from genviewer.core.spec import ConditionSpec, Spec


def followed(before: Recipe, after: Recipe, source: Spec, recipe: Recipe, target: Spec) -> Recipe:
    """What a linked pane draws after another went from ``before`` to ``after``.

    Only what changed is taken over, so that panes may differ in the rest, such as their
    truncation. The latent follows where both models have latents of that size in that space;
    classes follow by name, and by number where both have the same number of classes and none of
    the names meet. What has no counterpart stays as it is.

    Args:
        before: the edited pane's Recipe before the edit.
        after: the edited pane's Recipe after it.
        source: what the edited pane's model can do.
        recipe: the linked pane's Recipe.
        target: what the linked pane's model can do.
    """
    changes: dict[str, object] = {}
    if after.latent != before.latent and latents_agree(after, source, target):
        changes["latent"] = after.latent
    if after.condition != before.condition:
        changes["condition"] = followed_condition(
            before.condition, after.condition, source, recipe.condition, target
        )
    for name in ("truncation", "truncation_cutoff", "noise", "noise_strength", "mix", "transform"):
        value = getattr(after, name, None)
        if value != getattr(before, name, None) and _understands(target, name):
            changes[name] = value
    return msgspec.structs.replace(recipe, **changes) if changes else recipe


def latents_agree(recipe: Recipe, source: Spec, target: Spec) -> bool:
    """Whether a latent of one model means a point in the other's space too."""
    return (
        recipe.latent.space in target.latent.spaces
        and source.latent.dim == target.latent.dim
        and source.latent.prior == target.latent.prior
    )


def followed_condition(
    before: Condition, after: Condition, source: Spec, condition: Condition, target: Spec
) -> Condition:
    """The linked pane's condition after the parts that changed were taken over."""
    for wanted in source.conditions:
        part = after.part(wanted.name)
        if part == before.part(wanted.name):
            continue
        other = _counterpart(wanted, target)
        if other is None:
            continue
        if part is None:
            if other.optional:
                condition = condition.without(other.name)
        elif isinstance(part, ClassPart):
            weights = matched_classes(dict(part.weights), wanted, other)
            if weights:
                condition = condition.with_part(blend(other.name, weights))
        else:
            condition = condition.with_part(msgspec.structs.replace(part, name=other.name))
    return condition


def matched_classes(
    weights: dict[int, float], source: ConditionSpec, target: ConditionSpec
) -> dict[int, float]:
    """The weights of one model's classes on another's: by name; by number where both have as many
    and share no name; classes that the other lacks are left out.
    """
    places = {target.label(index): index for index in range(target.size)}
    shared = any(source.label(index) in places for index in range(source.size))
    if shared:
        named = {places.get(source.label(k)): w for k, w in weights.items()}
        return {k: w for k, w in named.items() if k is not None}
    return dict(weights) if source.size == target.size else {}


def _counterpart(wanted: ConditionSpec, target: Spec) -> ConditionSpec | None:
    alike = [c for c in target.conditions if c.kind == wanted.kind]
    if wanted.kind != "class":
        alike = [c for c in alike if c.size == wanted.size]
    named = [c for c in alike if c.name == wanted.name]
    return next(iter(named or alike), None)


def _understands(target: Spec, name: str) -> bool:
    if name == "truncation":
        return target.truncation
    return target.family == "gan" and (target.noise or target.layers > 0)
