"""Small networks in the styles that people write, saved as they save them.

Weights are random; running statistics are those of the network's own latents, as training leaves
them. So the readers can be held against what the modules themselves give, without any file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLASSES = 10


class Dense(nn.Module):
    """Latents and an embedded class through dense layers with norms; ``how`` joins them."""

    def __init__(self, how: str, eps: float, activation: nn.Module, dim: int = 24) -> None:
        super().__init__()
        self.how, self.dim = how, dim
        size = 6 if how in ("before", "after") else dim
        self.label_emb = nn.Embedding(CLASSES, size) if how else None
        width = dim + (size if how in ("before", "after") else 0)
        self.model = nn.Sequential(
            nn.Linear(width, 48),
            nn.BatchNorm1d(48, eps),
            activation,
            nn.Linear(48, 80),
            nn.BatchNorm1d(80, eps),
            activation,
            nn.Linear(80, 256),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents (B, D) and class indices (B,) to (B, 256)."""
        if self.label_emb is not None:
            e = self.label_emb(y)
            joined = {
                "before": lambda: torch.cat([e, z], 1),
                "after": lambda: torch.cat([z, e], 1),
                "multiply": lambda: z * e,
                "add": lambda: z + e,
            }
            z = joined[self.how]()
        result: Tensor = self.model(z)
        return result


class Unfolding(nn.Module):
    """DCGAN: transposed convolutions from one pixel to 32 x 32."""

    def __init__(self, activation: nn.Module, dim: int = 20) -> None:
        super().__init__()
        self.dim = dim

        def block(a: int, b: int, stride: int, padding: int) -> list[nn.Module]:
            conv = nn.ConvTranspose2d(a, b, 4, stride, padding, bias=False)
            return [conv, nn.BatchNorm2d(b), activation]

        self.main = nn.Sequential(
            *block(dim, 24, 1, 0),
            *block(24, 16, 2, 1),
            *block(16, 8, 2, 1),
            nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents (B, D) to (B, 3, 32, 32)."""
        result: Tensor = self.main(z.view(*z.shape, 1, 1))
        return result


class Resized(nn.Module):
    """A dense layer, then resizing and convolving to 16 x 16."""

    def __init__(self, dim: int = 16) -> None:
        super().__init__()
        self.dim = dim
        self.l1 = nn.Sequential(nn.Linear(dim, 12 * 16))
        self.conv_blocks = nn.Sequential(
            nn.BatchNorm2d(12),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(12, 12, 3, 1, 1),
            nn.BatchNorm2d(12, 0.8),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(12, 8, 3, 1, 1),
            nn.BatchNorm2d(8, 0.8),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8, 1, 3, 1, 1),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents (B, D) to (B, 1, 16, 16)."""
        result: Tensor = self.conv_blocks(self.l1(z).view(-1, 12, 4, 4))
        return result


class VAE(nn.Module):
    """The dense VAE of the PyTorch examples, with a one-hot class where ``classes`` > 0."""

    def __init__(self, classes: int = 0, dim: int = 5, size: int = 16) -> None:
        super().__init__()
        self.dim, self.classes = dim, classes
        self.fc1 = nn.Linear(size * size + classes, 40)
        self.fc21 = nn.Linear(40, dim)
        self.fc22 = nn.Linear(40, dim)
        self.fc3 = nn.Linear(dim + classes, 40)
        self.fc4 = nn.Linear(40, size * size)

    def _joined(self, x: Tensor, y: Tensor) -> Tensor:
        if not self.classes:
            return x
        return torch.cat([x, nn.functional.one_hot(y, self.classes).float()], 1)

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 1, H, W) to mean and log-variance."""
        h = torch.relu(self.fc1(self._joined(x.flatten(1), y)))
        return self.fc21(h), self.fc22(h)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents (B, D) to (B, H W)."""
        return torch.sigmoid(self.fc4(torch.relu(self.fc3(self._joined(z, y)))))


class ConvVAE(nn.Module):
    """Strided convolutions there and back; 28 x 28."""

    def __init__(self, dim: int = 6) -> None:
        super().__init__()
        self.dim = dim
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 6, 4, 2, 1), nn.ReLU(), nn.Conv2d(6, 10, 4, 2, 1), nn.ReLU()
        )
        self.fc_mu, self.fc_logvar = nn.Linear(490, dim), nn.Linear(490, dim)
        self.fc = nn.Linear(dim, 490)
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(10, 6, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(6, 1, 4, 2, 1),
            nn.Sigmoid(),
        )

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 1, 28, 28) to mean and log-variance."""
        h = self.encoder(x).flatten(1)
        return self.fc_mu(h), self.fc_logvar(h)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents (B, D) to (B, 1, 28, 28)."""
        result: Tensor = self.decoder(torch.relu(self.fc(z)).view(-1, 10, 7, 7))
        return result


def made(build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """A network with lively random weights, and statistics of its own latents."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = build()
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(1.7)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.momentum = None  # the mean over all batches
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
        network.train()
        for _ in range(12):
            network(torch.randn(256, network.dim), torch.randint(0, CLASSES, (256,)))
    return network.eval()


def save(network: nn.Module, path: Path) -> Path:
    """Its state dict, as ``torch.save`` writes it."""
    torch.save(network.state_dict(), path)
    return path
