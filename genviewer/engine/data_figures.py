"""Figures about data sets, each measured once and remembered while the program runs."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from genviewer.engine.data_beliefs import DataBeliefs, measure_data
from genviewer.engine.generator import LoadError
from genviewer.engine.latent_layout import by_components, by_umap
from genviewer.engine.nearest import typical_distances
from genviewer.engine.posterior_statistics import describe_posteriors, encode_data
from genviewer.engine.viewed_data import ViewedData, class_conditions, view_data

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from genviewer.engine.density import NetworkDensity, Reports
    from genviewer.engine.density_results import Ints
    from genviewer.engine.latent_layout import Layout
    from genviewer.engine.nearest import Typical
    from genviewer.engine.posterior_statistics import Encoded, PosteriorStatistics
    from genviewer.io.bundle import Bundle
    from genviewer.io.dataset_survey import Survey

T = TypeVar("T")
Split = Literal["train", "test"]
MAX_BYTES = 1 << 30
"""So much is remembered; what was used longest ago goes first."""


@dataclass(frozen=True, eq=False)
class EncodedData:
    """Posteriors of a data set's images, and the classes that they were encoded as.

    Attributes:
        posteriors: of each image.
        classes: int64 (N,), the model's; None where it takes none.
        guessed: the data do not say the classes, the model took the images for them.
    """

    posteriors: Encoded
    classes: Ints | None
    guessed: bool


class DataFigures:
    """Measures what is asked for, unless it is known; one thread at a time, such as a lane's.

    Figures are found again by model id, content of the images and settings.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._known: OrderedDict[Hashable, Any] = OrderedDict()
        self._density: tuple[str, NetworkDensity] | None = None

    def survey(self, source: str, progress: Reports) -> Survey:
        """What a data set holds. Raises DataError where it cannot be read."""
        from genviewer.io.dataset_survey import survey

        return self._once(("survey", source), lambda: survey(source, progress.report))

    def forget(self, source: str) -> None:
        """Look at a data set anew when it is asked for next: its files may be others now.

        Figures about images that turn out to be the same stay known.
        """
        for key in [key for key in self._known if isinstance(key, tuple) and source in key[:2]]:
            del self._known[key]

    def view(
        self, source: str, split: Split, bundle: Bundle, limit: int, progress: Reports
    ) -> ViewedData:
        """At most ``limit`` images of a data set in a model's size.

        A data set without a test split of its own is taken whole for both.

        Raises:
            DataError, LoadError: they cannot be read, or not be shown to the model.
        """
        spec = bundle.spec
        image = spec.image

        def make() -> ViewedData:
            from genviewer.engine.density import ShareOfProgress
            from genviewer.io.dataset_fit import Fit
            from genviewer.io.dataset_lazy import prepare

            found = self.survey(source, ShareOfProgress(progress, 0.0, 0.3))
            shape = (image.height, image.width, image.channels)
            own = 1.0 if found.test_count else 0.0
            train, test = prepare(found, *shape, Fit(), None, own)
            data = test if split == "test" and test is not None else train
            share = ShareOfProgress(progress, 0.3, 0.7)
            return view_data(data, spec, limit, share, has_test=test is not None)

        key = ("view", source, split, image, spec.class_condition, limit)
        return self._once(key, make)

    def density(self, bundle: Bundle) -> NetworkDensity:
        """A model's density, built once. Raises LoadError where it has none."""
        from genviewer.engine.density import open_density

        if self._density is None or self._density[0] != bundle.model_id:
            self._density = (bundle.model_id, open_density(bundle, "cpu"))
        return self._density[1]

    def beliefs(
        self, bundle: Bundle, view: ViewedData, samples: int, progress: Reports
    ) -> DataBeliefs:
        """As :func:`~genviewer.engine.data_beliefs.measure_data`."""
        key = ("beliefs", bundle.model_id, view.digest, samples)
        return self._once(
            key,
            lambda: measure_data(
                self.density(bundle), bundle, view.images, samples=samples, progress=progress
            ),
        )

    def encoded(self, bundle: Bundle, view: ViewedData, progress: Reports) -> EncodedData:
        """The posteriors of the images, encoded as the classes that they have or are taken for.

        Raises:
            LoadError: the model has no encoder, or needs classes that nobody knows.
        """

        def make() -> EncodedData:
            from genviewer.engine.density import ShareOfProgress

            classes, guessed, start = view.labels, False, 0.0
            try:
                y = class_conditions(bundle.spec, classes, len(view.images))
            except LoadError:
                if not bundle.spec.bounds_px or classes is not None:
                    raise
                start, guessed = 0.7, True
                glance = self.beliefs(bundle, view, 1, ShareOfProgress(progress, 0.0, start))
                classes = glance.best
                y = class_conditions(bundle.spec, classes, len(view.images))
            share = ShareOfProgress(progress, start, 1.0 - start)
            posteriors = encode_data(bundle, view.images, y, "cpu", share)
            return EncodedData(posteriors, classes if y is not None else None, guessed)

        return self._once(("encoded", bundle.model_id, view.digest), make)

    def statistics(
        self, bundle: Bundle, view: ViewedData, progress: Reports
    ) -> PosteriorStatistics:
        """How the latent space is used over the images; LoadError as :meth:`encoded`."""
        encoded = self.encoded(bundle, view, progress)
        key = ("statistics", bundle.model_id, view.digest)
        return self._once(key, lambda: describe_posteriors(encoded.posteriors, progress))

    def layout(
        self,
        bundle: Bundle,
        view: ViewedData,
        method: Literal["pca", "umap"],
        progress: Reports,
    ) -> Layout:
        """The images' latents on a plane.

        Raises:
            LoadError: as :meth:`encoded`, or UMAP is not installed.
        """
        encoded = self.encoded(bundle, view, progress)
        means = encoded.posteriors.mean
        key = ("layout", bundle.model_id, view.digest, method)
        if method == "umap":
            return self._once(key, lambda: by_umap(means, progress=progress))
        return self._once(key, lambda: by_components(means, progress))

    def typical_pixels(self, view: ViewedData, progress: Reports) -> Typical:
        """How near the images lie to one another."""
        return self._once(
            ("typical", view.digest), lambda: typical_distances(view.images, progress=progress)
        )

    def typical_latents(
        self,
        bundle: Bundle,
        view: ViewedData,
        label: int | None,
        progress: Reports,
    ) -> Typical:
        """How near their latents lie to one another, of one class where a label is given.

        Raises:
            LoadError: as :meth:`encoded`.
        """
        encoded = self.encoded(bundle, view, progress)
        means = encoded.posteriors.mean[rows_of_class(encoded, label)]
        return self._once(
            ("typical", bundle.model_id, view.digest, label),
            lambda: typical_distances(means, progress=progress),
        )

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        if key in self._known:
            self._known.move_to_end(key)
            found: T = self._known[key]
            return found
        found = self._known[key] = make()
        self._known.move_to_end(key)
        while len(self._known) > 1 and sum(map(_bytes, self._known.values())) > self._max_bytes:
            self._known.popitem(last=False)
        return found


def rows_of_class(encoded: EncodedData, label: int | None) -> Ints:
    """The rows int64 (n,) of one class; all of them where no label is given or none is known."""
    if label is None or encoded.classes is None:
        return np.arange(len(encoded.posteriors.mean))
    return np.flatnonzero(encoded.classes == label)


def _bytes(value: object) -> int:
    """The size of the arrays in a value and in the values in it."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    inside = getattr(value, "__dict__", None)
    return sum(map(_bytes, inside.values())) if inside else 0
