"""The search among open choices by what comes back of latents: few comparisons, coarse to fine."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from genviewer.io.readers.choices import ACTIVATIONS, FINALS, Choices, activation_name, comparable
from genviewer.io.readers.round_trip import Comparison, Returned, used_dimensions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from genviewer.io.readers.reading import Reading
    from genviewer.io.readers.settle import Told
    from genviewer.io.readers.trial import Effort, Tensors
    from genviewer.nets.chain_steps import Activation

FIRST = ("relu", "leaky_relu:0.2")
LATER = ("elu", "tanh", "silu", "gelu", "softplus", "sigmoid", "selu")
TELLING = 0.75
"""Mean squared error, in variances of the prior, above which nothing really comes back."""

FIELDS = ("hidden", "encoder_hidden", "final", "split", "order", "line", "unflatten")
MAX_LINES = 8


class RoundTrip:
    """One search. ``keep_hidden`` says that the decoder's activations are settled already."""

    def __init__(
        self,
        reading: Reading,
        tensors: Tensors,
        told: Told,
        start: Choices,
        keep_hidden: bool,
        effort: Effort,
    ) -> None:
        self._reading, self._told = reading, told
        self._comparison = Comparison(reading, tensors, effort)
        self._start, self._keep_hidden = start, keep_hidden
        self._found: list[Returned] = []

    def run(self) -> tuple[Choices, dict[str, float]]:
        """The best choices, and how sure each field is (0..1)."""
        starts = self._coarse()
        self._try(starts)
        self._try(self._lines(self._best()))
        best = self._best()
        self._try(self._hiddens(best, (*FIRST, *LATER)))
        self._try(self._halves(self._best()))
        if not self._found:
            return self._start, {}
        best = self._best()
        return best, self._certainty(best)

    def _try(self, candidates: Iterable[Choices]) -> None:
        known = {one.choices for one in self._found}
        new = dict.fromkeys(c for c in candidates if c not in known)
        self._found += self._comparison.returns(new)

    def _coarse(self) -> list[Choices]:
        starts = [self._start, *self._hiddens(self._start, FIRST)]
        told, encoder = self._told, self._reading.encoder
        if told.split is None and encoder is not None and encoder.heads.split == "fused":
            starts = [replace(c, split=s) for c in starts for s in ("halves", "interleaved")]
        if told.final is None and told.range is None:
            starts = [replace(c, final=f) for c in starts for f in FINALS.values()]
        if self._reading.decoder.ordered and told.order is None:
            starts = [replace(c, order=o) for c in starts for o in ("z_first", "condition_first")]
        return starts

    def _hiddens(self, base: Choices, names: Iterable[str]) -> list[Choices]:
        told = self._told
        if told.hidden is not None and told.encoder_hidden is not None:
            return []
        found = []
        for name in names:
            values: dict[str, Any] = {}
            if told.encoder_hidden is None and told.hidden is None:
                values["encoder_hidden"] = ACTIVATIONS[name]
            if told.hidden is None and not self._keep_hidden:
                values["hidden"] = (ACTIVATIONS[name],)
            if values:
                found.append(replace(base, **values))
        return found

    def _halves(self, base: Choices) -> list[Choices]:
        """Another activation in the encoder alone, or in one place of the decoder."""
        told = self._told
        found: list[Choices] = []
        usual: list[Activation | None] = [ACTIVATIONS[name] for name in FIRST]
        twin = ACTIVATIONS["leaky_relu:0.01"]
        if told.hidden is None and told.encoder_hidden is None:
            found += [replace(base, encoder_hidden=one) for one in usual]
            if activation_name(base.hidden[0]) == "relu" and not self._keep_hidden:
                found.append(replace(base, hidden=(twin,), encoder_hidden=twin))
        if told.hidden is None and not self._keep_hidden:
            found += [replace(base, hidden=(one,)) for one in usual]
            if base.holes > 1:
                found += [base.with_hole(0, one) for one in (*usual, None)]
        return found

    def _lines(self, base: Choices) -> list[Choices]:
        """Other strides and paddings, of the decoder and of the encoder, another unflattening."""
        found = []
        for line in self._reading.decoder.lines[: 3 * MAX_LINES]:
            if line.shape == base.line.shape and line.steps != base.line.steps:
                found.append(replace(base, line=line, hidden=(base.hidden[0],), eps=base.eps[:1]))
        found = found[:MAX_LINES]
        encoder = self._reading.encoder
        if encoder is not None:
            lines = range(1, min(len(encoder.lines), MAX_LINES))
            found += [replace(base, encoder_line=index) for index in lines]
        if self._told.unflatten is None:
            found.append(replace(base, unflatten="hwc"))
        return found

    def _used(self) -> Tensor | None:
        if not self._found:
            return None
        used = used_dimensions(self._found)
        if not bool(used.any()) or min(one.over(used) for one in self._found) > TELLING:
            return None  # as of a network that was never trained
        return used

    def _best(self) -> Choices:
        """The candidate that loses least, an unusual one only where it is clearly better."""
        used = self._used()
        if used is None:
            return self._start
        return min(self._found, key=lambda one: one.over(used) * self._doubt(one.choices)).choices

    def _doubt(self, choices: Choices) -> float:
        """A factor on the error: what is unusual has to be better by so much."""
        start, factor = self._start, 1.0
        ranks = {"relu": 1.0, "leaky_relu:0.2": 1.12, "leaky_relu:0.01": 1.3}
        names = {activation_name(h) for h in choices.hidden}
        names |= {activation_name(choices.encoder_hidden)}
        if choices.hidden != start.hidden or choices.encoder_hidden != start.encoder_hidden:
            factor *= max(ranks.get(name, 1.3) for name in names)
            factor *= 1.04 ** (len(names) - 1)
        factor *= 1.25 if choices.final != start.final else 1.0
        factor *= 1.08 if choices.unflatten != start.unflatten else 1.0
        factor *= 1.0 + 0.03 * max(0.0, choices.line.cost - start.line.cost)
        return factor * (1.0 + 0.01 * choices.encoder_line)

    def _certainty(self, best: Choices) -> dict[str, float]:
        used = self._used()
        if used is None:
            return {}
        errors = {one.choices: one.over(used) for one in self._found}
        sure = {}
        for field in FIELDS:
            mine = comparable(best, field)
            others = [e for c, e in errors.items() if comparable(c, field) != mine]
            if others:
                ratio = min(others) / max(errors[best], 1e-6)
                sure[field] = 0.5 + 0.49 * (1.0 - math.exp(-max(0.0, ratio - 1.0) / 0.25))
        return sure
