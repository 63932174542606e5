"""Recipes of models that read space, truncation, noise, mixing and a transform, drawn."""

import msgspec
import numpy as np
import onnxruntime
import pytest
import torch

from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe, default_condition
from genviewer.core.scene import ClassesOptions, GridOptions, Pane, Scene
from genviewer.core.synthesis import Mix, Synthesis, Transform
from genviewer.engine.accelerator import needs_prepare
from genviewer.engine.cells import decode_recipe, render_sheet
from genviewer.engine.generator import DecodeError, LoadError, load_generator
from genviewer.engine.onnx_export import export_decoder
from genviewer.engine.sheet_progress import TileCache
from genviewer.engine.strips import strip
from genviewer.engine.torch_decoder import TorchGenerator
from genviewer.io.bundle import Config, open_bundle, write_bundle
from tests.style_networks import BIGGAN, STYLEGAN2, STYLEGAN3, network, spec

replace = msgspec.structs.replace


def generator(config):
    made = network(config)
    return TorchGenerator(made, spec(config, made), ModelRef("styles", "0" * 32), threads=1)


@pytest.fixture(scope="module")
def styles():
    return generator(STYLEGAN2)


def recipe(made, seed=0):
    z = np.random.default_rng(seed).standard_normal(6)
    return Recipe(Latent(z), default_condition(made.spec, 1))


def levels(a, b):
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def test_a_recipe_in_w_draws_what_it_draws_in_z(styles):
    plain = recipe(styles)
    y = np.eye(3, dtype=np.float32)[[1]]
    w = styles.map_to_w(plain.latent.array[None], y)[0]
    assert w.shape == (8,)
    same = replace(plain, latent=Latent(w, "w"))
    for psi in (1.0, 0.5):
        a, b = (replace(r, truncation=psi) for r in (plain, same))
        assert levels(decode_recipe(styles, a), decode_recipe(styles, b)) <= 1


def test_truncation_acts_in_w_and_not_on_the_latent(styles):
    plain = recipe(styles)
    middle = replace(plain, latent=Latent(styles.average_w(), "w"))
    none = replace(plain, truncation=0.0)
    assert levels(decode_recipe(styles, none), decode_recipe(styles, middle)) <= 1
    zero = replace(plain, latent=Latent(np.zeros(6)))
    assert levels(decode_recipe(styles, none), decode_recipe(styles, zero)) > 10


def test_every_field_of_the_recipe_reaches_the_network(styles):
    plain = recipe(styles)
    shown = decode_recipe(styles, plain)
    second = Mix(Latent(np.random.default_rng(5).standard_normal(6)), 0, 3)
    for change in (
        {"truncation": 0.5},
        {"truncation": 0.5, "truncation_cutoff": 2},
        {"noise": "none"},
        {"noise": 3},
        {"noise": 3, "noise_strength": 2.0},
        {"mix": second},
    ):
        assert levels(decode_recipe(styles, replace(plain, **change)), shown) > 3, change
    moved = generator(STYLEGAN3)
    still = recipe(moved)
    turned = replace(still, transform=Transform(0.25, 0.0, 90.0))
    assert levels(decode_recipe(moved, still), decode_recipe(moved, turned)) > 0


def test_bigs_statistics_and_latent_are_both_truncated():
    made = generator(BIGGAN)
    plain = replace(recipe(made), truncation=0.5)
    z = plain.latent.array[None]
    y = np.eye(3, dtype=np.float32)[[1]]
    wanted = made.decode_pixels(z * np.float32(0.5), y, Synthesis(psi=0.5))[0]
    assert levels(decode_recipe(made, plain), wanted) == 0
    assert levels(made.decode_pixels(z, y, Synthesis(psi=0.5))[0], wanted) > 0
    assert levels(made.decode_pixels(z * np.float32(0.5), y)[0], wanted) > 0


def test_latents_of_the_wrong_space_or_size_are_told(styles):
    with pytest.raises(DecodeError, match="takes no latents of the space 'w\\+'"):
        decode_recipe(styles, Recipe(Latent(np.zeros(8), "w+")))
    with pytest.raises(DecodeError, match="has 6 values, and stylegan2 takes 8"):
        decode_recipe(styles, Recipe(Latent(np.zeros(6), "w")))
    big = generator(BIGGAN)
    with pytest.raises(DecodeError, match="takes no latents of the space 'w'"):
        decode_recipe(big, Recipe(Latent(np.zeros(6), "w")))


@pytest.mark.parametrize("view", ["focus", "grid", "classes", "traverse", "map"])
@pytest.mark.parametrize("space", ["z", "w"])
def test_views_draw_their_cells_recipes(styles, view, space):
    latent = Latent(np.random.default_rng(1).standard_normal(8 if space == "w" else 6), space)
    current = Recipe(latent, default_condition(styles.spec, 1), 0.7, 3, 5, 0.5)
    scene = Scene((Pane(styles.ref, current),)).with_view(view)
    scene = scene.with_options(GridOptions(cells=6, mode="seeds"))
    scene = scene.with_options(ClassesOptions(rows=2, columns=2))
    image = render_sheet(scene, styles)
    drawn = np.flatnonzero(image.filled)
    for cell in (drawn[0], drawn[-1]):
        _, of_cell = image.sheet.cell(int(cell))
        assert of_cell.noise_strength == 0.5
        assert levels(image.pixels[cell], decode_recipe(styles, of_cell)) <= 1
    if image.sheet.focus_cell is not None:
        assert image.sheet.cell(image.sheet.focus_cell)[1] == current


def test_fresh_draws_of_a_view_in_w_are_draws_from_the_prior(styles):
    current = Recipe(Latent(np.zeros(8), "w"), default_condition(styles.spec))
    scene = Scene((Pane(styles.ref, current),)).with_view("grid")
    image = render_sheet(scene.with_options(GridOptions(cells=4, mode="seeds")), styles)
    spaces = [image.sheet.cell(cell)[1].latent.space for cell in range(4)]
    assert spaces == ["w", "z", "z", "z"]


def test_strips_follow_the_space(styles):
    current = Recipe(Latent(np.zeros(8), "w"), default_condition(styles.spec))
    drawn = strip(styles, current, 7, count=3)
    assert drawn.shape == (3, 16, 16, 3)
    assert levels(drawn[1], decode_recipe(styles, current)) <= 1


def test_tiles_are_told_apart_by_everything_that_decides_them(styles):
    cache, plain = TileCache(), recipe(styles)
    others = [
        {"noise_strength": 0.5},
        {"mix": Mix(plain.latent, 0, 1)},
        {"transform": Transform(0.1)},
        {"truncation_cutoff": 2},
        {"noise": 3},
    ]
    keys = {cache.key(styles, replace(plain, **other)) for other in [{}, *others]}
    assert len(keys) == 1 + len(others)


def test_only_torch_draws_such_a_model(tmp_path):
    made = network(STYLEGAN2)
    tensors = {name: value.numpy() for name, value in made.state_dict().items()}
    write_bundle(tmp_path / "b", Config(spec(STYLEGAN2, made), STYLEGAN2), tensors, "")
    bundle = open_bundle(tmp_path / "b")
    assert not needs_prepare(bundle)
    assert load_generator(bundle, "cpu").engine == "torch"
    with pytest.raises(LoadError, match="only torch draws it"):
        load_generator(bundle, "cpu", "onnx")


@pytest.mark.parametrize("config", [STYLEGAN2, STYLEGAN3, BIGGAN])
def test_the_graph_for_others_draws_any_batch(config, tmp_path):
    made = network(config)
    path = export_decoder(made, spec(config, made), "1" * 32, tmp_path / "decoder.onnx")
    session = onnxruntime.InferenceSession(path.read_bytes())
    rng = np.random.default_rng(2)
    for count in (1, 5):
        feed = {"z": rng.standard_normal((count, 6)).astype(np.float32)}
        if len(session.get_inputs()) > 1:
            feed["y"] = np.eye(3, dtype=np.float32)[np.arange(count) % 3]
        (raw,) = session.run(["raw"], feed)
        wanted = made.decode(*(torch.from_numpy(array) for array in feed.values()))
        np.testing.assert_allclose(raw, wanted.numpy(), atol=1e-4)
