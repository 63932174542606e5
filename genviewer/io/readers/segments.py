"""Layers in the file's order as runs in which each takes what the one before gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genviewer.io.readers.naming import is_label
from genviewer.io.readers.sizes import square

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.io.readers.layers import Layer

Role = Literal["linear", "table", "conv", "transposed", "either", "norm"]
Value = tuple[Literal["vector", "map"], int]
"""What flows: a vector of so many features, or a map of so many channels."""


@dataclass(frozen=True)
class Placed:
    """A layer in a run, what it is there, and what flows into and out of it."""

    layer: Layer
    role: Role
    before: Value
    after: Value


@dataclass(frozen=True)
class Run:
    """Layers that follow each other."""

    placed: tuple[Placed, ...]

    @property
    def inputs(self) -> int:
        """Features or channels that the first layer takes."""
        return self.placed[0].before[1]

    @property
    def start(self) -> Value:
        """What flows into it."""
        return self.placed[0].before

    @property
    def end(self) -> Value:
        """What comes out of it."""
        return self.placed[-1].after

    @property
    def weighted(self) -> int:
        """Number of layers that are no norms."""
        return sum(p.role != "norm" for p in self.placed)

    @property
    def labels(self) -> bool:
        """Whether its first layer takes a condition, by its kind or its name."""
        first = self.placed[0]
        return first.role == "table" or is_label(first.layer.name)


def place(layer: Layer, value: Value) -> Placed | None:
    """A layer put after ``value``; None if it does not fit there."""
    kind, size = value
    shape = layer.shape
    if layer.kind == "linear":
        outputs, inputs = shape
        if kind == "vector" and size == inputs:
            return Placed(layer, "linear", value, ("vector", outputs))
        if kind == "map" and inputs % size == 0:
            area = inputs // size
            if area == 1 or square(area) is not None:
                return Placed(layer, "linear", value, ("vector", outputs))
        return None
    if layer.kind == "conv":
        plain = _fits_channels(value, shape[1]) and layer.outputs in (None, shape[0])
        other = _fits_channels(value, shape[0]) and layer.outputs in (None, shape[1])
        if plain and other and shape[0] != shape[1]:
            # A vector may be divided both ways: a decoder's channels become fewer.
            plain = shape[0] < shape[1]
            other = not plain
        if plain or other:
            role: Role = "either" if plain and other else "conv" if plain else "transposed"
            return Placed(layer, role, value, ("map", shape[0] if plain else shape[1]))
        return None
    if layer.kind in ("norm", "group_norm", "conditional_norm"):
        if size == layer.features:
            return Placed(layer, "norm", value, value)
        if kind == "vector" and _fits_channels(value, layer.features):
            return Placed(layer, "norm", value, ("map", layer.features))
        return None
    if layer.kind == "layer_norm":
        fits = shape[0] == size and (kind == "map" or len(shape) == 1)
        return Placed(layer, "norm", value, value) if fits else None
    if layer.kind == "prelu":
        return Placed(layer, "norm", value, value) if layer.features in (1, size) else None
    return None


def _fits_channels(value: Value, channels: int) -> bool:
    kind, size = value
    if size == channels:
        return True
    return kind == "vector" and size % channels == 0 and square(size // channels) is not None


def run_from(layers: Sequence[Layer], at: int, value: Value) -> Run | None:
    """The longest run from a layer on that begins with ``value``."""
    placed: list[Placed] = []
    for layer in layers[at:]:
        # A table of labels begins a run of its own, whatever its size happens to be.
        if placed and layer.kind == "linear" and not layer.bias and is_label(layer.name):
            break
        found = place(layer, value)
        if found is None:
            break
        placed.append(found)
        value = found.after
    return Run(tuple(placed)) if placed else None


def runs_starting(layers: Sequence[Layer], at: int) -> list[Run]:
    """The runs that may begin at a layer, by what it may be, the longest first."""
    layer = layers[at]
    starts: list[Value] = []
    if layer.kind == "linear":
        starts = [("vector", layer.shape[1])]
        if not layer.bias:
            table = _table_run(layers, at)
            plain = run_from(layers, at, starts[0])
            found = [table, *([plain] if plain else [])]
            return found if is_label(layer.name) else found[::-1]
    elif layer.kind == "conv":
        a, b = layer.shape[:2]
        starts = [("vector", a), ("vector", b)] if a != b else [("vector", a)]
    elif layer.kind in ("norm", "group_norm"):
        starts = [("vector", layer.features)]
    found = [run for start in starts if (run := run_from(layers, at, start)) is not None]
    return sorted(found, key=lambda run: -len(run.placed))


def _table_run(layers: Sequence[Layer], at: int) -> Run:
    layer = layers[at]
    rows, size = layer.shape
    first = Placed(layer, "table", ("vector", rows), ("vector", size))
    rest = run_from(layers, at + 1, ("vector", size)) if at + 1 < len(layers) else None
    return Run((first, *(rest.placed if rest else ())))


def segments(layers: Sequence[Layer], limit: int = 6) -> list[Run] | None:
    """All layers as runs one after the other; None if there are too many."""
    runs: list[Run] = []
    at = 0
    while at < len(layers):
        found = runs_starting(layers, at)
        if not found or len(runs) == limit:
            return None
        runs.append(found[0])
        at += len(found[0].placed)
    return runs


def interleaved(layers: Sequence[Layer]) -> list[Layer]:
    """Norms that the file lists apart, each put after the first layer that it fits."""
    weighted = [layer for layer in layers if layer.kind in ("linear", "conv")]
    norms = [layer for layer in layers if layer.kind not in ("linear", "conv")]
    after: dict[str, list[Layer]] = {}
    at = 0
    for norm in norms:
        for index in range(at, len(weighted)):
            layer = weighted[index]
            outputs = {layer.outputs} if layer.outputs else set(layer.shape[:2])
            if norm.kind == "prelu" or norm.features in outputs:
                after.setdefault(layer.name, []).append(norm)
                at = index if norm.kind == "prelu" else index + 1
                break
        else:
            return list(layers)
    return [item for layer in weighted for item in (layer, *after.get(layer.name, ()))]
