"""Sizes of style-based generators and of BigGAN, read and checked without torch."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import msgspec

FIRST = 4  # px, the side that every picture of StyleGAN2 and BigGAN begins with


class MappingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a :class:`MappingNetwork`.

    ``widths`` are the outputs of its layers, the last that of a style. ``embed`` is the width of
    the embedded condition of ``classes`` values; ``rate`` the factor of its weights.
    """

    latent_dim: int = 512
    classes: int = 0
    embed: int = 0
    widths: tuple[int, ...] = (512,) * 8
    rate: float = 0.01

    def __post_init__(self) -> None:
        if not self.widths or min(self.latent_dim, *self.widths) < 1:
            raise ValueError("sizes must be positive")
        if (self.classes > 0) != (self.embed > 0) or min(self.classes, self.embed) < 0:
            raise ValueError("a condition needs its number of values and an embedding")
        if not 0.0 < self.rate <= 1.0:
            raise ValueError("the rate is between 0 and 1")


class StyleGAN2Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a :class:`StyleGAN2`.

    ``channels`` are per block, each twice as large as the one before, the first of 4 x 4 pixels.
    ``clamp`` bounds activations, which networks trained in half precision need. ``filter_size`` is
    the number of taps of the resampling filter.
    """

    mapping: MappingConfig = MappingConfig()
    channels: tuple[int, ...] = (512, 512, 512, 512, 256, 128, 64)
    image_channels: int = 3
    architecture: Literal["skip", "resnet", "orig"] = "skip"
    clamp: float | None = None
    noise: bool = True
    filter_size: int = 4

    def __post_init__(self) -> None:
        if not 1 <= len(self.channels) <= 10 or min(*self.channels, self.image_channels) < 1:
            raise ValueError("channels must have one positive entry per block, 10 at most")
        if not 2 <= self.filter_size <= 64 or (self.clamp is not None and self.clamp <= 0.0):
            raise ValueError("the filter has 2 to 64 taps, and the clamp is positive")

    @property
    def layers(self) -> int:
        """How many layers take a style."""
        return 2 * len(self.channels)

    @property
    def image_size(self) -> int:
        """The picture's side in pixels."""
        return FIRST << (len(self.channels) - 1)


class StyleGAN3Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the layers of a :class:`StyleGAN3` follow from; defaults are those of the paper.

    ``channels`` are the input's, which the first layer keeps, and those of the layers after it but
    the last, which draws the picture.
    ``first_stopband`` and ``last_stopband_rel`` are the transition bands of the first layer
    (cycles per picture) and of the last (relative to its cutoff). ``clamp`` bounds activations.
    """

    mapping: MappingConfig = MappingConfig(widths=(512, 512))
    image_size: int = 256
    image_channels: int = 3
    channels: tuple[int, ...] = (512,) * 14
    num_critical: int = 2
    first_cutoff: float = 2.0
    first_stopband: float = 2.0**2.1
    last_stopband_rel: float = 2.0**0.3
    margin_size: int = 10
    output_scale: float = 0.25
    conv_kernel: int = 3
    filter_size: int = 6
    lrelu_upsampling: int = 2
    use_radial_filters: bool = False
    clamp: float | None = 256.0

    def __post_init__(self) -> None:
        sizes = (self.image_size, self.image_channels, self.filter_size, *self.channels)
        if not 2 <= len(self.channels) <= 64 or min(sizes) < 1 or self.image_size > 1 << 12:
            raise ValueError("sizes must be positive, and the picture no larger than 4096 pixels")
        if not 0 < self.num_critical < len(self.channels):
            raise ValueError("some layers, but not all, are critically sampled")
        if self.conv_kernel not in (1, 3) or not 0 <= self.margin_size <= 64:
            raise ValueError("kernels are 1 or 3, and the margin 64 pixels at most")
        if not 1 <= self.lrelu_upsampling <= 8 or self.filter_size > 64:
            raise ValueError("filters have 64 taps at most, and nonlinearities 8 times the rate")
        bands = (self.first_cutoff, self.first_stopband, self.last_stopband_rel)
        if min(bands) <= 0.0 or (self.clamp is not None and self.clamp <= 0.0):
            raise ValueError("bands and the clamp are positive")

    @property
    def layers(self) -> int:
        """How many layers take a style, the input being one of them."""
        return len(self.channels) + 2


class Band(NamedTuple):
    """What the signal between two layers looks like: side in pixels, rates in cycles."""

    size: int
    rate: int
    cutoff: float
    half_width: float
    channels: int


def bands(config: StyleGAN3Config) -> list[Band]:
    """The signal at the input and after each layer (section 3.2 of the paper)."""
    last = config.image_size / 2
    stop = last * config.last_stopband_rel
    count = len(config.channels)
    channels = (*config.channels, config.image_channels)
    result = []
    for index in range(count + 1):
        part = min(index / (count - config.num_critical), 1.0)
        cutoff = config.first_cutoff * (last / config.first_cutoff) ** part
        stopband = config.first_stopband * (stop / config.first_stopband) ** part
        rate = 1 << math.ceil(math.log2(min(2.0 * stopband, config.image_size)))
        half_width = max(stopband, rate / 2) - cutoff
        size = rate + 2 * config.margin_size
        if index >= count - 1:
            size = config.image_size
        result.append(Band(size, rate, cutoff, half_width, channels[index]))
    return result


class BigGANLayer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One residual block: its channels, and whether it doubles the size."""

    inputs: int
    outputs: int
    up: bool = False


class BigGANConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a :class:`BigGAN`.

    ``attention`` is the index of the block that self-attention comes before; None for none.
    ``statistics`` is the number of truncations that batch-norm statistics were measured for,
    evenly from 0 to 1. ``colours`` are the output channels of the last convolution, of which the
    first three are shown.
    """

    latent_dim: int = 128
    classes: int = 1000
    embed: int = 128
    blocks: tuple[BigGANLayer, ...] = (
        BigGANLayer(2048, 2048),
        BigGANLayer(2048, 2048, True),
        BigGANLayer(2048, 2048),
        BigGANLayer(2048, 1024, True),
        BigGANLayer(1024, 1024),
        BigGANLayer(1024, 512, True),
        BigGANLayer(512, 512),
        BigGANLayer(512, 256, True),
        BigGANLayer(256, 256),
        BigGANLayer(256, 128, True),
    )
    attention: int | None = 8
    statistics: int = 51
    colours: int = 128
    eps: float = 1e-4

    def __post_init__(self) -> None:
        if not 1 <= len(self.blocks) <= 64 or sum(block.up for block in self.blocks) > 10:
            raise ValueError("there are 1 to 64 blocks, of which 10 double the size at most")
        if min(self.latent_dim, self.classes, self.embed) < 1 or self.colours < 3:
            raise ValueError("sizes must be positive, and three colours come out")
        if self.statistics < 2 or self.eps < 0.0:
            raise ValueError("statistics are of two truncations at least")
        for before, after in zip(self.blocks, self.blocks[1:], strict=False):
            if before.outputs != after.inputs:
                raise ValueError("a block takes what the one before gives")
        if any(min(b.inputs, b.outputs) < 4 or b.outputs > b.inputs for b in self.blocks):
            raise ValueError("a block has 4 channels at least, and no more at its end than before")

    @property
    def image_size(self) -> int:
        """The picture's side in pixels."""
        return FIRST << sum(block.up for block in self.blocks)
