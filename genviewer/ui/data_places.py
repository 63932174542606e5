"""What the data set window's pages about places in latent space need, and how they show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from genviewer.core.condition import ClassPart, blend, one_class
from genviewer.core.latent import Latent
from genviewer.core.prior import truncate
from genviewer.core.recipe import Recipe
from genviewer.engine.data_figures import rows_of_class
from genviewer.engine.generator import LoadError
from genviewer.engine.nearest import Neighbours, judge, nearest
from genviewer.engine.viewed_data import part_of
from genviewer.ui.data_shows import guessed_note, no_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.core.scene import Scene
    from genviewer.core.spec import Spec
    from genviewer.engine.data_figures import DataFigures, EncodedData
    from genviewer.engine.density import Reports
    from genviewer.engine.latent_layout import Layout
    from genviewer.engine.nearest import Nearness
    from genviewer.engine.viewed_data import ViewedData
    from genviewer.ui.data_shows import Look
    from genviewer.ui.widgets.nearest_page import NearestPage
    from genviewer.ui.widgets.scatter_page import ScatterPage

LISTED = 48
ENCODED = 10_000
"""Images whose latents are looked at: encoding takes longer than comparing pixels."""

CONDITIONAL = (
    "The class is told beside the latent, which has only what classes share: they overlap."
)


class Scatter:
    """The page of latents on a plane.

    Args:
        page: what is shown.
        go_to: takes the explorer to a Recipe of the model that is looked at.
        tell: (text, severity) says something.
    """

    def __init__(
        self,
        page: ScatterPage,
        go_to: Callable[[Look, Recipe], object],
        tell: Callable[[str, str], object],
    ) -> None:
        self.page, self._go_to, self._tell = page, go_to, tell
        self._view: ViewedData | None = None
        self._look: Look | None = None
        self._encoded: EncodedData | None = None
        self._layout: Layout | None = None
        page.point_chosen.connect(self._go_to_point)
        page.lassoed.connect(self._go_to_average)
        page.hovered.connect(self._preview)

    def why_not(self, spec: Spec) -> str:
        """As of a Show."""
        return no_encoder(spec)

    def measure(
        self, figures: DataFigures, view: ViewedData, look: Look, progress: Reports
    ) -> tuple[EncodedData, Layout]:
        """As of a Show."""
        encoded = figures.encoded(look.bundle, view, progress)
        method: Literal["pca", "umap"] = "umap" if look.method == "umap" else "pca"
        return encoded, figures.layout(look.bundle, view, method, progress)

    def show(self, view: ViewedData, found: tuple[EncodedData, Layout], look: Look) -> None:
        """As of a Show."""
        encoded, layout = found
        self._view, self._look, self._encoded, self._layout = view, look, encoded, layout
        spec, condition = look.bundle.spec, look.bundle.spec.class_condition
        classes, names = view.groups, view.names or ()
        if classes is not None and not names:
            names = tuple(str(index) for index in range(int(classes.max()) + 1))
        if classes is None and encoded.classes is not None and condition is not None:
            classes = encoded.classes
            names = tuple(condition.label(index) for index in range(condition.size))
        summary = f"{len(layout.points):,} posterior means. "
        summary += CONDITIONAL if encoded.classes is not None and condition is not None else ""
        summary += f" {guessed_note(spec)}" if encoded.guessed else ""
        self.page.set_points(layout.points, classes, names, layout.labels, summary.strip())

    def follow(self, scene: Scene) -> None:
        """Mark where the current sample is."""
        look, layout = self._look, self._layout
        place, latent = None, scene.recipe.latent
        if look is not None and layout is not None and scene.model.id == look.model.id:
            if latent.space == "z":
                place = layout.place(drawn_latent(scene.recipe, look.bundle.spec))
        self.page.scatter.set_current(place)

    def _go_to_point(self, row: int) -> None:
        look, encoded = self._look, self._encoded
        if look is None or encoded is None:
            return
        part, condition = None, look.bundle.spec.class_condition
        if encoded.classes is not None and condition is not None:
            part = one_class(condition.name, int(encoded.classes[row]))
        self._go_to(look, _recipe(look, encoded.posteriors.mean[row], part))

    def _go_to_average(self, rows: NDArray[np.int64]) -> None:
        look, encoded = self._look, self._encoded
        if look is None or encoded is None:
            return
        if not len(rows):
            self._tell("There are no points inside the line.", "info")
            return
        part, condition = None, look.bundle.spec.class_condition
        if encoded.classes is not None and condition is not None:
            counts = np.bincount(encoded.classes[rows], minlength=condition.size)
            part = blend(condition.name, {i: float(n) for i, n in enumerate(counts) if n})
        mean = encoded.posteriors.mean[rows].mean(0, dtype=np.float64).astype(np.float32)
        self._go_to(look, _recipe(look, mean, part))
        self._tell(f"This is the average of {len(rows):,} latents.", "info")

    def _preview(self, row: int) -> None:
        view = self._view
        if row < 0 or view is None:
            self.page.show_image(None, "")
            return
        name = ""
        if view.groups is not None:
            group = int(view.groups[row])
            name = f"{view.names[group] if view.names else group} · "
        self.page.show_image(view.images[row], f"{name}image {view.rows[row]:,}")


def drawn_latent(recipe: Recipe, spec: Spec) -> NDArray[np.float32]:
    """The latent (D,) that the network is given for a Recipe in ``z``, after truncation."""
    values = recipe.latent.array
    if not spec.truncation or spec.truncates_styles:
        return values
    return truncate(values, recipe.truncation)


def _recipe(look: Look, latent: NDArray[np.float32], part: ClassPart | None) -> Recipe:
    """The sample at a latent, with classes where there are some."""
    condition = look.recipe.condition
    if part is not None:
        condition = condition.with_part(part)
    return Recipe(Latent(np.ascontiguousarray(latent, np.float32)), condition)


@dataclass(frozen=True, eq=False)
class NearestFigures:
    """The nearest images of a sample and how near they are, in pixels and in latent space.

    Where there are none in latent space, ``why_no_latents`` says why; else ``encoded`` images were
    looked at there, ``of_class`` says of which class.
    """

    pixels: Neighbours
    pixels_near: Nearness | None
    latents: Neighbours | None
    latents_near: Nearness | None
    why_no_latents: str
    encoded: int = 0
    of_class: str = ""


class Nearest:
    """The page of the nearest images of the current sample."""

    def __init__(self, page: NearestPage) -> None:
        self.page = page

    def why_not(self, spec: Spec) -> str:
        """As of a Show: every model draws."""
        return ""

    def measure(
        self, figures: DataFigures, view: ViewedData, look: Look, progress: Reports
    ) -> NearestFigures | str:
        """As of a Show; a sentence where there is no sample."""
        if look.pixels is None or look.pixels.shape != view.images.shape[1:]:
            return "There is no sample yet."
        pixels = nearest(view.images, look.pixels, progress=progress)
        pixels_near = judge(pixels, figures.typical_pixels(view, progress))
        spec, recipe = look.bundle.spec, look.recipe
        why = no_encoder(spec)
        if not why and recipe.latent.space != "z":
            why = f"The sample is given in {recipe.latent.space}, and the encoder speaks of z."
        label = _single_class(recipe, spec)
        if not why:
            try:
                part, places = part_of(view, ENCODED)
                encoded = figures.encoded(look.bundle, part, progress)
                rows = rows_of_class(encoded, label)
                if len(rows):
                    typical = figures.typical_latents(look.bundle, part, label, progress)
                else:
                    why = "The data set has no image of this class."
            except LoadError as error:
                why = str(error)
        if why:
            return NearestFigures(pixels, pixels_near, None, None, why)
        found = nearest(encoded.posteriors.mean[rows], drawn_latent(recipe, spec))
        near = judge(found, typical)
        found = Neighbours(places[rows[found.rows]], found.distances)
        condition, of_class = spec.class_condition, ""
        if encoded.classes is not None and label is not None and condition is not None:
            of_class = f" of class {condition.label(label)}"
        return NearestFigures(pixels, pixels_near, found, near, "", len(rows), of_class)

    def show(self, view: ViewedData, found: NearestFigures | str, look: Look) -> None:
        """As of a Show."""
        if isinstance(found, str) or look.pixels is None:
            self.page.say(str(found), "Look")
            return
        kind = "test images" if look.split == "test" and view.has_test else "training images"
        near = found.pixels_near
        self.page.set_sample(look.pixels, _verdict(near, kind))
        self._list(
            "pixels",
            view,
            found.pixels,
            _sentence(near, f"{len(view.images):,} {kind}", "of pixels in 0 .. 1"),
        )
        if found.latents is None:
            none = np.zeros(0, np.int64)
            self._list("latents", view, Neighbours(none, np.zeros(0)), found.why_no_latents)
            return
        what = f"{found.encoded:,} {kind}{found.of_class}"
        sentence = _sentence(found.latents_near, what, "of posterior means")
        self._list("latents", view, found.latents, sentence)

    def _list(self, space: str, view: ViewedData, found: Neighbours, sentence: str) -> None:
        rows = found.rows[:LISTED]
        self.page.set_nearest(space, rows, view.images[rows], found.distances[:LISTED], sentence)


def _single_class(recipe: Recipe, spec: Spec) -> int | None:
    """The class of a Recipe that has exactly one."""
    condition = spec.class_condition
    if condition is None:
        return None
    weights = recipe.condition.class_weights(condition.name)
    return next(iter(weights)) if len(weights) == 1 else None


def _verdict(near: Nearness | None, kind: str) -> str:
    if near is None:
        return "These images are too few, or all the same, to say what is near."
    if near.suspicious:
        text = "Suspiciously near: this sample is probably a copy of an image of the data set."
    else:
        text = "Not a copy: no image of the data set is suspiciously near to this sample."
    if kind == "test images":
        text += " These are test images; whether it is memorised is asked of the training images."
    return text


def _sentence(near: Nearness | None, what: str, measure: str) -> str:
    if near is None:
        return f"Among {what}."
    return (
        f"The nearest of {what} is {near.distance:.2f} away (Euclidean distance {measure}). Two of "
        f"them are typically {near.typical:.2f} apart at the nearest; {near.percentile:.0f} % have "
        f"a nearer one, {near.ratio_percentile:.0f} % one that stands out as much from the images "
        "around."
    )
