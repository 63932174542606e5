"""Raising and lowering the sampling rate of feature maps through finite filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


def resampled(
    x: Tensor,
    taps: Tensor | None,
    *,
    up: int = 1,
    down: int = 1,
    padding: tuple[int, int] = (0, 0),
    gain: float = 1.0,
) -> Tensor:
    """Zeros between samples, a border of zeros, a filter, and every ``down``-th sample kept.

    Args:
        x: (B, C, H, W).
        taps: (T,) for a separable filter, (T, T) for another, None for none.
        up: factor by which the rate is raised.
        down: factor by which it is lowered.
        padding: zeros before and behind, on both axes; negative ones cut away.
        gain: a factor of the whole filter.

    Returns:
        (B, C, H', W') with ``H' = (H * up + padding - T) // down + 1``.
    """
    if taps is None:
        if up == down == 1 and padding == (0, 0):
            return x if gain == 1.0 else x * gain
        taps = x.new_ones(1)
    if taps.ndim == 1:
        line = (taps * gain**0.5).to(x.dtype)
        x = _filtered(x, line.reshape(-1, 1), (up, 1), (down, 1), (0, 0, *padding))
        return _filtered(x, line.reshape(1, -1), (1, up), (1, down), (*padding, 0, 0))
    return _filtered(x, (taps * gain).to(x.dtype), (up, up), (down, down), (*padding, *padding))


def _filtered(
    x: Tensor,
    taps: Tensor,
    up: tuple[int, int],
    down: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> Tensor:
    """One pass with the filter ``taps`` (T, S); padding is left, right, top, bottom."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch * channels, 1, height, width)
    left, right, top, bottom = padding
    if up == (1, 1):
        x = F.conv2d(F.pad(x, padding), taps.flip(0, 1)[None, None], stride=down)
    else:
        # The transposed convolution is the whole convolution with the zeros put between samples,
        # without computing with those zeros; the padding then is a matter of where it begins.
        x = F.conv_transpose2d(x, taps[None, None], stride=up)
        high, wide = taps.shape
        x = F.pad(
            x,
            (
                left - wide + 1,
                right + up[1] - wide,
                top - high + 1,
                bottom + up[0] - high,
            ),
        )
        x = x[:, :, :: down[0], :: down[1]]
    return x.reshape(batch, channels, *x.shape[2:])
