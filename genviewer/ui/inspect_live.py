"""Which weights of a model in training are asked about an image: the newest ones, now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from genviewer.ui.models import Live

EVERY_MS = 1000
"""Newer weights are asked no more often than this."""

AGAIN_MS = 200
"""How soon to look again where a hand or an answer is waited for."""

REST_MS, LONGEST_REST_MS = 4000, 20_000
REST_SHARE = 3.0
"""Weights rest when they have not changed for so long, and so many times as long as between the
last two changes: a large network takes a while for each. After a pause that would be too long.
"""


class LiveWeights(QObject):
    """Follows the weights on the screen (GUI thread).

    While a mouse button is held none are taken: what computes would slow the hand.

    Args:
        panel: where the answers are shown; while it is hidden nothing is asked.
        may_take: whether newer weights can be asked now, and no answer is waited for.
        parent: of this object.

    Signals:
        taken(object): a Live whose weights are to be asked from now on.
        rested: the weights that were taken last stand still; what takes longer is worth it.
    """

    taken = Signal(object)
    rested = Signal()

    def __init__(self, panel: QWidget, may_take: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._panel, self._may_take = panel, may_take
        self._newer: Live | None = None
        self._taken_at = self._changed_at = 0.0
        self.moving = False
        """Whether the weights that are asked are about to be others."""
        self._due, self._rest = QTimer(self), QTimer(self)
        for timer, then in ((self._due, self._take), (self._rest, self._stand_still)):
            timer.setSingleShot(True)
            timer.timeout.connect(then)

    def begin(self) -> None:
        """A model in training is asked from now on."""
        self._newer = None
        self._taken_at = self._changed_at = time.monotonic()
        self._move(0.0)

    def end(self) -> None:
        """What is asked is no model in training any more."""
        self._newer, self.moving = None, False
        self._due.stop()
        self._rest.stop()

    def follow(self, live: Live) -> None:
        """The screen is drawn with newer weights."""
        now = time.monotonic()
        self._newer = live
        self._move(now - self._changed_at)
        self._changed_at = now
        self.wake()

    def wake(self) -> None:
        """Take newer weights as soon as they are due, if there are any."""
        if self._newer is not None and not self._due.isActive():
            since = 1000.0 * (time.monotonic() - self._taken_at)
            self._due.start(max(0, round(EVERY_MS - since)))

    def _move(self, interval_s: float) -> None:
        self.moving = True
        wanted = round(REST_SHARE * 1000.0 * interval_s)
        self._rest.start(min(max(REST_MS, wanted), LONGEST_REST_MS))

    def _take(self) -> None:
        if self._newer is None or not self._panel.isVisible():
            return  # whoever shows the panel wakes this
        held = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        if held or not self._may_take():
            self._due.start(AGAIN_MS)
            return
        newer, self._newer = self._newer, None
        self._taken_at = time.monotonic()
        self.taken.emit(newer)

    def _stand_still(self) -> None:
        self.moving = False
        if self._newer is None:
            self.rested.emit()
