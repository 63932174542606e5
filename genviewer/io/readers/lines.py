"""From runs of layers to lines of steps: strides, paddings, resizing and activations between.

What the shapes leave open is enumerated and ordered by how usual it is. A HIDDEN activation, an
OUTPUT activation and the epsilon of a norm stay open here; evidence decides them later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from genviewer.io.cancelling import check_cancelled
from genviewer.io.readers.naming import steps_between, transposed_cost
from genviewer.io.readers.sizes import kernel_options, side_cost
from genviewer.nets import chain_steps as chain
from genviewer.nets.chain_steps import Activation, Shape, Step, after_steps

if TYPE_CHECKING:
    from genviewer.io.readers.layers import Layer
    from genviewer.io.readers.segments import Placed

HIDDEN = Activation("relu", -1.0)
OUTPUT = Activation("sigmoid", -1.0)
OPEN_EPS = -1.0

BEAM = 240
PER_SHAPE = 12
VARIANTS = 3
"""How many lines of the same geometry are kept, with activations in different places."""

UNPADDED = 0.4
"""Share of its cost that a transposed convolution has where all paddings are the default."""

MIXED_KERNELS = 0.7
"""What it costs that convolutions with the same kernel have different strides or paddings."""

Options = list[tuple[float, tuple[Step, ...]]]
Item = Callable[[Shape], Options]
_Move = tuple[float, tuple[Step, ...], Shape, bool]


@dataclass(frozen=True)
class Line:
    """Steps with a cost: the lower, the more usual. ``shape`` is what comes out."""

    cost: float
    steps: tuple[Step, ...]
    shape: Shape


def fixed(*steps: Step, cost: float = 0.0) -> Item:
    """An item with a single option."""
    return lambda shape: [(cost, steps)]


def items_of(placed: Sequence[Placed], decoder: bool, hints: Hints) -> list[Item]:
    """The items of a run: each layer, and what may stand between two."""
    items: list[Item] = []
    gapless = gapless_lists([p.layer.name for p in placed])
    for index, here in enumerate(placed):
        if index:
            before = placed[index - 1]
            count = steps_between(before.layer.name, here.layer.name)
            if here.layer.name.rpartition(".")[0] in gapless:
                count = None
            items.append(_between(before, here, decoder, hints, count))
        items.append(_turn(here))
        items.append(_layer(here, hints))
    return items


@dataclass(frozen=True)
class Hints:
    """What is known of layers beyond their tensors, by name: a whole-module pickle tells it.

    Attributes:
        steps: the exact steps of a layer.
        between: the exact steps between two neighbouring layers, by their names.
        hidden: the only kind of hidden activation that there is.
        final: the last activation, by the name of the layer before it.
    """

    steps: dict[str, Step]
    between: dict[tuple[str, str], tuple[Step, ...]]
    hidden: Activation | None = None
    final: dict[str, str] = field(default_factory=dict)


NO_HINTS = Hints({}, {})


def search(
    items: Iterable[Item],
    shape: Shape,
    conditions: Sequence[int],
    finish: Callable[[Shape], float | None],
    keep: int = 40,
) -> list[Line]:
    """The lines that the items make of ``shape``, the most usual first.

    ``finish`` gives the cost of ending in a shape, None where that is no end.
    """
    beam = [Line(0.0, (), shape)]
    for item in items:
        check_cancelled()
        grown = []
        moves: dict[Shape, list[_Move]] = {}
        for line in beam:
            if line.shape not in moves:
                moves[line.shape] = _moves(item, line.shape, conditions)
            plain: bool | None = None
            for cost, steps, after, unpadded in moves[line.shape]:
                if cost and unpadded:
                    if plain is None:
                        plain = _unpadded(line.steps) is not False
                    cost *= UNPADDED if plain else 1.0
                grown.append(Line(line.cost + cost, line.steps + steps, after))
        beam = _pruned(grown, PER_SHAPE if keep > 10 else 4 if keep > 1 else 2)
    ended = []
    for line in beam:
        last = finish(line.shape)
        if last is not None:
            cost = line.cost + last + MIXED_KERNELS * _mixed(line.steps)
            ended.append(Line(cost, line.steps, line.shape))
    ended.sort(key=lambda line: line.cost)
    counts: dict[tuple[Step, ...], int] = {}
    kept = []
    for line in ended:
        way = geometry(line.steps)
        counts[way] = counts.get(way, 0) + 1
        if counts[way] <= VARIANTS:
            kept.append(line)
    return kept[:keep]


def _moves(item: Item, shape: Shape, conditions: Sequence[int]) -> list[_Move]:
    """What an item makes of a shape: costs, steps, the shapes after, and whether the steps are
    transposed convolutions without padding.
    """
    found = []
    for cost, steps in item(shape):
        try:
            after = after_steps(steps, shape, conditions)
        except ValueError:
            continue
        found.append((cost, steps, after, _unpadded(steps) is True))
    return found


def geometry(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps that decide sizes."""
    kinds = (chain.Conv, chain.Upsample, chain.Pool, chain.PixelShuffle, chain.Reshape)
    return tuple(step for step in steps if isinstance(step, kinds))


def _unpadded(steps: Iterable[Step]) -> bool | None:
    """Whether all transposed convolutions are without padding; None where there are none."""
    found = [step for step in steps if isinstance(step, chain.Conv) and step.transposed]
    if not found:
        return None
    return all(step.padding == step.output_padding == (0, 0) for step in found)


def _pruned(lines: list[Line], per_shape: int) -> list[Line]:
    """The cheapest, but some of every shape: what comes later may only fit a dear one."""
    lines.sort(key=lambda line: line.cost)
    counts: dict[Shape, int] = {}
    kept = []
    for line in lines:
        count = counts.get(line.shape, 0)
        if count < per_shape:
            counts[line.shape] = count + 1
            kept.append(line)
    return kept[: BEAM // PER_SHAPE * per_shape]


def _mixed(steps: Iterable[Step]) -> int:
    """How many ways of striding there are beyond one per kernel; the first unfolding aside."""
    ways: dict[tuple[object, ...], set[tuple[object, ...]]] = {}
    for step in steps:
        if isinstance(step, chain.Conv) and step.kernel != (1, 1):
            way = (step.stride, step.padding, step.output_padding)
            if way == ((1, 1), (0, 0), (0, 0)):
                continue
            ways.setdefault((step.kernel, step.transposed), set()).add(way)
    return sum(len(found) - 1 for found in ways.values())


def _turn(here: Placed) -> Item:
    """A reshape or flatten before a layer, where what flows changes its kind."""

    def options(shape: Shape) -> Options:
        wants_map = here.after[0] == "map" and here.role != "linear"
        if len(shape) == 1 and wants_map:
            channels = here.layer.features
            if here.role != "norm":
                channels = _channels_in(here)
            area, rest = divmod(shape[0], channels)
            side = math.isqrt(area)
            if rest or side * side != area:
                return []
            return [(0.0, (chain.Reshape((channels, side, side)),))]
        if len(shape) == 3 and here.role == "linear":
            if here.layer.shape[1] == shape[0] and shape[1:] != (1, 1):
                return [(0.6, (chain.Pool("mean", 0),))]
            return [(0.0, (chain.Flatten(),))]
        return [(0.0, ())]

    return options


def _channels_in(here: Placed) -> int:
    a, b = here.layer.shape[:2]
    return b if here.role == "conv" else a


def _layer(here: Placed, hints: Hints) -> Item:
    layer = here.layer
    known = hints.steps.get(layer.name)
    if known is not None:
        # Whether there is a bias only the tensors tell.
        return fixed(replaced(known, bias=layer.bias) if isinstance(known, chain.Conv) else known)
    if here.role == "linear":
        outputs, inputs = layer.shape
        return fixed(chain.Linear(layer.name, inputs, outputs, layer.bias))
    if here.role == "table":
        rows, size = layer.shape
        return fixed(chain.Embedding(layer.name, rows, size))
    if here.role == "norm":
        return lambda shape: [(0.0, (norm_step(layer, shape),))]

    def options(shape: Shape) -> Options:
        return [
            (cost, (step,))
            for transposed in (True, False)
            if here.role in ("either", "transposed" if transposed else "conv")
            for cost, step in conv_steps(
                layer, transposed, shape[1:] == (1, 1), here.role == "either"
            )
        ]

    return options


def conv_steps(
    layer: Layer, transposed: bool, one_pixel: bool, open_role: bool
) -> list[tuple[float, chain.Conv]]:
    """The convolutions that a layer may be; names count only where shapes leave it open."""
    a, b, height, width = layer.shape
    base = transposed_cost(layer.name, transposed) if open_role else 0.0
    inputs, outputs = (a, b) if transposed else (b, a)
    if height != width:
        same = (height // 2, width // 2)
        step = chain.Conv(
            layer.name, inputs, outputs, (height, width), (1, 1), same,
            transposed=transposed, bias=layer.bias,
        )  # fmt: skip
        return [(base, step)]
    return [
        (
            base + cost,
            chain.Conv(
                layer.name, inputs, outputs, (height, width), (s, s), (p, p), (o, o),
                transposed=transposed, bias=layer.bias,
            ),
        )
        for s, p, o, cost in kernel_options(height, transposed, one_pixel)
    ]  # fmt: skip


def norm_step(layer: Layer, shape: Shape) -> Step:
    """The normalisation that a layer is, given what flows into it."""
    if layer.kind == "conditional_norm" and layer.tables:
        return chain.ConditionalNorm(
            layer.name,
            layer.features,
            0,
            layer.classes,
            layer.tables[0],
            layer.tables[1] if len(layer.tables) > 1 else None,
            OPEN_EPS,
            layer.centred,
        )
    if layer.kind == "norm":
        return chain.BatchNorm(layer.name, layer.features, OPEN_EPS, layer.affine)
    if layer.kind == "prelu":
        return chain.PReLU(layer.name, layer.features)
    if layer.kind == "layer_norm" or len(shape) == 1:
        return chain.LayerNorm(layer.name, tuple(layer.shape))
    groups = next((g for g in (32, 16, 8, 4) if layer.features % g == 0), layer.features)
    return chain.GroupNorm(layer.name, layer.features, groups)


def gapless_lists(names: Sequence[str]) -> set[str]:
    """Parents of several numbered layers between which nothing is left out.

    A Sequential of nothing but layers would be pointless: these are lists whose activations stand
    in the code.
    """
    numbers: dict[str, list[int]] = {}
    for name in names:
        parent, _, number = name.rpartition(".")
        if number.isdecimal():
            numbers.setdefault(parent, []).append(int(number[:6]))
    return {
        parent
        for parent, found in numbers.items()
        if len(found) > 2 and max(found) - min(found) == len(found) - 1
    }


def _between(before: Placed, here: Placed, decoder: bool, hints: Hints, count: int | None) -> Item:
    """What may stand between two layers: an activation, resizing, both, or nothing."""
    names = (before.layer.name, here.layer.name)
    if names in hints.between:
        return fixed(*hints.between[names])
    if before.layer.kind == "prelu":
        return _resizing(here, decoder, known=None)
    turns = (before.after[0] == "map") != (here.after[0] == "map" and here.role != "linear")
    if count is not None and turns:
        count = max(0, count - 1)
    if here.role == "norm":
        # An activation between a layer and its norm is the exception, unless a place is left.
        plain: Options = [(0.0, ())]
        odd: Options = [(0.0, (HIDDEN,))]
        if here.layer.kind == "prelu":
            return fixed()
        if count is None:
            return lambda shape: [*plain, (2.0, (HIDDEN,))]
        return (lambda shape: odd) if count else (lambda shape: plain)
    if before.role == "table":
        return fixed() if count in (None, 0) else fixed(HIDDEN)
    fresh = before.role == "norm" and before.before[0] == "vector" and before.after[0] == "map"
    return _resizing(here, decoder, count, fresh)


def _resizing(here: Placed, decoder: bool, known: int | None, fresh: bool = False) -> Item:
    """An activation, with or without resizing, before a layer; ``known`` places to fill."""
    may_grow = decoder and here.role in ("conv", "either") and here.layer.shape[2] > 0
    may_shrink = not decoder
    small = chain.Pool("max", 2)

    def options(shape: Shape) -> Options:
        picture = len(shape) == 3 and max(shape[1:]) > 1
        if known == 0:
            return [(0.0, ())]
        acts: Options = [(0.0, (HIDDEN,))]
        bare: Options = [(1.6 if known is None else 1.2, ())]
        grown: Options = []
        if picture and may_grow:
            grow = chain.Upsample(2)
            cost = {None: 0.8, 1: 0.5}.get(known, 0.1)
            grown = [(cost + 0.2 * (known != 1), (HIDDEN, grow)), (cost + 1.0, (grow,))]
            if known == 1:
                # What was just unfolded and normalised is often resized before any activation.
                grown = [(0.2 if fresh else 0.8, (grow,))]
            elif known is not None:
                acts = [(0.3, (HIDDEN,))]
                bare = [(2.5, ())]
        if picture and may_shrink:
            cost = {None: 0.8, 1: 1.4}.get(known, 0.0)
            if known == 1:
                grown = [(cost, (small,))]
            else:
                grown = [(cost, (HIDDEN, small))]
                if known is not None:
                    acts = [(0.3, (HIDDEN,))]
        return [*acts, *grown, *bare]

    return options


def ending(shape: Shape) -> float | None:
    """The cost of a picture's size; None where it is no picture."""
    if len(shape) != 3 or shape[0] not in (1, 3, 4):
        return None
    return side_cost(*shape[1:]) + (0.8 if shape[0] == 4 else 0.0)


def replaced(step: Step, **values: object) -> Step:
    """A step with some fields changed."""
    return msgspec.structs.replace(step, **values)
