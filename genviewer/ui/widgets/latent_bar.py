"""The line of commands above the latent sliders: order, step, locks, reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QWidget,
)

from genviewer.ui import icons
from genviewer.ui.widgets.keyboard import NumberKeys
from genviewer.ui.widgets.latent_hand import DEFAULT_STEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORDERS = {
    "index": ("Index", "Order the dimensions by index"),
    "kl": ("KL", "Order by KL: how much the encoder puts into each dimension"),
    "effect": ("Effect", "Order by measured effect on the picture"),
}
HEIGHT = 24
SIDE = 8  # px beside the text of an order
STEP_RANGE = (0.01, 2.0)


class StepBox(NumberKeys, QDoubleSpinBox):
    """The step size; letters typed into it are the window's shortcuts."""


class LatentBar(QWidget):
    """Selector of the order, step size, menu of locks, reset.

    Signals:
        order_chosen: ``index``, ``kl`` or ``effect``.
        step_changed: the new step.
        lock_all, lock_none, lock_inverted, reset_all: what they say.
    """

    order_chosen = Signal(str)
    step_changed = Signal(float)
    lock_all = Signal()
    lock_none = Signal()
    lock_inverted = Signal()
    reset_all = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.orders: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 4, 4)
        row.setSpacing(0)
        for name, (text, tip) in ORDERS.items():
            button = QToolButton(self)
            button.setText(text)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setChecked(name == "index")
            button.clicked.connect(lambda _on, n=name: self.order_chosen.emit(n))
            button.setObjectName("tight")
            self._group.addButton(button)
            self.orders[name] = button
            row.addWidget(button)
        row.addStretch(1)
        self.step = StepBox(self)
        self.step.setRange(*STEP_RANGE)
        self.step.setDecimals(2)
        self.step.setSingleStep(0.05)
        self.step.setValue(DEFAULT_STEP)
        self.step.setPrefix("\N{PLUS-MINUS SIGN} ")
        self.step.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.step.setFixedSize(62, HEIGHT)
        self.step.setKeyboardTracking(False)
        self.step.setStyleSheet("padding: 0;")
        self.step.setToolTip("Step of the arrow keys and the wheel")
        self.step.setAccessibleName("Step")
        self.step.valueChanged.connect(self.step_changed)
        row.addWidget(self.step)
        row.addSpacing(4)
        self.locks = self._tool("unlock", "Lock and unlock all dimensions")
        self.locks.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.locks)
        for text, signal in (
            ("Lock all", self.lock_all),
            ("Unlock all", self.lock_none),
            ("Invert locks", self.lock_inverted),
        ):
            menu.addAction(text).triggered.connect(lambda _on, s=signal: s.emit())
        self.locks.setMenu(menu)
        row.addWidget(self.locks)
        self.reset = self._tool("reset", "Reset all dimensions but the locked ones to 0")
        self.reset.clicked.connect(lambda: self.reset_all.emit())
        row.addWidget(self.reset)
        self._size_orders()

    def set_order(self, name: str) -> None:
        """Show which order is in force, without a signal."""
        self.orders[name].setChecked(True)

    def set_order_available(self, name: str, available: bool, why_not: str) -> None:
        """Whether an order can be chosen, and if not, why."""
        self.orders[name].setEnabled(available)
        self.orders[name].setToolTip(ORDERS[name][1] if available else why_not)

    def set_step(self, step: float) -> None:
        """Show a step, without a signal."""
        if self.step.value() != step:
            self.step.blockSignals(True)
            self.step.setValue(step)
            self.step.blockSignals(False)

    def show_locks(self, locks: NDArray) -> None:
        """Say by the padlock whether any dimension is locked."""
        self.locks.setIcon(icons.icon("lock" if locks.any() else "unlock"))
        count = int(locks.sum())
        state = f"{count} of {locks.size} locked" if count else "none locked"
        self.locks.setToolTip(f"Lock and unlock all dimensions ({state})")

    def _tool(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icons.icon(icon))
        button.setIconSize(QSize(16, 16))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setObjectName("tight")
        button.setFixedSize(HEIGHT + 4, HEIGHT)
        return button

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._size_orders()

    def _size_orders(self) -> None:
        for button in self.orders.values():
            text = button.fontMetrics().horizontalAdvance(button.text())
            button.setFixedSize(text + 2 * SIDE, HEIGHT)
