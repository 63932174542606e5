"""The autoencoder of a latent diffusion model: a diffusers folder, or its weights alone."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.io.bundle import MAX_LATENT, Assumption
from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import flat_tensors, read_contents
from genviewer.io.readers.sidecars import read_sidecar
from genviewer.io.readers.source import Source, UnreadableModelError, make_bundle, network_table
from genviewer.io.readers.state_dict import KINDS
from genviewer.nets.autoencoder_kl_config import AutoencoderKLConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from genviewer.io.bundle import Bundle
    from genviewer.io.foreign.stored_tensor import StoredTensor

CLASS_NAME = "AutoencoderKL"
WEIGHTS = (
    "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin", "model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors",
)  # fmt: skip
LARGEST_SIDE = 256
"""Pictures are at most this large unless the person asks for more: latents grow with them."""

_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
_MARK = "decoder.up_blocks.0.resnets.0.norm1.weight"
_BLOCK = re.compile(r"^decoder\.up_blocks\.(\d+)\.resnets\.(\d+)\.conv1\.weight$")


def sniff(source: Source) -> bool:
    """Whether it is such a folder, or weights of these names."""
    try:
        if source.is_folder:
            return (
                "config.json" in source.names
                and any(name in source.names for name in WEIGHTS)
                and read_sidecar(source.path / "config.json").get("_class_name") == CLASS_NAME
            )
        return source.container.kind in KINDS and _prefix(source.tensors) is not None
    except (UnreadableFileError, UnreadableModelError, OSError):
        return False


def read(source: Source) -> Bundle:
    """The autoencoder.

    Raises:
        UnreadableModelError: its blocks are of other kinds, or do not fit each other.
    """
    name = source.path.name
    said: Mapping[str, Any] = {}
    if source.is_folder:
        said = read_sidecar(source.path / "config.json")
        weights = next(name for name in WEIGHTS if name in source.names)
        tensors = flat_tensors(read_contents(source.path / weights))
    else:
        tensors = source.tensors
    prefix = _prefix(tensors)
    if prefix is None:
        raise UnreadableModelError(f"{name} is an AutoencoderKL, but its decoder is not in it.")
    stored = {_named(k[len(prefix) :]): t for k, t in tensors.items() if k.startswith(prefix)}
    try:
        config, sure = _config(stored, said, source)
    except (KeyError, IndexError, ValueError) as error:
        raise UnreadableModelError(
            f"{name} looks like an AutoencoderKL, but its tensors do not fit ({error})."
        ) from error
    down = 2 ** (len(config.channels) - 1)
    image = ImageSpec(
        config.output_channels, config.height * down, config.width * down, (-1.0, 1.0)
    )
    dim = config.latent_channels * config.height * config.width
    spec = Spec(
        source.name,
        "autoencoder",
        LatentSpec(dim, "none"),
        image,
        encoder=config.encoder,
        truncation=False,
    )
    assumptions = [] if sure else [Assumption("size", image.height, 0.5, (128, 512))]
    return make_bundle(
        source,
        reader="diffusers",
        spec=spec,
        network=network_table("autoencoder_kl", config),
        arrays=_arrays(stored, config),
        assumptions=assumptions,
        warnings=[
            f"Its latent is a picture of {config.latent_channels} x {config.height} x "
            f"{config.width} values that follow no known distribution: samples drawn at random "
            "show nothing; encode pictures and explore around them."
        ],
    )


def _prefix(tensors: Mapping[str, StoredTensor]) -> str | None:
    found = next((key for key in tensors if key.endswith(_MARK)), None)
    return None if found is None else found.removesuffix(_MARK)


def _named(name: str) -> str:
    """The present name of a tensor that older files call otherwise."""
    parts = name.split(".")
    for index, part in enumerate(parts):
        if index and parts[index - 1].isdigit() and part in _OLD_ATTENTION:
            parts[index] = _OLD_ATTENTION[part]
    return ".".join(parts)


def _config(
    stored: Mapping[str, StoredTensor], said: Mapping[str, Any], source: Source
) -> tuple[AutoencoderKLConfig, bool]:
    """Sizes from the tensors; groups and the picture's size, which they do not tell, from the
    configuration. The second says whether the size is certain.
    """
    blocks = [m for m in map(_BLOCK.match, stored) if m]
    stages = 1 + max(int(match[1]) for match in blocks)
    layers = max(int(match[2]) for match in blocks)
    if any(f".{kind}.0." in k for k in stored for kind in ("attentions",) if "mid_block" not in k):
        raise ValueError("attention outside the middle")
    channels = [
        stored[f"decoder.up_blocks.{i}.resnets.0.conv1.weight"].shape[0] for i in range(stages)
    ][::-1]
    decoder_in = stored["decoder.conv_in.weight"].shape
    groups = said.get("norm_num_groups", 32)
    if not isinstance(groups, int) or groups < 1 or any(size % groups for size in channels):
        groups = math.gcd(32, *channels)
    has_encoder = "encoder.conv_in.weight" in stored
    down = 2 ** (stages - 1)
    wanted = source.settings.whole("size", down, 1 << 12)
    sample = said.get("sample_size")
    usual = sample if isinstance(sample, int) and down <= sample <= 1 << 12 else LARGEST_SIDE
    side = max(1, (wanted or min(usual, LARGEST_SIDE)) // down)
    if decoder_in[1] * side * side > MAX_LATENT:
        raise ValueError("the latent would have too many values")
    return (
        AutoencoderKLConfig(
            image_channels=stored["encoder.conv_in.weight"].shape[1] if has_encoder else 3,
            output_channels=stored["decoder.conv_out.weight"].shape[0],
            latent_channels=decoder_in[1],
            channels=tuple(channels),
            layers=layers,
            groups=groups,
            height=side,
            width=side,
            attention="decoder.mid_block.attentions.0.to_q.weight" in stored,
            quant="quant_conv.weight" in stored,
            post_quant="post_quant_conv.weight" in stored,
            encoder=has_encoder,
        ),
        wanted is not None,
    )


def _arrays(
    stored: Mapping[str, StoredTensor], config: AutoencoderKLConfig
) -> Callable[[], dict[str, NDArray[Any]]]:
    parts = ["decoder.", "post_quant_conv."]
    if config.encoder:
        parts += ["encoder.", "quant_conv."]
    names = [name for name in stored if name.startswith(tuple(parts))]

    def arrays() -> dict[str, NDArray[Any]]:
        found = {name: stored[name].float32(name) for name in names}
        return {
            # Older files keep the attention's matrices as 1 x 1 convolutions.
            name: np.ascontiguousarray(array.reshape(array.shape[:2]))
            if ".attentions." in name and array.ndim == 4
            else array
            for name, array in found.items()
        }

    return arrays
