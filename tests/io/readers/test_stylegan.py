"""Style-based generators as others save them: NVIDIA's pickles, bare tensors, rosinality's."""

import io
import pickle
import sys
import types
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from genviewer.core.synthesis import PLAIN, Synthesis, Transform
from genviewer.engine.torch_decoder import load_torch
from genviewer.io.bundle import BundleError, open_bundle, write_bundle
from genviewer.io.readers import stylegan
from genviewer.io.readers.source import Source
from genviewer.io.readers.table import open_foreign
from tests.style_networks import STYLEGAN2, STYLEGAN3, network


class Persistent:
    """Pickles as an object of NVIDIA's ``torch_utils.persistence`` does."""

    def __init__(self, meta):
        self.meta = meta

    def __reduce__(self):
        function = sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj
        return function, (self.meta,)


@contextmanager
def their_modules():
    package, module = types.ModuleType("torch_utils"), types.ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("reading must not call this")

    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj
    sys.modules |= {"torch_utils": package, "torch_utils.persistence": module}
    try:
        yield
    finally:
        del sys.modules["torch_utils"], sys.modules["torch_utils.persistence"]


def persistent(tensors, arguments):
    """A network's tensors by dotted name as nested persistent modules."""
    inside, own = {}, {}
    for name, tensor in tensors.items():
        first, dot, rest = name.partition(".")
        if dot:
            inside.setdefault(first, {})[rest] = tensor
        else:
            own[name] = tensor
    state = {
        "training": False,
        "_parameters": {k: torch.nn.Parameter(v) for k, v in own.items()},
        "_buffers": {},
        "_modules": {k: persistent(v, {}) for k, v in inside.items()},
        "_init_args": (),
        "_init_kwargs": arguments,
    }
    meta = {"type": "class", "version": 6, "module_src": "raise SystemExit", "state": state}
    return Persistent({**meta, "class_name": "Generator"})


def write_pickle(path, average, plain=None, arguments=None):
    networks = {
        "training_set_kwargs": None,
        "G": persistent(plain or average, arguments or {}),
        "D": None,
        "G_ema": persistent(average, arguments or {}),
    }
    buffer = io.BytesIO()
    with their_modules():
        pickle.dump(networks, buffer, protocol=3)
    path.write_bytes(buffer.getvalue())
    return path


def drawn(bundle, z, y=None, how=None):
    return load_torch(bundle, "cpu", threads=1).decode(z, y, how)


def latents(count=2):
    return np.random.default_rng(0).standard_normal((count, 6)).astype(np.float32)


def test_the_averaged_generator_of_a_pickle_draws_as_it_did(tmp_path):
    made, other = network(STYLEGAN2), network(STYLEGAN2, seed=1)
    arguments = {
        "z_dim": 6,
        "c_dim": 3,
        "mapping_kwargs": {"num_layers": 2},
        "synthesis_kwargs": {"conv_clamp": 4, "num_fp16_res": 4},
    }
    path = write_pickle(
        tmp_path / "network-snapshot.pkl", made.state_dict(), other.state_dict(), arguments
    )
    bundle = open_foreign(path, {})
    spec = bundle.spec
    assert bundle.reader == "stylegan"
    assert spec.name == "network-snapshot"
    assert (spec.latent.dim, spec.latent.spaces, spec.layers) == (6, ("z", "w"), 6)
    assert (spec.image.height, spec.image.channels, spec.image.range) == (16, 3, (-1.0, 1.0))
    assert [c.size for c in spec.conditions] == [3]
    assert spec.noise
    assert spec.synthesis.w_dim == 8
    assert bundle.config.assumptions == ()
    z, y = latents(), np.eye(3, dtype=np.float32)[[0, 2]]
    wanted = made.decode(torch.from_numpy(z), torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(drawn(bundle, z, y), wanted, atol=1e-5)


@pytest.mark.parametrize("architecture", ["resnet", "orig"])
def test_architectures_are_told_by_their_tensors(tmp_path, architecture):
    made = network({**STYLEGAN2, "architecture": architecture, "clamp": None})
    arguments = {"synthesis_kwargs": {"conv_clamp": None}}
    path = write_pickle(tmp_path / "a.pkl", made.state_dict(), arguments=arguments)
    bundle = open_foreign(path, {})
    assert bundle.config.network["architecture"] == architecture
    wanted = made.decode(torch.from_numpy(latents())).numpy()
    np.testing.assert_allclose(drawn(bundle, latents()), wanted, atol=1e-5)


@pytest.mark.parametrize("rotation", [False, True])
def test_a_stylegan3_opens_with_and_without_its_arguments(tmp_path, rotation):
    config = {**STYLEGAN3, "num_critical": 1, "margin_size": 3}
    if rotation:
        config |= {"conv_kernel": 1, "use_radial_filters": True}
    made = network(config)
    arguments = {"num_critical": 1, "margin_size": 3}
    said = write_pickle(tmp_path / "said.pkl", made.state_dict(), arguments=arguments)
    bare = tmp_path / "bare.safetensors"
    arrays = {f"g_ema.{name}": value.numpy().copy() for name, value in made.state_dict().items()}
    save_file(arrays, bare)
    z, how = latents(), Synthesis(transform=Transform(0.1, -0.2, 20.0))
    wanted = made.decode(torch.from_numpy(z), None, how).numpy()
    for path in (said, bare):
        bundle = open_foreign(path, {})
        assert bundle.spec.synthesis.transform
        assert not bundle.spec.noise
        np.testing.assert_allclose(drawn(bundle, z, None, how), wanted, atol=1e-5)
    assert bundle.config.assumptions  # of the bare tensors


def test_what_a_state_dict_leaves_out_is_filled_in_or_told(tmp_path):
    made = network({**STYLEGAN2, "clamp": None})
    kept = {
        name: value.numpy().copy()
        for name, value in made.state_dict().items()
        if not name.endswith(("resample_filter", "w_avg"))
    }
    path = tmp_path / "weights.pt"  # by its content, not by its name
    save_file(kept, path)
    bundle = open_foreign(path, {})
    assert any("average" in warning for warning in bundle.config.warnings)
    assert [a.field for a in bundle.config.assumptions] == ["clamp", "prior"]
    wanted = made.decode(torch.from_numpy(latents())).numpy()
    np.testing.assert_allclose(drawn(bundle, latents()), wanted, atol=1e-4)


def test_names_may_stand_behind_anything(tmp_path):
    made = network({**STYLEGAN2, "clamp": None})
    state = {name: value.numpy().copy() for name, value in made.state_dict().items()}
    other = {name: np.asarray(value + 1.0) for name, value in state.items()}
    wanted = made.decode(torch.from_numpy(latents())).numpy()
    for prefix, beside in (("module.G_", None), ("net_G_ema.", "net_G."), ("", None)):
        path = tmp_path / "a.safetensors"
        kept = {f"{prefix}{name}": value for name, value in state.items()}
        if beside is not None:
            kept |= {f"{beside}{name}": value for name, value in other.items()}
        save_file(kept, path)
        bundle = open_foreign(path, {})
        np.testing.assert_allclose(drawn(bundle, latents()), wanted, atol=1e-4, err_msg=prefix)


def rosinality(made):
    """The same tensors as the other widely used implementation names and shapes them."""
    state = made.state_dict()
    result = {"input.input": state["synthesis.b4.const"][None]}
    for index in range(2):
        for part in ("weight", "bias"):
            result[f"style.{index + 1}.{part}"] = state[f"mapping.fc{index}.{part}"]

    def convolution(theirs, ours, kind):
        result[f"{theirs}.conv.weight"] = state[f"{ours}.weight"][None]
        for part in ("weight", "bias"):
            result[f"{theirs}.conv.modulation.{part}"] = state[f"{ours}.affine.{part}"]
        if kind == "rgb":
            result[f"{theirs}.bias"] = state[f"{ours}.bias"].reshape(1, 3, 1, 1)
            return
        result[f"{theirs}.noise.weight"] = state[f"{ours}.noise_strength"].reshape(1)
        result[f"{theirs}.activate.bias"] = state[f"{ours}.bias"]

    convolution("conv1", "synthesis.b4.conv1", "conv")
    convolution("to_rgb1", "synthesis.b4.torgb", "rgb")
    result["noises.noise_0"] = state["synthesis.b4.conv1.noise_const"][None, None]
    for block, size in enumerate((8, 16)):
        for place in range(2):
            ours, at = f"synthesis.b{size}.conv{place}", 2 * block + place
            convolution(f"convs.{at}", ours, "conv")
            result[f"noises.noise_{at + 1}"] = state[f"{ours}.noise_const"][None, None]
        taps = state[f"synthesis.b{size}.conv0.resample_filter"] * 4.0
        result[f"convs.{2 * block}.conv.blur.kernel"] = taps
        result[f"to_rgbs.{block}.upsample.kernel"] = taps
        convolution(f"to_rgbs.{block}", f"synthesis.b{size}.torgb", "rgb")
    return result


def test_rosinalitys_layout_is_the_same_network(tmp_path):
    mapping = {"latent_dim": 6, "widths": [8, 8]}
    made = network({**STYLEGAN2, "mapping": mapping, "clamp": None})
    average = rosinality(made)
    other = {name: value + 1.0 for name, value in average.items()}
    path = tmp_path / "stylegan2-faces-config-f.pt"
    torch.save({"g": other, "g_ema": average, "latent_avg": made.mapping.w_avg}, path)
    bundle = open_foreign(path, {})
    assert bundle.config.provenance["network"] == "g_ema"
    assert bundle.config.warnings == ()
    z, how = latents(), Synthesis(psi=0.5, cutoff=3)
    wanted = made.decode(torch.from_numpy(z), None, how).numpy()
    np.testing.assert_allclose(drawn(bundle, z, None, how), wanted, atol=1e-5)


def test_tensors_that_do_not_fit_are_told_in_one_sentence(tmp_path):
    state = {name: value.numpy().copy() for name, value in network(STYLEGAN3).state_dict().items()}
    name = next(name for name in state if name.startswith("synthesis.L2_") and "weight" in name)
    state["synthesis.L9_20_5.weight"] = state.pop(name)
    path = tmp_path / "odd.safetensors"
    save_file(state, path)
    with pytest.raises(BundleError, match=r"odd.safetensors looks like a StyleGAN3 generator, but"):
        open_foreign(path, {})


def test_other_files_are_left_to_other_readers(tmp_path):
    path = tmp_path / "mlp.safetensors"
    save_file({"0.weight": np.zeros((4, 2), np.float32)}, path)
    assert not stylegan.sniff(Source(path, {}))
    assert not stylegan.sniff(Source(tmp_path, {}))
    garbage = tmp_path / "garbage.pkl"
    garbage.write_bytes(b"\x80\x03cos\nsystem\nq\x00.")
    assert not stylegan.sniff(Source(garbage, {}))


def test_a_bundle_of_it_draws_the_same(tmp_path):
    made = network(STYLEGAN2)
    source = write_pickle(tmp_path / "a.pkl", made.state_dict())
    bundle = open_foreign(source, {})
    write_bundle(tmp_path / "copy", bundle.config, bundle.tensors(), "")
    copy = open_bundle(tmp_path / "copy")
    assert copy.model_id == bundle.model_id
    np.testing.assert_array_equal(drawn(copy, latents()), drawn(bundle, latents()))


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("rand_stylegan2ada_uncond", 1e-4),
        ("rand_stylegan2ada_cond", 1e-4),
        ("rand_stylegan3_t", 1e-3),
    ],
)
def test_pictures_are_those_of_the_authors_code(shared, name, tolerance):
    folder = shared / "fixtures" / name
    wanted = load_file(folder / "reference.safetensors")
    generator = load_torch(open_foreign(folder / "weights.pkl", {}), "cpu", threads=1)
    z, y = wanted["z"], None
    if "labels" in wanted:
        y = np.eye(10, dtype=np.float32)[wanted["labels"]]
    hows = {
        "images": PLAIN,
        "images_psi05": Synthesis(psi=0.5),
        "images_psi05_cutoff4": Synthesis(psi=0.5, cutoff=4),
    }
    for key, how in hows.items():
        np.testing.assert_allclose(generator.decode(z, y, how), wanted[key], atol=tolerance)
    styles = generator.map_to_w(z, y)
    np.testing.assert_allclose(styles, wanted["ws"][:, 0], atol=1e-5)
    np.testing.assert_allclose(generator.average_w(), wanted["w_avg"], atol=0)
    if "images_transformed" in wanted:
        inverse = np.linalg.inv(wanted["input_transform"].astype(float))
        angle = np.degrees(np.arctan2(inverse[0, 1], inverse[0, 0]))
        placed = Transform(inverse[0, 2], inverse[1, 2], angle)
        images = generator.decode(z, y, Synthesis(transform=placed))
        np.testing.assert_allclose(images, wanted["images_transformed"], atol=tolerance)
