"""More classes for a conditional network: room in its config and weights, old classes unchanged.

What depends on the number of classes is found by building the network twice without memory, with
and without the new classes, and comparing shapes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import torch
from torch import Tensor

from genviewer.nets.chain_config import ChainConfig
from genviewer.nets.chain_growth import grown_chain
from genviewer.nets.families import build, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCALED = "mapping.embed.weight"  # divided by the square root of the number of classes when used


class Place(NamedTuple):
    """Where classes are in a tensor: entries ``start`` to ``stop`` along ``axis``."""

    axis: int
    start: int
    stop: int


def grown_config(network: Mapping[str, Any], extra: int) -> dict[str, Any]:
    """The network table with room for ``extra`` more classes, after those that it has.

    Raises:
        ValueError: it has no classes, several kinds of them, or takes them in a way that cannot be
            extended.
    """
    table = dict(network)
    match table.get("type"):
        case "chain":
            config = grown_chain(parsed(table), extra)[0]
            return {"type": "chain", **msgspec.to_builtins(config)}
        case "stylegan2" | "stylegan3":
            mapping = parsed(table).mapping
            _check(mapping.classes)
            grown = msgspec.structs.replace(mapping, classes=mapping.classes + extra)
            return table | {"mapping": msgspec.to_builtins(grown)}
    config = parsed(table)
    classes = getattr(config, "classes", 0)
    _check(classes)
    table["classes"] = classes + extra
    if getattr(config, "modulated", False):
        table["gain_classes"] = config.gain_classes or classes
    return table


def class_places(network: Mapping[str, Any]) -> dict[str, Place]:
    """Where the classes are in the tensors of a network's state dict, by name; empty without any.

    Raises:
        ValueError: as :func:`grown_config`, where there are classes.
    """
    if not class_count(network):
        return {}
    if network.get("type") == "chain":
        return {
            name: Place(axis, start, stop)
            for name, (axis, start, stop) in grown_chain(parsed(network), 1)[1].items()
        }
    before, after = shapes(network), shapes(grown_config(network, 1))
    places: dict[str, Place] = {}
    for name, old in before.items():
        new = after[name]
        if new != old:
            axis = next(i for i in range(len(old)) if old[i] != new[i])
            places[name] = Place(axis, 0, old[axis])
    return places


def class_count(network: Mapping[str, Any]) -> int:
    """How many classes a network takes; 0: none, or other conditions than one of classes."""
    config = parsed(network)
    if isinstance(config, ChainConfig):
        return config.conditions[0] if len(config.conditions) == 1 else 0
    owner = getattr(config, "mapping", config)
    return int(getattr(owner, "classes", 0))


def grown_weights(
    network: Mapping[str, Any], weights: Mapping[str, Tensor], extra: int
) -> dict[str, Tensor]:
    """The state dict ``weights`` of ``network``, or a part of it, for its :func:`grown_config`.

    What belongs to a new class is the mean of what belongs to the old ones; everything else stays
    as it is, so that an old class is drawn as before.

    Raises:
        ValueError: as :func:`grown_config`.
    """
    grown = dict(weights)
    for name, (axis, start, stop) in class_places(network).items():
        if name not in grown:
            continue
        tensor = grown[name]
        mean = tensor.narrow(axis, start, stop - start).mean(axis, keepdim=True)
        new = mean.expand(*(extra if i == axis else n for i, n in enumerate(tensor.shape)))
        before = tensor.narrow(axis, 0, stop)
        after = tensor.narrow(axis, stop, tensor.shape[axis] - stop)
        tensor = torch.cat([before, new, after], axis)
        if name == _SCALED:
            count = stop - start
            tensor = tensor * math.sqrt((count + extra) / count)
        grown[name] = tensor.contiguous()
    return grown


def shapes(network: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's state dict, by name; nothing is allocated for it."""
    with torch.device("meta"):
        outline = build(network)
    return {name: tuple(value.shape) for name, value in outline.state_dict().items()}


def is_conditional(network: Mapping[str, Any]) -> bool:
    """Whether classes can be added: there are some, and the way in which they enter allows it."""
    try:
        return bool(class_places(network))
    except ValueError:
        return False


def _check(classes: int) -> None:
    if not classes:
        raise ValueError("the network has no classes to which more could be added")
