"""The modulated convolution of style-based generators, arranged for speed.

Karras et al. 2020: the weights are scaled per sample and input by a style, and normalised per
output. Scaling the inputs and the outputs is the same, with the weights left alone; which of the
two costs less depends on the sizes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.nets import winograd
from genviewer.nets.mapping import EPSILON, EqualLinear


class ModulatedConv(nn.Module):
    """A convolution of odd ``kernel`` whose weights a style (B, W) modulates, with a bias.

    With ``filter_size`` taps it doubles the size and smooths the result with ``resample_filter``.
    """

    resample_filter: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        style: int,
        *,
        demodulate: bool = True,
        filter_size: int = 0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.affine = EqualLinear(style, inputs, bias=1.0)
        self.demodulate = demodulate
        self.up = filter_size > 0
        if self.up:
            self.register_buffer("resample_filter", torch.zeros(filter_size, filter_size))
        self.energy: Tensor | None
        self.register_buffer("energy", None, persistent=False)
        self.turned: Tensor | None
        self.register_buffer("turned", None, persistent=False)
        self.winograd: Tensor | None
        self.register_buffer("winograd", None, persistent=False)

    def freeze(self) -> None:
        """Keep what depends on the weights alone; they must not change any more."""
        self.energy = self._measure().detach() if self.demodulate else None
        if self.up:
            turned = self.weight.detach().transpose(0, 1)
            self.turned = turned.contiguous(memory_format=torch.channels_last)
        elif self.weight.shape[2] == 3 and winograd.is_worth_it(*self.weight.shape[:2]):
            self.winograd = winograd.transformed(self.weight.detach())

    def _measure(self) -> Tensor:
        return self.weight.square().sum((2, 3)).t().contiguous()  # (inputs, outputs)

    def convolve(self, x: Tensor, w: Tensor, scale: float = 1.0) -> Tensor:
        """(B, inputs, H, W) and styles (B, W) to (B, outputs, H, W), all times ``scale``."""
        inputs = self.affine(w)  # (B, inputs)
        if self.demodulate:
            energy = self._measure() if self.energy is None else self.energy
            factors = (inputs.square() @ energy + EPSILON).rsqrt() * scale  # (B, outputs)
        else:
            inputs = inputs * (scale / math.sqrt(self.weight[0].numel()))
            factors = None
        bias = self.bias if scale == 1.0 else self.bias * scale
        # A graph that is being recorded for others takes any batch, so it gets the plain way.
        recorded = torch.onnx.is_in_onnx_export()
        fast = self.winograd is not None and not recorded and winograd.fits(x)
        if not fast and not recorded and self._weights_are_smaller(x):
            parts = []
            for row in range(len(x)):
                factor = inputs[row] if factors is None else torch.outer(factors[row], inputs[row])
                factor = factor.expand(self.weight.shape[:2])
                weight = self._weight() * (factor.t() if self.up else factor)[:, :, None, None]
                parts.append(self._convolved(x[row : row + 1], weight, bias))
            return parts[0] if len(parts) == 1 else torch.cat(parts)
        x = x * inputs.reshape(*inputs.shape, 1, 1)
        if factors is None:
            return self._convolved(x, self._weight(), bias)
        if fast and self.winograd is not None:
            x = winograd.convolved(x, self.winograd)
        else:
            x = self._convolved(x, self._weight(), None)
        return torch.addcmul(bias.reshape(1, -1, 1, 1), x, factors.reshape(*factors.shape, 1, 1))

    def _weight(self) -> Tensor:
        """As the convolution takes it: (inputs, outputs, k, k) where that is transposed."""
        if not self.up:
            return self.weight
        return self.weight.transpose(0, 1) if self.turned is None else self.turned

    def _weights_are_smaller(self, x: Tensor) -> bool:
        """Whether it is less work to scale the weights of every sample than its features."""
        outputs, inputs, kernel, _ = self.weight.shape
        area = x.shape[2] * x.shape[3]
        features = area * (inputs + outputs * (4 if self.up else 1))
        # A GPU would rather do the whole batch at once.
        return x.device.type == "cpu" and outputs * inputs * kernel * kernel < features

    def _convolved(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        kernel = weight.shape[2]
        if not self.up:
            return F.conv2d(x, weight, bias, padding=kernel // 2)
        x = F.conv_transpose2d(x, weight, stride=2)
        return smoothed(x, self.resample_filter, kernel, bias)


def smoothed(x: Tensor, taps: Tensor, kernel: int, bias: Tensor | None) -> Tensor:
    """What a transposed convolution of stride 2 gave, (B, C, 2H + k - 2, ..), to (B, C, 2H, 2W).

    The filter ``taps`` (T, T) of unit sum is scaled to make up for the zeros between samples.
    """
    channels, count = int(x.shape[1]), len(taps)
    # Half the filter on either side, less what the transposed convolution has spread already.
    front = (count + 1) // 2 + kernel // 2 - (kernel - 1)
    back = (count - 2) // 2 + kernel // 2 - (kernel - 2)
    weight = (taps.flip(0, 1) * 4.0).to(x.dtype).repeat(channels, 1, 1, 1)
    if front == back >= 0:
        return F.conv2d(x, weight, bias, padding=front, groups=channels)
    return F.conv2d(F.pad(x, (front, back, front, back)), weight, bias, groups=channels)
