"""A whole network read out of its layers: decoder alone, or encoder and decoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genviewer.io.readers.decoder_form import DecoderForm, decoder_forms
from genviewer.io.readers.encoder_form import EncoderForm, Heads, encoder_form, heads_of
from genviewer.io.readers.naming import is_label, is_mean, is_scale, side_of, steps_between
from genviewer.io.readers.sizes import CHANNELS, flat_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.io.readers.layers import Layer
    from genviewer.io.readers.lines import Hints
    from genviewer.nets.chain_steps import Shape

WRONG_SIDE = 1.5
"""What it costs that a layer called after one side is used on the other."""

MAX_SPLITS = 120
SETTLED = 1.0
"""A reading this usual is taken without looking for others."""

LARGEST_LATENT = 300
MAX_SHAPES = 6
SMALLEST_PICTURE = 49
MAX_PLANES = 260


@dataclass(frozen=True)
class Reading:
    """A decoder, and the encoder that fits it."""

    decoder: DecoderForm
    encoder: EncoderForm | None
    cost: float
    joint: bool = False  # conditions are discrete latents that the encoder has heads for


@dataclass(frozen=True)
class Told:
    """What a person or a file beside the weights tells of a network; None where nothing does."""

    latent: int | None = None
    classes: int | None = None
    image: Shape | None = None  # (C, H, W); -1 where open


def read_layers(layers: Sequence[Layer], hints: Hints, told: Told) -> list[Reading]:
    """The readings of a network's layers, the most usual first; empty if there are none."""
    found = _both(layers, hints, told)
    # Where an encoder fits well, the same layers read as one long decoder are less likely.
    alone = 2.0 if any(reading.cost < SETTLED for reading in found) else 0.0
    found += [
        Reading(form, None, form.best + alone + _hourglass(form))
        for form in decoder_forms(layers, hints, told.latent, told.classes, told.image)
    ]
    if not found:
        only = [layer for layer in layers if side_of(layer.name) != "encoder"]
        if only and len(only) < len(layers):
            forms = decoder_forms(only, hints, told.latent, told.classes, told.image)
            found = [Reading(form, None, form.best + 2.0) for form in forms]
    return sorted(found, key=lambda reading: reading.cost)


def _hourglass(form: DecoderForm) -> float:
    """What it costs that a decoder's latent is as large as its picture: that is an encoder."""
    pixels = math.prod(form.lines[0].shape)
    return 3.0 if form.latent > LARGEST_LATENT and 2 * form.latent > pixels else 0.0


def _both(layers: Sequence[Layer], hints: Hints, told: Told) -> list[Reading]:
    """Encoder and decoder: every place where the file's order may pass from one to the other."""
    shared = [layer for layer in layers if _is_table(layer)]
    rest = [layer for layer in layers if not _is_table(layer)]
    found: list[Reading] = []
    for encoder_part, decoder_part in _splits(rest):
        if not _ends_in_picture(decoder_part) or not _starts_with_picture(encoder_part):
            continue
        for heads in heads_of(encoder_part):
            if _one_sequence(heads, decoder_part) and heads.split != "none":
                continue  # what is numbered in one Sequential has no heads in the middle
            found += _with_heads(heads, shared, decoder_part, hints, told)
        if any(reading.cost < SETTLED for reading in found):
            break
    return found


def _one_sequence(heads: Heads, decoder_part: Sequence[Layer]) -> bool:
    first = decoder_part[0].name if decoder_part else ""
    return any(steps_between(a, b) is not None for a, b in ((heads.mean.name, first),)) or any(
        steps_between(decoder_part[-1].name, layer.name) is not None for layer in heads.body[:1]
    )


def _ends_in_picture(layers: Sequence[Layer]) -> bool:
    """Whether the last layer may give a picture: a cheap look before any search."""
    last = next((x for x in reversed(layers) if x.kind in ("linear", "conv")), None)
    if last is None:
        return False
    if last.kind == "linear":
        return bool(flat_images(last.shape[0]))
    channels = {last.outputs} if last.outputs else set(last.shape[:2])
    return bool(channels & set(CHANNELS))


def _starts_with_picture(layers: Sequence[Layer]) -> bool:
    """Whether the first layer may take a picture, with a condition perhaps."""
    first = next((x for x in layers if x.kind in ("linear", "conv") and not is_label(x.name)), None)
    if first is None:
        return False
    if first.kind == "linear":
        return first.shape[1] >= SMALLEST_PICTURE
    return first.shape[1] <= MAX_PLANES


def _is_table(layer: Layer) -> bool:
    return layer.kind == "linear" and not layer.bias and is_label(layer.name)


def _splits(layers: list[Layer]) -> list[tuple[list[Layer], list[Layer]]]:
    named = {
        name: [x for x in layers if side_of(x.name) == name] for name in ("encoder", "decoder")
    }
    splits = []
    if named["encoder"] and named["decoder"]:
        # Layers whose names tell nothing stand with the side that they are next to.
        sides = _filled([side_of(layer.name) for layer in layers])
        if sides is not None:
            splits.append(
                (
                    [x for x, side in zip(layers, sides, strict=True) if side == "encoder"],
                    [x for x, side in zip(layers, sides, strict=True) if side == "decoder"],
                )
            )
    for at in range(1, len(layers)):
        splits.append((layers[:at], layers[at:]))
        if len(splits) > MAX_SPLITS:
            break
    splits += [(layers[at:], layers[:at]) for at in range(1, min(len(layers), MAX_SPLITS))]
    return splits


def _filled(sides: list[str]) -> list[str] | None:
    filled, current = list(sides), ""
    for index, side in enumerate(sides):
        current = side or current
        filled[index] = current
    first = next((side for side in sides if side), None)
    if first is None:
        return None
    return [side or first for side in filled]


def _with_heads(
    heads: Heads, shared: list[Layer], decoder_part: list[Layer], hints: Hints, told: Told
) -> list[Reading]:
    if not decoder_part:
        return []
    first = next((x for x in decoder_part if x.kind in ("linear", "conv")), None)
    if first is None:
        return []
    latents = _latents(heads, first)
    found = []
    for latent, extra_cost in latents:
        if told.latent not in (None, latent):
            continue
        for form in decoder_forms([*shared, *decoder_part], hints, latent, None, told.image)[:3]:
            tried: set[Shape] = set()
            for line in form.lines:
                if line.shape in tried or len(tried) == MAX_SHAPES:
                    continue
                tried.add(line.shape)
                encoder = encoder_form(heads, hints, line.shape, latent, form.conditions)
                if encoder is None:
                    continue
                lines = tuple(x for x in form.lines if x.shape == line.shape)
                fitting = DecoderForm(
                    form.latent, form.conditions, lines, form.ordered, form.joined, form.flat,
                    form.cost,
                )  # fmt: skip
                names = _name_cost(heads, decoder_part)
                cost = fitting.best + 0.3 * encoder.line.cost + heads.cost + names + extra_cost
                joint = _is_joint(heads, form)
                found.append(Reading(fitting, encoder, cost - (1.0 if joint else 0.0), joint))
                break
    return found


def _latents(heads: Heads, first: Layer) -> list[tuple[int, float]]:
    """Sizes of z that the heads may mean, with costs."""
    outputs = heads.outputs
    size = outputs // 2 if heads.split == "fused" else outputs
    inputs = first.shape[1] if first.kind == "linear" else first.shape[0]
    if heads.mean.kind == "conv":
        # A latent that is a map: its side is found by trying.
        return [(size * side * side, 1.0) for side in (1, 2, 4, 7, 8, 16)]
    if first.kind == "conv" and size % inputs == 0 and size > inputs:
        return [(size, 1.0)]
    if size > inputs:
        return []
    unnamed = heads.split != "heads" and not is_mean(heads.mean.name)
    return [(size, 0.0 if size == inputs else 0.9 if unnamed else 0.2)]


def _is_joint(heads: Heads, form: DecoderForm) -> bool:
    if not heads.others or len(form.conditions) != 1:
        return False
    return sum(layer.shape[0] for layer in heads.others) == form.conditions[0].size


def _name_cost(heads: Heads, decoder_part: list[Layer]) -> float:
    ends = [heads.mean, *([heads.scale] if heads.scale else [])]
    wrong = sum(side_of(x.name) == "decoder" for x in (*heads.body, *ends))
    wrong += sum(side_of(x.name) == "encoder" for x in decoder_part)
    cost = WRONG_SIDE * wrong
    if heads.split == "heads" and heads.scale is not None:
        cost -= 0.5 * (is_named_heads(heads.mean.name, heads.scale.name))
    return cost


def is_named_heads(mean: str, scale: str) -> bool:
    """Whether two heads are called what they are."""
    return is_mean(mean) or is_scale(scale)
