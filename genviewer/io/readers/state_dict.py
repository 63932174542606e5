"""The reader of bare weights: state dicts, training files, Lightning files, whole modules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.io.foreign.budget import clean
from genviewer.io.foreign.contents import module_records
from genviewer.io.readers.canonical import Network, networks
from genviewer.io.readers.choices import assemble
from genviewer.io.readers.hints import hints_of
from genviewer.io.readers.layers import Layers, gather
from genviewer.io.readers.lines import NO_HINTS
from genviewer.io.readers.pairs import joined
from genviewer.io.readers.reading import Reading, Told, read_layers
from genviewer.io.readers.refusals import refusal
from genviewer.io.readers.settle import Settled, settle
from genviewer.io.readers.sizes import UNUSUAL_SIDE, side_cost
from genviewer.io.readers.source import UnreadableModelError, make_bundle, network_table
from genviewer.nets.chain_steps import parameter_shapes, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.io.bundle import Bundle
    from genviewer.io.readers.lines import Hints
    from genviewer.io.readers.settings import Settings
    from genviewer.io.readers.source import Source
    from genviewer.nets.chain_config import ChainConfig

NAME = "state-dict"
KINDS = ("torch-zip", "torch-legacy", "pickle", "safetensors")
MAX_NETWORKS = 12


def sniff(source: Source) -> bool:
    """Any container of tensors."""
    return source.container.kind in KINDS


def read(source: Source) -> Bundle:
    """Recognise the network in the tensors.

    Raises:
        UnreadableModelError: saying what the file holds instead of an image generator.
    """
    told = told_by(source)
    whole = _with_other_half(source, told)
    if whole is not None:
        return whole
    reasons: list[str] = []
    records = module_records(source.contents)
    for network in networks(source.tensors)[:MAX_NETWORKS]:
        if network.judge:
            continue
        try:
            layers = gather(network.tensors)
        except ValueError as error:
            reasons.append(f"it has {error}")
            continue
        reason = (None if layers.layers else odd_weights(network)) or refusal(layers)
        hints = hints_of(records, network.path, layers)
        readings = [] if reason else read_layers(layers.layers, hints, told)
        if readings:
            reason = no_picture(readings[0], source.settings)
            if reason is None:
                return _bundle(source, network, layers, readings, hints)
        reasons.append(
            reason or odd_weights(network) or "no image decoder was found among its layers"
        )
    found = reasons[0] if reasons else "there are no weights in it"
    raise UnreadableModelError(f"{source.path.name} is no image generator: {found}.")


def _with_other_half(source: Source, told: Told) -> Bundle | None:
    """The model with the encoder or decoder in a file beside this one, where the two fit."""
    found = joined(source.path, source.tensors)
    if found is None:
        return None
    tensors, beside = found
    try:
        layers = gather(tensors)
    except ValueError:
        return None
    readings = [] if refusal(layers) else read_layers(layers.layers, NO_HINTS, told)
    if not readings or readings[0].encoder is None or no_picture(readings[0], source.settings):
        return None
    note = f"The other half of the network was found beside it, in {clean(beside)}."
    return _bundle(source, Network("", tensors), layers, readings, NO_HINTS, note)


def odd_weights(network: Network) -> str | None:
    """What is said of weights that are no real numbers; None where there are none."""
    for name, tensor in network.tensors.items():
        odd = tensor.dtype.startswith(("complex", "int", "uint", "bool"))
        if odd and len(tensor.shape) > 1 and name.rpartition(".")[2] == "weight":
            return f"its tensor {clean(name)} holds {tensor.dtype} values, and weights are real"
    return None


def no_picture(reading: Reading, settings: Settings) -> str | None:
    """Why a decoder's vector is hardly a picture; None if it is one, or was said to be."""
    output = settings.choice("output", ("image", "refuse"))
    if not reading.decoder.flat:
        return None
    channels, height, width = reading.decoder.lines[0].shape
    told = output == "image" or settings.whole("size") is not None
    if not told and (output == "refuse" or side_cost(height, width) >= UNUSUAL_SIDE):
        return (
            f"its decoder gives {channels * height * width} values, a curve or a table row rather "
            f"than a picture (--set output=image reads them as {width} x {height} pixels)"
        )
    return None


def told_by(source: Source) -> Told:
    """What was said about sizes."""
    settings = source.settings
    channels, side = settings.whole("channels", 1, 4), settings.whole("size", 1, 1 << 14)
    image = None
    if channels is not None or side is not None:
        side = -1 if side is None else side
        image = (-1 if channels is None else channels, side, side)
    return Told(settings.whole("latent", 1), settings.whole("classes", 1), image)


def _bundle(
    source: Source,
    network: Network,
    layers: Layers,
    readings: list[Reading],
    hints: Hints,
    *notes: str,
) -> Bundle:
    settled = settle(readings, layers, hints, source.settings)
    config = assemble(settled.reading, settled.choices)
    arrays = reader_of(config, layers)
    spec = make_spec(source.name, config, settled)
    provenance: dict[str, Any] = {"container": source.container.kind}
    if network.path:
        provenance["network"] = network.path
    return make_bundle(
        source,
        reader=NAME,
        spec=spec,
        network=network_table("chain", config),
        arrays=arrays,
        assumptions=settled.assumptions,
        warnings=[*source.contents.warnings, *notes, *settled.warnings],
        provenance=provenance,
    )


def tensor_shapes(config: ChainConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the network's state dict."""
    parts = [config.decoder]
    if config.encoder is not None:
        parts += [config.encoder.steps, config.encoder.mean, config.encoder.scale]
    shapes: dict[str, tuple[int, ...]] = {}
    for part in parts:
        for step in walk(part):
            shapes |= parameter_shapes(step)
    return shapes


def reader_of(config: ChainConfig, layers: Layers) -> Callable[[], dict[str, NDArray[Any]]]:
    """What reads the network's state dict out of the file."""
    names = list(tensor_shapes(config))

    def arrays() -> Mapping[str, NDArray[np.float32]]:
        return {name: layers.reads[name]() for name in names}

    return arrays  # type: ignore[return-value]


def make_spec(name: str, config: ChainConfig, settled: Settled) -> Spec:
    """What the network can do."""
    channels, height, width = config.image
    conditions = tuple(
        ConditionSpec(
            "class" if len(config.conditions) == 1 else f"class {index + 1}",
            "class" if size > 1 else "continuous",
            size,
        )
        for index, size in enumerate(config.conditions)
    )
    family = settled.family
    low, high = settled.range
    return Spec(
        name=name,
        family=family,
        latent=LatentSpec(config.latent, settled.choices.prior),
        image=ImageSpec(channels, height, width, (low, high)),
        conditions=conditions,
        encoder=config.encoder is not None,
        density=family == "vae" and config.likelihood == "bernoulli" and math.isclose(high, 1.0),
        truncation=settled.choices.prior != "none",
    )
