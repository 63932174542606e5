"""The terms of a GAN's objective; scores (B,) are unbounded, higher is more like real images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

Adversarial = Literal["nonsaturating", "hinge", "wgan"]


def discriminator_loss(kind: Adversarial, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises, a scalar, without the gradient penalty.

    Non-saturating: Goodfellow et al. 2014; hinge: Lim and Ye 2017; wgan: Arjovsky et al. 2017.
    """
    if kind == "nonsaturating":
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    if kind == "hinge":
        return F.relu(1.0 - real).mean() + F.relu(1.0 + fake).mean()
    return fake.mean() - real.mean()


def generator_loss(kind: Adversarial, fake: Tensor) -> Tensor:
    """What the generator minimises, a scalar."""
    if kind == "nonsaturating":
        return F.softplus(-fake).mean()
    return -fake.mean()


def r1_penalty(score: Tensor, x: Tensor) -> Tensor:
    """Half the mean squared norm of the score's gradient at real images (Mescheder et al. 2018).

    ``x`` must require a gradient and ``score`` be computed from it.
    """
    return 0.5 * _input_gradient(score, x).square().flatten(1).sum(1).mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    """How far the gradient's norm is from 1 between real and fake images (Gulrajani et al. 2017).

    ``mix`` (B,) in [0, 1] is the share of the real image at the point of each pair.
    """
    share = mix.view(-1, *[1] * (real.dim() - 1))
    between = (share * real + (1.0 - share) * fake).detach().requires_grad_()
    gradient = _input_gradient(critic(between), between)
    norm: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (norm - 1.0).square().mean()


def _input_gradient(score: Tensor, x: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(score.sum(), [x], create_graph=True)
    return gradient
