"""What the residual families share: the residual block and the arithmetic of stages.

Chosen for speed on a CPU: plain 3x3 convolutions with a fused ReLU in multiples of 16 channels, the
finest convolution at half the picture's size and a pixel shuffle after it. ONNX Runtime runs such
a stack within a few per cent of the rate of a matrix product.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a skip; with ``norm`` each is followed by batch normalisation.

    Without normalisation the second convolution starts at zero, so that a deep stack begins as
    the identity (Zhang et al. 2019, Fixup).
    """

    def __init__(self, channels: int, *, norm: bool = False) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=not norm)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=not norm)
        self.first_norm = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.second_norm = nn.BatchNorm2d(channels) if norm else nn.Identity()
        if not norm:
            nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        """(B, C, H, W) to the same shape; ``style`` (B, 2C, 1, 1) scales and shifts between."""
        h = self.first_norm(self.first(x))
        if style is not None:
            scale, shift = style.chunk(2, dim=1)
            h = h + h * scale + shift
        return F.relu(x + self.second_norm(self.second(F.relu(h))))


def base_size(image_size: int, stages: int, shuffle: int) -> int:
    """The side of the coarsest feature map; ValueError where the picture does not divide so."""
    factor: int = shuffle * 2 ** (stages - 1)
    if image_size % factor:
        raise ValueError(
            f"image_size {image_size} must be a multiple of {factor} for {stages} stages"
        )
    return image_size // factor


class ResidualDecoder(nn.Module):
    """Latent and class weights to a picture without an activation: (B, D), (B, K) -> (B, C, H, W).

    ``channels`` and ``blocks`` are per stage, coarse to fine; ``latent_layers`` more hidden layers
    let a latent of few dimensions turn corners. ``modulated`` lets latent and class act on every
    block and not on the coarsest map alone (Perez et al. 2018, FiLM). The class weights go through
    a matrix without a bias, so that a blend of classes is the blend of their embeddings and the
    all-zero row, "any class", adds nothing.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        classes: int,
        hidden: int,
        base: int,
        channels: tuple[int, ...],
        blocks: tuple[int, ...],
        shuffle: int,
        image_channels: int,
        norm: bool = False,
        latent_layers: int = 0,
        modulated: bool = False,
        gain_classes: int = 0,
    ) -> None:
        super().__init__()
        coarse = channels[0]
        # Weights from a row of K zeros and ones start K ** 0.5 times smaller than the latent's and
        # are seldom moved: with many classes the decoder would long see the noise alone. The factor
        # stays when classes are added, so that the old ones are drawn as they were.
        self.class_gain = (gain_classes or classes) ** 0.5 if modulated else 1.0
        self.latent = nn.Linear(latent_dim, hidden)
        self.classes = nn.Linear(classes, hidden, bias=False) if classes else None
        deeper: list[nn.Module] = []
        for _ in range(latent_layers):
            deeper += [nn.Linear(hidden, hidden), nn.ReLU()]
        self.deeper = nn.Sequential(*deeper)
        self.grid = nn.Linear(hidden, coarse * base * base)
        # A short way from the class to the coarsest map: without it a model learns to read the
        # class from the latent before it learns to take it from the condition.
        self.template = nn.Linear(classes, coarse * base * base, bias=False) if classes else None
        self.grid_shape = (-1, coarse, base, base)
        layers: list[nn.Module] = []
        previous = coarse
        for index, (width, count) in enumerate(zip(channels, blocks, strict=True)):
            if index:
                # Projected before it is enlarged: a 1x1 convolution there costs a quarter.
                layers += [nn.Conv2d(previous, width, 1), nn.Upsample(scale_factor=2)]
            layers += [ResidualBlock(width, norm=norm) for _ in range(count)]
            previous = width
        self.features = nn.Sequential(*layers)
        self.styles: nn.ModuleDict | None = None
        if modulated:
            self.styles = nn.ModuleDict(
                {
                    str(index): nn.Linear(hidden, 2 * layer.first.out_channels)
                    for index, layer in enumerate(layers)
                    if isinstance(layer, ResidualBlock)
                }
            )
        self.picture = nn.Sequential(
            nn.Conv2d(previous, image_channels * shuffle**2, 3, padding=1),
            nn.PixelShuffle(shuffle),
        )

    def forward(self, z: Tensor, y: Tensor | None) -> Tensor:
        """Latents (B, D) and class weights (B, K) to (B, C, H, W)."""
        h = self.latent(z)
        if y is not None and self.class_gain != 1.0:
            y = y * self.class_gain
        if self.classes is not None and y is not None:
            h = h + self.classes(y)
        h = self.deeper(F.relu(h))
        grid = self.grid(h)
        if self.template is not None and y is not None:
            grid = grid + self.template(y)
        features = F.relu(grid).view(self.grid_shape)
        if self.styles is None:
            features = self.features(features)
        else:
            for name, layer in self.features.named_children():
                if name in self.styles:
                    features = layer(features, self.styles[name](h)[:, :, None, None])
                else:
                    features = layer(features)
        picture: Tensor = self.picture(features)
        return picture
