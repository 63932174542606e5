"""Images drawn from records, written, and verified."""

from __future__ import annotations

import errno
import os
import stat

import msgspec
import numpy as np
import pytest
from PIL import Image

from genviewer.core.axes import AxisGrid, parse_axis
from genviewer.core.condition import one_class
from genviewer.core.latent import Latent
from genviewer.core.picture import Contact, Picture
from genviewer.core.recipe import ModelRef, Recipe, seeded_recipe
from genviewer.core.scene import Pane
from genviewer.core.views import ViewInputs
from genviewer.engine.cells import decode_recipe
from genviewer.engine.export import (
    contact_record,
    draw,
    grid_record,
    sample_record,
    save_image,
    scene_record,
)
from genviewer.engine.generator import DecodeError, load_generator
from genviewer.engine.jobs import Cancelled, Job, Progress
from genviewer.engine.verify import Verifier
from genviewer.io import atomic
from genviewer.io.images import ImageError, read_record, save_png
from genviewer.io.write_errors import WriteError
from tests.engine.linear import LinearGenerator, make_scene, make_spec
from tests.tiny_models import LATENT, SIZE, write_tiny_vae


@pytest.fixture
def generators(linear):
    return {linear.model_id: linear}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny_vae(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def tiny_generator(tiny):
    return load_generator(tiny, "cpu", "torch", threads=1)


def finder(*bundles):
    def find(model):
        same = [b for b in bundles if b.model_id == model.id]
        alike = [b for b in bundles if b.spec.name == model.name]
        return next(iter([*same, *alike]), None)

    return find


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg", ".tif"])
@pytest.mark.parametrize(
    "picture",
    [Picture(), Picture(scale=3), Picture(scale=2, method="lanczos"), Picture(bits=16)],
    ids=["native", "nearest", "lanczos", "deep"],
)
def test_what_is_saved_is_verified_as_exact(tmp_path, tiny, tiny_generator, suffix, picture):
    record = sample_record(tiny_generator, seeded_recipe(tiny.spec, 4), picture, "sha")
    path, generators = tmp_path / f"x{suffix}", {tiny.model_id: tiny_generator}
    if picture.bits == 16 and suffix in (".webp", ".jpg"):
        with pytest.raises(ImageError, match="8 bits"):
            save_image(path, record, generators)
        return
    save_image(path, record, generators)
    assert read_record(path) == record
    verdict = Verifier(finder(tiny), engine="torch").verify(path)
    assert (verdict.status, verdict.max_abs_diff) == ("exact", 0.0)


@pytest.mark.parametrize("kind", ["scene", "grid", "contact"])
def test_sheets_are_verified_as_exact(tmp_path, tiny, tiny_generator, kind):
    spec, picture = tiny.spec, Picture(scale=2, headers=True)
    if kind == "scene":
        scene = make_scene(tiny_generator, "traverse")
        order = np.arange(LATENT)[::-1].astype(np.int64)
        record = scene_record(tiny_generator, scene, ViewInputs(effect_order=order), picture)
    elif kind == "grid":
        axes = (parse_axis("class", "ant..cat", spec), parse_axis("seed", "3..7", spec))
        grid = AxisGrid(seeded_recipe(spec, 0), (tiny.ref,), *axes)
        record = grid_record(tiny_generator, grid, picture)
    else:
        panes = tuple(Pane(tiny.ref, seeded_recipe(spec, seed)) for seed in range(5))
        record = contact_record(tiny_generator, Contact(panes, 3), picture)
    save_image(tmp_path / "x.png", record, {tiny.model_id: tiny_generator})
    assert read_record(tmp_path / "x.png") == record
    assert Verifier(finder(tiny), engine="torch").verify(tmp_path / "x.png").status == "exact"


def test_a_grid_shows_in_each_cell_what_its_axes_say(linear, generators):
    spec = linear.spec
    base = seeded_recipe(spec, 9)
    axes = (parse_axis("class", "two,zero", spec), parse_axis("dim1", "-2..2/5", spec))
    record = grid_record(linear, AxisGrid(base, (linear.ref,), *axes))
    sheet = draw(record, generators)
    side = spec.image.height
    assert sheet.shape == (2 * side, 5 * side, 1)
    for row, index in enumerate((2, 0)):
        for column, value in enumerate((-2, -1, 0, 1, 2)):
            recipe = Recipe(
                base.latent.with_value(1, value),
                base.condition.with_part(one_class("class", index)),
            )
            tile = sheet[row * side :][:side, column * side :][:, :side]
            assert np.array_equal(tile, decode_recipe(linear, recipe))


def test_headers_leave_the_cells_as_they_are(linear, generators):
    axes = (parse_axis("class", "zero..two", linear.spec), parse_axis("seed", "0..3", linear.spec))
    grid = AxisGrid(seeded_recipe(linear.spec, 0), (linear.ref,), *axes)
    plain = draw(grid_record(linear, grid, Picture(scale=8)), generators)
    for bits in (8, 16):
        labelled = draw(
            grid_record(linear, grid, Picture(scale=8, headers=True, bits=bits)), generators
        )
        height, width = plain.shape[:2]
        inner = labelled[-height:, -width:]
        assert np.abs(inner / (2**bits - 1) - plain / 255).max() < 0.6 / 255
        margin = labelled[: -height or None]
        assert labelled.shape[0] > height
        assert labelled.shape[1] > width
        assert margin.min() < (2**bits - 1) * 0.3  # there is something written


def test_models_of_different_images_do_not_share_a_sheet():
    one, other = LinearGenerator(), LinearGenerator(make_spec(size=8), "other", 1)
    panes = tuple(Pane(g.ref, seeded_recipe(g.spec, 0)) for g in (one, other))
    record = contact_record(one, Contact(panes, 2))
    with pytest.raises(DecodeError, match="6 x 6"):
        draw(record, {one.model_id: one, other.model_id: other})


# verdicts


def test_one_changed_pixel_is_told_by_how_much(tmp_path, tiny, tiny_generator):
    recipe = seeded_recipe(tiny.spec, 1)
    pixels = decode_recipe(tiny_generator, recipe)
    verifier = Verifier(finder(tiny), engine="torch")
    for by, status in ((1, "close"), (2, "different"), (90, "different")):
        changed = pixels.copy()
        level = int(changed[3, 4, 0])
        changed[3, 4, 0] = level + by if level < 128 else level - by
        save_png(tmp_path / "x.png", changed, sample_record(tiny_generator, recipe))
        verdict = verifier.verify(tmp_path / "x.png")
        assert verdict.status == status
        assert verdict.max_abs_diff == pytest.approx(by / 255)


def test_another_size_is_different(tmp_path, tiny, tiny_generator):
    record = sample_record(tiny_generator, seeded_recipe(tiny.spec, 1))
    save_png(tmp_path / "x.png", np.zeros((3, 3, 3), np.uint8), record)
    verdict = Verifier(finder(tiny), engine="torch").verify(tmp_path / "x.png")
    assert (verdict.status, verdict.max_abs_diff) == ("different", None)


def test_a_size_that_the_file_does_not_have_is_not_drawn(tmp_path, tiny, tiny_generator):
    recipe = seeded_recipe(tiny.spec, 1)
    contact = Contact(tuple([Pane(tiny.ref, recipe)] * 900), 30)
    record = contact_record(tiny_generator, contact, Picture(scale=64))
    path = tmp_path / "small.png"
    save_png(path, np.zeros((SIZE, SIZE, 3), np.uint8), record)
    verdict = Verifier(finder(tiny), "cpu", "torch").verify(path)
    assert (verdict.status, verdict.max_abs_diff) == ("different", None)


def test_a_record_that_contradicts_itself_is_told(tmp_path, tiny, tiny_generator):
    contact = Contact((Pane(tiny.ref, seeded_recipe(tiny.spec, 1)),), 1)
    record = msgspec.structs.replace(
        contact_record(tiny_generator, contact), model=ModelRef("lost", "f" * 32)
    )
    path = tmp_path / "odd.png"
    save_png(path, np.zeros((SIZE, SIZE, 3), np.uint8), record)
    assert Verifier(finder(tiny), "cpu", "torch").verify(path).status == "different"


def test_the_other_verdicts(tmp_path, tiny, tiny_generator):
    record = sample_record(tiny_generator, seeded_recipe(tiny.spec, 1))
    save_image(tmp_path / "x.png", record, {tiny.model_id: tiny_generator})
    assert Verifier(finder()).verify(tmp_path / "x.png").status == "missing_model"
    other = write_tiny_vae(tmp_path / "tiny", seed=7)
    verdict = Verifier(finder(other), engine="torch").verify(tmp_path / "x.png")
    assert verdict.status == "wrong_weights"
    assert verdict.max_abs_diff > 1 / 255
    Image.new("RGB", (SIZE, SIZE)).save(tmp_path / "plain.png")
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "cut.png").write_bytes((tmp_path / "x.png").read_bytes()[:-60])
    verdicts = Verifier(finder(tiny)).verify_all(
        tmp_path / name for name in ("plain.png", "text.png", "cut.png", "none.png")
    )
    assert [v.status for v in verdicts] == ["no_recipe", *["unreadable"] * 3]


def test_a_record_that_does_not_fit_its_model_is_told(tmp_path, tiny, tiny_generator):
    record = sample_record(tiny_generator, Recipe(Latent(np.zeros(LATENT + 1))))
    save_png(tmp_path / "x.png", np.zeros((SIZE, SIZE, 3), np.uint8), record)
    verdict = Verifier(finder(tiny), engine="torch").verify(tmp_path / "x.png")
    assert verdict.status == "different"
    assert "takes 6" in verdict.message


# writing


def test_nothing_is_overwritten_silently(tmp_path, linear, generators):
    path = tmp_path / "x.png"
    path.write_text("mine")
    record = sample_record(linear, seeded_recipe(linear.spec, 0))
    with pytest.raises(WriteError, match=r"x\.png exists"):
        save_image(path, record, generators)
    assert path.read_text() == "mine"
    save_image(path, record, generators, overwrite=True)
    assert read_record(path) == record


def test_provenance_can_be_switched_off_or_put_beside(tmp_path, linear, generators):
    record = sample_record(linear, seeded_recipe(linear.spec, 0))
    save_image(tmp_path / "x.png", record, generators, embed=False)
    with pytest.raises(ImageError, match="no Recipe"):
        read_record(tmp_path / "x.png")
    assert b"linear" not in (tmp_path / "x.png").read_bytes()
    save_image(tmp_path / "y.png", record, generators, embed=False, sidecar=True)
    assert b"linear" not in (tmp_path / "y.png").read_bytes()
    assert read_record(tmp_path / "y.png") == record


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "no space"), (errno.EACCES, "not allowed"), (errno.ENOENT, "gone")],
)
def test_a_failed_write_is_told_and_leaves_nothing(
    tmp_path, linear, generators, monkeypatch, number, told
):
    record = sample_record(linear, seeded_recipe(linear.spec, 0))

    def fail(_handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic.os, "fsync", fail)
    with pytest.raises(WriteError, match=rf"x\.png .*{told}"):
        save_image(tmp_path / "x.png", record, generators)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_may_not_be_written_is_told(tmp_path, linear, generators):
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(stat.S_IREAD | stat.S_IEXEC)
    record = sample_record(linear, seeded_recipe(linear.spec, 0))
    with pytest.raises(WriteError, match="not allowed"):
        save_image(folder / "x.png", record, generators)


def test_a_cancelled_sheet_leaves_nothing(tmp_path, linear, generators):
    job = Job("export", None)
    axes = (parse_axis("seed", "0..29", linear.spec), parse_axis("class", "zero..two", linear.spec))
    record = grid_record(linear, AxisGrid(seeded_recipe(linear.spec, 0), (linear.ref,), *axes))
    progress = Progress(job, lambda fraction, _: job.cancel() if fraction > 0.4 else None)
    with pytest.raises(Cancelled):
        save_image(tmp_path / "x.png", record, generators, progress=progress)
    assert list(tmp_path.iterdir()) == []
    assert sum(linear.calls) < 90


def test_a_model_that_is_not_open_is_told(linear):
    record = sample_record(linear, seeded_recipe(linear.spec, 0))
    with pytest.raises(DecodeError, match="not open"):
        draw(msgspec.structs.replace(record, model=ModelRef("x", "y")), {})
