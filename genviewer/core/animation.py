"""Animations as values: a path through Recipes, and how often to look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from genviewer.core.condition import one_class
from genviewer.core.keyframes import Keyframe, Seconds, Timeline
from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe, seeded_recipe
from genviewer.core.walk import Walk, WalkMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.spec import Spec

MAX_FRAMES = 1_000_000


class WalkPath(msgspec.Struct, frozen=True, tag="walk"):
    """A smooth walk through the prior from a Recipe on, as :class:`~genviewer.core.walk.Walk`
    has it; in ``loop`` mode one round takes ``seconds / speed``.
    """

    recipe: Recipe
    seconds: Seconds
    seed: int = 0
    mode: WalkMode = "random"
    speed: Annotated[float, msgspec.Meta(ge=0.0, le=1e3)] = 1.0

    @property
    def loop(self) -> bool:
        """Whether the end is the start."""
        return self.mode == "loop"


class TraversePath(msgspec.Struct, frozen=True, tag="traverse"):
    """One dimension from ``low`` to ``high`` and, in a loop, back; all else as in the Recipe."""

    recipe: Recipe
    seconds: Seconds
    dim: Annotated[int, msgspec.Meta(ge=0)]
    low: float
    high: float
    loop: bool = True

    def __post_init__(self) -> None:
        if self.dim >= self.recipe.latent.dim:
            raise ValueError(f"the latent has no dimension {self.dim}")

    def at(self, t: float) -> Recipe:
        """The Recipe at ``t`` seconds."""
        way = min(max(t / self.seconds, 0.0), 1.0)
        if self.loop:
            way = 1.0 - abs(2.0 * way - 1.0)
        value = (1.0 - way) * self.low + way * self.high
        latent = self.recipe.latent
        array = latent.array.reshape(-1).copy()
        array[self.dim] = value
        moved = Latent(array.reshape(latent.array.shape), latent.space)
        return msgspec.structs.replace(self.recipe, latent=moved)


class Animation(msgspec.Struct, frozen=True):
    """A path and its frames per second.

    Raises:
        ValueError: it would have more than :data:`MAX_FRAMES` frames.
    """

    path: Timeline | WalkPath | TraversePath
    fps: Annotated[float, msgspec.Meta(gt=0.0, le=240.0)] = 30.0

    def __post_init__(self) -> None:
        if self.frames > MAX_FRAMES:
            raise ValueError(f"an animation has at most {MAX_FRAMES} frames")

    @property
    def frames(self) -> int:
        """The number of frames."""
        return max(1, round(self.path.seconds * self.fps))

    @property
    def start(self) -> Recipe:
        """The Recipe of the first frame."""
        path = self.path
        return path.keyframes[0].recipe if isinstance(path, Timeline) else path.recipe

    def time(self, frame: int) -> float:
        """When a frame is taken, in seconds.

        The frames of a loop are spread so that the one after the last is the first; otherwise
        the first and the last are the two ends of the path.
        """
        steps = self.frames if self.path.loop else self.frames - 1
        return self.path.seconds * (frame / steps) if steps else 0.0  # exact at the end

    def recipes(self, spec: Spec) -> Callable[[int], Recipe]:
        """A function from a frame's number to its Recipe; frames may be asked for in any order.

        Raises:
            ValueError: the start does not fit the model.
        """
        path = self.path
        if self.start.latent.dim != spec.latent.dim:
            raise ValueError(
                f"The latent has {self.start.latent.dim} values, and {spec.name} takes "
                f"{spec.latent.dim}."
            )
        if not isinstance(path, WalkPath):
            still = path
            return lambda frame: still.at(self.time(frame))
        recipe = path.recipe
        walk = Walk(
            spec.latent,
            recipe.latent.array.reshape(-1),
            path.seed,
            path.mode,
            path.speed,
            path.seconds,
        )
        return lambda frame: msgspec.structs.replace(
            recipe, latent=Latent(walk.at(self.time(frame)), recipe.latent.space)
        )


def walk_through_samples(
    spec: Spec,
    count: int,
    seed: int,
    seconds: float,
    *,
    loop: bool = False,
    classes: tuple[int, ...] = (),
    truncation: float = 1.0,
) -> Timeline:
    """A spline through samples 0..count-1 of a run with ``seed``, at an even pace.

    They are the samples that ``genviewer sample -n COUNT --seed SEED`` draws; ``classes`` are
    taken in turn.

    Raises:
        ValueError: there is no sample, or the model has no classes.
    """
    if count < 1:
        raise ValueError("a walk goes through at least one sample")
    wanted = spec.class_condition
    if classes and wanted is None:
        raise ValueError(f"{spec.name} has no classes")
    segments = max(1, count if loop else count - 1)
    keyframes = []
    for index in range(count):
        recipe = seeded_recipe(spec, seed, index)
        condition = recipe.condition
        if classes and wanted is not None:
            part = one_class(wanted.name, classes[index % len(classes)])
            condition = condition.with_part(part)
        recipe = msgspec.structs.replace(recipe, condition=condition, truncation=truncation)
        keyframes.append(Keyframe(recipe, seconds / segments, "linear"))
    return Timeline(tuple(keyframes), loop, "spline")
