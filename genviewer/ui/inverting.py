"""Searches for the latent that draws an image, with a preview, and goes there."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.engine.inversion import Inversion
    from genviewer.engine.jobs import Job, Progress
    from genviewer.ui.background import Background
    from genviewer.ui.bridge import Bridge
    from genviewer.ui.models import Loaded

PREVIEW_S = 0.1
STEPS = 300
RESTARTS = 8


class Inverting:
    """One search at a time, in a lane of its own (GUI thread).

    Args:
        lane: where it runs.
        bridge: brings previews to the GUI thread.
        on_work: the fraction that is done; None when the search is over.
        on_preview: uint8 (H, W, C), the best so far.
        on_found: the model and what was found.
        on_failed: a sentence.
    """

    def __init__(
        self,
        lane: Background,
        bridge: Bridge,
        *,
        on_work: Callable[[float | None], object],
        on_preview: Callable[[NDArray[np.uint8]], object],
        on_found: Callable[[Loaded, Inversion], object],
        on_failed: Callable[[str], object],
    ) -> None:
        self._lane, self._bridge = lane, bridge
        self._on_work, self._on_preview = on_work, on_preview
        self._on_found, self._on_failed = on_found, on_failed
        self._job: Job | None = None
        self._stop = threading.Event()

    @property
    def searching(self) -> bool:
        """Whether a search is under way or waits."""
        return self._job is not None

    def start(self, loaded: Loaded, pixels: NDArray[np.uint8], *, steps: int = STEPS) -> None:
        """Search for an image uint8 (H, W, C) in the model's size; one under way is given up."""
        bundle = loaded.bundle
        self.cancel()
        stop = self._stop = threading.Event()

        def work(progress: Progress) -> Inversion:
            from genviewer.engine.encoding import to_model_range
            from genviewer.engine.inversion import Effort, invert
            from genviewer.engine.torch_decoder import use_threads

            use_threads(1)  # the sample under the hand is drawn beside it
            last = 0.0

            def preview(pictures: NDArray[np.float32]) -> None:
                nonlocal last
                now = time.monotonic()
                if now - last >= PREVIEW_S:
                    last = now
                    self._bridge.post(lambda: self._preview(job_of[0], as_pixels(pictures[0])))

            return invert(
                bundle,
                to_model_range(pixels[None], bundle),
                effort=Effort(steps=steps, restarts=RESTARTS),
                device="cpu",
                progress=_Told(progress, self._bridge, lambda f: self._progress(job_of[0], f)),
                preview=preview,
                stopped=stop.is_set,
            )

        job_of: list[Job | None] = [None]
        job = self._lane.submit(
            work,
            f"Inverting with {bundle.spec.name}",
            key="invert",
            done=lambda found: self._end(job_of[0], lambda: self._on_found(loaded, found)),
            failed=lambda error: self._end(job_of[0], lambda: self._on_failed(str(error))),
            cancelled=lambda: self._end(job_of[0], None),
            quiet=True,  # the panel shows how far it is
        )
        job_of[0] = self._job = job
        self._on_work(0.0)

    def stop(self) -> None:
        """End the search with the best so far, which is then found."""
        self._stop.set()

    def cancel(self) -> None:
        """Give the search up; nothing is found."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self._on_work(None)

    def _progress(self, job: Job | None, fraction: float) -> None:
        if job is self._job is not None:
            self._on_work(fraction)

    def _preview(self, job: Job | None, pixels: NDArray[np.uint8]) -> None:
        if job is self._job is not None:
            self._on_preview(pixels)

    def _end(self, job: Job | None, then: Callable[[], object] | None) -> None:
        if job is not self._job:
            return  # it was given up for another
        self._job = None
        self._on_work(None)
        if then is not None:
            then()


class _Told:
    """A job's progress that is told to one more, no more often than can be seen."""

    def __init__(self, progress: Progress, bridge: Bridge, tell: Callable[[float], object]) -> None:
        self._progress, self._bridge, self._tell = progress, bridge, tell
        self._last = 0.0

    def report(self, fraction: float, text: str = "") -> None:
        self._progress.report(fraction, text)
        now = time.monotonic()
        if now - self._last >= PREVIEW_S:
            self._last = now
            self._bridge.post(lambda: self._tell(fraction))


def as_pixels(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture float32 (C, H, W) in [0, 1] as uint8 (H, W, C)."""
    scaled = np.round(255.0 * np.moveaxis(picture, 0, 2))
    return np.ascontiguousarray(scaled.clip(0, 255).astype(np.uint8))
