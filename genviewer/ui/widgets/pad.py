"""Two chosen latent dimensions, or the two principal directions, under one handle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from genviewer.ui.widgets.pad_plane import PadPlane
from genviewer.ui.widgets.pad_square import PadSquare
from genviewer.ui.widgets.prior_range import dim_label, value_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from PySide6.QtGui import QImage, QResizeEvent

    from genviewer.core.spec import LatentSpec

SIDE_WIDTH = 100
GAP = 12
PRINCIPAL = ("principal 1", "principal 2")


class Pad(QWidget):
    """The square with its handle, and beside it the choice of axes and where the handle is.

    It starts on the first two dimensions. Choosing an axis only says so (``axes_chosen``); the
    pad turns to what :meth:`set_axes` then gives it. Fewer than two dimensions leave it empty.

    Signals:
        edited: values float32 (D,) and a merge key, one key for each gesture.
        axes_chosen: the two dimensions as ``(x, y)``, or None for the principal directions.
    """

    edited = Signal(object, str)
    axes_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.square = PadSquare(self)
        self.square.edited.connect(self.edited)
        self.square.moved.connect(self._show_position)
        self._dims = (0, 1)  # chosen last, to come back to from the principal directions
        self._principal = False
        self._principal_available = True, ""
        self._combos = (QComboBox(self), QComboBox(self))
        self._readouts = (QLabel(self), QLabel(self))
        side = QGridLayout()
        side.setHorizontalSpacing(4)
        side.setVerticalSpacing(4)
        for which, (title, combo) in enumerate(zip(("Across", "Up"), self._combos, strict=True)):
            label = QLabel(title, self)
            label.setBuddy(combo)
            combo.setAccessibleName(f"Axis of the pad: {title.lower()}")
            combo.setMinimumWidth(SIDE_WIDTH)
            combo.setMaxVisibleItems(16)
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.activated.connect(lambda index, w=which: self._choose(w, index))
            row = 3 * which
            side.addWidget(label, row, 0)
            side.addWidget(self._readouts[which], row, 1, Qt.AlignmentFlag.AlignRight)
            side.addWidget(combo, row + 1, 0, 1, 2)
        side.setRowMinimumHeight(2, 4)
        side.setRowStretch(5, 1)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(GAP)
        columns.addWidget(self.square)
        columns.addLayout(side, 1)
        self.setFocusProxy(self.square)

    # -- values in -------------------------------------------------------------------------------

    def set_latent(self, values: ArrayLike, latent: LatentSpec) -> None:
        """Show values (D,); the handle stays under a hand that holds it.

        Raises:
            ValueError: if there are not D finite values.
        """
        if self.square.set_latent(values, latent):
            self._dims, self._principal = (0, 1), False
            self._fill_combos()
            if latent.dim >= 2:
                self.set_dims(0, 1)

    def set_dims(self, x: int, y: int) -> None:
        """Move through two dimensions of the latent."""
        axes = np.eye(self.square.hand.dim, dtype=np.float32)
        self.set_axes(
            axes[x],
            axes[y],
            dim_label(x, self.square.hand.latent),
            dim_label(y, self.square.hand.latent),
        )

    def set_axes(self, u: ArrayLike, v: ArrayLike, u_label: str, v_label: str) -> None:
        """Move along unit vectors ``u`` (to the right) and ``v`` (upwards), float (D,) each.

        Raises:
            ValueError: if they do not fit the latent or span no plane.
        """
        plane = PadPlane(self.square.hand.latent, u, v, u_label, v_label)
        if plane.dims is not None:
            self._dims = plane.dims
        self._principal = plane.dims is None
        self.square.set_plane(plane)
        self._show_choice()

    def set_principal_available(self, available: bool, why_not: str = "") -> None:
        """Whether the principal directions can be chosen, and if not, why."""
        self._principal_available = available, why_not
        for combo in self._combos:
            model = combo.model()
            if isinstance(model, QStandardItemModel) and model.rowCount():
                model.item(0).setEnabled(available)
                model.item(0).setToolTip(why_not)

    def set_strongest(self, x: int, y: int) -> None:
        """Two dimensions to begin with, as long as none were chosen: the first may do nothing."""
        if self._principal and self._dims == (0, 1):
            self._dims = (x, y)

    def set_locks(self, mask: ArrayLike) -> None:
        """Lock exactly the dimensions of a bool (D,) mask."""
        self.square.set_locks(mask)

    def set_step(self, step: float) -> None:
        """How far an arrow key moves the handle; above 0."""
        self.square.hand.step = step

    def set_background(self, image: QImage | None) -> None:
        """A picture of the plane, from edge to edge of the square; None takes it away."""
        self.square.set_background(image)

    # -- the choice of axes ----------------------------------------------------------------------

    def _fill_combos(self) -> None:
        names = [dim_label(dim, self.square.hand.latent) for dim in range(self.square.hand.dim)]
        for combo, principal in zip(self._combos, PRINCIPAL, strict=True):
            combo.clear()
            combo.addItems([principal, *names])
            combo.setEnabled(len(names) >= 2)
        self.set_principal_available(*self._principal_available)

    def _show_choice(self) -> None:
        for combo, dim in zip(self._combos, self._dims, strict=True):
            combo.setCurrentIndex(0 if self._principal else dim + 1)
        self._show_position()

    def _choose(self, which: int, index: int) -> None:
        if index == 0:
            wanted = None
        else:
            chosen, other = index - 1, self._dims[1 - which]
            if other == chosen:  # the other axis takes what this one had
                other = self._dims[which] if self._dims[which] != chosen else (chosen + 1)
                other %= self.square.hand.dim
            wanted = (chosen, other) if which == 0 else (other, chosen)
        self._show_choice()  # until set_axes says that it is so
        self.axes_chosen.emit(wanted)

    def _show_position(self) -> None:
        plane = self.square.plane
        for label, value in zip(self._readouts, self.square.position, strict=True):
            label.setText(value_text(value) if plane is not None else "")

    def sizeHint(self) -> QSize:
        return QSize(280, 168)

    def minimumSizeHint(self) -> QSize:
        return QSize(120 + GAP + SIDE_WIDTH, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.square.setFixedWidth(min(self.height(), self.widest_square(self.width())))

    def widest_square(self, width: int) -> int:
        """Side in px of the largest square that fits beside the choice of axes."""
        return max(width - GAP - SIDE_WIDTH, 0)
