"""The Map's window on the plane: plane coordinates to the widget and back, axis ticks."""

from __future__ import annotations

import math
import operator
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QPointF, QRectF

from genviewer.ui.numerals import with_minus

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.sheet import MapFrame

T = TypeVar("T")
PATIENCE_S = 1.0
MARGIN = 3  # tiles of a row or column that may lie beyond the window


@dataclass(frozen=True)
class MapPort:
    """A window on the plane; its y axis points up.

    Attributes:
        rect: the place on the widget.
        center: plane coordinates of its middle.
        unit_x, unit_y: logical pixels per plane unit; they differ where pictures are not square.
    """

    rect: QRectF
    center: tuple[float, float]
    unit_x: float
    unit_y: float

    def point(self, x: float, y: float) -> QPointF:
        """Where plane coordinates lie on the widget."""
        middle = self.rect.center()
        return QPointF(
            middle.x() + (x - self.center[0]) * self.unit_x,
            middle.y() - (y - self.center[1]) * self.unit_y,
        )

    def plane(self, point: QPointF) -> tuple[float, float]:
        """Plane coordinates under a point of the widget."""
        middle = self.rect.center()
        return (
            self.center[0] + (point.x() - middle.x()) / self.unit_x,
            self.center[1] - (point.y() - middle.y()) / self.unit_y,
        )

    def tiles_rect(
        self, frame: MapFrame, row: int, column: int, rows: int = 1, columns: int = 1
    ) -> QRectF:
        """Where a block of tiles lies."""
        x = frame.first[0] + (column - 0.5) * frame.step
        y = frame.first[1] - (row - 0.5) * frame.step
        corner = self.point(x, y)
        return QRectF(
            corner.x(),
            corner.y(),
            columns * frame.step * self.unit_x,
            rows * frame.step * self.unit_y,
        )


def map_port(
    body: QRectF,
    center: tuple[float, float],
    extent: float,
    cells: tuple[int, int],
    step: float,
    image: tuple[int, int],
) -> MapPort:
    """The window of ``center`` and ``extent`` (to the nearer edge) in ``body``.

    Along the longer side it shows as much of the plane as ``cells`` (rows, columns) cover.
    """
    aspect = max(1, image[1]) / max(1, image[0])
    unit_y = max(1e-9, min(body.width() / aspect, body.height()) / (2 * extent))
    unit_x = unit_y * aspect
    rows, columns = cells
    # The lattice has a ring of tiles beyond the window, to pan into.
    reach_x = max(extent, (columns - MARGIN) * step / 2)
    reach_y = max(extent, (rows - MARGIN) * step / 2)
    width = min(body.width(), 2 * reach_x * unit_x)
    height = min(body.height(), 2 * reach_y * unit_y)
    middle = body.center()
    rect = QRectF(
        round(middle.x() - width / 2), round(middle.y() - height / 2), round(width), round(height)
    )
    return MapPort(rect, center, unit_x, unit_y)


def ticks(low: float, high: float, wanted: int) -> list[tuple[float, str]]:
    """About ``wanted`` round values between two, with the digits that tell them apart."""
    if not high > low or wanted < 1:
        return []
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    values = [n * step for n in range(first, last + 1)]
    return [(v, with_minus(f"{v:.{digits}f}")) for v in values]


class Ahead(Generic[T]):
    """A value that the hand moves on while answers to its older values still arrive.

    Following those answers would throw the picture back and forth under the hand. So a value that
    was sent before the newest one is passed over, and any other is somebody else's wish and taken.
    """

    def __init__(
        self,
        value: T,
        same: Callable[[T, T], bool] = operator.eq,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.value = value
        self._same = same
        self._clock = clock
        self._older: list[T] = []
        self._moved = -math.inf

    def move(self, value: T) -> None:
        """The hand moved it."""
        self._older = [*self._older[-255:], self.value]
        self.value = value
        self._moved = self._clock()

    def answer(self, value: T) -> bool:
        """A value came back; True where it changed what is shown."""
        if self._same(value, self.value):
            self._older.clear()
            return False
        waiting = self._clock() - self._moved < PATIENCE_S
        if waiting and any(self._same(value, older) for older in self._older):
            return False
        self._older.clear()
        self.value = value
        return True


def near(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether two plane points differ by no more than float32 latents round them."""
    return all(math.isclose(p, q, rel_tol=1e-5, abs_tol=2e-5) for p, q in zip(a, b, strict=True))
