"""What the first layers of a decoder make of a latent, for networks of any family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genviewer.engine.generator import LoadError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from genviewer.engine.generator import Floats

CHUNK = 64


class _Enough(Exception):  # noqa: N818 - it ends a pass whose rest nobody needs
    """The layer that was wanted has been reached."""


def readers(network: Any, z: Floats, y: Floats | None) -> list[nn.Module]:
    """The layers with weights whose input depends on the latent, in the order they are called.

    Args:
        network: with ``decode(z, y)``.
        z: float32 (2, D), two different latents.
        y: the packed conditions of both, float32 (2, K), the same; or None.
    """
    found: list[nn.Module] = []

    def look(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        x = inputs[0] if inputs else None
        if isinstance(x, torch.Tensor) and len(x) == 2 and not torch.equal(x[0], x[1]):
            found.append(module)

    handles = [module.register_forward_pre_hook(look) for module in _layers(network)]
    try:
        _decode(network, z, y)
    finally:
        for handle in handles:
            handle.remove()
    return found


def response(network: Any, z: Floats, y: Floats | None) -> NDArray[np.float64]:
    """What a step of one along each dimension changes in the first layer's output: (R, D).

    From the latent 0. Where the layer is the first thing the latent meets, these are its weights.

    Args:
        network: with ``decode(z, y)``.
        z: float32 (2, D), two different latents, to find the layer by.
        y: packed conditions float32 (2, K), both the same; or None.

    Raises:
        LoadError: no layer with weights reads the latent.
    """
    layer = _first(network, z, y, 0)
    dim = z.shape[1]
    points = np.concatenate([np.zeros((1, dim), np.float32), np.eye(dim, dtype=np.float32)])
    condition = None if y is None else np.repeat(y[:1], len(points), 0)
    out = _gathered(network, layer, points, condition, of_output=True).astype(np.float64)
    steps: NDArray[np.float64] = (out[1:] - out[0]).T
    return steps


def features(network: Any, z: Floats, y: Floats | None) -> Floats:
    """What the second layer that depends on the latent is given: float32 (N, F).

    Args:
        network: with ``decode(z, y)``.
        z: float32 (N, D), N above 1.
        y: packed conditions float32 (N, K), or None.

    Raises:
        LoadError: fewer than two layers read the latent.
    """
    same = None if y is None else np.repeat(y[:1], 2, 0)
    layer = _first(network, z[:2], same, 1)
    return _gathered(network, layer, z, y, of_output=False)


def style_weights(network: Any, size: int) -> NDArray[np.float64]:
    """The weights of all layers that turn a style (W,) into a modulation: (R, W).

    Raises:
        LoadError: the network has no such layers.
    """
    rows = []
    for name, module in network.named_modules():
        weight = getattr(module, "weight", None)
        if name.endswith("affine") and weight is not None and weight.shape[1:] == (size,):
            gain = float(getattr(module, "gain", 1.0))
            rows.append(gain * weight.detach().double().cpu().numpy())
    if not rows:
        raise LoadError("No layer of this model reads its styles, so they cannot be factorised.")
    return np.concatenate(rows)


def _layers(network: nn.Module) -> list[nn.Module]:
    return [
        module
        for module in network.modules()
        if next(module.children(), None) is None
        and next(module.parameters(recurse=False), None) is not None
    ]


def _first(network: Any, z: Floats, y: Floats | None, place: int) -> nn.Module:
    found = readers(network, z, y)
    if len(found) <= place:
        raise LoadError("The model has no layer to find directions in.")
    return found[place]


def _gathered(
    network: Any, layer: nn.Module, z: Floats, y: Floats | None, *, of_output: bool
) -> Floats:
    """A layer's output, or its input, for latents: float32 (N, F). The rest is not computed."""
    parts: list[Tensor] = []

    def keep(value: Tensor) -> None:
        parts.append(value.detach().flatten(1).float().cpu())
        raise _Enough

    if of_output:
        handle = layer.register_forward_hook(lambda _m, _inputs, output: keep(output))
    else:
        handle = layer.register_forward_pre_hook(lambda _m, inputs: keep(inputs[0]))
    try:
        for at in range(0, len(z), CHUNK):
            rows = None if y is None else y[at : at + CHUNK]
            try:
                _decode(network, z[at : at + CHUNK], rows)
            except _Enough:
                continue
    finally:
        handle.remove()
    gathered: Floats = torch.cat(parts).numpy()
    return gathered


@torch.inference_mode()
def _decode(network: Any, z: Floats, y: Floats | None) -> None:
    network.decode(torch.from_numpy(z), None if y is None else torch.from_numpy(y))
