"""A chain with room for more classes: which steps widen, and where in their tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.nets import chain_steps as steps_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.nets.chain_config import ChainConfig, EncoderConfig

Places = dict[str, tuple[int, int, int]]
"""Tensor name to axis, start and stop of the classes in it, as it is before growing."""

REFUSED = "the classes enter this network in a way that cannot be extended"


def grown_chain(config: ChainConfig, extra: int) -> tuple[ChainConfig, Places]:
    """The chain with ``extra`` more classes, and where those it has are in its tensors.

    Raises:
        ValueError: it has not exactly one condition, or a step takes it in a way that cannot be
            extended.
    """
    if len(config.conditions) != 1:
        raise ValueError("the network has not one condition to which classes could be added")
    grower = _Grower(config.conditions[0], extra)
    decoder = grower.line(config.decoder)
    encoder: EncoderConfig | None = None
    if config.encoder is not None:
        before = config.encoder
        encoder = msgspec.structs.replace(
            before,
            steps=grower.line(before.steps),
            mean=grower.line(before.mean),
            scale=grower.line(before.scale),
        )
    grown = msgspec.structs.replace(
        config, conditions=(config.conditions[0] + extra,), decoder=decoder, encoder=encoder
    )
    return grown, grower.places


class _Grower:
    """Steps with more classes; ``places`` collects the tensors that widen."""

    def __init__(self, classes: int, extra: int) -> None:
        self.classes, self.extra = classes, extra
        self.places: Places = {}

    def line(
        self, steps: Sequence[steps_.Step], classes_first: bool | None = None
    ) -> tuple[steps_.Step, ...]:
        """``steps`` for a main value that has the classes at its start, its end or not at all."""
        at = classes_first
        result: list[steps_.Step] = []
        for step in steps:
            grown, at = self._step(step, at)
            result.append(grown)
        if at is not None:
            raise ValueError(REFUSED)
        return tuple(result)

    def _step(self, step: steps_.Step, at: bool | None) -> tuple[steps_.Step, bool | None]:
        match step:
            case steps_.Merge():
                if at is not None:
                    raise ValueError(REFUSED)
                return self._merge(step)
            case steps_.Residual(steps=inner, shortcut=shortcut):
                if at is not None:
                    raise ValueError(REFUSED)
                return (
                    msgspec.structs.replace(
                        step, steps=self.line(inner), shortcut=self.line(shortcut)
                    ),
                    None,
                )
            case steps_.ConditionalNorm(gain=gain, shift=shift, classes=classes):
                if at is not None:
                    raise ValueError(REFUSED)
                for table in (gain, shift):
                    if table is not None:
                        self.places[f"{table}.weight"] = (0, 0, classes)
                return msgspec.structs.replace(step, classes=classes + self.extra), None
        if at is None:
            return step, None
        match step:
            case steps_.Embedding(name=name, classes=classes):
                self.places[f"{name}.weight"] = (0, 0, classes)
                return msgspec.structs.replace(step, classes=classes + self.extra), None
            case steps_.Linear(name=name, inputs=inputs):
                return self._widened(step, name, inputs, 1, at), None
            case steps_.Conv(name=name, inputs=inputs, groups=1, transposed=transposed):
                return self._widened(step, name, inputs, 0 if transposed else 1, at), None
            case steps_.Activation() | steps_.Affine():
                return step, at  # value by value: the classes stay where they are
        raise ValueError(REFUSED)

    def _widened(
        self, step: steps_.Step, name: str, inputs: int, axis: int, first: bool
    ) -> steps_.Step:
        start = 0 if first else inputs - self.classes
        self.places[f"{name}.weight"] = (axis, start, start + self.classes)
        return msgspec.structs.replace(step, inputs=inputs + self.extra)

    def _merge(self, step: steps_.Merge) -> tuple[steps_.Step, bool | None]:
        if step.steps:
            return msgspec.structs.replace(step, steps=self.line(step.steps, True)), None
        if step.how in ("before", "after"):
            return step, step.how == "before"
        raise ValueError(REFUSED)
