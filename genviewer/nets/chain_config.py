"""A network as data: a chain of typed steps, checked before anything is allocated for it.

The steps say what a foreign checkpoint's tensors are for: names are those of its state dict, so
that its arrays fit the network as they are. Nothing here imports torch.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from genviewer.nets.chain_steps import Shape, Step, after_steps, check_names

MAX_STEPS = 1024
MAX_PARAMETERS = 1 << 31
MAX_CONDITION = 1 << 16
POINT_LOGVAR = -30.0
"""The log-variance of an encoder that gives points: it stands for no variance at all."""


class EncoderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From a picture to the posterior: common ``steps``, then heads.

    ``split`` says where mean and scale come from: two heads of their own, the first and second
    half of one, its even and odd rows, or no scale at all. ``scale`` says what the second head
    gives: the logarithm of the variance or of sigma, sigma, or the variance.
    """

    steps: tuple[Step, ...]
    mean: tuple[Step, ...] = ()
    scale: tuple[Step, ...] = ()
    split: Literal["heads", "halves", "interleaved", "none"] = "heads"
    kind: Literal["logvar", "log_sigma", "sigma", "variance"] = "logvar"


class ChainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Latent size, sizes of the conditions in packed order, picture (C, H, W), and the steps.

    ``likelihood`` is ``bernoulli`` where the last step is a sigmoid that a picture's pixels are
    the probabilities of; it is what a density rests on.
    """

    latent: int
    image: tuple[int, int, int]
    decoder: tuple[Step, ...]
    conditions: tuple[int, ...] = ()
    encoder: EncoderConfig | None = None
    likelihood: Literal["bernoulli", "none"] = "none"

    def __post_init__(self) -> None:
        check_chain(self)


def check_chain(config: ChainConfig) -> None:
    """Follow the shapes through the whole network.

    Raises:
        ValueError: naming the step that does not fit, or what is beyond all bounds.
    """
    if not 1 <= config.latent <= 1 << 16:
        raise ValueError("the latent size is not usable")
    if any(not 1 <= size <= MAX_CONDITION for size in config.conditions):
        raise ValueError("a condition's size is not usable")
    encoder = config.encoder
    parts = [config.decoder]
    if encoder is not None:
        parts += [encoder.steps, encoder.mean, encoder.scale]
    if sum(len(part) for part in parts) > MAX_STEPS:
        raise ValueError("the network has too many steps")
    if check_names(parts) > MAX_PARAMETERS:
        raise ValueError("the network has too many parameters")
    shape = after_steps(config.decoder, (config.latent,), config.conditions)
    if len(shape) == 1:
        raise ValueError("the decoder does not end in a picture")
    if shape != tuple(config.image):
        raise ValueError(f"the decoder ends in {shape}, not in {tuple(config.image)}")
    if encoder is not None:
        _check_encoder(encoder, config)


def _check_encoder(encoder: EncoderConfig, config: ChainConfig) -> None:
    common = after_steps(encoder.steps, tuple(config.image), config.conditions)
    mean = after_steps(encoder.mean, common, config.conditions)
    expected: Shape = (config.latent,)
    if encoder.split in ("halves", "interleaved"):
        expected = (2 * config.latent,)
    if mean != expected:
        raise ValueError(f"the encoder ends in {mean}, not in {expected}")
    if encoder.split == "heads":
        scale = after_steps(encoder.scale, common, config.conditions)
        if scale != expected:
            raise ValueError(f"the encoder's scale ends in {scale}, not in {expected}")
    elif encoder.scale:
        raise ValueError("the encoder's scale has steps that nothing uses")
