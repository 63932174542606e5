"""StyleGAN3, in its translation (T) and rotation (R) equivariant configurations.

Karras et al. 2021, "Alias-Free Generative Adversarial Networks". Written from the paper;
parameters have the names under which published checkpoints hold them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.nets.mapping import EPSILON, GAIN, LEAK, EqualLinear, StyleNetwork
from genviewer.nets.resampling import resampled
from genviewer.nets.style_configs import Band, StyleGAN3Config, bands

if TYPE_CHECKING:
    from genviewer.core.synthesis import Synthesis, Transform


class FourierInput(nn.Module):
    """Sine waves within the first band, moved by the style and by a transform."""

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, band: Band, style: int) -> None:
        super().__init__()
        self.band = band
        self.weight = nn.Parameter(torch.randn(band.channels, band.channels))
        self.affine = EqualLinear(style, 4)
        waves = torch.randn(band.channels, 2)
        radius = waves.square().sum(1, keepdim=True).sqrt()
        waves = waves / (radius * radius.square().exp().pow(0.25)) * band.cutoff
        self.register_buffer("freqs", waves)
        self.register_buffer("phases", torch.rand(band.channels) - 0.5)
        self.register_buffer("transform", torch.eye(3))
        nn.init.zeros_(self.affine.weight)
        with torch.no_grad():
            self.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def forward(self, w: Tensor, transform: Transform | None = None) -> Tensor:
        """Styles (B, W) to features (B, channels, S, S)."""
        t = self.affine(w)
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        cosine, sine, across, down = t.unbind(1)
        zero, one = torch.zeros_like(cosine), torch.ones_like(cosine)
        turned = torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], 1)
        moved = torch.stack([one, zero, -across, zero, one, -down, zero, zero, one], 1)
        placed = self.transform
        if transform is not None:
            placed = torch.from_numpy(transform.matrix()).to(w.device) @ placed
        # (B, 3, 3), from places in the picture to places in the content
        whole = turned.reshape(-1, 3, 3) @ moved.reshape(-1, 3, 3) @ placed
        phases = self.phases + (self.freqs @ whole[:, :2, 2:]).squeeze(2)  # (B, channels)
        freqs = self.freqs @ whole[:, :2, :2]  # (B, channels, 2)

        band = self.band
        # Waves that the style or the transform moved out of the band fade away.
        room = band.rate / 2 - band.cutoff
        amplitudes = (1.0 - (freqs.norm(dim=2) - band.cutoff) / room).clamp(0.0, 1.0)
        places = torch.arange(band.size, device=w.device, dtype=w.dtype)
        places = (places + 0.5 - band.size / 2) / band.rate  # (S,)
        x, y = freqs[:, :, :1] * places, freqs[:, :, 1:] * places  # (B, channels, S)
        angle = x.unsqueeze(2) + y.unsqueeze(3) + phases.reshape(*phases.shape, 1, 1)
        waves = torch.sin(angle * (2.0 * math.pi)) * amplitudes.reshape(*amplitudes.shape, 1, 1)
        weight = self.weight / math.sqrt(band.channels)
        return F.conv2d(waves, weight.reshape(*weight.shape, 1, 1))


class FilteredLayer(nn.Module):
    """A modulated convolution and a leaky ReLU at a raised rate, so that nothing aliases.

    The last layer, which draws the picture, has a 1 x 1 convolution without demodulation and no
    nonlinearity.
    """

    magnitude_ema: Tensor
    up_filter: Tensor | None
    down_filter: Tensor | None

    def __init__(
        self, before: Band, after: Band, config: StyleGAN3Config, *, critical: bool, last: bool
    ) -> None:
        super().__init__()
        self.last = last
        self.clamp = config.clamp
        self.kernel = 1 if last else config.conv_kernel
        rate = max(before.rate, after.rate) * (1 if last else config.lrelu_upsampling)
        self.up, self.down = round(rate / before.rate), round(rate / after.rate)
        up_taps = config.filter_size * self.up if self.up > 1 and not last else 1
        down_taps = config.filter_size * self.down if self.down > 1 and not last else 1
        total = (after.size - 1) * self.down + 1
        total -= (before.size + self.kernel - 1) * self.up
        total += up_taps + down_taps - 2
        front = (total + self.up) // 2
        self.padding = (front, total - front)
        style = config.mapping.widths[-1]
        self.affine = EqualLinear(style, before.channels, bias=1.0)
        shape = (after.channels, before.channels, self.kernel, self.kernel)
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(after.channels))
        self.register_buffer("magnitude_ema", torch.ones(()))
        radial = config.use_radial_filters and not critical
        self.register_buffer("up_filter", _lowpass(up_taps))
        self.register_buffer("down_filter", _lowpass(down_taps, radial))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """(B, inputs, S, S) and styles (B, W) to (B, outputs, S', S')."""
        inputs = self.affine(w)
        calm = self.magnitude_ema.rsqrt()  # brings the input to unit magnitude
        if self.last:
            x = x * (inputs * (calm / math.sqrt(self.weight[0].numel())))[:, :, None, None]
            x = F.conv2d(x, self.weight)
        else:
            weight = self.weight * self.weight.square().mean((1, 2, 3), keepdim=True).rsqrt()
            inputs = inputs * (inputs.square().mean(1, keepdim=True) + EPSILON).rsqrt()
            energy = weight.square().sum((2, 3)).t()  # (inputs, outputs)
            factors = (inputs.square() @ energy + EPSILON).rsqrt() * calm
            x = F.conv2d(x * inputs[:, :, None, None], weight, padding=self.kernel - 1)
            x = x * factors[:, :, None, None]
        x = x + self.bias[:, None, None]
        x = resampled(x, self.up_filter, up=self.up, padding=self.padding, gain=self.up**2)
        if not self.last:
            x = F.leaky_relu(x, LEAK) * GAIN
        if self.clamp is not None:
            x = x.clamp(-self.clamp, self.clamp)
        return resampled(x, self.down_filter, down=self.down)


class SynthesisNetwork(nn.Module):
    """Styles (B, layers, W) to pictures."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.output_scale = config.output_scale
        signal = bands(config)
        self.input = FourierInput(signal[0], config.mapping.widths[-1])
        self.layers: list[str] = []
        count = len(signal) - 1
        for index in range(count + 1):
            before, after = signal[max(index - 1, 0)], signal[index]
            last = index == count
            name = f"L{index}_{after.size}_{after.channels}"
            critical = index >= count - config.num_critical
            layer = FilteredLayer(before, after, config, critical=critical, last=last)
            self.add_module(name, layer)
            self.layers.append(name)

    def forward(self, ws: Tensor, how: Synthesis) -> Tensor:
        """Pictures (B, C, H, W), about [-1, 1]."""
        x = self.input(ws[:, 0], how.transform)
        for index, name in enumerate(self.layers):
            x = self.get_submodule(name)(x, ws[:, index + 1])
        image: Tensor = x * self.output_scale
        return image


class StyleGAN3(StyleNetwork):
    """Mapping and synthesis; pictures are about [-1, 1], without a final activation."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__(config)
        self.synthesis = SynthesisNetwork(config)


def _lowpass(taps: int, radial: bool = False) -> Tensor | None:
    """A Kaiser-windowed filter to start from; a checkpoint brings its own."""
    if taps == 1:
        return None
    places = (torch.arange(taps, dtype=torch.float32) - (taps - 1) / 2) / taps
    line = torch.sinc(6.0 * places) * torch.kaiser_window(taps, periodic=False, beta=4.0)
    line = line / line.sum()
    return torch.outer(line, line) if radial else line
