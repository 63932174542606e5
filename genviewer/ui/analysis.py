"""What is measured about the current model in the background: effect, KL, the principal plane,
strips. Results come back to the GUI thread.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genviewer.core.views import ViewInputs
from genviewer.engine.accelerator import Outcome, needs_prepare, prepare
from genviewer.engine.effect import (
    Effect,
    cached_effect,
    cached_kl,
    measure_effect,
    measure_kl,
    order_of,
)
from genviewer.engine.strips import strip

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.core.recipe import ModelRef, Recipe
    from genviewer.engine.jobs import Progress
    from genviewer.ui.background import Background
    from genviewer.ui.models import Loaded

STRIP_RESTS, STRIP_WAITS_S = 10, 1.0
"""While a model learns, its strip rests so many times as long as it took to draw, and so long where
it was not drawn.
"""


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known about a model so far."""

    effect: Effect | None = None
    kl: NDArray[np.float32] | None = None

    def inputs(self, view_aspect: float) -> ViewInputs:
        """What the views need of it."""
        return ViewInputs(
            effect_order=self.effect.order if self.effect else None,
            kl_order=order_of(self.kl) if self.kl is not None else None,
            plane=self.effect.plane if self.effect else None,
            view_aspect=view_aspect,
        )


class Analysis:
    """Measures the current model in the job lane; starting on another model drops the rest.

    All methods belong to the GUI thread; so do the callbacks.

    Args:
        background, looks: where long measurements and quick looks run.
        on_facts: more is known about the current model.
        on_strip: (dimension, uint8 (n, H, W, C)) is drawn.
        on_outcome: the accelerator of the model with that id was checked or exported.
    """

    def __init__(
        self,
        background: Background,
        looks: Background,
        on_facts: Callable[[Facts], None],
        on_strip: Callable[[int, NDArray[np.uint8]], None],
        on_outcome: Callable[[str, Outcome], None],
    ) -> None:
        self._background = background
        self._looks = looks
        self._on_facts = on_facts
        self._on_strip = on_strip
        self._on_outcome = on_outcome
        self._loaded: Loaded | None = None
        self._drawn_by: Loaded | None = None
        self._strip_wish: tuple[ModelRef, Recipe, int] | None = None
        self._strip_due = 0.0  # from when on newer weights are a reason to draw it again
        self.facts = Facts()

    def start(self, loaded: Loaded) -> None:
        """Look up what is known about a model and measure its effects if they are not."""
        self._loaded = self._drawn_by = loaded
        self._draw_strip()  # it may have been wished for before the model was there
        model_id = loaded.ref.id
        self.facts = Facts(cached_effect(model_id), cached_kl(loaded.bundle))
        self._on_facts(self.facts)
        if self.facts.effect is None:
            self._background.submit(
                lambda progress: measure_effect(loaded.generator, progress),
                f"Measuring what the dimensions of {loaded.ref.name} do",
                key="effect",
                done=lambda effect: self._learn(model_id, effect=effect),
            )

    def follow(self, loaded: Loaded) -> None:
        """Draw strips with a model that began as the current one and changes from moment to moment;
        what was measured of the current one stays as it is.
        """
        other, self._drawn_by = self._drawn_by is None or self._drawn_by.ref != loaded.ref, loaded
        if other or time.monotonic() >= self._strip_due:
            self._draw_strip()

    def measure_kl(self, failed: Callable[[str], None]) -> None:
        """Measure KL per dimension, once, where the model has an encoder."""
        loaded = self._loaded
        if loaded is None or self.facts.kl is not None or not loaded.bundle.spec.encoder:
            return
        model_id = loaded.ref.id
        self._background.submit(
            lambda progress: measure_kl(loaded.bundle, progress),
            f"Measuring the KL of {loaded.ref.name}",
            key="kl",
            done=lambda kl: self._learn(model_id, kl=kl),
            failed=lambda error: failed(str(error)),
        )

    def want_strip(self, model: ModelRef, recipe: Recipe, dim: int) -> None:
        """Draw what one dimension does from a Recipe of a model on, as soon as that model is the
        current one; the newest wish wins.
        """
        self._strip_wish = model, recipe, dim
        self._draw_strip()

    def _draw_strip(self) -> None:
        loaded, wish = self._drawn_by, self._strip_wish
        if loaded is None or wish is None or loaded.ref.id != wish[0].id:
            return
        model, recipe, dim = wish
        self._strip_due = time.monotonic() + STRIP_WAITS_S

        def work(progress: Progress) -> tuple[NDArray[np.uint8], float]:
            since = time.monotonic()
            return strip(loaded.generator, recipe, dim), time.monotonic() - since

        def show(drawn: tuple[NDArray[np.uint8], float]) -> None:
            pixels, took = drawn
            self._strip_due = time.monotonic() + STRIP_RESTS * took
            now = self._drawn_by
            if now is not None and now.ref.id == model.id and self._strip_wish is wish:
                self._on_strip(dim, pixels)

        self._looks.submit(
            work,
            "Drawing a strip",
            key="strip",
            done=show,
            quiet=True,
        )

    def check_accelerator(self) -> None:
        """Check, or export, the current model's accelerator if this machine has not yet."""
        loaded = self._loaded
        if loaded is None:
            return
        bundle = loaded.bundle

        def work(progress: Progress) -> Outcome | None:
            return prepare(bundle, progress) if needs_prepare(bundle) else None

        def finish(outcome: Outcome | None) -> None:
            if outcome is not None:
                self._on_outcome(bundle.model_id, outcome)

        self._background.submit(
            work,
            f"Checking the accelerator of {bundle.spec.name}",
            key="accelerator",
            done=finish,
            quiet=True,
        )

    def _learn(
        self,
        model_id: str,
        effect: Effect | None = None,
        kl: NDArray[np.float32] | None = None,
    ) -> None:
        if self._loaded is None or self._loaded.ref.id != model_id:
            return
        known = self.facts
        self.facts = Facts(effect or known.effect, kl if kl is not None else known.kl)
        self._on_facts(self.facts)
