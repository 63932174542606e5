"""What an encoder's layers may be, once the decoder says what picture and latent it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genviewer.io.readers.lines import Hints, Item, Line, fixed, items_of, search
from genviewer.io.readers.naming import is_mean, is_scale, scale_kind
from genviewer.io.readers.segments import Run, interleaved, place, segments
from genviewer.nets import chain_steps as chain
from genviewer.nets.chain_config import EncoderConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.io.readers.decoder_form import ConditionGuess
    from genviewer.io.readers.layers import Layer
    from genviewer.nets.chain_steps import Shape

Split = Literal["heads", "fused", "none"]
Kind = Literal["logvar", "log_sigma", "sigma", "variance"]

LINES_KEPT = 8


@dataclass(frozen=True)
class Heads:
    """Where an encoder ends: the layers before, the mean, and what gives the scale."""

    body: tuple[Layer, ...]
    mean: Layer
    scale: Layer | None
    split: Split
    kind: Kind = "logvar"
    others: tuple[Layer, ...] = ()
    cost: float = 0.0

    @property
    def outputs(self) -> int:
        """Features or channels of the mean; twice the latent's where it is fused."""
        return self.mean.shape[0]


@dataclass(frozen=True)
class EncoderForm:
    """The lines that an encoder may be up to the heads, the most usual first, and the heads."""

    lines: tuple[Line, ...]
    heads: Heads

    @property
    def line(self) -> Line:
        """The most usual one."""
        return self.lines[0]

    def config(self, split: str, index: int = 0) -> EncoderConfig:
        """As the network's config; ``split`` says how a fused head is read."""
        heads, line = self.heads, self.lines[index]
        mean = _head(heads.mean, line.shape)
        scale = () if heads.scale is None else _head(heads.scale, line.shape)
        how = split if heads.split == "fused" else heads.split
        return EncoderConfig(line.steps, mean, scale, how, heads.kind)  # type: ignore[arg-type]


def heads_of(layers: Sequence[Layer]) -> list[Heads]:
    """The ways in which layers may end in heads."""
    weighted = [layer for layer in layers if layer.kind in ("linear", "conv")]
    found: list[Heads] = []
    if not weighted:
        return found
    last = weighted[-1]
    siblings = [last]
    for layer in weighted[-2::-1]:
        if layer.kind != last.kind or layer.shape[1:] != last.shape[1:] or len(siblings) > 8:
            break
        if layer.shape[0] == last.shape[1] and not (is_mean(layer.name) or is_scale(layer.name)):
            break  # it may come before the last one, not stand beside it
        siblings.insert(0, layer)
    if len(siblings) > 1:
        first, second, others = siblings[0], siblings[1], tuple(siblings[2:])
        if first.shape == second.shape:
            if is_scale(first.name) and not is_scale(second.name):
                first, second = second, first
            body = tuple(layer for layer in layers if layer not in siblings)
            kind: Kind = scale_kind(second.name)  # type: ignore[assignment]
            found.append(Heads(body, first, second, "heads", kind, others))
    body = tuple(layer for layer in layers if layer is not last)
    if layers and layers[-1] is last:
        if last.shape[0] % 2 == 0:
            found.append(Heads(body, last, None, "fused", cost=0.5))
        found.append(Heads(body, last, None, "none", cost=1.5))
    return found


def encoder_form(
    heads: Heads, hints: Hints, image: Shape, latent: int, conditions: Sequence[ConditionGuess]
) -> EncoderForm | None:
    """The most usual encoder from a picture (C, H, W) to the heads, or None."""
    sizes = tuple(condition.size for condition in conditions)
    wanted = 2 * latent if heads.split == "fused" else latent
    for order in (list(heads.body), interleaved(heads.body)):
        runs = segments(order) if order else []
        if runs is None:
            continue
        for items in _entries(runs, heads, hints, image, sizes):
            form = _finished(items, heads, image, sizes, wanted)
            if form is not None:
                return form
    return None


def _finished(
    items: list[Item], heads: Heads, image: Shape, sizes: tuple[int, ...], wanted: int
) -> EncoderForm | None:
    def finish(shape: Shape) -> float | None:
        try:
            ended = chain.after_steps(_head(heads.mean, shape), shape, sizes)
        except ValueError:
            return None
        return 0.0 if ended == (wanted,) else None

    lines = search(items, image, sizes, finish, keep=LINES_KEPT)
    return EncoderForm(tuple(lines), heads) if lines else None


def _head(layer: Layer, shape: Shape) -> tuple[chain.Step, ...]:
    """A head after a value of ``shape``."""
    if layer.kind == "linear":
        outputs, inputs = layer.shape
        linear = chain.Linear(layer.name, inputs, outputs, layer.bias)
        return (linear,) if len(shape) == 1 else (chain.Flatten(), linear)
    outputs, inputs, height, width = layer.shape
    padding = (
        (height // 2, width // 2) if height % 2 and len(shape) == 3 and shape[1] > 1 else (0, 0)
    )
    conv = chain.Conv(
        layer.name, inputs, outputs, (height, width), padding=padding, bias=layer.bias
    )
    return (conv, chain.Flatten())


def _entries(
    runs: list[Run], heads: Heads, hints: Hints, image: Shape, sizes: tuple[int, ...]
) -> list[list[Item]]:
    """The ways from the picture into the first layer, with what follows up to the heads."""
    channels, height, width = image
    pixels = channels * height * width
    sides = [run for run in runs if run.labels]
    mains = [run for run in runs if not run.labels]
    if not mains and runs:
        sides, mains = [], runs
    if len(mains) > 1:
        # A layer that makes a label of the picture's size, or one that only prepares the picture.
        sides, mains = [*mains[:-1], *sides], mains[-1:]
    first = mains[0].placed[0].layer if mains else heads.mean
    tail = items_of(mains[0].placed, False, hints) if mains else []
    if mains:
        tail = [*tail, _before_head(mains[0], heads, hints)]
    if first.kind == "linear":
        inputs = first.shape[1]
        extra = inputs - pixels
        return [
            [fixed(chain.Flatten()), *merge, *tail]
            for merge in _merges(extra, sides, hints, sizes, (extra,))
        ]
    if first.kind != "conv":
        return []
    extra = first.shape[1] - channels
    return [
        [*merge, *tail] for merge in _merges(extra, sides, hints, sizes, (extra, height, width))
    ]


def _before_head(main: Run, heads: Heads, hints: Hints) -> Item:
    """What stands between the body and the heads."""
    placed = place(heads.mean, main.end)
    if placed is None:
        return lambda shape: []
    _, _, between, *_ = items_of([main.placed[-1], placed], False, hints)
    return between


def _merges(
    extra: int, sides: list[Run], hints: Hints, sizes: tuple[int, ...], into: Shape
) -> list[list[Item]]:
    """The ways in which conditions may fill ``extra`` inputs of an encoder."""
    if extra == 0:
        return [[]]
    if extra < 0:
        return []
    found: list[list[Item]] = []
    for index, size in enumerate(sizes):
        if size == extra:
            found.append([fixed(chain.Merge(index))])
        for side in sides:
            if side.inputs != size:
                continue
            flat = into[0] * (into[1] * into[2] if len(into) == 3 else 1)
            lines = search(
                items_of(side.placed, True, hints),
                (size,),
                (),
                lambda shape, flat=flat: 0.0 if shape in ((flat,), (into[0],)) else None,  # type: ignore[misc]
                keep=1,
            )
            if lines:
                steps = lines[0].steps
                if len(into) == 3 and lines[0].shape == (flat,) and flat != into[0]:
                    steps = (*steps, chain.Reshape((into[0], into[1], into[2])))
                found.append([fixed(chain.Merge(index, "after", steps))])
    if not found and sum(sizes) == extra:
        found.append([fixed(*(chain.Merge(index) for index in range(len(sizes))))])
    return found
