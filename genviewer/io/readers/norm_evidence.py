"""What the running statistics of batch normalisation tell without any data.

Latents from the right prior, sent through the right network, reproduce the means and variances
that its norms stored in training. So candidates are held against them layer by layer: hidden
activations, epsilons, the order or kind of a condition's joining, the prior, strides and paddings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from genviewer.io.readers.choices import ACTIVATIONS, Choices, activation_name
from genviewer.io.readers.lines import HIDDEN, OPEN_EPS, OUTPUT, replaced
from genviewer.io.readers.trial import MAX_MAP_VALUES, Effort, Trial, fewer, multiplications
from genviewer.nets import chain_steps as chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from genviewer.io.readers.trial import Tensors
    from genviewer.nets.chain_steps import Activation, Step

NORMS = (chain.BatchNorm, chain.ConditionalNorm)
SAMPLES = 384
BEAM = 4
CHEAP_VALUES = 1 << 17
"""Values up to which every path branches; larger maps are costly, so only the best one does."""

SHARE = 0.5
"""Part of the effort left that one walk may take."""

EPSILONS = (1e-5, 0.8, 1e-3)
USUAL_NAMES = ("relu", "leaky_relu:0.2")
HIDDEN_NAMES = (*USUAL_NAMES, "elu", "tanh", "silu", "gelu")
"""Tried in the first place and after the best path; those that are seldom met cost a little."""

ACTIVATION_COST = {
    "relu": 0.0, "leaky_relu:0.2": 0.004, "elu": 0.1, "tanh": 0.06, "silu": 0.12, "gelu": 0.12,
}  # fmt: skip
EPS_COST = {1e-5: 0.0, 0.8: 0.01, 1e-3: 0.12}
RARE = {"relu": 0.0, "leaky_relu:0.2": 0.002, "none": 0.0, "leaky_relu:0.01": 0.01, "tanh": 0.02}
RARE_EPS = {1e-5: 0.0, 0.8: 0.003}
CHANGE_COST = 0.03
"""What it costs to choose differently from the layer before: networks are mostly uniform."""


@dataclass(frozen=True)
class Path:
    """A candidate on its way through the network."""

    choices: Choices
    x: Tensor
    parts: tuple[Tensor, ...]
    hidden: tuple[Activation | None, ...] = ()
    eps: tuple[float, ...] = ()
    mismatches: tuple[float, ...] = ()
    cost: float = 0.0

    @property
    def score(self) -> float:
        """Mismatch so far, with the costs of what is unusual."""
        return sum(self.mismatches) + self.cost

    @property
    def mean(self) -> float:
        """Mean mismatch."""
        return sum(self.mismatches) / max(1, len(self.mismatches))


@dataclass(frozen=True)
class Verdict:
    """The choices that fit best, their mean mismatch, and those of the others tried."""

    choices: Choices
    mismatch: float
    others: tuple[tuple[Choices, float], ...] = field(default=())


def weigh(
    starts: Sequence[Choices],
    latent: int,
    conditions: Sequence[int],
    tensors: Tensors,
    open_hidden: bool,
    open_eps: bool,
    bound: float = math.inf,
    samples: int = SAMPLES,
    effort: Effort | None = None,
    most: int = MAX_MAP_VALUES,
) -> Verdict | None:
    """Send every start through its line, choosing activations and epsilons on the way.

    Args:
        starts: candidates that differ in line, order, join, prior or unflattening.
        latent: size of z.
        conditions: sizes of the conditions.
        tensors: the file's.
        open_hidden: whether activations may be chosen; else those of the start hold.
        open_eps: the same for epsilons.
        bound: mean mismatch above which a candidate is given up on the way.
        samples: latents to send; few are enough to tell which lines are worth more.
        effort: what it may take; where that is spent, only the best path goes on, and starts on
            other lines are left out.
        most: values of a map of all samples together.
    """
    trial = Trial(tensors, batch_statistics=True, effort=effort)
    ended: list[Path] = []
    together: dict[tuple[Step, ...], list[Path]] = {}
    for start in starts:
        z, parts = draw(latent, conditions, start.prior, samples)
        together.setdefault(start.line.steps, []).append(Path(start, z, tuple(parts)))
    with torch.inference_mode():
        for steps, paths in together.items():
            if ended and trial.effort.spent:
                break
            ended += _Walker(trial, steps, open_hidden, open_eps, bound, most).walk(paths)
    ended = [path for path in ended if path.mismatches]
    if not ended:
        return None
    found = [(_chosen(path), path.mean) for path in ended]
    found.sort(key=lambda one: rank(*one))
    return Verdict(found[0][0], found[0][1], tuple(found[1:40]))


def rank(choices: Choices, mismatch: float) -> float:
    """What candidates are ordered by, the lower the better: how well the statistics fit and how
    usual the choices are. Small mismatches are noise, so that their ratio counts, not their
    difference.
    """
    return 0.2 * math.log(0.05 + mismatch) + _unusual(choices)


def _unusual(choices: Choices) -> float:
    names = {activation_name(activation) for activation in choices.hidden}
    epsilons = set(choices.eps)
    rare = max((RARE.get(name, 0.04) for name in names), default=0.0)
    rare += max((RARE_EPS.get(eps, 0.03) for eps in epsilons), default=0.0)
    changes = max(0, len(names) - 1) + max(0, len(epsilons) - 1)
    return rare + 0.008 * changes + 0.05 * choices.line.cost


def _chosen(path: Path) -> Choices:
    return replace(
        path.choices,
        hidden=path.hidden or path.choices.hidden,
        eps=path.eps or path.choices.eps,
    )


def draw(
    latent: int, conditions: Sequence[int], prior: str, count: int
) -> tuple[Tensor, list[Tensor]]:
    """Latents and one-hot conditions, the same ones every time."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(count, latent, generator=generator)
    if prior == "uniform":
        z = torch.rand(count, latent, generator=generator) * 2.0 - 1.0
    parts = []
    for size in conditions:
        if size == 1:
            parts.append(torch.rand(count, 1, generator=generator))
            continue
        picks = torch.arange(count) % size
        parts.append(torch.nn.functional.one_hot(picks, size).float())
    return z, parts


class _Walker:
    """Sends paths through the same steps; they compete with each other at every norm."""

    def __init__(
        self,
        trial: Trial,
        steps: tuple[Step, ...],
        open_hidden: bool,
        open_eps: bool,
        bound: float,
        most: int,
    ) -> None:
        self._trial, self._steps = trial, steps
        self._limit = bound * sum(isinstance(step, NORMS) for step in steps)
        self._open_hidden, self._open_eps = open_hidden, open_eps
        self._most = most

    def walk(self, paths: list[Path]) -> list[Path]:
        """All steps, keeping the best few paths at every norm."""
        left = sum(isinstance(step, NORMS) for step in self._steps)
        for step in self._steps:
            if step == OUTPUT:
                continue
            if step == HIDDEN:
                best = min(paths, key=lambda path: path.score)
                paths = [new for p in paths for new in self._at_hole(p, left, p is best)]
            elif isinstance(step, NORMS):
                left -= 1
                paths = self._at_norm(paths, step, left)
                paths = [path for path in paths if sum(path.mismatches) <= self._limit]
                if not paths:
                    return []
            elif left:
                paths = [self._moved(path, step) for path in self._afforded(paths, step, left)]
            elif getattr(step, "eps", None) == OPEN_EPS:
                paths = [replace(p, eps=(*p.eps, self._guess(p)[0])) for p in paths]
        return sorted(paths, key=lambda path: path.score)[: 4 * BEAM]

    def _afforded(self, paths: list[Path], step: Step, left: int) -> list[Path]:
        """As many paths as can be gone on with, the likeliest so far."""
        if not isinstance(step, chain.Conv | chain.Linear):
            return paths
        x = fewer(paths[0].x, paths[0].parts, step, self._most)[0]
        each = len(x) * multiplications(step, x.shape[1:])
        count = int(SHARE * self._trial.effort.left / (left + 1) / each)
        if count >= len(paths):
            return paths
        return sorted(paths, key=lambda path: path.score)[: max(1, count)]

    def _at_hole(self, path: Path, left: int, best: bool) -> list[Path]:
        index = len(path.hidden)
        given = path.choices.hidden[index if len(path.choices.hidden) > 1 else 0]
        before = path.hidden[-1] if path.hidden else None
        cheap = path.x.numel() <= CHEAP_VALUES
        branches = best or cheap or before is None
        if not left or not self._open_hidden or not branches:
            # Where no norm follows, what was right before is the best guess.
            same = before if path.hidden and self._open_hidden else given
            x = path.x if same is None or not left else self._trial.step(same, path.x, path.parts)
            return [replace(path, x=x, hidden=(*path.hidden, same))]
        found = []
        for name in HIDDEN_NAMES if best or before is None else USUAL_NAMES:
            activation = ACTIVATIONS[name]
            if activation is None:
                continue
            cost = ACTIVATION_COST[name]
            if before is not None and activation_name(before) != name:
                cost += CHANGE_COST
            found.append(
                replace(
                    path,
                    x=self._trial.step(activation, path.x, path.parts),
                    hidden=(*path.hidden, activation),
                    cost=path.cost + cost,
                )
            )
        return found

    def _at_norm(
        self, paths: list[Path], step: chain.BatchNorm | chain.ConditionalNorm, left: int
    ) -> list[Path]:
        """Score what flows in, keep the best, and go on with every epsilon."""
        scored = [
            replace(path, mismatches=(*path.mismatches, self._trial.mismatch(step.name, path.x)))
            for path in paths
        ]
        scored = sorted(scored, key=lambda path: path.score)
        beam = 1 if self._trial.effort.spent else BEAM
        scored = scored[: beam if left else 4 * BEAM]
        if step.eps != OPEN_EPS:
            return [self._moved(path, step) if left else path for path in scored]
        found = []
        for rank, path in enumerate(scored):
            cheap = path.x.numel() <= CHEAP_VALUES
            branches = rank == 0 or cheap or not path.eps
            epsilons = EPSILONS if self._open_eps and left and branches else self._guess(path)
            epsilons = epsilons if rank == 0 else epsilons[: len(USUAL_NAMES)]
            for eps in epsilons:
                cost = EPS_COST.get(eps, 0.02) if self._open_eps else 0.0
                if path.eps and path.eps[-1] != eps:
                    cost += CHANGE_COST
                moved = self._moved(path, replaced(step, eps=eps)) if left else path
                found.append(replace(moved, eps=(*path.eps, eps), cost=path.cost + cost))
        return found

    def _guess(self, path: Path) -> tuple[float, ...]:
        index = len(path.eps)
        given = path.choices.eps[index if len(path.choices.eps) > 1 else 0]
        return (path.eps[-1] if path.eps and self._open_eps else given,)

    def _moved(self, path: Path, step: Step) -> Path:
        x, parts = fewer(path.x, path.parts, step, self._most)
        x = self._trial.step(self._resolved(path.choices, step), x, parts)
        return replace(path, x=x, parts=tuple(parts))

    def _resolved(self, choices: Choices, step: Step) -> Step:
        if isinstance(step, chain.Merge):
            how = choices.join if step.how == "multiply" else step.how
            if how == "after" and choices.order == "condition_first":
                how = "before"
            inner = tuple(
                choices.hidden[0] or chain.Affine() if s == HIDDEN else self._resolved(choices, s)
                for s in step.steps
            )
            return replaced(step, how=how, steps=inner)
        if isinstance(step, chain.Reshape) and step.shape[0] > 4:
            return replaced(step, order=choices.unflatten)
        if getattr(step, "eps", None) == OPEN_EPS:
            return replaced(step, eps=choices.eps[0])
        return step
