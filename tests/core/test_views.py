"""The Sheets that views make of Scenes."""

import numpy as np
import pytest

from genviewer.core import plane
from genviewer.core.condition import Condition, blend, one_class
from genviewer.core.latent import Latent
from genviewer.core.prior import draw
from genviewer.core.recipe import ModelRef, Recipe, seeded_recipe
from genviewer.core.scene import (
    MAX_CELLS,
    ClassesOptions,
    GridOptions,
    MapOptions,
    Pane,
    Scene,
    TraverseOptions,
)
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.core.views import VIEWS, ViewInputs, columns_for, dim_order, make_sheet

REF = ModelRef("digits", "0" * 32)
INPUTS = ViewInputs()


def make_spec(dim=16, prior="normal", classes=10, height=28, width=28) -> Spec:
    conditions = (ConditionSpec("digit", "class", classes),) if classes else ()
    return Spec("digits", "vae", LatentSpec(dim, prior), ImageSpec(1, height, width), conditions)


def make_scene(spec: Spec, view="focus", options=None, recipe=None) -> Scene:
    recipe = recipe if recipe is not None else seeded_recipe(spec, 3)
    scene = Scene((Pane(REF, recipe),), view)
    return scene if options is None else scene.with_options(options)


def cell_latents(sheet) -> dict[int, np.ndarray]:
    return {
        int(cell): pack.latents[row] for pack in sheet.packs for row, cell in enumerate(pack.cells)
    }


def test_every_view_of_every_scene_is_well_formed():
    for spec in (make_spec(), make_spec(1, classes=0), make_spec(512, "uniform", 300, 64, 32)):
        for view in VIEWS:
            scene = make_scene(spec, view)
            sheet = make_sheet(scene, spec, INPUTS)
            (pack,) = sheet.packs
            assert pack.latents.dtype == np.float32
            assert pack.latents.shape == (len(pack.cells), spec.latent.dim)
            assert np.isfinite(pack.latents).all()
            assert len(set(pack.cells.tolist())) == len(pack.cells)
            assert 0 <= pack.cells.min() <= pack.cells.max() < sheet.rows * sheet.columns
            assert 1 <= sheet.count <= MAX_CELLS
            assert len(pack.condition_index) == len(pack.cells)
            assert pack.condition_index.max() < len(pack.conditions)
            if sheet.focus_cell is not None:
                assert sheet.cell(sheet.focus_cell) == (REF, scene.recipe)


def test_the_current_truncation_and_noise_reach_every_cell():
    spec = make_spec()
    recipe = Recipe(Latent(draw(spec.latent, 0)), Condition(), 0.5, 4, 7)
    for view in VIEWS:
        sheet = make_sheet(make_scene(spec, view, recipe=recipe), spec, INPUTS)
        for cell in (int(sheet.packs[0].cells[0]), int(sheet.packs[0].cells[-1])):
            _, shown = sheet.cell(cell)
            assert (shown.truncation, shown.truncation_cutoff, shown.noise) == (0.5, 4, 7)


def test_a_latent_of_another_model_is_refused_by_name():
    scene = make_scene(make_spec(16))
    with pytest.raises(ValueError, match="16 values, and digits takes 8"):
        make_sheet(scene, make_spec(8), INPUTS)


def test_neighbours_stray_as_far_as_the_strength_says_and_keep_the_norm():
    spec = make_spec(256)
    z = draw(spec.latent, 3)
    near, far = (
        cell_latents(make_sheet(make_scene(spec, "grid", GridOptions(strength=s)), spec, INPUTS))
        for s in (0.1, 0.9)
    )
    distances = [np.median([np.linalg.norm(v - z) for v in c.values()]) for c in (near, far)]
    assert distances[0] < 0.3 * distances[1]
    for value in far.values():
        assert np.linalg.norm(value) == pytest.approx(16.0, rel=0.25)


def test_neighbours_stay_inside_a_uniform_prior():
    spec = make_spec(64, "uniform")
    sheet = make_sheet(make_scene(spec, "grid", GridOptions(strength=0.7)), spec, INPUTS)
    assert np.abs(sheet.packs[0].latents).max() <= 1.0


def test_neighbours_of_no_strength_are_the_current_sample():
    spec = make_spec()
    sheet = make_sheet(make_scene(spec, "grid", GridOptions(strength=0.0)), spec, INPUTS)
    assert (sheet.packs[0].latents == draw(spec.latent, 3)).all()


def test_neighbours_are_drawn_from_the_middle_outwards():
    spec = make_spec()
    sheet = make_sheet(
        make_scene(spec, "grid", GridOptions(cells=81)), spec, ViewInputs(view_aspect=1)
    )
    assert (sheet.rows, sheet.columns, sheet.focus_cell) == (9, 9, 40)
    cells = sheet.packs[0].cells
    assert cells[0] == 40
    assert set(cells[1:9].tolist()) == {30, 31, 32, 39, 41, 48, 49, 50}


def test_fresh_seeds_are_the_draws_that_their_number_says():
    spec = make_spec()
    scene = make_scene(spec, "grid", GridOptions("seeds", cells=9, seed=100))
    latents = cell_latents(make_sheet(scene, spec, INPUTS))
    assert (latents[0] == scene.recipe.latent.array).all()
    for i in range(1, 9):
        assert (latents[i] == draw(spec.latent, 100 + i)).all()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 100, 1000, 1024])
@pytest.mark.parametrize("aspect", [0.5, 1.0, 1.6, 3.0])
def test_grids_fill_the_view(count, aspect):
    columns = columns_for(count, make_spec(), aspect)
    rows = -(-count // columns)
    assert rows * columns - count < columns
    side = min(aspect / columns, 1 / rows)
    assert side**2 * count / aspect > 0.3


def test_class_rows_share_a_latent_and_columns_a_class():
    spec = make_spec()
    scene = make_scene(spec, "classes", ClassesOptions(rows=3, columns=4, first=5, seed=40))
    sheet = make_sheet(scene, spec, INPUTS)
    assert (sheet.rows, sheet.columns) == (3, 4)
    assert sheet.column_labels == ("5", "6", "7", "8")
    assert sheet.row_labels == ("current", "seed 40", "seed 41")
    assert sheet.label(5) == "seed 40 · 6"
    for row, z in enumerate(
        (scene.recipe.latent.array, draw(spec.latent, 40), draw(spec.latent, 41))
    ):
        for column in range(4):
            _, recipe = sheet.cell(row * 4 + column)
            assert (recipe.latent.array == z).all()
            assert recipe.condition == Condition((one_class("digit", 5 + column),))


def test_classes_shows_the_last_window_when_asked_for_more():
    spec = make_spec(classes=10)
    scene = make_scene(spec, "classes", ClassesOptions(columns=4, first=9))
    assert make_sheet(scene, spec, INPUTS).column_labels == ("6", "7", "8", "9")


def test_classes_of_a_blend_are_pure_and_none_is_the_focus():
    spec = make_spec()
    mixed = Condition((blend("digit", {1: 1, 2: 1}),))
    scene = make_scene(spec, "classes", recipe=Recipe(Latent(draw(spec.latent, 0)), mixed))
    sheet = make_sheet(scene, spec, INPUTS)
    assert sheet.focus_cell is None
    assert all(len(c.class_weights("digit")) == 1 for c in sheet.packs[0].conditions)


def test_classes_keep_the_other_conditions():
    spec = make_spec()
    spec = Spec(
        "m", "vae", spec.latent, spec.image, (*spec.conditions, ConditionSpec("k", "class", 2))
    )
    other = Condition((one_class("digit", 1), one_class("k", 1)))
    scene = make_scene(spec, "classes", recipe=Recipe(Latent(draw(spec.latent, 0)), other))
    sheet = make_sheet(scene, spec, INPUTS)
    assert all(c.class_weights("k") == {1: 1.0} for c in sheet.packs[0].conditions)
    assert sheet.focus_cell == 1


def test_many_classes_times_many_rows_stay_within_the_limit():
    spec = make_spec(classes=1000)
    scene = make_scene(spec, "classes", ClassesOptions(rows=128, columns=128))
    sheet = make_sheet(scene, spec, INPUTS)
    assert (sheet.rows, sheet.columns) == (8, 128)


def test_traverse_moves_one_dimension_per_row_over_the_priors_quantiles():
    spec = make_spec(6)
    order = np.array([4, 2, 0, 1, 3, 5])
    inputs = ViewInputs(effect_order=order, dim_labels=("a", "b", "c", "d", "e", "f"))
    scene = make_scene(spec, "traverse", TraverseOptions(rows=2, columns=5, first=1, span=0.8))
    sheet = make_sheet(scene, spec, inputs)
    assert sheet.row_labels == ("c", "a")
    assert sheet.column_labels[0] == "\N{MINUS SIGN}1.28"
    assert sheet.column_labels[2] == "0"
    assert sheet.column_labels[0].startswith("\N{MINUS SIGN}")
    z = scene.recipe.latent.array
    for cell, value in cell_latents(sheet).items():
        dim = (2, 0)[cell // 5]
        assert np.flatnonzero(value != z).tolist() == [dim]
        label = sheet.column_labels[cell % 5].replace("\N{MINUS SIGN}", "-")
        assert value[dim] == pytest.approx(float(label), abs=0.01)


def test_traverse_from_beyond_the_end_shows_the_last_rows():
    spec = make_spec(6)
    scene = make_scene(spec, "traverse", TraverseOptions(rows=4, first=99, order="index"))
    assert make_sheet(scene, spec, INPUTS).row_labels == ("z2", "z3", "z4", "z5")


def test_an_order_measured_on_another_model_is_not_used():
    spec = make_spec(6)
    inputs = ViewInputs(kl_order=np.arange(16)[::-1], effect_order=np.arange(6)[::-1])
    assert dim_order("kl", spec, inputs).tolist() == [0, 1, 2, 3, 4, 5]
    assert dim_order("effect", spec, inputs).tolist() == [5, 4, 3, 2, 1, 0]


def random_plane(dim, seed=0):
    return np.random.default_rng(seed).standard_normal((2, dim)).astype(np.float32)


def test_map_tiles_lie_where_the_frame_says():
    spec = make_spec(12)
    for inputs in (INPUTS, ViewInputs(plane=random_plane(12))):
        scene = make_scene(spec, "map", MapOptions(center=(0.3, -1.1), extent=1.5, tiles=7))
        sheet = make_sheet(scene, spec, inputs)
        frame = sheet.map_frame
        u, v = np.array(frame.u, np.float32), np.array(frame.v, np.float32)
        for cell, value in cell_latents(sheet).items():
            row, column = divmod(cell, sheet.columns)
            x, y = plane.position(value, u, v)
            assert x == pytest.approx(frame.first[0] + column * frame.step, abs=1e-4)
            assert y == pytest.approx(frame.first[1] - row * frame.step, abs=1e-4)
        assert frame.cursor == pytest.approx(plane.position(scene.recipe.latent.array, u, v))


@pytest.mark.parametrize("aspect", [0.4, 1.0, 1.6, 2.5])
@pytest.mark.parametrize("size", [(28, 28), (64, 32)])
def test_the_map_covers_the_view_wherever_it_is_panned(aspect, size):
    spec = make_spec(4, height=size[0], width=size[1])
    layouts = set()
    for x in np.linspace(-1.0, 1.0, 17):
        options = MapOptions(center=(float(x), float(-2 * x)), extent=2.0, tiles=9)
        sheet = make_sheet(make_scene(spec, "map", options), spec, ViewInputs(view_aspect=aspect))
        layouts.add((sheet.rows, sheet.columns))
        frame, wide = sheet.map_frame, aspect * size[0] / size[1]
        half_x, half_y = 2.0 * max(wide, 1.0), 2.0 * max(1 / wide, 1.0)
        assert frame.first[0] - frame.step / 2 <= x - half_x
        assert frame.first[0] + (sheet.columns - 0.5) * frame.step >= x + half_x
        assert frame.first[1] + frame.step / 2 >= -2 * x + half_y
        assert frame.first[1] - (sheet.rows - 0.5) * frame.step <= -2 * x - half_y
    assert len(layouts) == 1


def test_panning_the_map_keeps_the_very_same_tiles():
    spec = make_spec(12)
    inputs = ViewInputs(plane=random_plane(12))
    before, after = (
        {
            row.tobytes()
            for row in make_sheet(make_scene(spec, "map", MapOptions(center=c)), spec, inputs)
            .packs[0]
            .latents
        }
        for c in ((0.0, 0.0), (0.7, 0.2))
    )
    assert len(before & after) > 0.7 * len(before)


def test_moving_within_the_plane_keeps_the_very_same_tiles():
    spec = make_spec(12)
    inputs = ViewInputs(plane=random_plane(12))
    u, v = plane.orthonormal(inputs.plane)
    z = draw(spec.latent, 1)
    same = 0
    first = make_sheet(make_scene(spec, "map", recipe=Recipe(Latent(z))), spec, inputs)
    for k in range(20):
        there = plane.moved(z, u, v, 0.1 * k, -0.05 * k)
        sheet = make_sheet(make_scene(spec, "map", recipe=Recipe(Latent(there))), spec, inputs)
        assert sheet.map_frame.cursor == pytest.approx((0.1 * k, -0.05 * k), abs=1e-5)
        same += sheet.packs[0].latents.tobytes() == first.packs[0].latents.tobytes()
    assert same >= 18


def test_the_map_is_drawn_coarse_to_fine():
    spec = make_spec()
    sheet = make_sheet(make_scene(spec, "map", MapOptions(axes=(3, 5))), spec, INPUTS)
    frame = sheet.map_frame
    assert (frame.x_label, frame.y_label) == ("z3", "z5")
    first = sheet.packs[0].latents[:4, [3, 5]] / frame.step
    assert np.allclose(first % 8, 0)
    assert np.allclose(first[0], 0)


def test_a_map_of_too_many_tiles_becomes_coarser():
    spec = make_spec()
    scene = make_scene(spec, "map", MapOptions(tiles=32))
    assert make_sheet(scene, spec, ViewInputs(view_aspect=4.0)).count <= MAX_CELLS


def test_a_plane_needs_two_directions():
    with pytest.raises(ValueError, match="two independent"):
        plane.orthonormal(np.ones((2, 3), np.float32))
