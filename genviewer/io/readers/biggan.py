"""BigGAN-deep: a folder with ``config.json`` and weights, or the weights with that file beside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec, SynthesisSpec
from genviewer.io.bundle import Assumption
from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import flat_tensors, read_contents
from genviewer.io.foreign.source import read_bytes
from genviewer.io.readers.source import Source, UnreadableModelError, make_bundle, network_table
from genviewer.nets.style_configs import BigGANConfig, BigGANLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from genviewer.io.bundle import Bundle
    from genviewer.io.foreign.stored_tensor import StoredTensor

CONFIG_NAME = "config.json"
WEIGHTS_NAMES = ("model.safetensors", "pytorch_model.bin")
MAX_CONFIG_BYTES = 1 << 20
KINDS = ("torch-zip", "torch-legacy", "pickle", "safetensors")
_FIRST = re.compile(r"^(?P<path>|.*\.)generator\.gen_z\.(weight|weight_orig)$")
_NORM = "generator.layers.0.bn_0.running_means"
_LAYER = re.compile(r"^generator\.layers\.(\d+)\.(.+)$")


class HubConfig(msgspec.Struct, frozen=True):
    """The published ``config.json``: ``layers`` are (doubles, inputs, outputs), in units of
    ``channel_width``.
    """

    z_dim: int
    channel_width: int
    layers: tuple[tuple[bool, int, int], ...]
    attention_layer_position: int
    n_stats: int
    eps: float = 1e-4


def sniff(source: Source) -> bool:
    """Whether these are BigGAN-deep's weights, or a folder with its configuration."""
    try:
        if source.is_folder:
            return _weights_name(source) is not None and _config(source) is not None
        return source.container.kind in KINDS and _path(source.tensors) is not None
    except (UnreadableFileError, OSError, msgspec.DecodeError):
        return False


def read(source: Source) -> Bundle:
    """The generator.

    Raises:
        UnreadableModelError: weights and configuration do not fit each other.
    """
    name = source.path.name
    if source.is_folder:
        weights = _weights_name(source)
        tensors = flat_tensors(read_contents(source.path / str(weights)))
    else:
        tensors = source.tensors
    path = _path(tensors)
    if path is None:
        raise UnreadableModelError(f"{name} has a BigGAN configuration, but not its weights.")
    stored = {key[len(path) :]: tensor for key, tensor in tensors.items() if key.startswith(path)}
    try:
        hub = _config(source)
    except (msgspec.DecodeError, UnreadableFileError):
        hub = None  # the folder holds another model's configuration
    try:
        config = _network(stored, hub)
    except (ValueError, KeyError, IndexError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise UnreadableModelError(
            f"{name} looks like BigGAN-deep, but its tensors do not fit: {reason}."
        ) from error
    assumptions = []
    if hub is None:
        size = config.image_size
        assumptions.append(Assumption("image_size", size, 0.6, (size // 2, size * 2)))
    spec = Spec(
        name=source.name,
        family="gan",
        latent=LatentSpec(config.latent_dim, "truncated_normal"),
        image=ImageSpec(3, config.image_size, config.image_size, (-1.0, 1.0)),
        conditions=(ConditionSpec("class", "class", config.classes),),
        truncation=True,
        synthesis=SynthesisSpec(statistics=True),
    )
    return make_bundle(
        source,
        reader="biggan",
        spec=spec,
        network=network_table("biggan", config),
        arrays=_reader(stored),
        assumptions=assumptions,
    )


def _weights_name(source: Source) -> str | None:
    return next((name for name in WEIGHTS_NAMES if name in source.names), None)


def _config(source: Source) -> HubConfig | None:
    """The configuration in the folder; None if there is none.

    Raises:
        msgspec.DecodeError: it is another model's.
        UnreadableFileError: it is no file that can be read.
    """
    folder = source.path if source.is_folder else source.path.parent
    path = folder / CONFIG_NAME
    if not path.is_file():
        return None
    return msgspec.json.decode(read_bytes(path, MAX_CONFIG_BYTES), type=HubConfig)


def _path(tensors: Mapping[str, StoredTensor]) -> str | None:
    """What stands before the names of BigGAN-deep, dot and all; None if they are not there."""
    for name in tensors:
        match = _FIRST.match(name)
        if match is not None and f"{match['path']}{_NORM}" in tensors:
            return match["path"]
    return None


def _network(stored: Mapping[str, StoredTensor], hub: HubConfig | None) -> BigGANConfig:
    """Sizes from the weights; which blocks double the size, from the configuration.

    Without one, every second block does, as in all that were published.
    """
    embed, classes = stored["embeddings.weight"].shape
    wide = _weight(stored, "generator.gen_z.weight").shape[1]
    fields: dict[int, set[str]] = {}
    for name in stored:
        match = _LAYER.match(name)
        if match is not None and len(match[1]) < 4:
            fields.setdefault(int(match[1]), set()).add(match[2])
    attention = [index for index, names in fields.items() if "gamma" in names]
    order = [index for index in sorted(fields) if index not in attention]
    if len(attention) > 1 or sorted(fields) != list(range(len(fields))) or not order:
        raise ValueError("its blocks are not numbered as BigGAN's are")
    if hub is not None and len(hub.layers) != len(order):
        raise ValueError(f"there are {len(order)} blocks, and {len(hub.layers)} in the config")
    blocks = []
    for place, index in enumerate(order):
        inputs = _weight(stored, f"generator.layers.{index}.conv_0.weight").shape[1]
        outputs = _weight(stored, f"generator.layers.{index}.conv_3.weight").shape[0]
        up = hub.layers[place][0] if hub is not None else place % 2 == 1
        blocks.append(BigGANLayer(inputs, outputs, up))
    return BigGANConfig(
        latent_dim=wide - embed,
        classes=classes,
        embed=embed,
        blocks=tuple(blocks),
        attention=attention[0] if attention else None,
        statistics=stored["generator.bn.running_means"].shape[0],
        colours=_weight(stored, "generator.conv_to_rgb.weight").shape[0],
        eps=hub.eps if hub is not None else 1e-4,
    )


def _weight(stored: Mapping[str, StoredTensor], name: str) -> StoredTensor:
    """A weight, spectrally normalised or not; KeyError names it."""
    tensor = stored.get(name, stored.get(f"{name}_orig"))
    if tensor is None:
        raise KeyError(name)
    return tensor


def _reader(stored: Mapping[str, StoredTensor]) -> Callable[[], dict[str, NDArray[Any]]]:
    """Reads the state dict, with spectral normalisation divided out: W / (u W v)."""

    def arrays() -> dict[str, NDArray[Any]]:
        result: dict[str, NDArray[Any]] = {}
        for name, tensor in stored.items():
            if not name.startswith(("generator.", "embeddings.")):
                continue
            if name.endswith(("weight_u", "weight_v")):
                continue
            values = tensor.float32(name)
            if not name.endswith("weight_orig"):
                result[name] = values
                continue
            owner = name.removesuffix("weight_orig")
            u, v = (stored[f"{owner}weight_{part}"].float32(owner) for part in "uv")
            sigma = np.float32(u @ (values.reshape(len(values), -1) @ v))
            result[f"{owner}weight"] = values / sigma
        return result

    return arrays
