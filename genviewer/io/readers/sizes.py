"""What is usual: sizes of pictures, strides and paddings of kernels."""

from __future__ import annotations

import math

USUAL_SIDES = {
    28: 0.0, 32: 0.0, 64: 0.0, 128: 0.2, 256: 0.3, 512: 0.5, 1024: 0.6, 16: 0.5, 48: 0.8,
    96: 0.8, 8: 1.2, 24: 1.2, 40: 1.2, 56: 1.2, 80: 1.2, 112: 1.0, 160: 1.2, 192: 1.0,
    224: 0.8, 20: 1.5, 14: 2.5, 12: 2.5, 36: 1.6, 44: 2.0, 50: 1.6, 52: 2.0, 60: 1.6, 72: 1.6,
    84: 1.6, 88: 2.0, 100: 1.4, 120: 1.4, 144: 1.4, 176: 1.6, 200: 1.4, 240: 1.6, 320: 1.4,
}  # fmt: skip
"""Side of a square picture and how unusual it is, as a cost."""

UNUSUAL_SIDE = 4.0
OTHER_SHAPES = {560: (28, 20), 2914: (62, 47), 10304: (112, 92), 38804: (218, 178)}
"""Pictures that are not square but well known: Frey faces, LFW, Olivetti, CelebA."""

CHANNELS = (1, 3, 4)

# (stride, padding, output padding) and cost, by kernel size.
TRANSPOSED: dict[int, tuple[tuple[int, int, int, float], ...]] = {
    1: ((1, 0, 0, 0.0), (2, 0, 1, 2.5)),
    2: ((2, 0, 0, 0.0), (1, 0, 0, 2.0)),
    3: (
        (2, 1, 1, 0.0), (1, 1, 0, 0.6), (2, 0, 0, 1.0), (2, 1, 0, 1.0), (1, 0, 0, 1.4),
        (2, 0, 1, 2.0), (3, 0, 0, 2.5),
    ),
    4: (
        (2, 1, 0, 0.0), (1, 0, 0, 1.2), (2, 0, 0, 1.8), (1, 1, 0, 1.8), (2, 2, 0, 2.0),
        (2, 2, 1, 3.0), (3, 1, 0, 2.6), (1, 2, 0, 3.0), (4, 0, 0, 2.0),
    ),
    5: (
        (2, 2, 1, 0.0), (2, 0, 0, 0.8), (1, 2, 0, 0.6), (1, 0, 0, 1.2), (2, 1, 0, 1.6),
        (2, 1, 1, 2.0), (2, 2, 0, 1.2), (3, 1, 0, 2.2), (3, 0, 0, 2.6), (2, 0, 1, 2.4),
    ),
    6: ((2, 0, 0, 0.0), (2, 2, 0, 0.4), (2, 1, 0, 1.6), (1, 0, 0, 1.6), (4, 1, 0, 2.0)),
    7: (
        (1, 0, 0, 0.4), (2, 3, 1, 0.6), (1, 3, 0, 0.6), (2, 0, 0, 1.2), (2, 2, 0, 1.8),
        (2, 3, 0, 1.8), (4, 2, 1, 2.4), (2, 2, 1, 1.8),
    ),
    8: ((2, 3, 0, 0.4), (4, 2, 0, 0.4), (1, 0, 0, 0.6), (2, 0, 0, 1.0)),
    9: ((1, 4, 0, 0.4), (2, 4, 1, 0.6), (2, 0, 0, 1.4)),
}  # fmt: skip

PLAIN: dict[int, tuple[tuple[int, int, int, float], ...]] = {
    1: ((1, 0, 0, 0.0), (2, 0, 0, 1.0)),
    2: ((2, 0, 0, 0.2), (1, 0, 0, 1.0), (1, 1, 0, 1.5)),
    3: ((1, 1, 0, 0.0), (2, 1, 0, 0.2), (1, 0, 0, 0.8), (2, 0, 0, 1.2), (3, 1, 0, 3.0)),
    4: ((2, 1, 0, 0.0), (1, 0, 0, 0.6), (2, 0, 0, 1.0), (1, 1, 0, 1.8), (4, 0, 0, 1.8),
        (1, 2, 0, 2.0), (2, 2, 0, 2.2)),
    5: ((1, 2, 0, 0.2), (2, 2, 0, 0.2), (1, 0, 0, 0.6), (2, 1, 0, 1.2), (2, 0, 0, 1.0)),
    6: ((2, 2, 0, 0.3), (2, 0, 0, 0.8), (1, 0, 0, 1.2)),
    7: ((1, 3, 0, 0.2), (1, 0, 0, 0.6), (2, 3, 0, 0.3), (2, 2, 0, 1.4), (2, 0, 0, 1.6)),
    8: ((1, 0, 0, 0.5), (4, 2, 0, 0.5), (8, 0, 0, 0.6), (2, 3, 0, 0.6), (4, 0, 0, 1.4)),
    9: ((1, 4, 0, 0.2), (2, 4, 0, 0.6), (1, 0, 0, 1.4)),
}  # fmt: skip


def side_cost(height: int, width: int) -> float:
    """How unusual a picture's size is."""
    if height != width:
        usual = (height, width) in OTHER_SHAPES.values()
        return 1.5 if usual else UNUSUAL_SIDE + 1.0
    return USUAL_SIDES.get(height, UNUSUAL_SIDE)


def square(values: int) -> int | None:
    """The side of a square of so many values, or None."""
    side = math.isqrt(max(values, 0))
    return side if side * side == values and side else None


def flat_images(values: int) -> list[tuple[float, tuple[int, int, int]]]:
    """The pictures (C, H, W) that so many values may be, the likeliest first, with costs."""
    found = []
    for channels in CHANNELS:
        if values % channels:
            continue
        extra = {1: 0.0, 3: 0.3, 4: 2.0}[channels]
        area = values // channels
        side = square(area)
        if side is not None and side > 1:
            found.append((side_cost(side, side) + extra, (channels, side, side)))
        if area in OTHER_SHAPES:
            found.append((1.5 + extra, (channels, *OTHER_SHAPES[area])))
    return sorted(found)


def kernel_options(
    kernel: int, transposed: bool, one_pixel: bool
) -> tuple[tuple[int, int, int, float], ...]:
    """(stride, padding, output padding, cost) for a kernel; ``one_pixel`` for an input of 1 x 1,
    where everything but unfolding the whole kernel is unusual.
    """
    if transposed:
        options = TRANSPOSED.get(kernel)
        if options is None:
            half = kernel // 2
            options = ((2, half, 1, 0.5), (1, half, 0, 0.5), (1, 0, 0, 0.5), (2, 0, 0, 1.0))
        if one_pixel:
            rest = [(s, p, o, c + 3.0) for s, p, o, c in options if (p, o) != (0, 0)]
            # On one pixel the stride has no effect; the plain one stands for all.
            return ((1, 0, 0, 0.0), *rest)
        return options
    options = PLAIN.get(kernel)
    if options is None:
        half = kernel // 2
        options = ((1, half, 0, 0.5), (2, half, 0, 0.6), (1, 0, 0, 0.8))
    return options
