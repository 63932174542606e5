"""Stands in for the window: takes what the render thread hands over and paints it."""

from __future__ import annotations

import time

import numpy as np

from genviewer.core.views import ViewInputs
from genviewer.engine.render import RenderThread, Request

TIMEOUT_S = 20.0


class Screen:
    """A mosaic that is painted as a canvas would, by the rules of SheetUpdate alone."""

    def __init__(self) -> None:
        self.ready_calls = 0
        self.thread = RenderThread(self._ready)
        self.focus = None
        self.update = None
        self.mosaic = None
        self.stamps: list[float] = []
        self.notices: list[str] = []
        self.resets = 0
        self.takes = 0

    def _ready(self) -> None:
        self.ready_calls += 1

    def request(self, scene, inputs=None, stamp=0.0, want_sheet=True) -> None:
        inputs = inputs if inputs is not None else ViewInputs()
        self.thread.request(Request(scene, inputs, stamp, want_sheet))

    def collect(self) -> None:
        rendered = self.thread.take()
        if rendered is None:
            return
        self.takes += 1
        if rendered.focus is not None:
            self.focus = rendered.focus
        self.stamps.extend(rendered.stamps)
        self.notices.extend(rendered.notices)
        if rendered.sheet is not None:
            self._paint(rendered.sheet)

    def _paint(self, update) -> None:
        if update.reset:
            self.resets += 1
            self.mosaic = None
        self.update = update
        for tiles in update.chunks:
            if self.mosaic is None:
                total = update.sheet.rows * update.sheet.columns
                self.mosaic = np.zeros((total, *tiles.pixels.shape[1:]), np.uint8)
            self.mosaic[tiles.cells] = tiles.pixels

    def until(self, condition) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            self.collect()
            if condition():
                return
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.001)

    def wait_for_call(self) -> None:
        """Until the render thread has taken the request and is drawing."""
        self.until(lambda: self.thread._mail is None)

    def wait_idle(self) -> None:
        """Until the render thread waits for a request."""
        thread = self.thread
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            with thread._condition:
                asked = thread._mail is not None or thread._refresh
                idle = not asked and thread._job is None and thread._postponed is None
                if idle and thread._condition._waiters:
                    return
            time.sleep(0.001)
        raise AssertionError("the render thread does not come to rest")

    def settle(self) -> Screen:
        """Take everything until the render thread rests."""
        self.wait_idle()
        self.collect()
        return self
