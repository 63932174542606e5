"""Conditions as a person writes them: class names, blends, values, label arrays."""

from __future__ import annotations

import csv
import difflib
from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.condition import (
    ClassPart,
    Condition,
    Part,
    TextPart,
    VectorPart,
    blend,
    one_class,
    pack,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from genviewer.core.spec import ConditionSpec, Spec

ANY = "any"
"""What leaves an optional condition empty, unless a class has this name."""

NAMES_SHOWN = 12


class ConditionError(ValueError):
    """A condition that the model does not have; the message is one sentence for the user."""


def parse_classes(text: str, wanted: ConditionSpec) -> tuple[int, ...]:
    """Class indices that a text asks for, in its order.

    An exact name wins; ``#3`` is an index; ``a,b,c`` a list, quoted by the rules of CSV; ``a..f``
    a range by position, both ends included, downwards if its first end comes later.

    Raises:
        ConditionError: naming what is no class of this condition.
    """
    whole = _index_of(text, wanted)
    if whole is not None:
        return (whole,)
    indices: list[int] = []
    for item in _split(text):
        indices.extend(_parse_item(item, wanted))
    return tuple(indices)


def parse_mix(text: str, wanted: ConditionSpec) -> ClassPart:
    """A blend from ``C:0.5,D:0.5``; the weights are normalised, those of one class add up.

    Raises:
        ConditionError: a class is not there, or a weight is no number of at least 0.
    """
    weights: dict[int, float] = {}
    for item in _split(text):
        name, colon, number = item.rpartition(":")
        weight = _number(number)
        if not colon or weight is None:
            raise ConditionError(f"{item!r} is not of the form CLASS:WEIGHT.")
        for index in _parse_item(name, wanted):
            weights[index] = weights.get(index, 0.0) + weight
    try:
        return blend(wanted.name, weights)
    except ValueError as error:
        raise ConditionError(f"In {text!r}, {error}.") from None


def parse_parts(text: str, wanted: ConditionSpec) -> tuple[Part | None, ...]:
    """What one condition is to be, sample after sample; None leaves it empty.

    A list of classes gives one part each, for the samples to take in turn; attributes and
    continuous values are numbers separated by commas, or ``NAME:NUMBER`` pairs with 0 for those
    that are not named.

    Raises:
        ConditionError: the text does not fit the condition.
    """
    if wanted.optional and text == ANY and ANY not in (wanted.names or ()):
        return (None,)
    if wanted.kind == "class":
        return tuple(one_class(wanted.name, index) for index in parse_classes(text, wanted))
    if wanted.kind == "text":
        return (TextPart(wanted.name, text),)
    return (VectorPart(wanted.name, _parse_values(text, wanted)),)


def condition_named(name: str, spec: Spec) -> ConditionSpec:
    """The model's condition of that name.

    Raises:
        ConditionError: naming the conditions that there are.
    """
    for wanted in spec.conditions:
        if wanted.name == name:
            return wanted
    names = ", ".join(c.name for c in spec.conditions)
    has = f"its conditions are {names}" if names else "it is unconditional"
    raise ConditionError(f"{spec.name} has no condition {name!r}: {has}.")


def conditions_from_labels(labels: NDArray[np.generic], spec: Spec) -> list[Condition]:
    """One condition per row of a label array.

    Args:
        labels: integers (N,) or (N, 1) are indices of the first class condition, (N, M) of M
            class conditions in the Spec's order, -1 leaving an optional one empty; floats (N, K)
            are weights of K classes or K values of one condition, or, K being
            ``spec.condition_size``, of all conditions in the Spec's order. Class weights are
            normalised; a row of zeros leaves an optional class empty.
        spec: the model's Spec.

    Raises:
        ConditionError: the array does not fit the model.
    """
    if not spec.conditions:
        raise ConditionError(f"{spec.name} is unconditional: it takes no labels.")
    if labels.dtype.kind in "iu":
        return _from_indices(labels.astype(np.int64), spec)
    if labels.dtype.kind == "f" and labels.ndim == 2:
        return _from_values(labels.astype(np.float64), spec)
    raise ConditionError(
        "Labels are integers (N,) or (N, M), or floats (N, K), "
        f"not {labels.dtype} {tuple(labels.shape)}."
    )


def labels_from_conditions(conditions: Sequence[Condition], spec: Spec) -> NDArray[np.generic]:
    """The label array that :func:`conditions_from_labels` reads back.

    Returns:
        int64 (N,) for a single class condition without blends, (N, M) for M of them, -1 where
        one is empty; otherwise float32 (N, K), K = ``spec.condition_size``, which is 0 for an
        unconditional model.
    """
    if spec.conditions and all(wanted.kind == "class" for wanted in spec.conditions):
        table = [[_sole_index(c, wanted) for wanted in spec.conditions] for c in conditions]
        flat = [index for row in table for index in row if index is not None]
        if len(flat) == len(conditions) * len(spec.conditions):
            indices = np.array(flat, np.int64).reshape(len(conditions), len(spec.conditions))
            return indices[:, 0] if len(spec.conditions) == 1 else indices
    packed = np.zeros((len(conditions), spec.condition_size), np.float32)
    for row, condition in enumerate(conditions):
        packed[row] = pack(condition, spec)
    return packed


def describe(condition: Condition, spec: Spec) -> str:
    """A condition in few words, such as ``7`` or ``3 70 % + 8 30 %``; empty if unconditional."""
    return " · ".join(_describe_parts(condition, spec))


def _describe_parts(condition: Condition, spec: Spec) -> Iterator[str]:
    for wanted in spec.conditions:
        part = condition.part(wanted.name)
        if part is None:
            yield ANY
        elif isinstance(part, TextPart):
            yield part.text
        elif isinstance(part, VectorPart):
            yield " ".join(f"{value:g}" for value in part.values)
        elif len(part.weights) == 1:
            yield wanted.label(part.weights[0][0])
        else:
            yield " + ".join(f"{wanted.label(i)} {weight:.0%}" for i, weight in part.weights)


def _split(text: str) -> list[str]:
    try:
        items = [item.strip() for item in next(csv.reader([text], skipinitialspace=True), [])]
    except csv.Error:  # a line break outside quotes, or a field beyond all reason
        items = []
    if not items or not all(items):
        raise ConditionError(f"{text!r} is not a list of names separated by commas.")
    return items


def _index_of(item: str, wanted: ConditionSpec) -> int | None:
    """The class that an item names exactly or by ``#index``; None if it does neither."""
    if wanted.names is not None and item in wanted.names:
        return wanted.names.index(item)
    digits = item[1:] if item.startswith("#") else item if wanted.names is None else ""
    if digits.isascii() and digits.isdigit():
        index = int(digits[:20])
        if index >= wanted.size:
            raise ConditionError(
                f"{wanted.name} has the classes #0 to #{wanted.size - 1}, no {item}."
            )
        return index
    return None


def _parse_item(item: str, wanted: ConditionSpec) -> tuple[int, ...]:
    index = _index_of(item, wanted)
    if index is not None:
        return (index,)
    at = item.find("..")
    while at >= 0:  # a name may itself hold two dots, so every place is tried
        ends = _index_of(item[:at].strip(), wanted), _index_of(item[at + 2 :].strip(), wanted)
        if ends[0] is not None and ends[1] is not None:
            step = 1 if ends[0] <= ends[1] else -1
            return tuple(range(ends[0], ends[1] + step, step))
        at = item.find("..", at + 1)
    raise ConditionError(f"{wanted.name} has no class {item!r}{_hint(item, wanted)}")


def _hint(item: str, wanted: ConditionSpec) -> str:
    if wanted.names is None:
        return f": it has #0 to #{wanted.size - 1}."
    close = difflib.get_close_matches(item, wanted.names, n=3)
    if close:
        return ": did you mean " + " or ".join(close) + "?"
    shown = ", ".join(wanted.names[:NAMES_SHOWN])
    more = f" and {wanted.size - NAMES_SHOWN} more" if wanted.size > NAMES_SHOWN else ""
    return f": it has {shown}{more}."


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _parse_values(text: str, wanted: ConditionSpec) -> tuple[float, ...]:
    items = _split(text)
    numbers = [_number(item) for item in items]
    values = [number for number in numbers if number is not None]
    if len(values) == len(items):
        if len(values) != wanted.size:
            raise ConditionError(f"{wanted.name} takes {wanted.size} values, not {len(values)}.")
        return tuple(values)
    row = [0.0] * wanted.size
    for item in items:
        name, _, number = item.rpartition(":")
        index, value = _index_of(name, wanted), _number(number)
        if index is None or value is None:
            raise ConditionError(
                f"{wanted.name} takes {wanted.size} numbers, or NAME:NUMBER pairs, not {item!r}."
            )
        row[index] = value
    return tuple(row)


def _sole_index(condition: Condition, wanted: ConditionSpec) -> int | None:
    part = condition.part(wanted.name)
    if part is None:
        return -1 if wanted.optional else None
    if isinstance(part, ClassPart) and len(part.weights) == 1:
        return part.weights[0][0]
    return None


def _from_indices(labels: NDArray[np.int64], spec: Spec) -> list[Condition]:
    wanted = [c for c in spec.conditions if c.kind == "class"]
    table = labels[:, None] if labels.ndim == 1 else labels
    if table.ndim != 2 or not 1 <= table.shape[1] <= len(wanted):
        raise ConditionError(
            f"Integer labels of {spec.name} are (N,) or (N, M) for its {len(wanted)} class "
            f"conditions, not {tuple(labels.shape)}."
        )
    conditions = []
    for row in table.tolist():
        parts: list[Part] = []
        for condition, index in zip(wanted, row, strict=False):
            if index == -1 and condition.optional:
                continue
            if not 0 <= index < condition.size:
                raise ConditionError(
                    f"{condition.name} has the classes 0 to {condition.size - 1}, no {index}."
                )
            parts.append(one_class(condition.name, index))
        conditions.append(_condition(parts))
    return conditions


def _from_values(labels: NDArray[np.float64], spec: Spec) -> list[Condition]:
    width = labels.shape[1]
    numeric = [c for c in spec.conditions if c.kind != "text"]
    if width != spec.condition_size:
        numeric = [c for c in numeric if c.size == width]
        if len(numeric) != 1:
            sizes = ", ".join(f"{c.name} {c.size}" for c in spec.conditions)
            raise ConditionError(f"Labels (N, {width}) fit no condition of {spec.name}: {sizes}.")
    conditions = []
    for number, row in enumerate(labels.tolist()):
        parts: list[Part] = []
        start = 0
        for wanted in numeric:
            values = row[start : start + wanted.size]
            start += wanted.size
            part = _part_from_values(values, wanted, number)
            if part is not None:
                parts.append(part)
        conditions.append(_condition(parts))
    return conditions


def _part_from_values(values: list[float], wanted: ConditionSpec, row: int) -> Part | None:
    if not np.isfinite(values).all():
        raise ConditionError(f"Row {row} of the labels has a value that is not finite.")
    if wanted.kind != "class":
        return VectorPart(wanted.name, tuple(values))
    if wanted.optional and not any(values):
        return None
    try:
        return blend(wanted.name, dict(enumerate(values)))
    except ValueError as error:
        raise ConditionError(f"In row {row} of the labels, {error}.") from None


def _condition(parts: Sequence[Part]) -> Condition:
    condition = Condition()
    for part in parts:
        condition = condition.with_part(part)
    return condition
