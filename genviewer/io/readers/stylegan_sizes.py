"""The configuration of a style-based generator from the shapes of its tensors."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from genviewer.nets.style_configs import (
    MappingConfig,
    StyleGAN2Config,
    StyleGAN3Config,
    bands,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Shape = tuple[int, ...]


CLAMP = 256.0  # of every configuration that was trained in half precision
MAX_LAYERS = 64
MAX_MARGIN = 32
_LAYER = re.compile(r"^synthesis\.(L(\d+)_(\d+)_(\d+))\.weight$")


def stylegan2_config(
    shapes: Mapping[str, Shape], arguments: Mapping[str, Any], clamp: float | None = CLAMP
) -> StyleGAN2Config:
    """Of a StyleGAN2 with these tensors, by our names; ``arguments`` of its constructor, if known.

    ``clamp`` holds where the arguments do not say.

    Raises:
        ValueError, KeyError: they are not the tensors of one.
    """
    channels = [shapes["synthesis.b4.const"][0]]
    while len(channels) < 12:
        weight = shapes.get(f"synthesis.b{4 << len(channels)}.conv0.weight")
        if weight is None:
            break
        channels.append(weight[0])
    last = f"synthesis.b{4 << (len(channels) - 1)}"
    architecture = "skip" if "synthesis.b4.torgb.weight" in shapes else "orig"
    if any(name.endswith(".skip.weight") for name in shapes):
        architecture = "resnet"
    if len(channels) == 1:
        architecture = "skip"
    inner = arguments.get("synthesis_kwargs", arguments)
    return StyleGAN2Config(
        mapping=_mapping(shapes, arguments),
        channels=tuple(channels),
        image_channels=shapes[f"{last}.torgb.weight"][0],
        architecture=architecture,  # type: ignore[arg-type]
        clamp=_clamp(inner, clamp),
        noise=any(name.endswith(".noise_strength") for name in shapes),
        filter_size=shapes.get("synthesis.b4.resample_filter", (4,))[0],
    )


def stylegan3_config(shapes: Mapping[str, Shape], arguments: Mapping[str, Any]) -> StyleGAN3Config:
    """Of a StyleGAN3 with these tensors.

    Names say the sizes of all layers. Where ``arguments`` are missing, the margin and the number of
    critically sampled layers are those that lead to the same sizes.

    Raises:
        ValueError, KeyError: they are not the tensors of one, or of no known arrangement.
    """
    layers = _layers(shapes)
    names = [name for name, _ in layers]
    wanted = [_signature(shapes, name) for name in names]
    first, last = shapes[f"synthesis.{names[0]}.weight"], shapes[f"synthesis.{names[-1]}.weight"]
    inputs = [first[1], *(weight[0] for _, weight in layers[1:-1])]
    inner = {**arguments, **arguments.get("synthesis_kwargs", {})}
    up_filter = shapes.get(f"synthesis.{names[0]}.up_filter")
    common: dict[str, Any] = {
        "mapping": _mapping(shapes, arguments),
        "image_size": int(names[-1].split("_")[1]),
        "image_channels": last[0],
        "channels": tuple(inputs),
        "conv_kernel": first[2],
        "use_radial_filters": any(
            len(shape) == 2 for name, shape in shapes.items() if name.endswith(".down_filter")
        ),
        "clamp": _clamp(inner, CLAMP),
    }
    numbers = ("first_cutoff", "first_stopband", "last_stopband_rel", "output_scale")
    common |= {name: float(inner[name]) for name in numbers if name in inner}
    if "lrelu_upsampling" in inner:
        common["lrelu_upsampling"] = int(inner["lrelu_upsampling"])
    if "filter_size" in inner:
        common["filter_size"] = int(inner["filter_size"])
    elif up_filter is not None and up_filter[0] % 2 == 0:
        common["filter_size"] = up_filter[0] // 2
    for margin, critical in _arrangements(inner, len(inputs)):
        config = StyleGAN3Config(**common, margin_size=margin, num_critical=critical)
        if _expected(config) == wanted:
            return config
    raise ValueError("its layers have sizes of no known arrangement")


def _arrangements(arguments: Mapping[str, Any], count: int) -> Iterator[tuple[int, int]]:
    """Margins and numbers of critically sampled layers to try, the said ones first."""
    margin, critical = arguments.get("margin_size", 10), arguments.get("num_critical", 2)
    if isinstance(margin, int) and isinstance(critical, int) and 0 < critical < count:
        yield margin, critical
    for few in range(1, min(count, 9)):
        for wide in range(MAX_MARGIN + 1):
            yield wide, few


def _layers(shapes: Mapping[str, Shape]) -> list[tuple[str, Shape]]:
    found: dict[int, tuple[str, Shape]] = {}
    for name, shape in shapes.items():
        match = _LAYER.match(name)
        if match is not None and len(shape) == 4 and len(match[2]) <= 3:
            found[int(match[2])] = (match[1], shape)
    if not 3 <= len(found) <= MAX_LAYERS or sorted(found) != list(range(len(found))):
        raise ValueError("its layers are not numbered without gaps")
    return [found[index] for index in range(len(found))]


def _signature(shapes: Mapping[str, Shape], layer: str) -> tuple[str, int, int]:
    """Name and taps of a layer's filters, 1 for none."""
    up, down = (
        shapes.get(f"synthesis.{layer}.{kind}", (1,)) for kind in ("up_filter", "down_filter")
    )
    return layer, up[0], down[0]


def _expected(config: StyleGAN3Config) -> list[tuple[str, int, int]]:
    signal = bands(config)
    result = []
    for index, (before, after) in enumerate(itertools.pairwise([signal[0], *signal])):
        last = index == len(signal) - 1
        rate = max(before.rate, after.rate) * (1 if last else config.lrelu_upsampling)
        up, down = round(rate / before.rate), round(rate / after.rate)
        taps = [
            config.filter_size * factor if factor > 1 and not last else 1 for factor in (up, down)
        ]
        result.append((f"L{index}_{after.size}_{after.channels}", taps[0], taps[1]))
    return result


def _mapping(shapes: Mapping[str, Shape], arguments: Mapping[str, Any]) -> MappingConfig:
    widths: list[int] = []
    while len(widths) < MAX_LAYERS:
        weight = shapes.get(f"mapping.fc{len(widths)}.weight")
        if weight is None:
            break
        widths.append(weight[0])
    if not widths:
        raise KeyError("mapping network")
    embed = shapes.get("mapping.embed.weight", (0, 0))
    said = arguments.get("mapping_kwargs", {}).get("lr_multiplier", 0.01)
    return MappingConfig(
        latent_dim=shapes["mapping.fc0.weight"][1] - embed[0],
        classes=embed[1],
        embed=embed[0],
        widths=tuple(widths),
        rate=float(said),
    )


def _clamp(arguments: Mapping[str, Any], otherwise: float | None) -> float | None:
    if "conv_clamp" not in arguments:
        return otherwise
    said = arguments["conv_clamp"]
    return None if said is None else float(said)
