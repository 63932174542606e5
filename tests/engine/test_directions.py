"""Directions of small networks, checked against their weights; and the file they are kept in."""

import dataclasses

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save_file

from genviewer.core.directions import Directions, unit_rows
from genviewer.core.recipe import ModelRef
from genviewer.engine.directions import found_in_data, found_in_model
from genviewer.engine.directions_file import DirectionsError, read_directions, write_directions
from genviewer.engine.directions_layers import features, readers
from genviewer.engine.encoding import encode
from genviewer.engine.generator import LoadError
from genviewer.engine.torch_decoder import load_network
from genviewer.io.bundle import Config, write_bundle
from tests.style_networks import BIGGAN, STYLEGAN2, STYLEGAN3, network, spec
from tests.tiny_models import write_tiny_vae

MODEL = ModelRef("tiny", "0" * 32)


@pytest.fixture
def bundle(tmp_path):
    return write_tiny_vae(tmp_path / "tiny", channels=1)


def test_the_factorisation_is_that_of_the_layer_that_reads_the_latent(bundle):
    weight = load_network(bundle).decoder.latent.weight.double().numpy()
    values, vectors = np.linalg.eigh(weight.T @ weight)
    found = found_in_model(bundle, "sefa", 6)
    assert np.abs((found.vectors * vectors.T[::-1]).sum(1)) == pytest.approx(1.0, abs=1e-4)
    assert found.explained == pytest.approx(values[::-1] / values.sum(), abs=1e-5)
    assert found.explained.sum() == pytest.approx(1.0)
    assert (found.deviations == 1.0).all()
    assert found.names[0] == "sefa 1"
    assert (found_in_model(bundle, "sefa", 2).vectors == found.vectors[:2]).all()


def test_the_layers_that_read_a_latent_are_told_from_those_that_read_the_class(bundle):
    vae = load_network(bundle)
    z = np.random.default_rng(0).standard_normal((2, 6)).astype(np.float32)
    y = np.eye(4, dtype=np.float32)[[1, 1]]
    found = readers(vae, z, y)
    assert found[:2] == [vae.decoder.latent, vae.decoder.grid]
    assert vae.decoder.classes not in found
    assert vae.decoder.template not in found
    hidden = z @ vae.decoder.latent.weight.numpy().T + vae.decoder.latent.bias.numpy()
    hidden = np.maximum(hidden + y @ vae.decoder.classes.weight.numpy().T, 0.0)
    assert features(vae, z, y) == pytest.approx(hidden, abs=1e-5)


def test_principal_directions_of_features_move_the_features_most(bundle):
    """Along the first direction the features vary more than along most others."""
    found = found_in_model(bundle, "pca", 6, points=1000)
    assert found.vectors.shape == (6, 6)
    assert (np.diff(found.explained) <= 0).all()
    assert (found_in_model(bundle, "pca", 6, points=1000).vectors == found.vectors).all()
    vae = load_network(bundle)
    y = np.tile(np.eye(4, dtype=np.float32)[:1], (200, 1))
    steps = np.linspace(-1.5, 1.5, 200, dtype=np.float32)[:, None]

    def moved(vector):
        return features(vae, steps * vector, y).var(0).sum()

    rng = np.random.default_rng(0)
    others = [moved(v) for v in unit_rows(rng.standard_normal((20, 6)))]
    assert moved(found.vectors[0]) > np.median(others)


def test_principal_directions_of_data_are_those_of_the_encoded_means(bundle):
    rng = np.random.default_rng(1)
    x = rng.random((40, 1, 8, 8), np.float32)
    y = np.eye(4, dtype=np.float32)[np.arange(40) % 4]
    found = found_in_data(bundle, x, y, None, None, "pca", 3, "cpu")
    means = encode(bundle, x, y, "cpu")[0].astype(float)
    _, sizes, right = np.linalg.svd(means - means.mean(0), full_matrices=False)
    assert np.abs((found.vectors * right[:3]).sum(1)) == pytest.approx(1.0, abs=1e-4)
    assert found.explained == pytest.approx((sizes**2 / (sizes**2).sum())[:3], abs=1e-4)
    assert found.deviations == pytest.approx(sizes[:3] / np.sqrt(40), rel=1e-3)


def test_class_directions_are_named_and_lead_to_the_class(tmp_path):
    bundle = write_tiny_vae(tmp_path / "plain", classes=(), channels=1)
    rng = np.random.default_rng(2)
    labels = np.arange(30) % 3
    x = np.clip(rng.random((30, 1, 8, 8)) * 0.2 + 0.4 * labels[:, None, None, None], 0, 1)
    x = x.astype(np.float32)
    found = found_in_data(bundle, x, None, labels, ("dark", "grey", "light"), "class", 10, "cpu")
    assert found.names == ("dark", "grey", "light")
    means = encode(bundle, x, None, "cpu")[0]
    along = (means - means.mean(0)) @ found.vectors.T
    assert along[labels == 2, 2].mean() > along[labels != 2, 2].mean()
    with pytest.raises(ValueError, match="two classes"):
        found_in_data(bundle, x, None, labels * 0, None, "class")
    with pytest.raises(ValueError, match="labels"):
        found_in_data(bundle, x, None, None, None, "class")


def test_where_nothing_lies_apart_there_is_no_direction(tmp_path):
    bundle = write_tiny_vae(tmp_path / "plain", classes=(), channels=1)
    x = np.random.default_rng(0).random((6, 1, 8, 8), np.float32)
    x[2:] = x[0]  # two different images
    found = found_in_data(bundle, x, None, None, None, "pca", 5, "cpu")
    assert found.names == ("pca 1",)
    assert found.deviations.min() > 0.0
    x[1] = x[0]
    labels = np.arange(6) % 2
    for method in ("pca", "class"):
        with pytest.raises(ValueError, match="one place"):
            found_in_data(bundle, x, None, labels, None, method, 5, "cpu")


def test_methods_that_do_not_go_with_what_is_given_are_refused(bundle):
    x = np.zeros((3, 1, 8, 8), np.float32)
    with pytest.raises(ValueError, match="a model's layers"):
        found_in_model(bundle, "class")
    with pytest.raises(ValueError, match="no data"):
        found_in_data(bundle, x, None, None, None, "sefa")
    with pytest.raises(ValueError, match="two images"):
        found_in_data(bundle, x[:1], None, None, None, "pca")
    program = msgspec.structs.replace(bundle.config, network={"type": "program"})
    with pytest.raises(LoadError, match="program"):
        found_in_model(msgspec.structs.replace(bundle, config=program), "sefa")


# the file


def some(dim=6):
    vectors = unit_rows(np.random.default_rng(0).standard_normal((2, dim)))
    numbers = np.array([1.0, 0.5], np.float32)
    return Directions(vectors, numbers, numbers / 2, ("smile", "träge"), "sefa")


def test_what_is_written_is_read_again(tmp_path, bundle):
    path = tmp_path / "d.safetensors"
    write_directions(path, some(), bundle.ref)
    found, model_id = read_directions(path, bundle.spec)
    assert model_id == bundle.model_id
    for field in dataclasses.fields(Directions):
        first, second = getattr(found, field.name), getattr(some(), field.name)
        assert np.array_equal(first, second), field.name
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        assert msgspec.json.decode(file.metadata()["explained_variance"]) == [0.5, 0.25]
        assert msgspec.json.decode(file.metadata()["names"]) == ["smile", "träge"]
    with pytest.raises(DirectionsError, match="safetensors"):
        write_directions(tmp_path / "d.npz", some(), bundle.ref)


def test_directions_of_another_size_or_space_are_refused(tmp_path, bundle):
    path = tmp_path / "d.safetensors"
    for wrong in (some(dim=7), dataclasses.replace(some(), space="w")):
        write_directions(path, wrong, MODEL)
        read_directions(path)
        with pytest.raises(DirectionsError, match="not those of tiny"):
            read_directions(path, bundle.spec)


def damaged(tensors=None, metadata=None):
    base = {
        "directions": some().vectors,
        "deviations": some().deviations,
        "explained": some().explained,
    }
    words = {"format": "genviewer-directions/1", "method": "pca", "names": '["a", "b"]'}
    return {**base, **(tensors or {})}, {**words, **(metadata or {})}


@pytest.mark.parametrize(
    ("tensors", "metadata", "told"),
    [
        ({"directions": np.ones((2, 6), np.float32)}, {}, "no directions"),
        ({"directions": np.full((2, 6), np.nan, np.float32)}, {}, "no directions"),
        ({"directions": some().vectors.astype(np.float64)}, {}, "float32"),
        ({"directions": np.ones(6, np.float32)}, {}, "no file of directions"),
        ({"deviations": np.ones(3, np.float32)}, {}, "one deviation"),
        ({"explained": -np.ones(2, np.float32)}, {}, "no directions"),
        ({"more": np.ones(2, np.float32)}, {}, "no file of directions"),
        ({}, {"format": "another/1"}, "this version"),
        ({}, {"method": "magic"}, "this version"),
        ({}, {"names": '["a"]'}, "usable name"),
        ({}, {"names": "[" * 5000}, "damaged names"),
        ({}, {"names": "5"}, "damaged names"),
        ({}, {"space": "q"}, "unknown space"),
    ],
)
def test_what_is_no_file_of_directions_is_told_in_one_sentence(tmp_path, tensors, metadata, told):
    path = tmp_path / "d.safetensors"
    arrays, words = damaged(tensors, metadata)
    save_file(arrays, path, words)
    with pytest.raises(DirectionsError, match=told):
        read_directions(path)


@pytest.mark.parametrize("data", [b"", b"short", b"\xff" * 64, b"\x08\0\0\0\0\0\0\0{}      "])
def test_rubbish_is_told_in_one_sentence(tmp_path, data):
    path = tmp_path / "d.safetensors"
    path.write_bytes(data)
    with pytest.raises(DirectionsError, match=r"d\.safetensors"):
        read_directions(path)
    with pytest.raises(DirectionsError, match="none"):
        read_directions(tmp_path / "none.safetensors")


# styles


def styled(tmp_path, config):
    made = network(config)
    tensors = {name: value.numpy() for name, value in made.state_dict().items()}
    return made, write_bundle(tmp_path / "s", Config(spec(config, made), config), tensors, "# s\n")


@pytest.mark.parametrize("config", [STYLEGAN2, STYLEGAN3], ids=["stylegan2", "stylegan3"])
def test_where_there_are_styles_the_directions_are_in_their_space(tmp_path, config):
    made, bundle = styled(tmp_path, config)
    found = found_in_model(bundle, "sefa", 3)
    assert found.space == "w"
    weights = [
        module.gain * module.weight.double().numpy()
        for name, module in made.named_modules()
        if name.split(".")[-1] == "affine"
    ]
    matrix = np.concatenate(weights)
    values, vectors = np.linalg.eigh(matrix.T @ matrix)
    assert np.abs((found.vectors * vectors.T[::-1][:3]).sum(1)) == pytest.approx(1.0, abs=1e-4)
    assert found.explained == pytest.approx((values[::-1] / values.sum())[:3], abs=1e-5)
    main = found_in_model(bundle, "pca", 3, points=400)
    assert main.vectors.shape == (3, 8)
    assert main.vectors @ main.vectors.T == pytest.approx(np.eye(3), abs=1e-5)
    assert (np.diff(main.deviations) <= 0).all()  # the widest spread of styles comes first
    write_directions(tmp_path / "d.safetensors", main, bundle.ref)
    assert read_directions(tmp_path / "d.safetensors", bundle.spec)[0].space == "w"


def test_a_class_and_a_latent_that_meet_in_one_layer_are_told_apart(tmp_path):
    """BigGAN's layers take both at once; the directions are of the latent alone."""
    _, bundle = styled(tmp_path, BIGGAN)
    for method in ("sefa", "pca"):
        found = found_in_model(bundle, method, 4, points=300)
        assert found.space == "z"
        assert found.vectors.shape == (4, 6)
        assert found.deviations == pytest.approx(0.88, abs=0.01)
