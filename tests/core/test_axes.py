"""Axes as texts, axis grids as sheets, and names from templates."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genviewer.core.axes import (
    MAX_VALUES,
    Axis,
    AxisError,
    AxisGrid,
    parse_axis,
    parse_numbers,
    parse_seeds,
    split_axis,
)
from genviewer.core.axis_sheet import axis_sheet
from genviewer.core.condition import one_class
from genviewer.core.condition_parsing import ConditionError
from genviewer.core.latent import Latent
from genviewer.core.name_template import TemplateError, make_name, safe_name
from genviewer.core.recipe import ModelRef, from_json, seeded_recipe, to_json
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec


def spec(names=("a", "b", "c,d"), dim=4, name="m") -> Spec:
    conditions = (ConditionSpec("class", "class", len(names), names),) if names else ()
    return Spec(name, "vae", LatentSpec(dim), ImageSpec(1, 2, 2), conditions)


SPEC, MODEL = spec(), ModelRef("m", "1")
OTHER, OTHER_MODEL = spec(("b", "x"), 6, "other"), ModelRef("other", "2")
SPECS = {"1": SPEC, "2": OTHER}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2.5,-3", (1, 2.5, -3)),
        ("-2..2", (-2, -1, 0, 1, 2)),
        ("2..-1", (2, 1, 0, -1)),
        ("-2..2/3", (-2, 0, 2)),
        ("0..1:0.25", (0, 0.25, 0.5, 0.75, 1)),
        ("0..1:0.1", tuple(round(0.1 * i, 12) for i in range(11))),
        ("1..0:0.5", (1, 0.5, 0)),
        ("0.0..3.0", (0, 0.5, 1, 1.5, 2, 2.5, 3)),
        ("0..2, 9", (0, 1, 2, 9)),
        ("5..5", (5,)),
        ("1e-3", (0.001,)),
    ],
)
def test_numbers(text, values):
    assert parse_numbers(text) == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0..3", (0, 1, 2, 3)),
        ("7,5", (7, 5)),
        ("10..0:5", (10, 5, 0)),
        ("0..100/3", (0, 50, 100)),
        (f"{(1 << 62) - 2}..{(1 << 62) - 1}", ((1 << 62) - 2, (1 << 62) - 1)),
    ],
)
def test_seeds_are_exact(text, values):
    assert parse_seeds(text) == values


@pytest.mark.parametrize(
    ("axis", "told"),
    [
        ("seed", "AXIS=VALUES"),
        ("=3", "AXIS=VALUES"),
        ("seed=", "AXIS=VALUES"),
        ("seed=-1", "seed"),
        ("seed=1.5", "seed"),
        ("seed=0..99999", "at most"),
        ("dim4=0", "0 to 3"),
        ("dim1=x", "not a number"),
        ("dim1=nan", "not a number"),
        ("dim1=0..1:0", "more than"),
        ("dim1=0..1/0", "1 to"),
        ("dim1=0..1/9999", "1 to"),
        ("dim1=1,,2", "separated by commas"),
        ("psi=-1", "at least 0"),
        ("colour=red", "no axis 'colour'"),
    ],
)
def test_what_is_no_axis_is_told(axis, told):
    with pytest.raises(AxisError, match=told):
        parse_axis(*split_axis(axis), SPEC)


def test_classes_are_named_as_elsewhere():
    assert parse_axis("class", 'a,"c,d",#1', SPEC).values == ("a", "c,d", "b")
    assert parse_axis("class", "b..a", SPEC).values == ("b", "a")
    with pytest.raises(ConditionError, match="no class 'z'"):
        parse_axis("class", "z", SPEC)
    with pytest.raises(AxisError, match="no classes"):
        parse_axis("class", "a", spec(()))


@given(st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 6)), min_size=1, max_size=20))
def test_lists_of_numbers_come_back(values):
    assert parse_numbers(",".join(map(str, values))) == tuple(values)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, MAX_VALUES))
def test_ranges_hold_both_ends(a, b, count):
    numbers = parse_numbers(f"{a}..{b}/{count}")
    assert len(numbers) == count
    assert numbers[0] == a
    assert numbers[-1] == (b if count > 1 else a)
    step = 1 if b >= a else -1
    assert parse_numbers(f"{a}..{b}") == tuple(range(a, b + step, step))


@given(st.text(max_size=12))
def test_any_text_is_an_axis_or_an_error(text):
    for name in ("class", "seed", "dim0", "psi"):
        try:
            axis = parse_axis(name, text, SPEC)
        except (AxisError, ConditionError):
            continue
        assert 1 <= len(axis.values) <= MAX_VALUES


axes = st.one_of(
    st.just(None),
    st.sampled_from(
        [
            ("seed", "0..3"),
            ("class", "a,b"),
            ("dim2", "-1..1"),
            ("psi", "0.5,1"),
        ]
    ).map(lambda pair: parse_axis(*pair, SPEC)),
)


@given(axes, axes)
def test_each_cell_is_the_recipe_changed_in_two_ways(rows, columns):
    base = seeded_recipe(SPEC, 40)
    if rows is not None and columns is not None and rows.kind == columns.kind:
        with pytest.raises(ValueError, match="same thing"):
            AxisGrid(base, (MODEL,), rows, columns)
        return
    grid = AxisGrid(base, (MODEL,), rows, columns)
    assert from_json(to_json(grid), AxisGrid) == grid
    sheet = axis_sheet(grid, SPECS)
    for cell in range(sheet.rows * sheet.columns):
        model, recipe = sheet.cell(cell)
        row, column = divmod(cell, sheet.columns)
        wanted = {a.kind: a.values[i] for a, i in ((rows, row), (columns, column)) if a is not None}
        seed = wanted.get("seed", 40)
        latent = np.random.default_rng(seed).standard_normal(4).astype(np.float32)
        if "dim" in wanted:
            latent[2] = wanted["dim"]
        assert np.array_equal(recipe.latent.array, latent)
        assert recipe.truncation == wanted.get("psi", 1.0)
        name = wanted.get("class", "a")
        assert recipe.condition.part("class") == one_class("class", "ab".index(name))
        assert model == MODEL


def test_models_share_classes_by_name_and_seeds():
    models = Axis("model", (0, 1))
    grid = AxisGrid(
        seeded_recipe(SPEC, 0), (MODEL, OTHER_MODEL), parse_axis("class", "a,b", SPEC), models, 7
    )
    sheet = axis_sheet(grid, SPECS)
    assert sheet.column_labels == ("m", "other")
    assert sheet.cell(1) is None  # the other has no class "a"
    model, recipe = sheet.cell(3)
    assert model == OTHER_MODEL
    assert recipe.condition.part("class") == one_class("class", 0)
    drawn = np.random.default_rng(7).standard_normal(6).astype(np.float32)
    assert np.array_equal(recipe.latent.array, drawn)
    seeds = axis_sheet(
        AxisGrid(
            seeded_recipe(SPEC, 0), (MODEL, OTHER_MODEL), models, parse_axis("seed", "5", SPEC)
        ),
        SPECS,
    )
    assert seeds.cell(1)[1].latent.dim == 6


def test_a_direction_is_added_so_many_times():
    direction = Latent([0, 1, 0, 2])
    grid = AxisGrid(
        seeded_recipe(SPEC, 3), (MODEL,), Axis("direction", (-1.0, 2.0), direction=direction)
    )
    sheet = axis_sheet(grid, SPECS)
    base = seeded_recipe(SPEC, 3).latent.array
    assert np.allclose(sheet.cell(1)[1].latent.array, base + np.array([0, 2, 0, 4]))
    wrong = AxisGrid(
        seeded_recipe(SPEC, 3), (MODEL,), Axis("direction", (1.0,), direction=Latent([1]))
    )
    with pytest.raises(AxisError, match="1 values"):
        axis_sheet(wrong, SPECS)


def test_too_many_cells_are_refused():
    rows, columns = parse_axis("seed", "0..255", SPEC), parse_axis("dim0", "0..9", SPEC)
    with pytest.raises(AxisError, match="more than 1024"):
        axis_sheet(AxisGrid(seeded_recipe(SPEC, 0), (MODEL,), rows, columns), SPECS)


# names


@given(st.text(max_size=300))
def test_a_name_is_safe_whatever_it_is_made_of(text):
    for name in (safe_name(text), make_name("{model}-{n}", {"model": text, "n": 3})):
        assert 0 < len(name.encode()) <= 130
        assert re.fullmatch(r"[\w.+-]+", name)
        assert not name.startswith(".")
        assert name.split(".")[0].lower() not in ("con", "nul", "com1")


def test_templates():
    fields = {"model": "digits", "class": "a/b", "seed": 7, "n": 3}
    assert make_name("{model}-{class}-{seed}-{n}", fields) == "digits-a_b-7-3"
    assert make_name("{n:05d}", fields) == "00003"
    assert make_name("{model}-{class}-{n}", fields | {"class": None}) == "digits-3"
    assert make_name("../../{model}", fields) == "_.._digits"


@pytest.mark.parametrize(
    "template",
    ["", "{", "{}", "{user}", "{model.__class__}", "{n!r}", "{n:>99999999d}", "{model:9}", "{0}"],
)
def test_what_is_no_template_is_refused(template):
    with pytest.raises(TemplateError):
        make_name(template, {"model": "m", "n": 1})
