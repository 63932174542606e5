"""What images are compared with: for each model a data set that was chosen once, or its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.io.atomic import write_bytes
from genviewer.ui.data_sources import name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.engine.bayes_reference import Reference
    from genviewer.engine.jobs import Progress
    from genviewer.ui.background import Background
    from genviewer.ui.models import Loaded

OWN = "own"
BUNDLED = "bundled"
CHOOSE = "choose"
MAX_BYTES = 1 << 20
MAX_REMEMBERED = 200
CANCELLED = "Measuring what is usual was cancelled."


class References:
    """Measures and remembers references (GUI thread).

    Args:
        jobs: where they are measured.
        file: where the choices are remembered.
        on_known: a model's id and its Reference; None where that cannot be measured.
        tell: (text, severity) says something.
    """

    def __init__(
        self,
        jobs: Background,
        file: Path,
        on_known: Callable[[str, Reference | None], object],
        tell: Callable[[str, str], object],
    ) -> None:
        self._jobs, self._file, self._on_known, self._tell = jobs, file, on_known, tell
        self._known: dict[tuple[str, str], Reference] = {}
        self._asked: tuple[str, str] | None = None  # the newest; one before it is cancelled by it
        self._failed: dict[tuple[str, str], str] = {}
        self._chosen = _read(file)

    def choices(self, loaded: Loaded) -> list[tuple[str, str]]:
        """Keys and texts of what a model's images can be compared with."""
        from genviewer.engine.bayes_reference import bundled_reference

        found = []
        bundled = bundled_reference(loaded.bundle)
        if bundled is not None:
            self._known[loaded.bundle.model_id, BUNDLED] = bundled
            found.append((BUNDLED, bundled.name))
        found.append((OWN, "its own samples"))
        source = self._chosen.get(loaded.ref.id)
        if source is not None and source not in (OWN, BUNDLED):
            found.append((source, name_of(source)))
        found.append((CHOOSE, "another data set…"))
        return found

    def current(self, loaded: Loaded) -> str:
        """The key of the reference in force."""
        keys = [key for key, _ in self.choices(loaded)]
        chosen = self._chosen.get(loaded.ref.id, keys[0])
        return chosen if chosen in keys else keys[0]

    def choose(self, loaded: Loaded, key: str) -> None:
        """Compare with another reference from now on; ``key`` may be a data set."""
        # One in training keeps its choice from weights to weights.
        self._chosen.pop(loaded.ref.id, None)
        self._chosen[loaded.ref.id] = key
        for oldest in list(self._chosen)[:-MAX_REMEMBERED]:
            del self._chosen[oldest]
        try:
            write_bytes(self._file, msgspec.json.encode(self._chosen))
        except OSError as error:
            self._tell(f"What is compared with cannot be kept: {error.strerror}.", "warning")

    def known(self, loaded: Loaded) -> Reference | None:
        """The reference in force, where it is measured."""
        return self._known.get((loaded.bundle.model_id, self.current(loaded)))

    def why_unknown(self, loaded: Loaded) -> str:
        """Why the reference in force cannot be measured; empty where it is, or will be."""
        return self._failed.get((loaded.bundle.model_id, self.current(loaded)), "")

    def want(self, loaded: Loaded) -> None:
        """Measure the reference in force, once; ``on_known`` is told."""
        bundle, source = loaded.bundle, self.current(loaded)
        mark = (bundle.model_id, source)
        if mark == self._asked or mark in self._known or mark in self._failed:
            return
        self._asked = mark

        def work(progress: Progress) -> Reference:
            from genviewer.engine.bayes_reference import measure_reference, own_samples
            from genviewer.engine.density import open_density
            from genviewer.engine.torch_decoder import use_threads

            use_threads(1)  # the sample under the hand is drawn beside it
            if source == OWN:
                images, name = own_samples(bundle), "its own samples"
            else:
                images, name = _images(source, loaded), name_of(source)
            density = open_density(bundle, "cpu")
            return measure_reference(density, bundle, images, name, progress=progress)

        def end() -> None:
            if self._asked is mark:  # and not the same asked for once more
                self._asked = None

        def done(reference: Reference) -> None:
            end()
            self._known[mark] = reference
            self._on_known(bundle.model_id, reference)

        def fail(why: str) -> None:
            end()
            self._failed[mark] = why  # and not asked again until it is chosen anew
            self._on_known(bundle.model_id, None)

        def failed(error: Exception) -> None:
            self._tell(str(error), "warning")
            fail(str(error))

        def cancelled() -> None:
            if self._asked is mark:  # by a person: no other took its place
                fail(CANCELLED)

        self._jobs.submit(
            work,
            f"Measuring what is usual for {bundle.spec.name}",
            key="reference",
            done=done,
            failed=failed,
            cancelled=cancelled,
        )

    def forget_failure(self, loaded: Loaded) -> None:
        """Let the reference in force be asked for again."""
        self._failed.pop((loaded.bundle.model_id, self.current(loaded)), None)


def _images(source: str, loaded: Loaded) -> NDArray[np.uint8]:
    """The test images of a data set, or all it has, as the model takes them."""
    from genviewer.engine.density_images import fit_images
    from genviewer.io.datasets import load_images

    image = loaded.bundle.spec.image
    train, test = load_images(source, mixed_shape=(image.height, image.width, image.channels))
    return fit_images((test or train).images, loaded.bundle.spec)


def _read(file: Path) -> dict[str, str]:
    try:
        if file.stat().st_size > MAX_BYTES:
            return {}
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (OSError, ValueError, RecursionError):
        return {}  # only choices are lost, which are made again in two clicks
