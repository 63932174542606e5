"""The Axes view with whatever a model has."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from genviewer.core.axes import Axis, AxisGrid, parse_axis
from genviewer.core.axis_sheet import axis_sheet
from genviewer.core.axis_view import axes_view, options_of, problem, usable
from genviewer.core.latent import Latent
from genviewer.core.prior import draw
from genviewer.core.recipe import ModelRef, from_json, seeded_recipe, to_json
from genviewer.core.scene import AxisChoice, AxisOptions, Pane, Scene
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec

REF = ModelRef("m", "1" * 32)


def spec(classes: int = 0, dim: int = 4, truncation: bool = True) -> Spec:
    conditions = (ConditionSpec("class", "class", classes),) if classes else ()
    return Spec("m", "vae", LatentSpec(dim), ImageSpec(1, 8, 8), conditions, truncation=truncation)


def scene(model: Spec, options: AxisOptions | None = None) -> Scene:
    found = Scene((Pane(REF, seeded_recipe(model, 7)),), "axes")
    return found if options is None else found.with_options(options)


def test_seeds_and_classes_at_first():
    model = spec(classes=3)
    sheet = axes_view(scene(model), model)
    assert (sheet.rows, sheet.columns) == (6, 3)
    for row in range(6):
        for column in range(3):
            recipe = sheet.cell(3 * row + column)[1]
            assert np.array_equal(recipe.latent.array, draw(model.latent, row))
            assert recipe.condition.class_weights("class") == {column: 1.0}


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("rows", ["none", "class", "seed", "dim", "psi"])
@pytest.mark.parametrize("columns", ["none", "class", "seed", "dim", "psi"])
def test_every_choice_shows_something_with_a_model_that_has_next_to_nothing(rows, columns, dim):
    model = spec(0, dim, truncation=False)
    options = AxisOptions(AxisChoice(rows, "a..f", 9), AxisChoice(columns, "?", 0))
    sheet = axes_view(scene(model, options), model)
    assert sheet.count == sheet.rows * sheet.columns >= 1
    shown = usable(options, model)
    assert {shown.rows.kind, shown.columns.kind} <= {"none", "seed", "dim"}


def test_the_current_sample_is_found_where_it_is_a_cell():
    model = spec(classes=3)
    options = AxisOptions(AxisChoice("psi", "0.5,1"), AxisChoice("class", "#2,#0"))
    sheet = axes_view(scene(model, options), model)
    current = scene(model).recipe
    at = sheet.focus_cell
    assert at is not None
    assert sheet.cell(at)[1] == current
    options = AxisOptions(AxisChoice("psi", "0.5,0.9"), AxisChoice("class", "#2,#0"))
    assert axes_view(scene(model, options), model).focus_cell is None


def test_what_is_wrong_is_said():
    model = spec(classes=3)
    assert problem(AxisChoice("seed", "0..5"), model) is None
    assert "not a seed" in problem(AxisChoice("seed", "-1"), model)
    assert problem(AxisChoice("class", "#9"), model)
    assert "at least 0" in problem(AxisChoice("psi", "-1"), model)


def test_too_many_cells_are_refused():
    model = spec(classes=3)
    options = AxisOptions(AxisChoice("seed", "0..99"), AxisChoice("dim", "0..1/100"))
    with pytest.raises(ValueError, match="10"):
        axes_view(scene(model, options), model)


def test_an_axis_grid_made_elsewhere_is_the_same_sheet():
    model = spec(classes=3)
    numbers = parse_axis("dim2", "-1,0.1,1e-7", model)
    classes = parse_axis("class", "#2,#0", model)
    grid = AxisGrid(seeded_recipe(model, 7), (REF,), numbers, classes)
    options = options_of(grid)
    assert options is not None
    sheet, wanted = axes_view(scene(model, options), model), axis_sheet(grid, {REF.id: model})
    assert (sheet.rows, sheet.columns) == (wanted.rows, wanted.columns) == (3, 2)
    for cell in range(6):
        assert sheet.cell(cell) == wanted.cell(cell)
    several = msgspec.structs.replace(numbers, kind="model", values=(0,))
    assert options_of(AxisGrid(grid.recipe, grid.models, several)) is None


def test_directions_run_along_rows_and_columns():
    model = spec(classes=3)
    ways = [seeded_recipe(model, seed).latent for seed in (1, 2)]
    axes = [
        Axis("direction", (-2.0, 0.0, 1.5), direction=way, name=name)
        for way, name in zip(ways, ("slant", "width"), strict=True)
    ]
    grid = AxisGrid(seeded_recipe(model, 7), (REF,), *axes)
    options = options_of(grid)
    assert options is not None
    kept = from_json(to_json(options), AxisOptions)
    sheet = axes_view(scene(model, kept), model)
    assert sheet.row_labels[0].startswith("slant")
    latent = grid.recipe.latent.array
    moved = sheet.cell(2)[1].latent.array
    np.testing.assert_allclose(moved, latent - 2.0 * ways[0].array + 1.5 * ways[1].array, atol=1e-5)
    assert sheet.focus_cell == 4


def test_a_direction_of_other_latents_gives_way():
    model = spec(classes=3)
    choice = AxisChoice("direction", "-1,1", direction=Latent(np.ones(9)), name="far")
    shown = usable(AxisOptions(choice, AxisChoice("none")), model)
    assert shown.rows.kind == "dim"
    assert problem(AxisChoice("direction", "1"), model) == "The axis names no direction."
