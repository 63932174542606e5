"""What a conditional model is asked to draw, as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from genviewer.core.spec import Spec


class ClassPart(msgspec.Struct, frozen=True, tag="class"):
    """Weights of classes: sparse ``(index, weight)`` pairs sorted by index, weights above 0."""

    name: str
    weights: tuple[tuple[int, float], ...]


class VectorPart(msgspec.Struct, frozen=True, tag="vector"):
    """Attributes or continuous values, one number each."""

    name: str
    values: tuple[float, ...]


class TextPart(msgspec.Struct, frozen=True, tag="text"):
    """A caption."""

    name: str
    text: str


Part = ClassPart | VectorPart | TextPart


class Condition(msgspec.Struct, frozen=True):
    """Named parts, matched by name to ``Spec.conditions``.

    A condition of the Spec that has no part here is *empty*: "any", where the model allows it.
    """

    parts: tuple[Part, ...] = ()

    def part(self, name: str) -> Part | None:
        """The part of that name, or None where the condition leaves it empty."""
        return next((part for part in self.parts if part.name == name), None)

    def with_part(self, part: Part) -> Condition:
        """The same condition with one part set or replaced."""
        rest = [other for other in self.parts if other.name != part.name]
        return Condition(tuple(sorted([*rest, part], key=lambda p: p.name)))

    def without(self, name: str) -> Condition:
        """The same condition with one part left empty."""
        return Condition(tuple(part for part in self.parts if part.name != name))

    def class_weights(self, name: str) -> dict[int, float]:
        """Class index -> weight of a class part; empty where the part is empty."""
        part = self.part(name)
        return dict(part.weights) if isinstance(part, ClassPart) else {}


def blend(name: str, weights: Mapping[int, float]) -> ClassPart:
    """A class part from any non-negative weights, normalised to sum to 1.

    Raises:
        ValueError: if no weight is above 0, or one is negative or not finite.
    """
    total = float(sum(weights.values()))
    if any(not np.isfinite(w) or w < 0 for w in weights.values()) or not total > 0:
        raise ValueError("class weights are at least 0 and not all 0")
    kept = sorted((int(k), float(w) / total) for k, w in weights.items() if w > 0)
    return ClassPart(name, tuple(kept))


def one_class(name: str, index: int) -> ClassPart:
    """A class part with all weight on one class."""
    return ClassPart(name, ((int(index), 1.0),))


def pack(condition: Condition, spec: Spec) -> NDArray[np.float32]:
    """The condition as the row that a decoder takes.

    Returns:
        float32 (K,), K = ``spec.condition_size``: the numeric conditions one after the other in
        the Spec's order; class weights, attributes or values; zeros where a part is empty.

    Raises:
        ValueError: if a class index or the number of values does not fit the Spec.
    """
    row = np.zeros(spec.condition_size, np.float32)
    start = 0
    for wanted in spec.conditions:
        if wanted.kind == "text":
            continue
        part = condition.part(wanted.name)
        if isinstance(part, ClassPart):
            for index, weight in part.weights:
                if not 0 <= index < wanted.size:
                    raise ValueError(f"{wanted.name} has no class {index}")
                row[start + index] = weight
        elif isinstance(part, VectorPart):
            if len(part.values) != wanted.size:
                raise ValueError(f"{wanted.name} takes {wanted.size} values")
            row[start : start + wanted.size] = part.values
        start += wanted.size
    return row
