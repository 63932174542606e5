"""What a decoder's layers may be: how latents and conditions enter, and the lines that follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from genviewer.io.readers.lines import (
    HIDDEN,
    OUTPUT,
    Hints,
    Item,
    Line,
    ending,
    fixed,
    items_of,
    search,
)
from genviewer.io.readers.naming import is_label, steps_between
from genviewer.io.readers.segments import Run, interleaved, segments
from genviewer.io.readers.sizes import flat_images, square
from genviewer.nets import chain_steps as chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.io.readers.layers import Layer
    from genviewer.nets.chain_steps import Shape, Step

How = Literal["before", "after", "multiply", "add"]

MAX_CLASSES = 20_000


@dataclass(frozen=True)
class ConditionGuess:
    """A condition that shapes show: its size, and whether rows of a table stand for classes.

    ``certain`` where a table or label layer proves it, not a difference of sizes.
    """

    size: int
    certain: bool


@dataclass(frozen=True)
class DecoderForm:
    """One reading of a decoder's layers.

    Attributes:
        latent: size of z.
        conditions: in the order of their places.
        lines: complete lines from z to the picture, HIDDEN and OUTPUT still open.
        ordered: whether a condition is concatenated, so that the order is open.
        joined: whether it is multiplied or added, which of them being open.
        flat: whether the last layer gives a vector that is read as a picture.
        cost: how unusual this reading is, beside the lines' own costs.
    """

    latent: int
    conditions: tuple[ConditionGuess, ...]
    lines: tuple[Line, ...]
    ordered: bool = False
    joined: bool = False
    flat: bool = False
    cost: float = 0.0
    merged: tuple[str, ...] = field(default=())

    @property
    def best(self) -> float:
        """The cost of its most usual line."""
        return self.cost + (self.lines[0].cost if self.lines else 1e9)


@dataclass(frozen=True)
class _Entry:
    """A condition on its way into the main line."""

    classes: int
    run: Run | None  # None: the class weights themselves


def decoder_forms(
    layers: Sequence[Layer],
    hints: Hints,
    latent: int | None = None,
    classes: int | None = None,
    image: Shape | None = None,
) -> list[DecoderForm]:
    """The readings of some layers as a decoder, the most usual first.

    Args:
        layers: in the file's order.
        hints: what is known of them beyond their tensors.
        latent: the size of z, where an encoder or a person tells it.
        classes: the size of a one-hot condition among the inputs, where a person tells it.
        image: (C, H, W), where an encoder or a person tells it; -1 for what is open.
    """
    found: list[DecoderForm] = []
    for order in (list(layers), interleaved(layers)):
        runs = segments(order)
        if runs is not None and runs:
            found = _read_runs(runs, hints, latent, classes, image)
        if found:
            break
    return sorted(found, key=lambda form: form.best)


def _read_runs(
    runs: list[Run],
    hints: Hints,
    latent: int | None,
    classes: int | None,
    image: Shape | None,
) -> list[DecoderForm]:
    runs = [part for run in runs for part in _parted(run)]
    sides = [run for run in runs if run.labels]
    mains = [run for run in runs if not run.labels]
    if not mains:
        sides, mains = [], runs
    if len(mains) > 3:
        return []
    last = mains[-1]
    builder = _Builder(hints, latent, classes, image)
    if len(mains) == 1:
        return builder.single(last, sides)
    if len(mains) == 2:
        return builder.stem(mains[0], last, sides)
    return builder.stem(mains[0], last, [mains[1], *sides])


def _parted(run: Run) -> list[Run]:
    """A run cut after the layers in front that take a label, if it goes on to a picture."""
    count = 0
    for placed in run.placed:
        if placed.role != "table" and not is_label(placed.layer.name):
            break
        count += 1
    rest = Run(run.placed[count:])
    if not 0 < count < len(run.placed) or rest.weighted < 2:
        return [run]
    return [Run(run.placed[:count]), rest]


class _Builder:
    def __init__(
        self, hints: Hints, latent: int | None, classes: int | None, image: Shape | None
    ) -> None:
        self.hints, self.latent, self.classes, self.image = hints, latent, classes, image

    def single(self, main: Run, sides: list[Run]) -> list[DecoderForm]:
        """Everything enters at the front."""
        width = sum(side.end[1] for side in sides)
        if len(sides) == 1 and width == main.inputs:
            return self._joined(main, sides[0])
        if width >= main.inputs and sides:
            return []
        entries = [_Entry(side.inputs, side) for side in sides]
        found = []
        for spread in self._spreads(main, sides):
            rest = main.inputs * spread - width
            found += self._front(main, entries, rest, spread)
        return found

    def _spreads(self, main: Run, sides: list[Run]) -> list[int]:
        """Pixels of a latent that is itself a small map: 1 unless the run begins with one."""
        first = main.placed[0].layer
        if first.kind != "conv" or sides:
            return [1]
        if self.latent is not None and self.latent % main.inputs == 0:
            area = self.latent // main.inputs
            return [area] if square(area) else []
        return [1, 16, 49, 64]

    def _front(self, main: Run, entries: list[_Entry], rest: int, spread: int) -> list[DecoderForm]:
        extra, cost = 0, 0.0 if spread == 1 else 3.0
        if self.latent is not None:
            extra = rest - self.latent
        elif self.classes and not entries:
            extra = self.classes
        latent = rest - extra
        if extra < 0 or latent < 1 or (extra and spread != 1):
            return []
        if extra:
            entries = [*entries, _Entry(extra, None)]
        items: list[Item] = []
        for index, entry in enumerate(entries):
            merge, other = self._merge(entry, index), self._merge(entry, index, active=True)
            if merge is None or other is None:
                return []
            linear = entry.run is not None and entry.run.placed[0].role == "linear"
            items.append(_either(merge, other) if linear else fixed(merge))
        items += items_of(main.placed, True, self.hints)
        guesses = tuple(ConditionGuess(e.classes, e.run is not None) for e in entries)
        guesses = guesses or normed(main)
        lines, flat = self._lines(items, main, latent, guesses)
        if not lines:
            return []
        cost += _doubt(guesses, latent)
        return [DecoderForm(latent, guesses, lines, bool(entries), False, flat, cost)]

    def _joined(self, main: Run, side: Run) -> list[DecoderForm]:
        """A label as long as the latent, multiplied with it or added."""
        latent = main.inputs
        if self.latent not in (None, latent):
            return []
        merge = self._merge(_Entry(side.inputs, side), 0, "multiply")
        if merge is None:
            return []
        items = [fixed(merge), *items_of(main.placed, True, self.hints)]
        guesses = (ConditionGuess(side.inputs, True),)
        lines, flat = self._lines(items, main, latent, guesses)
        return [DecoderForm(latent, guesses, lines, False, True, flat)] if lines else []

    def stem(self, stem: Run, last: Run, sides: list[Run]) -> list[DecoderForm]:
        """The latent goes through layers of its own before the condition enters."""
        latent = stem.inputs
        if self.latent not in (None, latent) or len(sides) > 1:
            return []
        stem_items = items_of(stem.placed, True, self.hints)
        joint = fixed(HIDDEN)
        count = steps_between(stem.placed[-1].layer.name, last.placed[0].layer.name)
        if count == 0:
            joint = fixed()
        entry = _Entry(sides[0].inputs, sides[0]) if sides else None
        found = []
        for stem_line in search([*stem_items, joint], (latent,), (), lambda shape: 0.0, keep=12):
            found += self._after_stem(stem_line, last, entry, latent)
            if found:
                break
        return found

    def _after_stem(
        self, stem: Line, last: Run, entry: _Entry | None, latent: int
    ) -> list[DecoderForm]:
        wanted = last.inputs
        turn: tuple[Step, ...] = ()
        shape = stem.shape
        conv = last.placed[0].layer.kind == "conv"
        if conv and len(shape) == 1 and shape[0] > 1:
            turned = self._map_for(shape[0], wanted, entry)
            if turned is None:
                return []
            turn = (chain.Reshape(turned),)
            shape = turned
        extra = wanted - shape[0]
        if extra < 1:
            return []
        entry = entry if entry is not None else _Entry(extra, None)
        merge = self._merge(entry, 0, "after", (extra, *shape[1:]))
        if merge is None or not entry.classes <= MAX_CLASSES:
            return []
        items: list[Item] = [fixed(*stem.steps, *turn, merge)]
        items += items_of(last.placed, True, self.hints)
        guesses = (ConditionGuess(entry.classes, entry.run is not None),)
        lines, flat = self._lines(items, last, latent, guesses)
        cost = 0.5 + stem.cost + 2.0 * _doubt(guesses, latent)
        return [DecoderForm(latent, guesses, lines, True, False, flat, cost)] if lines else []

    def _map_for(
        self, values: int, wanted: int, entry: _Entry | None
    ) -> tuple[int, int, int] | None:
        """The map of a stem's vector, so that with the condition it has the channels wanted."""
        extras = range(1, min(wanted, 1025))
        if entry is not None and entry.run is not None and entry.run.end[0] == "map":
            extras = range(entry.run.end[1], entry.run.end[1] + 1)
        for extra in extras:
            channels = wanted - extra
            side = square(values // channels) if values % channels == 0 else None
            if side is None:
                continue
            if entry is None or entry.run is None:
                return channels, side, side
            out = entry.run.end[1]
            if entry.run.end[0] == "map" or out in (extra, extra * side * side):
                return channels, side, side
        return None

    def _merge(
        self,
        entry: _Entry,
        index: int,
        how: How = "after",
        into: Shape | None = None,
        active: bool = False,
    ) -> chain.Merge | None:
        """A condition's way in; ``into`` is the shape that it has to have there, ``active`` puts
        an activation at its end.
        """
        if entry.run is None:
            return chain.Merge(index, how, ())
        items = items_of(entry.run.placed, True, self.hints)
        final = entry.run.placed[-1]
        first = entry.run.placed[0]
        # A stem of its own ends as the main one does; rows of a table are used as they are.
        stem = first.role != "table" and (into is not None or final.role == "norm")
        tail: tuple[Step, ...] = (HIDDEN,) if stem or active else ()

        def finish(shape: Shape) -> float | None:
            if into is None or shape == into or (len(shape) == 1 and shape[0] == into[0]):
                return 0.0
            fits = len(shape) == 1 and len(into) == 3 and shape[0] == into[0] * into[1] * into[2]
            return 0.1 if fits else None

        found = search([*items, fixed(*tail)], (entry.classes,), (), finish, keep=1)
        if not found:
            return None
        steps, shape = found[0].steps, found[0].shape
        if into is not None and len(into) == 3 and len(shape) == 1 and shape[0] != into[0]:
            steps = (*steps, chain.Reshape((into[0], into[1], into[2])))
        return chain.Merge(index, how, steps)

    def _lines(
        self, items: list[Item], main: Run, latent: int, guesses: tuple[ConditionGuess, ...]
    ) -> tuple[tuple[Line, ...], bool]:
        guesses = guesses or normed(main)
        sizes = tuple(guess.size for guess in guesses)
        final = main.placed[-1]
        flat = final.after[0] == "vector"
        if flat:
            lines = []
            for cost, picture in flat_images(final.after[1])[:4]:
                if self._matches(picture):
                    ends = [*items, fixed(OUTPUT, chain.Reshape(picture), cost=cost)]
                    lines += search(ends, (latent,), sizes, lambda shape: 0.0)
            return tuple(sorted(lines, key=lambda line: line.cost)), True

        def finish(shape: Shape) -> float | None:
            return ending(shape) if self._matches(shape) else None

        lines = search([*items, fixed(OUTPUT)], (latent,), sizes, finish, keep=90)
        if self.image is not None and lines:
            # The size is known: how usual it is says nothing.
            lines.sort(key=lambda line: line.cost - (ending(line.shape) or 0.0))
        return tuple(lines), False

    def _matches(self, picture: Shape) -> bool:
        if self.image is None:
            return True
        return all(w in (-1, n) for w, n in zip(self.image, picture, strict=False))


def normed(run: Run) -> tuple[ConditionGuess, ...]:
    """The condition that a run's conditional norms take, if it has any."""
    sizes = [p.layer.classes for p in run.placed if p.layer.kind == "conditional_norm"]
    return (ConditionGuess(sizes[0], True),) if sizes else ()


def _either(first: chain.Merge, second: chain.Merge) -> Item:
    """A label's layer with or without an activation after it."""
    return lambda shape: [(0.0, (first,)), (0.3, (second,))]


def _doubt(guesses: tuple[ConditionGuess, ...], latent: int) -> float:
    """How unlikely it is that inputs which nothing names are a condition."""
    return sum(
        0.3 + (1.0 if guess.size > max(100, 4 * latent) else 0.0)
        for guess in guesses
        if not guess.certain
    )
