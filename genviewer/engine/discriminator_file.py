"""A discriminator that is no part of the network that draws: in a bundle's file of its own.

A generator of another family is trained further against one of ours. It comes into the bundle as
``discriminator.safetensors``, with the names that it has within a network of both players.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file

from genviewer.engine.generator import LoadError
from genviewer.engine.torch_decoder import load_network, take_weights
from genviewer.engine.train_networks import to_unit
from genviewer.io.bundle import BundleError, read_header
from genviewer.nets.families import parsed
from genviewer.nets.residual_gan import Discriminator, ResidualGANConfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from genviewer.io.bundle import Bundle

PREFIX = "discriminator."


class OwnDiscriminator:
    """The discriminator that a model carries, among its network's parts or beside it; on the CPU.

    Raises:
        LoadError: the model has none that can be used here.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._span = bundle.spec.image.range
        self._beside: Discriminator | None = None
        self._network: Any = None
        if bundle.config.discriminator:
            self._beside = load_discriminator(bundle)
            return
        self._network = load_network(bundle)
        if not hasattr(self._network, "discriminate"):
            raise LoadError(
                f"{bundle.spec.name} is of a family whose discriminator cannot be used here."
            )

    def take_weights(self, bundle: Bundle) -> None:
        """Go on with other weights of the same networks; LoadError if they do not fit."""
        if self._beside is not None:
            self._beside = load_discriminator(bundle)
        else:
            take_weights(self._network, bundle)

    def score(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Scores (B,) of images (B, C, H, W) in the model's range, under conditions (B, K): higher
        is more real. It depends on the batch's variation.
        """
        with torch.inference_mode():
            if self._beside is None:
                return cast("Tensor", self._network.discriminate(x, y))
            x = x if self._span == (-1.0, 1.0) else to_unit(x, self._span) * 2.0 - 1.0
            return cast("Tensor", self._beside(x, y)[0])


def load_discriminator(bundle: Bundle) -> Discriminator:
    """The discriminator beside a model's weights, in evaluation mode on the CPU.

    Raises:
        LoadError: its file cannot be read, or is for other pictures.
    """
    try:
        config = _sizes(bundle.config.discriminator)
        spec = bundle.spec
        condition = spec.class_condition
        known = (0, condition.size if condition is not None else 0)
        image = (config.image_channels, config.image_size, config.image_size)
        if image != (spec.image.channels, spec.image.height, spec.image.width):
            raise BundleError("it looks at pictures of another size")
        if config.classes not in known:
            raise BundleError("it knows other classes")
        tensors = read_discriminator(bundle.discriminator_path, bundle.config.discriminator)
    except (BundleError, ValueError) as error:
        reason = str(error).removesuffix(".")
        raise LoadError(f"The discriminator of {bundle.spec.name} cannot be used: {reason}.") from (
            error
        )
    network = Discriminator(config)
    network.load_state_dict(
        {name.removeprefix(PREFIX): torch.tensor(value) for name, value in tensors.items()}
    )
    return network.eval().requires_grad_(False)


def read_discriminator(path: Path, table: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The tensors in a file, which are those of the discriminator of ``table``.

    Raises:
        BundleError: it cannot be read, or holds others.
    """
    try:
        header, _ = read_header(path)
        if any(info.dtype != "F32" for info in header.values()):
            raise ValueError("it holds other numbers than float32")
        check_shapes({name: info.shape for name, info in header.items()}, table)
        return load_file(path)
    except OSError as error:
        raise BundleError(f"{path.name} cannot be read: {error.strerror}.") from error
    except (SafetensorError, ValueError) as error:
        reason = str(error).removesuffix(".")
        raise BundleError(f"{path.name} cannot be read: {reason}.") from error


def check_shapes(found: Mapping[str, tuple[int, ...]], table: Mapping[str, Any]) -> None:
    """ValueError unless the shapes, by name, are those of the discriminator of ``table``."""
    if dict(found) != {name: tuple(tensor.shape) for name, tensor in outline(table).items()}:
        raise ValueError("it holds other tensors than its configuration tells of")


def outline(table: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of the discriminator of ``table`` by name, without memory; ValueError if none
    of such sizes can look at a picture.
    """
    sizes = _sizes(table)
    try:
        with torch.device("meta"):
            network = Discriminator(sizes)
            network(torch.empty(1, sizes.image_channels, sizes.image_size, sizes.image_size), None)
    except (RuntimeError, TypeError, OverflowError) as error:
        raise ValueError("its sizes are not usable") from error
    return {f"{PREFIX}{name}": tensor for name, tensor in network.state_dict().items()}


def _sizes(table: Mapping[str, Any]) -> ResidualGANConfig:
    config = parsed(table)
    if not isinstance(config, ResidualGANConfig):
        raise ValueError("it is of another family")
    return config
