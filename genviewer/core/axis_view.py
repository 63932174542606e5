"""The Axes view: an axis grid of the current sample, whatever the model has.

A choice that a model has no use for, such as a class where it has none, gives way to a latent
dimension, so that the view shows something with every model. Pure functions, NumPy only.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from genviewer.core.axes import Axis, AxisError, AxisGrid, parse_axis, parse_numbers
from genviewer.core.axis_sheet import axis_sheet
from genviewer.core.condition_parsing import ConditionError
from genviewer.core.scene import AxisChoice, AxisOptions

if TYPE_CHECKING:
    from genviewer.core.latent import Latent
    from genviewer.core.scene import Scene
    from genviewer.core.sheet import Sheet
    from genviewer.core.spec import Spec

MOST_CLASSES = 12
"""So many classes are shown where nobody says which."""

_DEFAULTS = {
    "seed": "0..5",
    "dim": "-2.5..2.5/7",
    "psi": "0..1:0.25",
    "direction": "-3..3/7",
}


def default_values(kind: str, spec: Spec) -> str:
    """The values of an axis where none are typed."""
    if kind != "class":
        return _DEFAULTS.get(kind, "")
    wanted = spec.class_condition
    return "" if wanted is None else f"#0..#{min(wanted.size, MOST_CLASSES) - 1}"


def usable(options: AxisOptions, spec: Spec) -> AxisOptions:
    """The options as a model can show them: with values, and without what it does not have."""
    rows = _usable(options.rows, spec)
    columns = _usable(options.columns, spec)
    if rows.kind == columns.kind != "none" and _what(rows) == _what(columns):
        other = next((d for d in range(2) if rows.kind != "dim" or d != rows.dim), 0)
        if rows.kind == "dim" and spec.latent.dim < 2:
            columns = AxisChoice("none")
        else:
            columns = AxisChoice("dim", default_values("dim", spec), other)
    return AxisOptions(rows, columns)


def _usable(choice: AxisChoice, spec: Spec) -> AxisChoice:
    missing = (
        (choice.kind == "class" and spec.class_condition is None)
        or (choice.kind == "psi" and not spec.truncation)
        or (choice.kind == "dim" and choice.dim >= spec.latent.dim)
        or (choice.kind == "direction" and not _leads(choice.direction, spec))
    )
    if missing:
        return AxisChoice("dim", default_values("dim", spec))
    if choice.kind == "none" or (choice.values and problem(choice, spec) is None):
        return choice
    return msgspec.structs.replace(choice, values=default_values(choice.kind, spec))


def _what(choice: AxisChoice) -> object:
    """What an axis changes: two of one kind may change different things."""
    return choice.direction if choice.kind == "direction" else choice.dim * (choice.kind == "dim")


def _leads(direction: Latent | None, spec: Spec) -> bool:
    """Whether a direction is one of the model's latents."""
    return direction is not None and direction.dim == spec.latent.dim


def axis_of(choice: AxisChoice, spec: Spec) -> Axis | None:
    """The axis of a choice; None where nothing changes.

    Raises:
        AxisError: the values make no sense.
        ConditionError: the model has no such class.
    """
    if choice.kind == "none":
        return None
    if choice.kind == "direction":
        numbers = parse_numbers(choice.values)
        if choice.direction is None:
            raise AxisError("The axis names no direction.")
        return Axis("direction", numbers, direction=choice.direction, name=choice.name)
    name = f"dim{choice.dim}" if choice.kind == "dim" else choice.kind
    return parse_axis(name, choice.values, spec)


def problem(choice: AxisChoice, spec: Spec) -> str | None:
    """What is wrong with the values of a choice, as a sentence; None where nothing is."""
    try:
        axis_of(choice, spec)
    except (AxisError, ConditionError) as error:
        return str(error)
    return None


def options_of(grid: AxisGrid) -> AxisOptions | None:
    """The options that show an axis grid made elsewhere; None where a view cannot, as for several
    models.
    """
    choices = []
    for axis in (grid.rows, grid.columns):
        if axis is None:
            choices.append(AxisChoice("none"))
        elif axis.kind == "model":
            return None
        else:
            text = io.StringIO()
            csv.writer(text, lineterminator="").writerow(axis.values)
            way = axis.direction
            choices.append(AxisChoice(axis.kind, text.getvalue(), axis.dim, way, axis.name))
    return AxisOptions(*choices)


def axes_view(scene: Scene, spec: Spec) -> Sheet:
    """Rows and columns as the Scene's options say, around the current sample.

    Raises:
        ValueError: there are more cells than are shown, or the latent does not fit the model.
    """
    if scene.recipe.latent.dim != spec.latent.dim:
        raise ValueError(
            f"The latent has {scene.recipe.latent.dim} values, and {spec.name} takes "
            f"{spec.latent.dim}."
        )
    options = usable(scene.options.axes, spec)
    rows, columns = axis_of(options.rows, spec), axis_of(options.columns, spec)
    grid = AxisGrid(scene.recipe, (scene.model,), rows, columns)
    sheet = axis_sheet(grid, {scene.model.id: spec})
    return replace(sheet, focus_cell=_focus_cell(sheet, scene))


def _focus_cell(sheet: Sheet, scene: Scene) -> int | None:
    """The cell that shows the current sample itself."""
    z = scene.recipe.latent.array.reshape(-1)
    for pack in sheet.packs:
        for row in np.flatnonzero((pack.latents == z).all(axis=1)):
            if pack.recipe(int(row)) == scene.recipe:
                return int(pack.cells[row])
    return None
