"""How samples become the pixels of a file: size, depth, headers. Kept in the image record."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genviewer.core.latent import Latent
from genviewer.core.scene import Pane
from genviewer.core.views import ViewInputs

UpscaleMethod = Literal["nearest", "lanczos"]
MAX_SCALE = 64
MAX_CONTACTS = 4096
Side = Annotated[int, msgspec.Meta(ge=1, le=16_384)]


class Picture(msgspec.Struct, frozen=True):
    """The look of an exported image.

    Attributes:
        scale: whole factor of enlargement; 1 is native.
        method: ``nearest`` repeats pixels, ``lanczos`` interpolates.
        bits: per channel; 16 is made from the network's own numbers, not from 8 bits.
        headers: whether a sheet has its row and column labels drawn on it.
        canvas: width and height of the whole picture in pixels. The sample is made as large as
            fits (``nearest`` by a whole factor, where it fits at all) and lies in the middle, on
            black; ``scale`` does not count then.
        quality: 1..100 of a lossy format; None is lossless where the format can be (WebP), and
            :data:`JPEG_QUALITY` for JPEG.
    """

    scale: Annotated[int, msgspec.Meta(ge=1, le=MAX_SCALE)] = 1
    method: UpscaleMethod = "nearest"
    bits: Literal[8, 16] = 8
    headers: bool = False
    quality: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    canvas: tuple[Side, Side] | None = None

    def __post_init__(self) -> None:
        if self.canvas is not None and self.headers:
            raise ValueError("a sheet with headers has no canvas of a given size")

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the picture of a sample or sheet of that size, without headers."""
        return (width * self.scale, height * self.scale) if self.canvas is None else self.canvas


JPEG_QUALITY = 95
NATIVE = Picture()
"""As large and as deep as the model draws."""


class Contact(msgspec.Struct, frozen=True):
    """Samples of any models, such as all pins, laid out in reading order under their names."""

    panes: tuple[Pane, ...]
    columns: Annotated[int, msgspec.Meta(ge=1, le=MAX_CONTACTS)]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.panes) <= MAX_CONTACTS:
            raise ValueError(f"a contact sheet has 1 to {MAX_CONTACTS} samples")
        if self.names and len(self.names) != len(self.panes):
            raise ValueError("a contact sheet has a name for every sample or for none")


class SheetInputs(msgspec.Struct, frozen=True):
    """A :class:`~genviewer.core.views.ViewInputs` as a value: what a Scene's Sheet needs besides
    the Scene, so that a saved one can be made again.
    """

    view_aspect: Annotated[float, msgspec.Meta(gt=0.0, le=1e3)] = 1.6
    effect_order: tuple[int, ...] | None = None
    kl_order: tuple[int, ...] | None = None
    plane: Latent | None = None
    dim_labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, inputs: ViewInputs) -> SheetInputs:
        """The value of a view's inputs."""
        return cls(
            inputs.view_aspect,
            None if inputs.effect_order is None else tuple(inputs.effect_order.tolist()),
            None if inputs.kl_order is None else tuple(inputs.kl_order.tolist()),
            None if inputs.plane is None else Latent(inputs.plane, "plane"),
            inputs.dim_labels,
        )

    def view_inputs(self) -> ViewInputs:
        """Inverse of :meth:`of`.

        Raises:
            ValueError: an order names a dimension twice, or one below 0.
        """
        import numpy as np

        orders = []
        for order in (self.effect_order, self.kl_order):
            if order is not None and sorted(order) != list(range(len(order))):
                raise ValueError("an order of dimensions names each of them once")
            orders.append(None if order is None else np.array(order, np.int64))
        plane = None if self.plane is None else self.plane.array
        return ViewInputs(orders[0], orders[1], plane, self.dim_labels, self.view_aspect)
