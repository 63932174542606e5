"""Finding the latent that draws a given picture, for any decoder that has gradients.

Several restarts are optimised at once; the worse ones are dropped on the way, so that most of the
work goes into those that lead somewhere. The loss is the squared error at several scales, which
pulls where the strokes do not overlap yet, and a penalty that keeps the latent where the prior has
its mass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from genviewer.core.condition import pack
from genviewer.core.prior import TRUNCATED_NORMAL_BOUND, draws
from genviewer.core.recipe import default_condition
from genviewer.engine.density import ShareOfProgress
from genviewer.engine.device import choose_device
from genviewer.engine.generator import LoadError
from genviewer.engine.inversion_measures import psnr, scales, ssim
from genviewer.engine.torch_decoder import load_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from genviewer.core.spec import LatentSpec, Spec
    from genviewer.engine.density import Reports
    from genviewer.engine.generator import Floats
    from genviewer.io.bundle import Bundle

CHUNK_PIXELS = 1 << 19
"""Pixels of the pictures that are optimised at once; what bounds the memory."""

PREVIEW_EVERY = 10


@dataclass(frozen=True)
class Effort:
    """How hard to look.

    Attributes:
        steps: of Adam, for every restart that is left.
        restarts: latents that are optimised for each picture at first.
        candidates: draws from the prior of which the restarts are the best.
        rate: Adam's learning rate at its highest, in the latent's units.
        prior_weight: of the penalty on the latent against the squared error.
        halvings: how often the worse half of the restarts is dropped.
    """

    steps: int = 400
    restarts: int = 8
    candidates: int = 256
    rate: float = 0.1
    prior_weight: float = 1e-4
    halvings: int = 2

    def __post_init__(self) -> None:
        counts = (self.steps, self.restarts, self.candidates)
        if min(counts) < 1 or self.halvings < 0 or self.candidates < self.restarts:
            raise ValueError("Steps and restarts are at least 1, candidates at least the restarts.")
        if not (self.rate > 0.0 and self.prior_weight >= 0.0):
            raise ValueError("The learning rate is above 0, the weight of the prior at least 0.")


@dataclass(frozen=True, eq=False)
class Inversion:
    """What was found for N pictures.

    Attributes:
        latent: float32 (N, D).
        condition: packed conditions float32 (N, K) that go with it; K may be 0.
        psnr: float32 (N,), in dB.
        ssim: float32 (N,).
        pictures: what the latents draw, float32 (N, C, H, W) in [0, 1].
    """

    latent: Floats
    condition: Floats
    psnr: Floats
    ssim: Floats
    pictures: Floats


def invert(
    bundle: Bundle,
    images: Floats,
    y: Floats | None = None,
    *,
    effort: Effort | None = None,
    seed: int = 0,
    device: str = "auto",
    progress: Reports | None = None,
    preview: Callable[[Floats], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Inversion:
    """Latents that draw the images; seconds to minutes, in a job's thread.

    Args:
        bundle: the model.
        images: float32 (N, C, H, W) in the model's range.
        y: packed conditions float32 (N, K); None leaves the class to be found.
        effort: how hard to look.
        seed: of the starting points.
        device: where to compute.
        progress: told how far it is; it may cancel.
        preview: given the best pictures so far, float32 (n, C, H, W) in [0, 1], of the chunk of
            images that is being worked on.
        stopped: asked before every step but the first, and while there are many candidates; true
            ends the search with the best so far.

    Raises:
        LoadError: the model cannot be differentiated, or cannot be built.
    """
    if bundle.config.network.get("type") == "program":
        raise LoadError(
            f"{bundle.spec.name} is a program without gradients: it cannot be inverted."
        )
    network: Any = load_network(bundle).to(choose_device(device))
    return invert_network(
        network, bundle.spec, images, y, effort=effort, seed=seed, progress=progress,
        preview=preview, stopped=stopped,
    )  # fmt: skip


def invert_network(
    network: Any,
    spec: Spec,
    images: Floats,
    y: Floats | None = None,
    *,
    effort: Effort | None = None,
    seed: int = 0,
    progress: Reports | None = None,
    preview: Callable[[Floats], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Inversion:
    """As :func:`invert`, of a network with ``decode(z, y)`` whose parameters take no gradients."""
    effort = Effort() if effort is None else effort
    search = _Search(network, spec, effort, preview, stopped)
    pixels = spec.image.height * spec.image.width
    together = max(1, CHUNK_PIXELS // (pixels * effort.restarts))
    parts = []
    for at in range(0, len(images), together):
        rows = slice(at, at + together)
        share = (at / len(images), min(together, len(images) - at) / len(images))
        told = ShareOfProgress(progress, *share)
        start = search.starts(images[rows], None if y is None else y[rows], seed, told)
        parts.append(search.optimise(images[rows], start, told))
    if progress is not None:
        progress.report(1.0, "inverting")
    return Inversion(*(np.concatenate(found) for found in zip(*parts, strict=True)))


class _Search:
    """The optimisation of one chunk of images; latents are (n, R, D) for R restarts."""

    def __init__(
        self,
        network: Any,
        spec: Spec,
        effort: Effort,
        preview: Callable[[Floats], None] | None,
        stopped: Callable[[], bool] | None,
    ) -> None:
        self._network, self._spec, self._effort, self._preview = network, spec, effort, preview
        self._stopped = stopped
        self._scales = scales(spec.image.height, spec.image.width)
        self._together = max(1, CHUNK_PIXELS // (spec.image.height * spec.image.width))
        tensors = (*network.parameters(), *network.buffers())
        self._device = tensors[0].device if tensors else torch.device("cpu")

    def starts(
        self, images: Floats, y: Floats | None, seed: int, progress: Reports
    ) -> tuple[Tensor, Tensor]:
        """The best of the candidates for each image: latents (n, R, D), conditions (n, R, K).

        Where an encoder can be asked, its answer is a candidate too.
        """
        effort, spec = self._effort, self._spec
        wanted = self._tensor(images)
        drawn = draws(spec.latent, seed, effort.candidates)  # (M, D)
        candidates = self._tensor(drawn)
        with torch.inference_mode():
            if y is None:
                default = [pack(default_condition(spec, i), spec) for i in range(effort.candidates)]
                y_all = self._tensor(np.stack(default))  # the classes in turn
                losses = self._compared(candidates, y_all, wanted, progress)
            else:
                y_all = self._tensor(y)
                compared = [
                    self._compared(candidates, c.expand(len(drawn), -1), x[None], progress)
                    for x, c in zip(wanted, y_all, strict=True)
                ]
                seen = min(found.shape[1] for found in compared)  # of all, unless it was stopped
                losses = torch.cat([found[:, :seen] for found in compared])
            best = losses.topk(effort.restarts, dim=1, largest=False).indices  # (n, R)
            z = candidates[best]
            conditions = y_all[best] if y is None else y_all[:, None].expand(-1, z.shape[1], -1)
            if spec.encoder and hasattr(self._network, "encode"):
                rows = conditions[:, 0] if spec.conditions else None
                z[:, -1] = self._network.encode(wanted, rows)[0]
                conditions = conditions.clone()
                conditions[:, -1] = conditions[:, 0]
        return z.clone(), conditions.clone()

    def optimise(
        self,
        images: Floats,
        start: tuple[Tensor, Tensor],
        progress: Reports,
    ) -> tuple[Floats, ...]:
        """The fields of :class:`Inversion` for one chunk."""
        effort = self._effort
        wanted = self._tensor(images)
        # What was made in inference mode takes no gradients.
        z, conditions = start[0].clone(), start[1].clone()
        stage_length = math.ceil(effort.steps / (effort.halvings + 1))
        best_z, best_y = z[:, 0].clone(), conditions[:, 0].clone()
        best_loss = torch.full((len(z),), math.inf, device=self._device)
        losses = torch.zeros(z.shape[:2], device=self._device)
        moments: tuple[Tensor, Tensor] | None = None
        for step in range(effort.steps):
            if step and self._stopped is not None and self._stopped():
                break
            told = ShareOfProgress(progress, step / effort.steps, 1.0 / effort.steps)
            if step and step % stage_length == 0 and z.shape[1] > 1:
                z, conditions, moments = self._halve(z, conditions, moments, losses)
            n, restarts = z.shape[:2]
            pictures, errors, gradient = self._slopes(z, conditions, wanted, told)
            losses = errors.view(n, restarts)
            lowest, index = losses.min(1)
            rows = torch.arange(n, device=self._device)
            better = lowest < best_loss
            best_loss = torch.where(better, lowest, best_loss)
            best_z[better] = z[rows, index][better]
            best_y[better] = conditions[rows, index][better]
            if self._preview is not None and step % PREVIEW_EVERY == 0:
                shown = pictures.view(n, restarts, *pictures.shape[1:])[rows, index]
                self._preview(self._to_unit(shown).cpu().numpy())
            z, moments = self._adam(z, gradient, moments, step)
        with torch.inference_mode():
            pictures = self._to_unit(self._decode(best_z, best_y))
            real = self._to_unit(wanted)
            measured = psnr(pictures, real), ssim(pictures, real)
        found = (best_z, best_y, *measured, pictures)
        return tuple(value.detach().float().cpu().numpy() for value in found)

    def _slopes(
        self, z: Tensor, conditions: Tensor, wanted: Tensor, progress: Reports
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures (n R, C, H, W) of latents (n, R, D), their errors (n R,), the slope (n, R, D).

        What is kept to go back through the network is that of one chunk at a time.
        """
        restarts, flat, y = z.shape[1], z.flatten(0, 1), conditions.flatten(0, 1)
        parts = []
        for at in range(0, len(flat), self._together):
            progress.report(at / len(flat), "inverting")
            rows = torch.arange(at, min(at + self._together, len(flat)), device=z.device)
            latents = flat[rows].requires_grad_(True)
            pictures = self._decode(latents, y[rows])
            errors = self._losses(pictures, wanted[rows // restarts])
            total = (errors + self._penalty(latents)).sum()
            (gradient,) = torch.autograd.grad(total, latents)
            parts.append((pictures.detach(), errors.detach(), gradient))
        pictures, errors, slopes = (torch.cat(found) for found in zip(*parts, strict=True))
        return pictures, errors, slopes.view_as(z)

    def _adam(
        self, z: Tensor, gradient: Tensor, moments: tuple[Tensor, Tensor] | None, step: int
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """One step of Adam (Kingma and Ba 2015), its rate warmed up, then falling as a cosine."""
        first, second = moments or (torch.zeros_like(z), torch.zeros_like(z))
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient.square()
        warm = min(1.0, (step + 1) / max(1.0, 0.05 * self._effort.steps))
        rate = (
            self._effort.rate * warm * 0.5 * (1.0 + math.cos(math.pi * step / self._effort.steps))
        )
        scaled = (second / (1.0 - 0.999 ** (step + 1))).sqrt() + 1e-8
        z = z - rate * (first / (1.0 - 0.9 ** (step + 1))) / scaled
        return _inside(z, self._spec.latent), (first, second)

    def _halve(
        self,
        z: Tensor,
        conditions: Tensor,
        moments: tuple[Tensor, Tensor] | None,
        losses: Tensor,
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor] | None]:
        kept = losses.topk((z.shape[1] + 1) // 2, dim=1, largest=False).indices

        def pick(values: Tensor) -> Tensor:
            return values.gather(1, kept[..., None].expand(-1, -1, values.shape[2]))

        if moments is not None:
            moments = pick(moments[0]), pick(moments[1])
        return pick(z), pick(conditions), moments

    def _losses(self, pictures: Tensor, wanted: Tensor) -> Tensor:
        """The mean squared error summed over the scales, of the range's square: (B,)."""
        low, high = self._spec.image.range
        error = (pictures - wanted) / (high - low)
        total = error.square().flatten(1).mean(1)
        for _ in range(self._scales - 1):
            # The mean over a block commutes with the difference, so the difference is enlarged.
            error = F.avg_pool2d(error, 2, ceil_mode=True, count_include_pad=False)
            total = total + error.square().flatten(1).mean(1)
        return total

    def _penalty(self, z: Tensor) -> Tensor:
        """What keeps latents where the prior has its mass: (B,).

        The square of how much longer than expected a latent is, for a normal prior; within
        the usual length nothing pulls.
        """
        if self._spec.latent.prior != "normal":
            return torch.zeros(len(z), device=z.device)
        excess = F.relu(z.square().mean(1).clamp_min(1e-12).sqrt() - 1.0)
        return self._effort.prior_weight * z.shape[1] * excess.square()

    def _decode(self, z: Tensor, y: Tensor) -> Tensor:
        pictures: Tensor = self._network.decode(z, y if self._spec.conditions else None)
        return pictures

    def _compared(self, z: Tensor, y: Tensor, wanted: Tensor, progress: Reports) -> Tensor:
        """The losses (n, M) of what candidates (M, D) draw, for each picture that is wanted.

        Where it is stopped, of the first of them: at least as many as there are restarts.
        """
        losses: list[Tensor] = []
        for at in range(0, len(z), self._together):
            if at >= self._effort.restarts and self._stopped is not None and self._stopped():
                break
            progress.report(0.0, "inverting")
            pictures = self._decode(z[at : at + self._together], y[at : at + self._together])
            losses.append(torch.stack([self._losses(pictures, x[None]) for x in wanted]))
        return torch.cat(losses, 1)

    def _to_unit(self, pictures: Tensor) -> Tensor:
        low, high = self._spec.image.range
        return ((pictures - low) / (high - low)).clamp(0.0, 1.0)

    def _tensor(self, values: Floats) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)


def _inside(z: Tensor, latent: LatentSpec) -> Tensor:
    """Latents where a prior that has bounds allows them to be."""
    if latent.prior == "uniform":
        return z.clamp(-1.0, 1.0)
    if latent.prior == "truncated_normal":
        return z.clamp(-TRUNCATED_NORMAL_BOUND, TRUNCATED_NORMAL_BOUND)
    return z
