"""How latents and conditions go into a program, and how pictures come out of it. NumPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from genviewer.core.spec import ImageSpec

Floats = NDArray[np.float32]
Source = Literal["latent", "weights", "index", "constant"]
Layout = Literal["nchw", "nhwc", "flat"]

ANY_BATCH = 0
NO_BATCH = -1


class Feed(msgspec.Struct, frozen=True):
    """One input of a program.

    ``latent`` takes the latent in ``shape``; ``weights`` and ``index`` take a part of the packed
    condition (``size`` values from ``start``), as it is or as the index of its largest weight;
    ``constant`` takes ``value``. ``shape`` is that of one sample.
    """

    name: str
    source: Source
    dtype: str = "float32"
    shape: tuple[int, ...] = ()
    start: int = 0
    size: int = 0
    value: float = 0.0
    batched: bool = True


class Wiring(msgspec.Struct, frozen=True):
    """All inputs in their order, and the output that holds the picture.

    ``batch`` is the number of samples of one run: :data:`ANY_BATCH`, a fixed number, or
    :data:`NO_BATCH` where arrays are of one sample without that axis. ``levels`` is the output that
    holds the picture as uint8 (N, H, W, C), if there is one. ``method`` is what is run.
    """

    feeds: tuple[Feed, ...]
    output: int = 0
    layout: Layout = "nchw"
    batch: int = ANY_BATCH
    levels: int | None = None
    method: str = "forward"


def arrays_for(wiring: Wiring, z: Floats, y: Floats | None) -> list[NDArray[Any]]:
    """The inputs of one run over z float32 (N, D) and y float32 (N, K)."""
    return [_array(feed, z, y, wiring.batch) for feed in wiring.feeds]


def _array(feed: Feed, z: Floats, y: Floats | None, batch: int) -> NDArray[Any]:
    count = len(z)
    if feed.source == "constant":
        lead = (count,) if feed.batched and batch != NO_BATCH else ()
        return np.full((*lead, *feed.shape), feed.value, feed.dtype)
    if feed.source == "latent":
        values: NDArray[Any] = z
    else:
        part = np.zeros((count, feed.size), np.float32) if y is None else y
        part = part[:, feed.start : feed.start + feed.size] if y is not None else part
        values = part.argmax(axis=1) if feed.source == "index" else part
    shape = feed.shape if batch == NO_BATCH else (count, *feed.shape)
    return np.ascontiguousarray(values.reshape(shape).astype(feed.dtype, copy=False))


def pictures(wiring: Wiring, image: ImageSpec, output: NDArray[Any], count: int) -> Floats:
    """An output as float32 (count, C, H, W), values as the program gave them.

    Raises:
        ValueError: if it is of another size than the Spec says.
    """
    size = (image.channels, image.height, image.width)
    if output.size != count * int(np.prod(size)):
        raise ValueError("The model returned a picture of another size than it says.")
    values = np.asarray(output, np.float32)
    if wiring.layout == "nhwc":
        tall = values.reshape(count, image.height, image.width, image.channels)
        return np.ascontiguousarray(tall.transpose(0, 3, 1, 2))
    return np.ascontiguousarray(values.reshape(count, *size))


def draw(
    wiring: Wiring,
    image: ImageSpec,
    run: Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]],
    z: Floats,
    y: Floats | None,
    largest: int = 64,
) -> Floats:
    """Run the program over all samples: float32 (N, C, H, W), in runs of the size that it takes.

    Raises:
        ValueError: if a picture is of another size than the Spec says.
        Exception: whatever ``run`` raises.
    """
    if len(z) == 0:
        return np.zeros((0, image.channels, image.height, image.width), np.float32)
    step = largest if wiring.batch == ANY_BATCH else max(wiring.batch, 1)
    parts = []
    for start in range(0, len(z), step):
        rows = np.arange(start, min(start + step, len(z)))
        count = len(rows)
        if wiring.batch > 0 and count < wiring.batch:  # a fixed batch is filled up
            rows = np.concatenate([rows, np.repeat(rows[-1:], wiring.batch - count)])
        outputs = run(arrays_for(wiring, z[rows], None if y is None else y[rows]))
        if wiring.output >= len(outputs):
            raise ValueError("The model returned fewer outputs than before.")
        parts.append(pictures(wiring, image, outputs[wiring.output], len(rows))[:count])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
