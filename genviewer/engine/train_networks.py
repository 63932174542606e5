"""What training asks of a network, whichever family it is of.

Images are float32 (B, C, H, W) in [0, 1] here; ``span`` is the range of the network's pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch

from genviewer.engine.losses import bernoulli_nll, discretised_logistic_nll, gaussian_nll

if TYPE_CHECKING:
    from torch import Tensor, nn

Span = tuple[float, float]
UNIT: Span = (0.0, 1.0)
SMALLEST_ERROR = 1 / 255  # a picture is not known more exactly than its grey values


def condition_size(network: nn.Module) -> int:
    """How many condition values a network takes per sample; 0: none."""
    config = cast("Any", network).config
    if hasattr(config, "conditions"):
        return sum(config.conditions)
    return int(getattr(getattr(config, "mapping", config), "classes", 0))


def to_span(x: Tensor, span: Span) -> Tensor:
    """Images in [0, 1] in the network's range."""
    return x if span == UNIT else span[0] + x * (span[1] - span[0])


def to_unit(picture: Tensor, span: Span) -> Tensor:
    """A network's pictures in [0, 1]; what lies beyond its range lies beyond that too."""
    return picture if span == UNIT else (picture - span[0]) / (span[1] - span[0])


def encode(network: nn.Module, x: Tensor, y: Tensor | None, span: Span) -> tuple[Tensor, Tensor]:
    """Mean and log-variance (B, D) of the posterior of images in [0, 1]."""
    mean, logvar = cast("Any", network).encode(to_span(x, span), y)
    return mean, logvar


def reconstruct(
    network: nn.Module, z: Tensor, y: Tensor | None, x: Tensor, span: Span
) -> tuple[Tensor, Tensor]:
    """The mean of p(x | z, y) in [0, 1], and -log p(x | z, y) in nats, (B,).

    A network that says nothing of its likelihood has a normal one whose deviation is that of the
    batch, which is the best there is (Rybkin et al. 2021, sigma-VAE).
    """
    module = cast("Any", network)
    likelihood = getattr(module.config, "likelihood", "none")
    if likelihood == "none":
        mean = to_unit(module.decode(z, y), span)
        error = (mean.detach() - x).square().mean().sqrt().clamp(min=SMALLEST_ERROR)
        return mean, gaussian_nll(mean, torch.log(error), x)
    logits = module.logits(z, y)
    mean = torch.sigmoid(logits)
    if likelihood == "bernoulli":
        return mean, bernoulli_nll(logits, x)
    scale = cast("Tensor", module.decoder.log_scale)
    if likelihood == "gaussian":
        return mean, gaussian_nll(mean, scale, x)
    return mean, discretised_logistic_nll(mean, scale, x)


def drawn_mean(network: nn.Module, z: Tensor, y: Tensor | None, span: Span) -> Tensor:
    """What a network draws, (B, C, H, W) in [0, 1]; of a likelihood its mean, not sharpened."""
    module = cast("Any", network)
    if getattr(module.config, "likelihood", "none") != "none":
        return torch.sigmoid(module.logits(z, y))
    return to_unit(module.decode(z, y), span).clamp(0.0, 1.0)
