"""What is explored: panes of (model, Recipe), the view, its options.

A Scene is the undo entry, the session and project file, and the metadata of an exported sheet.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe

ViewName = Literal["focus", "grid", "classes", "traverse", "map", "axes"]
VIEW_NAMES: tuple[ViewName, ...] = ("focus", "grid", "classes", "traverse", "map", "axes")
DimOrder = Literal["index", "kl", "effect"]
MAX_CELLS = 1024
MAX_PANES = 4

Count = Annotated[int, msgspec.Meta(ge=1, le=MAX_CELLS)]
Side = Annotated[int, msgspec.Meta(ge=1, le=128)]
Unit = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class GridOptions(msgspec.Struct, frozen=True):
    """Grid: ``near`` shows neighbours of the current latent, ``seeds`` fresh draws.

    ``strength`` (0..1) is how far neighbours stray; ``seed`` chooses them or the first draw.
    """

    mode: Literal["near", "seeds"] = "near"
    cells: Count = 64
    strength: Unit = 0.35
    seed: int = 0


class ClassesOptions(msgspec.Struct, frozen=True):
    """Classes: rows are seeds below the current latent, columns classes from ``first`` on."""

    rows: Side = 6
    columns: Side = 16
    first: Annotated[int, msgspec.Meta(ge=0)] = 0
    seed: int = 1


class TraverseOptions(msgspec.Struct, frozen=True):
    """Traverse: rows are dimensions in ``order``, columns values over the prior's central
    ``span``.
    """

    rows: Side = 8
    columns: Annotated[int, msgspec.Meta(ge=2, le=64)] = 9
    first: Annotated[int, msgspec.Meta(ge=0)] = 0
    span: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.98
    order: DimOrder = "effect"


class MapOptions(msgspec.Struct, frozen=True):
    """Map: a plane tiled with samples.

    ``axes`` are two dimensions, or None for the principal plane. ``center`` is the plane
    coordinate in the middle of the view, ``extent`` the plane units from there to the nearer
    edge, ``tiles`` the number of tiles along the shorter side.
    """

    axes: tuple[int, int] | None = None
    center: tuple[float, float] = (0.0, 0.0)
    extent: Annotated[float, msgspec.Meta(gt=0.0, le=1e6)] = 2.0
    tiles: Annotated[int, msgspec.Meta(ge=2, le=32)] = 15


class AxisChoice(msgspec.Struct, frozen=True):
    """What runs along the rows or columns of the Axes view, and its values as they were typed.

    ``values`` are written as for the command line, such as ``0..7`` or ``-2..2/5``; empty for the
    model's own choice. ``dim`` counts for the kind ``dim`` alone, and for the kind ``direction``
    alone the direction itself, of which a value of 1 adds it once, and its name.
    """

    kind: Literal["none", "class", "seed", "dim", "psi", "direction"]
    values: str = ""
    dim: Annotated[int, msgspec.Meta(ge=0)] = 0
    direction: Latent | None = None
    name: str = ""


class AxisOptions(msgspec.Struct, frozen=True):
    """Axes: one thing changes along the rows and another along the columns; all else, the seed
    too, is that of the current sample.
    """

    rows: AxisChoice = AxisChoice("seed")
    columns: AxisChoice = AxisChoice("class")


class CompareOptions(msgspec.Struct, frozen=True):
    """How two or more panes are shown together in the Focus view.

    ``side`` lays them side by side. The others hold the focused pane against the next one:
    ``swipe`` under a divider at ``divider`` (0 left .. 1 right), ``difference`` as signed
    differences times ``gain`` about mid grey, ``flicker`` in turns.
    """

    mode: Literal["side", "swipe", "difference", "flicker"] = "side"
    divider: Unit = 0.5
    gain: Annotated[float, msgspec.Meta(gt=0.0, le=64.0)] = 2.0


class ViewOptions(msgspec.Struct, frozen=True):
    """The options of every view, so that changing the view and back forgets nothing."""

    grid: GridOptions = GridOptions()
    classes: ClassesOptions = ClassesOptions()
    traverse: TraverseOptions = TraverseOptions()
    map: MapOptions = MapOptions()
    compare: CompareOptions = CompareOptions()
    axes: AxisOptions = AxisOptions()


class Pane(msgspec.Struct, frozen=True):
    """A model reference and the Recipe it draws; ``linked`` panes move together."""

    model: ModelRef
    recipe: Recipe
    linked: bool = True


class Scene(msgspec.Struct, frozen=True):
    """Panes, the focused pane, the view and the options of all views."""

    panes: Annotated[tuple[Pane, ...], msgspec.Meta(max_length=MAX_PANES)]
    view: ViewName = "focus"
    options: ViewOptions = ViewOptions()
    focus: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def pane(self) -> Pane:
        """The focused pane."""
        return self.panes[min(self.focus, len(self.panes) - 1)]

    @property
    def comparing(self) -> bool:
        """Whether the samples of several panes are shown together."""
        return self.view == "focus" and len(self.panes) > 1

    @property
    def recipe(self) -> Recipe:
        """The focused pane's Recipe: the current sample."""
        return self.pane.recipe

    @property
    def model(self) -> ModelRef:
        """The focused pane's model."""
        return self.pane.model

    def with_recipe(self, recipe: Recipe) -> Scene:
        """The same Scene with another current sample."""
        return self.with_pane(msgspec.structs.replace(self.pane, recipe=recipe))

    def with_pane(self, pane: Pane) -> Scene:
        """The same Scene with the focused pane replaced."""
        return self.with_pane_at(min(self.focus, len(self.panes) - 1), pane)

    def with_pane_at(self, index: int, pane: Pane) -> Scene:
        """The same Scene with one of its panes replaced."""
        panes = (*self.panes[:index], pane, *self.panes[index + 1 :])
        return msgspec.structs.replace(self, panes=panes)

    def with_pane_added(self, pane: Pane) -> Scene:
        """The same Scene with one more pane at the end; ValueError if there are enough."""
        if len(self.panes) >= MAX_PANES:
            raise ValueError(f"at most {MAX_PANES} panes can be compared")
        return msgspec.structs.replace(self, panes=(*self.panes, pane))

    def without_pane(self, index: int) -> Scene:
        """The same Scene with one pane less; the last one stays."""
        if len(self.panes) < 2 or not 0 <= index < len(self.panes):
            return self
        panes = (*self.panes[:index], *self.panes[index + 1 :])
        focus = self.focus - (index < self.focus)
        return msgspec.structs.replace(self, panes=panes, focus=min(focus, len(panes) - 1))

    def with_view(self, view: ViewName) -> Scene:
        """The same Scene under another view."""
        return msgspec.structs.replace(self, view=view)

    def with_options(
        self,
        options: GridOptions
        | ClassesOptions
        | TraverseOptions
        | MapOptions
        | CompareOptions
        | AxisOptions,
    ) -> Scene:
        """The same Scene with the options of one view replaced."""
        name = {
            GridOptions: "grid",
            ClassesOptions: "classes",
            TraverseOptions: "traverse",
            MapOptions: "map",
            CompareOptions: "compare",
            AxisOptions: "axes",
        }[type(options)]
        replaced = msgspec.structs.replace(self.options, **{name: options})
        return msgspec.structs.replace(self, options=replaced)
