"""`genviewer sample` of models that read more than a latent and a condition."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genviewer.cli import main
from genviewer.core.prior import draw
from genviewer.core.synthesis import Synthesis
from genviewer.engine.cells import decode_recipe
from genviewer.engine.generator import load_generator
from genviewer.io.bundle import Config, open_bundle, write_bundle
from genviewer.io.images import read_record
from tests.style_networks import BIGGAN, STYLEGAN2, network, spec


def write(folder, config):
    made = network(config)
    tensors = {name: value.numpy() for name, value in made.state_dict().items()}
    write_bundle(folder, Config(spec(config, made), config), tensors, "")
    return folder, made


@pytest.fixture(scope="module")
def styles(tmp_path_factory):
    return write(tmp_path_factory.mktemp("models") / "styles", STYLEGAN2)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    return write(tmp_path_factory.mktemp("models") / "big", BIGGAN)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def raw(folder, *arguments):
    words = ["sample", str(folder), *map(str, arguments), "--raw", "--out", "r.npy", "--force"]
    assert main(words) == 0
    return np.load("r.npy")


def wanted(made, z, y, how):
    with torch.no_grad():
        return made.decode(torch.from_numpy(z), torch.from_numpy(y), how).numpy()


def latents(count=3, dim=6):
    z = np.random.default_rng(4).standard_normal((count, dim)).astype(np.float32)
    np.save("z.npy", z)
    return z, np.eye(3, dtype=np.float32)[np.arange(count) % 3]


def test_given_latents_are_final_and_truncation_acts_in_the_network(styles):
    folder, made = styles
    z, y = latents()
    for arguments, how in (
        ((), Synthesis()),
        (("--truncation", 0.5), Synthesis(psi=0.5)),
        (("--truncation", 0.5, "--truncation-cutoff", 2), Synthesis(psi=0.5, cutoff=2)),
        (("--noise", "none"), Synthesis(noise="none")),
        (("--noise", 7), Synthesis(noise=7)),
    ):
        drawn = raw(folder, "--latents", "z.npy", *arguments)
        np.testing.assert_allclose(drawn, wanted(made, z, y, how), atol=1e-5)


def test_latents_may_be_styles(styles):
    folder, made = styles
    z, y = latents(2, 8)
    drawn = raw(folder, "--latents", "z.npy", "--space", "w", "--truncation", 0.5)
    np.testing.assert_allclose(drawn, wanted(made, z, y, Synthesis("w", 0.5)), atol=1e-5)


def test_seeds_in_w_draw_what_they_draw_in_z(styles):
    folder, made = styles
    drawn = raw(folder, "-n", 3, "--seed", 5, "--space", "w")
    np.testing.assert_allclose(drawn, raw(folder, "-n", 3, "--seed", 5), atol=1e-5)
    z = np.stack([draw(spec(STYLEGAN2, made).latent, 5 + i) for i in range(3)])
    y = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(drawn, wanted(made, z, y, Synthesis()), atol=1e-5)


@pytest.mark.parametrize("space", ["z", "w"])
def test_the_record_in_a_picture_draws_it_again(styles, space):
    folder, _ = styles
    arguments = ["--truncation", "0.6", "--truncation-cutoff", "3", "--noise", "9"]
    words = ["sample", str(folder), "-n", "1", "--space", space, *arguments, "--out", "a.png"]
    assert main(words) == 0
    recipe = read_record(Path("a.png")).recipe
    assert recipe.latent.space == space
    generator = load_generator(open_bundle(folder), "cpu")
    shown = np.asarray(Image.open("a.png")).astype(int)
    assert np.abs(shown - decode_recipe(generator, recipe)).max() <= 1


def test_biggans_latents_are_final_and_statistics_are_selected(big):
    folder, made = big
    z, y = latents()
    drawn = raw(folder, "--latents", "z.npy", "--truncation", 0.5)
    np.testing.assert_allclose(drawn, wanted(made, z, y, Synthesis(psi=0.5)), atol=1e-5)
    seeded = raw(folder, "-n", 2, "--truncation", 0.5)
    own = np.stack([draw(spec(BIGGAN, made).latent, i) for i in range(2)]) * np.float32(0.5)
    np.testing.assert_allclose(seeded, wanted(made, own, y[:2], Synthesis(psi=0.5)), atol=1e-5)


def test_the_record_of_biggans_given_latent_draws_it_again(big):
    folder, _ = big
    latents(1)
    words = ["sample", str(folder), "--latents", "z.npy", "--truncation", "0.5", "--out", "a.png"]
    assert main(words) == 0
    generator = load_generator(open_bundle(folder), "cpu")
    shown = np.asarray(Image.open("a.png")).astype(int)
    assert np.abs(shown - decode_recipe(generator, read_record(Path("a.png")).recipe)).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--space", "w"), "no latent space"),
        (("--truncation-cutoff", "2"), "no layers"),
        (("--noise", "4"), "no noise inputs"),
    ],
)
def test_what_a_model_lacks_is_told(big, arguments, told, capsys):
    assert main(["sample", str(big[0]), *arguments, "--out", "x.npy"]) == 1
    assert told in capsys.readouterr().err
