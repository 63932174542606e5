"""Marks the current sample among the images of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.ui.data_shows import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.core.recipe import Recipe
    from genviewer.engine.data_figures import DataFigures
    from genviewer.engine.jobs import Progress
    from genviewer.io.bundle import Bundle
    from genviewer.ui.background import Background
    from genviewer.ui.widgets.outlier_page import OutlierPage


class CurrentMark:
    """Measures log p(x) of the current sample as the page's images were measured (GUI thread).

    Args:
        page: where it is marked.
        figures: has the model's density.
        jobs: the lane of the figures.
        tell: (text, severity) says something.
    """

    def __init__(
        self,
        page: OutlierPage,
        figures: DataFigures,
        jobs: Background,
        tell: Callable[[str, str], object],
    ) -> None:
        self._page, self._figures, self._jobs, self._tell = page, figures, jobs, tell
        self._of: tuple[str, Recipe] | None = None
        self._wished: tuple[str, Recipe] | None = None

    def clear(self) -> None:
        """Mark nothing: the sample or the model is another one."""
        self._of = self._wished = None
        self._page.set_image(None)

    def mark(self, bundle: Bundle, recipe: Recipe, pixels: NDArray[np.uint8] | None) -> None:
        """Mark a sample of a model, uint8 (H, W, C); the newest wish wins."""
        image, what = bundle.spec.image, (bundle.model_id, recipe)
        if pixels is None or pixels.shape != (image.height, image.width, image.channels):
            return
        if what == self._wished:
            return
        self._wished = what  # what is still being measured is not wanted any more
        if what == self._of:
            return
        figures = self._figures

        def work(progress: Progress) -> float:
            from genviewer.engine.data_beliefs import measure_data
            from genviewer.engine.torch_decoder import use_threads

            use_threads(1)
            density = figures.density(bundle)
            found = measure_data(density, bundle, pixels[None], samples=SAMPLES, progress=progress)
            return float(found.log_px[0])

        def done(log_px: float) -> None:
            if what is self._wished:  # and not the same asked for once more
                self._of = what
                self._page.set_image(log_px, "current sample")

        def give_up() -> None:
            if what is self._wished:
                self._wished = None

        def failed(error: Exception) -> None:
            give_up()
            self._tell(str(error), "warning")

        self._jobs.submit(
            work,
            "Measuring the current sample",
            key="data view mark",
            done=done,
            failed=failed,
            cancelled=give_up,
            quiet=True,
        )
