"""Axes of an axis grid, and the texts that name them: ``AXIS=VALUES``.

::

    class=a,b,c   class=a..f   class=#3        as for ``--class``
    seed=0..7     seed=1,5,9   seed=0..100:10
    dim3=-2..2    dim3=-2,0,2  dim3=-2..2/5    (also ``z3``, ``dim:3``)
    psi=0..1:0.25
    direction:FILE=-3..3       a direction in latent space, read from a file
    model=NAME,NAME            checkpoint=FILE,FILE

A range ``a..b`` includes both ends. ``a..b:s`` goes in steps of ``s``, ``a..b/n`` has ``n`` values;
without either, whole numbers go in ones and others in :data:`DEFAULT_COUNT` values.
"""

from __future__ import annotations

import csv
import math
import re
from typing import TYPE_CHECKING, Literal

import msgspec

from genviewer.core.condition_parsing import parse_classes
from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe

if TYPE_CHECKING:
    from genviewer.core.spec import Spec

AxisKind = Literal["class", "seed", "dim", "direction", "psi", "model"]

DEFAULT_COUNT = 7
MAX_VALUES = 256
MAX_SEED = (1 << 62) - 1

_DIM = re.compile(r"(?:dim|z)\s*[:_]?\s*(\d{1,7})")
_RANGE = re.compile(r"(?P<a>[^:/]+?)\.\.(?P<b>[^:/]+?)(?:(?P<how>[:/])(?P<n>[^:/]+))?")


class AxisError(ValueError):
    """An axis that makes no sense; the message is one sentence for the user."""


class Axis(msgspec.Struct, frozen=True):
    """What changes along the rows or the columns.

    Attributes:
        kind: what it is that changes.
        values: class names, seeds, numbers; for models, indices into the grid's models.
        dim: the latent dimension, for ``dim``.
        direction: (D,) for ``direction``; a value of 1 adds it once.
        name: what to call the direction.
    """

    kind: AxisKind
    values: tuple[int | float | str, ...]
    dim: int = 0
    direction: Latent | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= MAX_VALUES:
            raise ValueError(f"an axis has 1 to {MAX_VALUES} values")
        wanted: dict[str, tuple[type, ...]] = {"class": (str,), "seed": (int,), "model": (int,)}
        kinds = wanted.get(self.kind, (int, float))
        if not all(isinstance(value, kinds) for value in self.values):
            raise ValueError(f"a value of the axis {self.kind} is of the wrong kind")
        if (self.kind == "direction") != (self.direction is not None) or self.dim < 0:
            raise ValueError("an axis of kind direction, and no other, has a direction")

    def label(self, at: int, models: tuple[ModelRef, ...]) -> str:
        """The header of the value at a position."""
        value = self.values[at]
        if self.kind == "model":
            return models[int(value)].name
        if self.kind == "class":
            return str(value)
        if self.kind == "seed":
            return f"seed {value}"
        name = {"dim": f"z{self.dim}", "psi": "psi"}.get(self.kind, self.name or "direction")
        return f"{name} {signed(float(value)) if self.kind != 'psi' else f'{value:g}'}"


class AxisGrid(msgspec.Struct, frozen=True):
    """A grid whose rows and columns each change one thing about a Recipe.

    Attributes:
        recipe: what all cells share; its latent counts for models of that latent size.
        rows, columns: what changes. None is a single row or column.
        models: the models, the first of them for cells without a model axis.
        seed: the latent of models whose latent size is another than the Recipe's.

    Raises:
        ValueError: the axes contradict each other.
    """

    recipe: Recipe
    models: tuple[ModelRef, ...]
    rows: Axis | None = None
    columns: Axis | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("an axis grid has a model")
        if self.rows is not None and self.columns is not None:
            same = self.rows.kind == self.columns.kind
            if same and (self.rows.kind != "dim" or self.rows.dim == self.columns.dim):
                if self.rows.kind != "direction":
                    raise ValueError("rows and columns change the same thing")
        for axis in (self.rows, self.columns):
            if axis is not None and axis.kind == "model":
                if not all(0 <= int(value) < len(self.models) for value in axis.values):
                    raise ValueError("the axis model names a model that the grid does not have")


def split_axis(text: str) -> tuple[str, str]:
    """``AXIS=VALUES`` as its two halves, stripped.

    Raises:
        AxisError: one of them is missing.
    """
    name, equals, values = text.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise AxisError(f"{text!r} is not of the form AXIS=VALUES, such as seed=0..7.")
    return name.strip(), values.strip()


def parse_axis(name: str, values: str, spec: Spec) -> Axis:
    """An axis of class, seed, dimension or psi; models and directions are the caller's to find.

    Raises:
        AxisError: the text makes no sense, or not for this model.
        ConditionError: the model has no such class.
    """
    dim = _DIM.fullmatch(name)
    if dim is not None:
        index = int(dim[1])
        if index >= spec.latent.dim:
            raise AxisError(
                f"{spec.name} has the latent dimensions 0 to {spec.latent.dim - 1}, no {index}."
            )
        return Axis("dim", parse_numbers(values), dim=index)
    wanted = spec.class_condition
    if name == "class" or (wanted is not None and name == wanted.name):
        if wanted is None:
            raise AxisError(f"{spec.name} has no classes to put along an axis.")
        indices = parse_classes(values, wanted)
        if len(indices) > MAX_VALUES:
            raise AxisError(f"An axis has at most {MAX_VALUES} values.")
        return Axis("class", tuple(wanted.label(index) for index in indices))
    if name == "seed":
        return Axis("seed", parse_seeds(values))
    if name == "psi":
        if not spec.truncation:
            raise AxisError(f"{spec.name} has no truncation to put along an axis.")
        numbers = parse_numbers(values)
        if min(numbers) < 0.0:
            raise AxisError("psi is at least 0.")
        return Axis("psi", numbers)
    raise AxisError(
        f"There is no axis {name!r}: it is class, seed, dimN, psi, direction:FILE, model or "
        "checkpoint."
    )


def parse_numbers(text: str) -> tuple[float, ...]:
    """Numbers from a list of numbers and ranges.

    Raises:
        AxisError: it is none, or there are more than :data:`MAX_VALUES`.
    """
    numbers: list[float] = []
    for item in split_list(text):
        match = _RANGE.fullmatch(item)
        numbers.extend([_number(item)] if match is None else _spread(match))
        if len(numbers) > MAX_VALUES:
            raise AxisError(f"An axis has at most {MAX_VALUES} values.")
    return tuple(numbers)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Whole numbers of at least 0, exact however large, from a list of numbers and ranges.

    Raises:
        AxisError: it is none.
    """
    seeds: list[int] = []
    for item in split_list(text):
        match = _RANGE.fullmatch(item)
        if match is None or match["how"] == "/":
            found = [_number(item)] if match is None else _spread(match)
            seeds.extend(_seed(item) if match is None else round(value) for value in found)
        else:
            first, last = _seed(match["a"].strip()), _seed(match["b"].strip())
            step = max(1, _seed(match["n"].strip())) if match["n"] else 1
            count = abs(last - first) // step + 1
            if count > MAX_VALUES:
                raise AxisError(f"An axis has at most {MAX_VALUES} values.")
            sign = 1 if first <= last else -1
            seeds.extend(first + sign * step * index for index in range(count))
    if len(seeds) > MAX_VALUES:
        raise AxisError(f"An axis has at most {MAX_VALUES} values.")
    return tuple(seeds)


def split_list(text: str) -> list[str]:
    """Items between commas, quoted by the rules of CSV.

    Raises:
        AxisError: one of them is empty.
    """
    try:
        items = [item.strip() for item in next(csv.reader([text], skipinitialspace=True), [])]
    except csv.Error:
        items = []
    if not items or not all(items):
        raise AxisError(f"{text!r} is not a list of values separated by commas.")
    return items


def signed(value: float) -> str:
    """A value for a header: ``+1.28``, ``0``, ``\N{MINUS SIGN}1.28``."""
    text = f"{abs(value):.2f}".rstrip("0").rstrip(".")
    if text == "0":
        return "0"
    return ("+" if value > 0 else "\N{MINUS SIGN}") + text


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e18:
        raise AxisError(f"{text!r} is not a number.")
    return value


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > MAX_SEED:
        raise AxisError(f"{text!r} is not a seed, which is a whole number of at least 0.")
    return int(text[:20])


def _spread(match: re.Match[str]) -> list[float]:
    a, b = _number(match["a"].strip()), _number(match["b"].strip())
    if match["how"] == ":":
        step = abs(_number(match["n"].strip()))
        # A little more, so that 0..1:0.1 does not lose its end to rounding.
        count = abs(b - a) / step + 1.0 + 1e-9 if step > 0.0 else math.inf
        if count > MAX_VALUES + 1:
            raise AxisError(f"{match[0]!r} has more than {MAX_VALUES} values.")
        sign = 1.0 if b >= a else -1.0
        return [round(a + sign * step * index, 12) for index in range(int(count))]
    if match["how"] == "/":
        text = match["n"].strip()
        count = _seed(text)
        if not 1 <= count <= MAX_VALUES:
            raise AxisError(f"{match[0]!r} has to have 1 to {MAX_VALUES} values.")
        return _even(a, b, count)
    if a.is_integer() and b.is_integer() and abs(b - a) + 1 <= MAX_VALUES:
        whole = "." not in match["a"] + match["b"]
        if whole:
            sign = 1.0 if b >= a else -1.0
            return [a + sign * index for index in range(int(abs(b - a)) + 1)]
    return _even(a, b, DEFAULT_COUNT)


def _even(a: float, b: float, count: int) -> list[float]:
    if count == 1:
        return [a]
    return [round(a + (b - a) * index / (count - 1), 12) for index in range(count)]
