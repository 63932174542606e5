"""The table of network families: from the ``network`` table of a bundle to a torch module.

Importing this module imports no torch: a family names its module as text and is resolved when a
network is built, so that a bundle can be listed and drawn by ONNX Runtime without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


class Family(NamedTuple):
    """Where a family's config and module live, and what kind of model it is."""

    module: str
    config: str
    network: str
    kind: str  # "vae", "gan", "styles" for GANs that are not trained here, or "decoder" where the
    # config alone does not tell


FAMILIES: dict[str, Family] = {
    "residual_vae": Family(
        "genviewer.nets.residual_vae", "ResidualVAEConfig", "ResidualVAE", "vae"
    ),
    "broadcast_vae": Family(
        "genviewer.nets.broadcast_vae", "BroadcastVAEConfig", "BroadcastVAE", "vae"
    ),
    "mlp_vae": Family("genviewer.nets.mlp_vae", "MLPVAEConfig", "MLPVAE", "vae"),
    "residual_gan": Family(
        "genviewer.nets.residual_gan", "ResidualGANConfig", "ResidualGAN", "gan"
    ),
    "chain": Family("genviewer.nets.chain", "ChainConfig", "Chain", "decoder"),
    "autoencoder_kl": Family(
        "genviewer.nets.autoencoder_kl", "AutoencoderKLConfig", "AutoencoderKL", "autoencoder"
    ),
    "stylegan2": Family("genviewer.nets.stylegan2", "StyleGAN2Config", "StyleGAN2", "styles"),
    "stylegan3": Family("genviewer.nets.stylegan3", "StyleGAN3Config", "StyleGAN3", "styles"),
    "biggan": Family("genviewer.nets.biggan", "BigGANConfig", "BigGAN", "styles"),
}


REPEATED = {"blocks", "encoder_blocks", "layers", "latent_layers", "channels", "critic_channels"}
MAX_REPEATED = 4096
"""More modules, or channels of one, than any network has; a config may come from anywhere."""


def family(config: Mapping[str, Any]) -> Family:
    """The family that ``config["type"]`` names; ValueError tells which there are."""
    name = config.get("type")
    if not isinstance(name, str) or name not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise ValueError(f"unknown network type {name!r}; the types are {known}")
    return FAMILIES[name]


def build(config: Mapping[str, Any]) -> nn.Module:
    """A freshly initialised network from its config, ``type`` naming the family.

    Every network has ``decode(z, y=None) -> (B, C, H, W)`` float32 in the range of its output
    (VAEs [0, 1], GANs [-1, 1]), with ``z`` (B, D) and, where ``classes`` > 0, class weights ``y``
    (B, K) whose all-zero row stands for "any class" if it was trained so. VAEs have
    ``encode(x, y=None) -> (mean, logvar)``, each (B, D), of images ``x`` in the same range.
    Raises ValueError for an unknown type, field or value. Imports torch.
    """
    entry = family(config)
    network: nn.Module = getattr(importlib.import_module(entry.module), entry.network)(
        parsed(config)
    )
    return network


def parsed(config: Mapping[str, Any]) -> Any:
    """The family's config Struct with its defaults; ValueError as :func:`build`. Imports torch."""
    entry = family(config)
    module = importlib.import_module(entry.module)
    fields = {key: value for key, value in config.items() if key != "type"}
    for key in REPEATED & fields.keys():
        counts = fields[key] if isinstance(fields[key], list | tuple) else [fields[key]]
        if len(counts) > MAX_REPEATED or any(
            isinstance(count, int) and count > MAX_REPEATED for count in counts
        ):
            raise ValueError(f"network config of type {config['type']!r}: too many {key}")
    try:
        return msgspec.convert(fields, type=getattr(module, entry.config))
    except msgspec.ValidationError as error:
        raise ValueError(f"network config of type {config['type']!r}: {error}") from error
