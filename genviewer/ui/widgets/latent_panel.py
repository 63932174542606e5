"""Everything that moves the latent by hand: equaliser, pad and sliders, kept in step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout

from genviewer.ui.widgets.equaliser import Equaliser
from genviewer.ui.widgets.fold_section import HEADER_HEIGHT, MARGIN, FoldSection
from genviewer.ui.widgets.gesture import Gesture
from genviewer.ui.widgets.keyboard import ButtonPanel
from genviewer.ui.widgets.latent_bar import LatentBar
from genviewer.ui.widgets.latent_rows import STRIP_MIN_HEIGHT
from genviewer.ui.widgets.latent_sliders import LatentSliders
from genviewer.ui.widgets.pad import Pad

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray
    from PySide6.QtGui import QImage, QResizeEvent
    from PySide6.QtWidgets import QWidget

    from genviewer.core.spec import LatentSpec

ROWS_KEPT = 4  # sections fold by themselves before fewer rows of sliders than this are left


FOLLOW_MS = 40
HANDS_ON = (QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress, QEvent.Type.Wheel)


@dataclass
class _Part:
    section: FoldSection
    least: int  # px of content below which it is no use
    best: int
    most: int  # where the sliders do not need the room
    wanted: bool = True
    insisted: bool = False  # the person opened it, however little room there is


class LatentPanel(ButtonPanel):
    """Equaliser and pad, both foldable, a bar of commands, and the sliders.

    Sections that do not fit the height fold by themselves and open again with the room; one that
    the person opens stays open at the cost of the other. What one control changes, the others
    show at once; so do locks, step and current dimension.

    Signals:
        edited: values float32 (D,) and a merge key: edits with one key are one undo step.
        locks_changed: bool (D,).
        current_changed: the dimension that the person made current.
        order_chosen: ``index``, ``kl`` or ``effect``; :meth:`set_order` answers.
        step_changed: how far a key press moves a value.
        strip_wanted: a dimension; :meth:`set_strip` answers.
        axes_chosen: two dimensions ``(x, y)`` for the pad, None for the principal directions;
            :meth:`set_axes` answers.
        sections_changed: the person opened or folded a section.
    """

    edited = Signal(object, str)
    locks_changed = Signal(object)
    current_changed = Signal(int)
    order_chosen = Signal(str)
    step_changed = Signal(float)
    strip_wanted = Signal(int)
    axes_chosen = Signal(object)
    sections_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.equaliser = Equaliser(self)
        self.pad = Pad(self)
        self.sliders = LatentSliders(self)
        self.bar = LatentBar(self)
        self._resets = Gesture("latent:reset")
        self._followers: NDArray[np.float32] | None = None
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(FOLLOW_MS)
        self._late.timeout.connect(self._follow)
        self._scores: NDArray[np.float32] | None = None  # by dimension
        self._parts = {
            "equaliser": _Part(FoldSection("Equaliser", self.equaliser, self), 64, 96, 128),
            "pad": _Part(FoldSection("Pad", self.pad, self), 128, 168, 240),
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)  # sections fold
        for name, part in self._parts.items():
            column.addWidget(part.section)
            part.section.toggled.connect(lambda on, n=name: self._toggle(n, on))
        column.addWidget(self.bar)
        column.addWidget(self.sliders, 1)
        for control in (self.equaliser, self.pad, self.sliders):
            control.edited.connect(self._edit)
        for touched in (self.equaliser, self.sliders, self.pad.square):
            touched.installEventFilter(self)
        for scrolled in (self.equaliser, self.sliders):
            scrolled.viewport().installEventFilter(self)
        for listed in (self.equaliser, self.sliders):
            listed.locks_changed.connect(self._lock)
            listed.current_changed.connect(self._make_current)
        self.sliders.strip_wanted.connect(self.strip_wanted)
        self.pad.axes_chosen.connect(self.axes_chosen)
        self.bar.order_chosen.connect(self.order_chosen)
        self.bar.step_changed.connect(self._step)
        self.bar.lock_all.connect(lambda: self._lock(np.ones(self._dim, bool)))
        self.bar.lock_none.connect(lambda: self._lock(np.zeros(self._dim, bool)))
        self.bar.lock_inverted.connect(lambda: self._lock(~self.sliders.hand.locks))
        self.bar.reset_all.connect(self._reset)
        self.setFocusProxy(self.sliders)

    # -- values in -------------------------------------------------------------------------------

    def set_latent(self, values: ArrayLike, latent: LatentSpec) -> None:
        """Show values (D,) of a latent space; what is under the hand stays there.

        Another latent space than before opens all locks, orders by index and puts the pad on the
        first two dimensions.

        Raises:
            ValueError: if there are not D finite values.
        """
        self._followers = None
        self._late.stop()
        other_space = latent != self.sliders.hand.latent
        for control in (self.sliders, self.equaliser, self.pad):
            control.set_latent(values, latent)
        if other_space:
            self.bar.set_order("index")
            self.bar.show_locks(self.sliders.hand.locks)
            self._fit()

    def set_locks(self, mask: ArrayLike) -> None:
        """Lock exactly the dimensions of a bool (D,) mask."""
        for control in (self.sliders, self.equaliser, self.pad):
            control.set_locks(mask)
        self.bar.show_locks(self.sliders.hand.locks)

    def set_step(self, step: float) -> None:
        """How far a key press or a wheel click moves a value; above 0."""
        self.bar.set_step(step)
        for control in (self.sliders, self.equaliser, self.pad):
            control.set_step(step)

    def set_current(self, dim: int) -> None:
        """Make a dimension current and scroll it into sight."""
        self.sliders.set_current(dim)
        self.equaliser.set_current(dim)

    def set_order(
        self,
        name: str,
        dims: ArrayLike,
        scores: ArrayLike | None = None,
        dead: ArrayLike | None = None,
    ) -> None:
        """Order the dimensions.

        Args:
            name: ``index``, ``kl`` or ``effect``: what the selector shows.
            dims: int (D,), every dimension once, first place first.
            scores: float (D,) by dimension, at least 0: the KL in nats where ``name`` is ``kl``,
                the effect on the picture otherwise.
            dead: bool (D,) by dimension: without effect on the picture.

        Raises:
            ValueError: if the arrays do not fit the latent.
        """
        score_name = "KL" if name == "kl" else "effect"
        self.sliders.set_order(dims, scores, dead, score_name)
        self.equaliser.set_order(dims, scores, dead, score_name)
        self.bar.set_order(name)
        self._scores = None if scores is None else np.asarray(scores, np.float32)
        self._offer_strongest()

    def set_order_available(self, name: str, available: bool, why_not: str = "") -> None:
        """Whether an order can be chosen, and if not, why: shown as its tooltip."""
        self.bar.set_order_available(name, available, why_not)

    def set_posterior(self, mean: ArrayLike | None, deviation: ArrayLike | None = None) -> None:
        """Mark where an image lies, float (D,) each; see ``LatentSliders.set_posterior``."""
        self.sliders.set_posterior(mean, deviation)

    def set_strip(
        self, dim: int, pixels: NDArray[np.uint8], values: ArrayLike | None = None
    ) -> None:
        """Show what a dimension does; see ``LatentSliders.set_strip``."""
        self.sliders.set_strip(dim, pixels, values)

    def set_axes(self, u: ArrayLike, v: ArrayLike, u_label: str, v_label: str) -> None:
        """Let the pad move along unit vectors float (D,); see ``Pad.set_axes``."""
        self.pad.set_axes(u, v, u_label, v_label)
        self._offer_strongest()

    def _offer_strongest(self) -> None:
        if self._scores is not None and self._scores.size == self._dim and self._dim >= 2:
            first, second = np.argsort(-self._scores, kind="stable")[:2].tolist()
            self.pad.set_strongest(first, second)

    def set_principal_available(self, available: bool, why_not: str = "") -> None:
        """Whether the pad offers the principal directions, and if not, why."""
        self.pad.set_principal_available(available, why_not)

    def set_background(self, image: QImage | None) -> None:
        """A picture of the pad's plane, or None."""
        self.pad.set_background(image)

    # -- sections --------------------------------------------------------------------------------

    @property
    def sections(self) -> tuple[str, ...]:
        """Names of the sections that the person wants open, whether they fit or not."""
        return tuple(name for name, part in self._parts.items() if part.wanted)

    def set_sections(self, names: Iterable[str]) -> None:
        """Want exactly these of ``equaliser`` and ``pad`` open; other names are passed over."""
        wanted = set(names)
        for name, part in self._parts.items():
            part.wanted, part.insisted = name in wanted, False
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(296, 640)

    def minimumSizeHint(self) -> QSize:
        rows = 2 * self.sliders.row_height
        return QSize(272, len(self._parts) * HEADER_HEIGHT + self.bar.sizeHint().height() + rows)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _toggle(self, name: str, on: bool) -> None:
        for other, part in self._parts.items():
            if other == name:
                part.wanted = part.insisted = on
            elif on:
                part.insisted = False
        self._fit()
        self.sections_changed.emit()

    def _fit(self) -> None:
        """Share the height out: least heights first, then up to what is best, then what is over.

        The rows have room for the strip before anything gets more than the least.
        """
        spare = self.height() - self.minimumSizeHint().height()
        spare -= (ROWS_KEPT - 2) * self.sliders.row_height
        given: dict[str, int] = {}
        for name, part in sorted(self._parts.items(), key=lambda item: not item[1].insisted):
            if part.wanted and (part.insisted or part.least + MARGIN <= spare):
                given[name] = part.least
                spare -= part.least + MARGIN
        rows = max(ROWS_KEPT * self.sliders.row_height, STRIP_MIN_HEIGHT)
        spare -= rows - ROWS_KEPT * self.sliders.row_height  # the strip comes before a larger pad
        for name in given:
            more = min(max(spare, 0), self._parts[name].best - given[name])
            given[name] += more
            spare -= more
        spare -= max(self.sliders.full_height() - rows, 0)
        for name in given:
            most = self._parts[name].most
            if name == "pad":  # a square: no higher than the width lets it be
                most = min(most, self.pad.widest_square(self.width() - 2 * MARGIN))
            more = min(max(spare, 0), max(most - given[name], 0))
            given[name] += more
            spare -= more
        for name, part in self._parts.items():
            part.section.set_open(given.get(name))

    # -- what the person wants -------------------------------------------------------------------

    @property
    def _dim(self) -> int:
        return self.sliders.hand.dim

    def _edit(self, values: NDArray[np.float32], key: str) -> None:
        # The other controls follow when the picture is there, or a little later: to paint them
        # first would hold the picture up.
        self._followers = values
        self._late.start()
        self.edited.emit(values, key)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in HANDS_ON and self._followers is not None:
            self._follow()  # another edit is to start from the values of this one
        return False

    def _follow(self) -> None:
        if self._followers is not None:
            self.set_latent(self._followers, self.sliders.hand.latent)

    def _lock(self, mask: NDArray[np.bool_]) -> None:
        self.set_locks(mask)
        self.locks_changed.emit(mask.copy())

    def _make_current(self, dim: int) -> None:
        self.set_current(dim)
        self.current_changed.emit(dim)

    def _step(self, step: float) -> None:
        self.set_step(step)
        self.step_changed.emit(step)

    def _reset(self) -> None:
        hand = self.sliders.hand
        values = np.where(hand.locks, hand.values, np.float32(0.0))
        if (values != hand.values).any():
            self.set_latent(values, hand.latent)
            self.edited.emit(values.copy(), self._resets.click())


def _demo() -> None:
    """The panel by itself, over a latent of as many dimensions as the first argument says."""
    import sys

    from PySide6.QtWidgets import QApplication

    from genviewer.core.prior import draw
    from genviewer.core.spec import LatentSpec
    from genviewer.ui import theme

    app = QApplication(sys.argv)
    theme.load_font(app)
    theme.apply(app, "system")
    latent = LatentSpec(int(sys.argv[1]) if len(sys.argv) > 1 else 32)
    panel = LatentPanel()
    panel.setWindowFlag(Qt.WindowType.Window)
    panel.set_latent(draw(latent, 0), latent)
    scores = np.abs(draw(latent, 1))
    scores[scores < 0.2] = 0.0
    orders = {"index": np.arange(latent.dim), "effect": np.argsort(-scores)}
    panel.set_order_available("kl", False, "The demo has no encoder")
    panel.order_chosen.connect(
        lambda name: panel.set_order(name, orders[name], scores, scores == 0.0)
    )
    panel.set_principal_available(False, "The demo has no decoder")
    panel.axes_chosen.connect(lambda axes: panel.pad.set_dims(*axes))
    ramp = np.linspace(40, 220, 7).astype(np.uint8)
    strip = np.broadcast_to(ramp[:, None, None, None], (7, 8, 8, 1))
    panel.strip_wanted.connect(lambda dim: panel.set_strip(dim, strip))
    panel.resize(300, 700)
    panel.show()
    sys.exit(app.exec())


if __name__ == "__main__":
    _demo()
