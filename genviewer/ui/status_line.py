"""The status line: model, device, engine, drag-to-pixel latency, frame rate, dropped requests;
and what is under way in the background, with a way to cancel it.
"""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from genviewer.ui.icons import icon
from genviewer.ui.widgets.elided_label import ElidedLabel

REFRESH_MS = 250
NAME_WIDTH = 280  # of the model: a longer one would make the window wider than the screen


class StatusLine(QStatusBar):
    """Labels that are refreshed at most four times a second, and not at all at rest.

    Signals:
        cancel_wanted(): stop what is under way.
        refresh_wanted(): figures may have changed; answer with :meth:`set_figures`.
    """

    cancel_wanted = Signal()
    refresh_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(12, 0, 12, 0)
        self._work = ElidedLabel(parent=self)
        self._bar = QProgressBar(self)
        self._bar.setFixedSize(96, 6)
        self._bar.setTextVisible(False)
        self._cancel = QToolButton(self)
        self._cancel.setIcon(icon("close"))
        self._cancel.setAccessibleName("Cancel background work")
        self._cancel.setToolTip("Cancel  (Ctrl+.)")
        self._cancel.clicked.connect(self.cancel_wanted)
        self.addWidget(self._work)
        self.addWidget(self._bar)
        self.addWidget(self._cancel)
        self._labels: dict[str, QLabel] = {}
        for name, tip in {
            "model": "The model that is explored",
            "device": "Where it runs",
            "engine": "What runs the decoder",
            "latency": "From the hand's movement to the end of the paint that shows it (median)",
            "fps": "Frames painted in the last second",
            "dropped": "Requests that a newer one replaced before they were drawn",
        }.items():
            label = ElidedLabel(parent=self, tip=tip) if name == "model" else QLabel(self)
            label.setToolTip(tip)
            label.setContentsMargins(8, 0, 8, 0)
            self._labels[name] = label
            self.addPermanentWidget(label)
        self._labels["model"].setMaximumWidth(NAME_WIDTH)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh_wanted)
        self.set_work(None)

    def touch(self) -> None:
        """Something happened: ask for figures soon."""
        if not self._timer.isActive():
            self._timer.start()

    def set_model(self, name: str, device: str, engine: str) -> None:
        """What is explored, where it runs and by what."""
        self._labels["model"].setText(name)
        self._labels["device"].setText(device)
        self._labels["engine"].setText(engine)

    def set_figures(self, latency_ms: float | None, fps: float, dropped: int) -> None:
        """The live figures; they keep their width so that nothing jumps."""
        latency = "–" if latency_ms is None else f"{latency_ms:.1f}"
        self._labels["latency"].setText(f"{latency:>5} ms to pixel")
        self._labels["fps"].setText(f"{fps:3.0f} fps")
        self._labels["dropped"].setText(f"{dropped} dropped")

    def set_work(self, text: str | None, fraction: float | None = None) -> None:
        """Show what is under way; None when nothing is."""
        busy = text is not None
        self._work.setText(text or "")
        for widget in (self._work, self._bar, self._cancel):
            widget.setVisible(busy)
        if fraction is None:
            self._bar.setRange(0, 0 if busy else 1)
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(1000 * fraction))
