"""Style-based generators: NVIDIA's pickles, read inertly, and state dicts of the same networks.

A pickle holds several networks; the averaged one (``G_ema``) is what its authors draw with. Sizes
come from the tensors, what those do not say from the constructor's arguments in the pickle, and
failing these from what every published configuration has in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec, SynthesisSpec
from genviewer.io.bundle import Assumption
from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import module_records
from genviewer.io.foreign.plain_values import plain
from genviewer.io.readers.source import (
    Source,
    UnreadableModelError,
    make_bundle,
    network_table,
)
from genviewer.io.readers.stylegan_names import Found, find_networks
from genviewer.io.readers.stylegan_sizes import CLAMP, stylegan2_config, stylegan3_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.io.bundle import Bundle
    from genviewer.nets.style_configs import StyleGAN2Config, StyleGAN3Config

RANGE = (-1.0, 1.0)
KINDS = ("pickle", "torch-zip", "torch-legacy", "safetensors")


def sniff(source: Source) -> bool:
    """Whether there is a style-based generator in it."""
    if source.is_folder:
        return False
    try:
        return source.container.kind in KINDS and bool(find_networks(source.tensors))
    except (UnreadableFileError, OSError):
        return False  # the reader that comes last tells what is wrong


def read(source: Source) -> Bundle:
    """The averaged generator of the file.

    Raises:
        UnreadableModelError: its tensors are not those of a network of this kind.
    """
    found = find_networks(source.tensors)[0]
    arguments = _arguments(source, found.path)
    try:
        if found.kind == "stylegan3":
            config3 = stylegan3_config(found.shapes, arguments)
            spec = _spec(source, found, config3, config3.image_size)
            config: StyleGAN2Config | StyleGAN3Config = config3
        else:
            config = stylegan2_config(found.shapes, arguments, CLAMP if found.clamped else None)
            spec = _spec(source, found, config, config.image_size)
    except (ValueError, KeyError, TypeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise UnreadableModelError(
            f"{source.path.name} looks like {found.title}, but its tensors do not fit: {reason}."
        ) from error
    assumptions, warnings = [], []
    if not arguments:
        clamp = None if config.clamp is None else float(config.clamp)
        assumptions.append(Assumption("clamp", clamp, 0.9, ("none", 256.0)))
        assumptions.append(Assumption("prior", "normal", 0.99))
    if "mapping.w_avg" not in found.shapes:
        warnings.append("The file holds no average style, so truncation moves towards zero.")
    return make_bundle(
        source,
        reader="stylegan",
        spec=spec,
        network=network_table(found.kind, config),
        arrays=_reader(found, config),
        assumptions=assumptions,
        warnings=warnings,
        provenance={"network": found.path} if found.path else {},
    )


def _arguments(source: Source, path: str) -> dict[str, Any]:
    """The constructor's arguments that a pickled network remembers; empty for bare tensors."""
    if source.container.kind == "safetensors":
        return {}
    record = module_records(source.contents).get(path)
    if record is None:
        return {}
    arguments = plain(record.attributes.get("_init_kwargs"))
    return arguments if isinstance(arguments, dict) else {}


def _spec(
    source: Source, found: Found, config: StyleGAN2Config | StyleGAN3Config, size: int
) -> Spec:
    low, high = source.settings.numbers("range") or RANGE
    classes = config.mapping.classes
    return Spec(
        name=source.name,
        family="gan",
        latent=LatentSpec(config.mapping.latent_dim, "normal", ("z", "w")),
        image=ImageSpec(config.image_channels, size, size, (low, high)),
        conditions=(ConditionSpec("class", "class", classes),) if classes else (),
        truncation=True,
        noise=found.kind == "stylegan2" and found.has_noise,
        layers=config.layers,
        synthesis=SynthesisSpec(
            w_dim=config.mapping.widths[-1], transform=found.kind == "stylegan3"
        ),
    )


def _reader(
    found: Found, config: StyleGAN2Config | StyleGAN3Config
) -> Callable[[], dict[str, NDArray[Any]]]:
    """Reads the state dict: what the file holds, and what it left out."""
    left_out = found.left_out(config)

    def arrays() -> dict[str, NDArray[Any]]:
        result: dict[str, NDArray[Any]] = dict(left_out)
        for name, stored in found.tensors.items():
            values = stored.tensor.float32(name).reshape(stored.shape)
            result[name] = values if stored.factor == 1.0 else values * np.float32(stored.factor)
        return result

    return arrays
