"""Which weights of a network train, and keeping the others as they are, bit for bit."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from genviewer.nets.chain import Chain
from genviewer.nets.growth import class_count, class_places, shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn

    from genviewer.engine.train_config import FinetuneConfig, Layers

_DECODERS = {
    "residual_vae": ("decoder.",),
    "mlp_vae": ("decoder.",),
    "broadcast_vae": ("decoder.",),
    "autoencoder_kl": ("post_quant_conv.", "decoder."),
    "residual_gan": ("generator.",),
    "stylegan2": ("synthesis.",),
    "stylegan3": ("synthesis.",),
    "biggan": ("generator.",),
}
_LAST_SHARE = 3  # the last blocks are a third of the decoder's layers


def layers_of(network: nn.Module, table: Mapping[str, Any], layers: Layers) -> set[str]:
    """The names of the parameters that ``layers`` stands for; a discriminator's are left out."""
    everything = {
        name for name, _ in network.named_parameters() if not name.startswith("discriminator.")
    }
    if layers == "all":
        return everything
    if layers == "condition":
        return everything & set(class_places(table))
    parts = _decoder_parts(network, table)
    if layers == "last":
        parts = parts[-max(2, len(parts) // _LAST_SHARE) :]
    kept = {id(parameter) for part in parts for parameter in part.parameters(recurse=False)}
    return {name for name, value in network.named_parameters() if id(value) in kept} & everything


def class_weights_alone(table: Mapping[str, Any]) -> bool:
    """Whether there are weights of the classes that nothing else goes through."""
    try:
        places = class_places(table)
    except ValueError:
        return False
    sizes, count = shapes(table), class_count(table)
    return bool(places) and all(
        place == (place.axis, 0, sizes[name][place.axis]) and sizes[name][place.axis] == count
        for name, place in places.items()
    )


def freeze(network: nn.Module, table: Mapping[str, Any], config: FinetuneConfig) -> None:
    """Take gradients from every weight that does not train; call before optimizers are made.

    The weights of the classes train along with the chosen layers where classes were added.
    """
    trained = layers_of(network, table, config.layers)
    if config.new_classes:
        trained |= layers_of(network, table, "condition")
    for name, parameter in network.named_parameters():
        if not name.startswith("discriminator."):
            parameter.requires_grad_(name in trained)


def freeze_discriminator(discriminator: nn.Module, count: int) -> None:
    """FreezeD: the first ``count`` layers with weights stay as they are (Mo et al. 2020)."""
    leaves = [part for part in discriminator.modules() if _own(part)]
    for part in leaves[:count]:
        part.requires_grad_(False)


def training_mode(network: nn.Module) -> None:
    """Training mode, but for modules that do not train: their running statistics stay too."""
    network.train()
    partly = not all(parameter.requires_grad for parameter in network.parameters())
    for module in network.modules():
        own = _own(module)
        # Statistics without weights beside them belong to what is around them.
        if partly and not any(parameter.requires_grad for parameter in own):
            module.training = False


@contextlib.contextmanager
def without_gradients(network: nn.Module) -> Iterator[None]:
    """No gradients for a network's weights in the block; those that train do so again after it."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def _decoder_parts(network: nn.Module, table: Mapping[str, Any]) -> list[nn.Module]:
    """The decoder's modules with weights of their own, from the latent to the picture."""
    if isinstance(network, Chain):
        parts = [part for module in network.decoder_line.modules() for part in module.modules()]
    else:
        prefixes = _DECODERS[table["type"]]
        named = [(f"{name}.", part) for name, part in network.named_modules()]
        parts = [part for prefix in prefixes for name, part in named if name.startswith(prefix)]
    return [part for part in parts if _own(part)]


def _own(module: nn.Module) -> list[nn.Parameter]:
    return list(module.parameters(recurse=False))
