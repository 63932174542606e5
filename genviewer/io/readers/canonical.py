"""One network's tensors out of a training file: wrappers, copies and other networks aside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from genviewer.io.readers.layers import Tensor

T = TypeVar("T")

WRAPPERS = frozenset({"module", "_orig_mod", "state_dict", "model_state_dict", "_forward_module"})
"""Components that wrap a network and say nothing about it, wherever they stand in front."""

_OPTIMIZER = re.compile(
    r"(?i)^(optim\w*|opt|opt_?[a-z]{1,4}|\w+_optim\w*|\w*optimi[sz]er\w*|\w*scheduler\w*|\w*sched"
    r"|loops|callbacks|scaler|exp_avg\w*|momentum_buffer|(train|val|test)?_?loss(es)?|fixed_\w+"
    r"|history|metrics?|rng_state\w*|\w*_rng_state)$"
)
_AVERAGE = re.compile(r"(?i)(^|_)(ema|avg|average|averaged|shadow|swa|ge|running)(_|$)|ema$")
_JUDGE = re.compile(
    r"(?i)^(d|dis|disc|discrim\w*|net_?d\w*|d_?net|model_?d|d_model|\w*discriminator\w*|\w*critic\w*"
    r"|adv\w*|classifier|q_net|code_?disc\w*|vgg\w*|lpips|perceptual\w*|inception\w*|feature_ext\w*)$"
)
_GENERATOR = re.compile(
    r"(?i)^(g|gen|generator\w*|net_?g\w*|g_?net|g_model|model_?g|\w*generator|vae|cvae|model|net|"
    r"network|autoencoder|dec|decoder\w*)$"
)


@dataclass(frozen=True)
class Network:
    """One network of a file: the path it was found at, and its tensors by their names there."""

    path: str
    tensors: Mapping[str, Tensor]
    average: bool = False
    judge: bool = False


def networks(tensors: Mapping[str, Tensor]) -> list[Network]:
    """The networks that a file may be opened as, the likeliest first.

    The whole of what is left without optimizer states and discriminators comes first where the
    file holds a single model; averaged copies before the weights that they average.
    """
    kept = {
        name: tensor
        for name, tensor in tensors.items()
        if not any(_OPTIMIZER.match(part) for part in name.split(".")[:3])
    }
    return _split("", _stripped(kept))


def _stripped(tensors: Mapping[str, T]) -> dict[str, T]:
    """Without wrapping components in front."""
    result: dict[str, T] = {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        while len(parts) > 1 and parts[0] in WRAPPERS:
            parts = parts[1:]
        result.setdefault(".".join(parts), tensor)
    return result


def _groups(tensors: Mapping[str, T]) -> dict[str, dict[str, T]]:
    groups: dict[str, dict[str, T]] = {}
    for name, tensor in tensors.items():
        first, dot, rest = name.partition(".")
        groups.setdefault(first if dot else "", {})[rest if dot else name] = tensor
    return groups


def _split(path: str, tensors: Mapping[str, Tensor], depth: int = 0) -> list[Network]:
    groups = _groups(tensors)
    if len(groups) == 1 and depth < 8:
        (first, inner), *_ = groups.items()
        if first and not _is_layer(inner):
            return _split(_join(path, first), _stripped(inner), depth + 1)
    copies = _copies(groups)
    averages = [name for name in copies if _AVERAGE.search(name)]
    dropped = {other for name in averages for other in copies[name] if other not in averages}
    whole: dict[str, Tensor] = {}
    for name, inner in groups.items():
        if name in dropped or (name and _JUDGE.match(name)):
            continue
        whole |= {_join(name, key): tensor for key, tensor in inner.items()}
    found = []
    if whole:
        found.append(Network(path, _unwrapped(whole), bool(averages)))
    for name in sorted(groups, key=lambda name: _rank(name, averages)):
        inner = groups[name]
        if len(groups) == 1 or _is_layer(inner) or len(inner) < 2:
            continue
        for network in _split(_join(path, name), _stripped(inner), depth + 1)[:4]:
            judge = network.judge or bool(_JUDGE.match(name))
            average = network.average or name in averages
            found.append(Network(network.path, network.tensors, average, judge))
    return found


def _unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names without wrappers inside, such as ``generator.module.main.0.weight``."""
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        short = ".".join(p for i, p in enumerate(parts) if i == len(parts) - 1 or p not in WRAPPERS)
        result[name if short in result else short] = tensor
    return result


def _rank(name: str, averages: Iterable[str]) -> tuple[int, int]:
    if _JUDGE.match(name):
        return 3, 0
    return (0 if _GENERATOR.match(name) or name in averages else 1), 0 if name in averages else 1


def _copies(groups: Mapping[str, Mapping[str, Tensor]]) -> dict[str, list[str]]:
    """By group, the other groups that hold the same names and shapes."""
    signatures: dict[tuple[object, ...], list[str]] = {}
    for name, inner in groups.items():
        if not name or len(inner) < 2:
            continue
        bare = _unwrapped(inner)
        key = tuple(sorted((key, tuple(tensor.shape)) for key, tensor in bare.items()))
        signatures.setdefault(key, []).append(name)
    return {
        name: [other for other in names if other != name]
        for names in signatures.values()
        if len(names) > 1
        for name in names
    }


def _is_layer(inner: Mapping[str, object]) -> bool:
    return all("." not in name for name in inner)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name
