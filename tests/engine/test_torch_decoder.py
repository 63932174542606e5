"""Drawing with torch: folded, finite, and alive without memory."""

import threading

import msgspec
import numpy as np
import pytest
import torch

from genviewer.core.pixels import to_pixels
from genviewer.core.prior import draws
from genviewer.core.resources import models_dir
from genviewer.engine.generator import DecodeError, LoadError, load_generator
from genviewer.engine.torch_decoder import TorchGenerator, load_network, use_threads
from genviewer.io.bundle import open_bundle


@pytest.fixture
def generator(vae_bundle) -> TorchGenerator:
    return load_generator(vae_bundle, device="cpu", engine="torch")


@pytest.fixture
def inputs(vae_bundle):
    return draws(vae_bundle.spec.latent, 0, 7), np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2, 0]]


def test_it_draws_what_the_network_says(vae_bundle, generator, inputs):
    z, y = inputs
    network = load_network(vae_bundle)
    with torch.inference_mode():
        expected = network.decode(torch.from_numpy(z), torch.from_numpy(y)).numpy()
    raw = generator.decode(z, y)
    assert (generator.engine, generator.device) == ("torch", "cpu")
    assert np.allclose(raw, expected, atol=1e-5)
    difference = generator.decode_pixels(z, y).astype(int) - to_pixels(expected, (0.0, 1.0))
    assert abs(difference).max() <= 1
    assert generator.decode_pixels(z, y).shape == (7, 8, 8, 1)


class Noisy(torch.nn.Module):
    """A decoder with batch normalisation, channels and a range of its own."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 64),
            torch.nn.Unflatten(1, (4, 4, 4)),
            torch.nn.Conv2d(4, 3, 3, padding=1),
            torch.nn.BatchNorm2d(3),
            torch.nn.Tanh(),
        )
        for parameter in self.parameters():
            torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(1))
        self.layers[3].running_mean += 0.5
        self.layers[3].running_var += 3.0

    def decode(self, z, y=None):
        return self.layers(z)


@pytest.fixture
def noisy(vae_bundle):
    import msgspec

    image = msgspec.structs.replace(
        vae_bundle.spec.image, channels=3, height=4, width=4, range=(-1.0, 1.0)
    )
    spec = msgspec.structs.replace(vae_bundle.spec, image=image, conditions=())
    return TorchGenerator(Noisy(), spec, vae_bundle.ref)


def test_batch_normalisation_is_folded_and_the_range_kept(noisy):
    z = draws(noisy.spec.latent, 0, 5)
    with torch.inference_mode():
        expected = Noisy().eval().decode(torch.from_numpy(z)).numpy()
    assert np.allclose(noisy.decode(z, None), expected, atol=1e-5)
    assert (noisy.decode_pixels(z, None) == to_pixels(expected, (-1.0, 1.0))).mean() > 0.99
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in noisy._network.modules())


def test_what_is_not_finite_is_an_error_and_the_next_sample_is_drawn(generator, inputs):
    z, y = inputs
    bad = z.copy()
    bad[3, 1] = np.nan
    with pytest.raises(DecodeError, match=r"^The model returned NaN"):
        generator.decode_pixels(bad, y)
    assert len(generator.decode_pixels(z, y)) == 7


def test_an_error_of_torch_is_one_sentence(generator, inputs, monkeypatch):
    def broken(z, y):
        raise RuntimeError("CUDA error: odd\nmany\nlines")

    monkeypatch.setattr(generator._network, "decode", broken)
    with pytest.raises(DecodeError, match=r"^torch could not draw: CUDA error: odd$"):
        generator.decode(*inputs)


def test_a_picture_of_another_size_is_an_error(vae_bundle, inputs):
    import msgspec

    image = msgspec.structs.replace(vae_bundle.spec.image, height=9)
    spec = msgspec.structs.replace(vae_bundle.spec, image=image)
    generator = TorchGenerator(load_network(vae_bundle), spec, vae_bundle.ref)
    with pytest.raises(DecodeError, match="another size"):
        generator.decode(*inputs)


class Crowded:
    """A network on a device that holds at most ``room`` samples, or none, until it is moved."""

    def __init__(self, network, room, error=torch.OutOfMemoryError):
        self.network, self.room, self.error, self.tried = network, room, error, []

    def decode(self, z, y):
        self.tried.append(len(z))
        if len(z) > self.room:
            raise self.error
        return self.network.decode(z, y)

    def to(self, device):
        assert device == "cpu"
        self.room = 1000


def crowd(generator, room):
    generator.device = "meta-gpu"
    generator._network = Crowded(generator._network, room)
    # Everything is on the CPU in truth.
    return generator._network


@pytest.fixture
def on_pretended_gpu(monkeypatch):
    tensor = torch.tensor

    def pretend(values, device):
        return tensor(values, device="cpu" if device == "meta-gpu" else device)

    monkeypatch.setattr(torch, "tensor", pretend)


@pytest.mark.usefixtures("on_pretended_gpu")
def test_without_memory_fewer_samples_are_drawn_at_a_time(generator, inputs):
    expected = generator.decode_pixels(*inputs)
    crowded = crowd(generator, 2)
    assert np.abs(generator.decode_pixels(*inputs).astype(int) - expected).max() <= 1
    assert crowded.tried == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert generator.device == "meta-gpu"
    assert generator.notices == ["The GPU ran out of memory: drawing fewer samples at a time."]
    crowded.tried.clear()
    generator.decode_pixels(*inputs)
    assert crowded.tried == [1] * 7


@pytest.mark.usefixtures("on_pretended_gpu")
def test_without_any_memory_the_cpu_draws(generator, inputs):
    expected = generator.decode_pixels(*inputs)
    crowd(generator, 0)
    assert np.abs(generator.decode_pixels(*inputs).astype(int) - expected).max() <= 1
    assert generator.device == "cpu"
    assert generator.notices[-1] == "The GPU ran out of memory: drawing on the CPU."


@pytest.mark.parametrize(
    "text", ["MPS backend out of memory (..)", "DefaultCPUAllocator: can't allocate memory: .."]
)
def test_without_memory_on_the_cpu_it_is_an_error(generator, inputs, text):
    generator._network = Crowded(generator._network, 0, RuntimeError(text))
    with pytest.raises(DecodeError, match="not enough memory"):
        generator.decode(*inputs)


def test_every_thread_gets_its_number_of_threads(generator, inputs):
    before = torch.get_num_threads()
    seen = []

    def run():
        use_threads(1)
        seen.append(torch.get_num_threads())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [1]
    use_threads(before)


def test_weights_that_do_not_fit_are_refused_by_name(vae_bundle, tmp_path):
    import json
    import shutil

    folder = tmp_path / "broken"
    shutil.copytree(vae_bundle.path, folder)
    config = json.loads((folder / "config.json").read_text())
    config["network"]["hidden"] = 17
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(LoadError, match="tiny-vae: the weights do not fit"):
        load_generator(open_bundle(folder), device="cpu", engine="torch")
    config["network"]["type"] = "unheard_of"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(LoadError, match="tiny-vae: unknown network type"):
        load_generator(open_bundle(folder), device="cpu", engine="torch")


def test_a_configuration_of_a_huge_network_is_refused_before_it_is_built():
    resource = pytest.importorskip("resource")
    bundle = open_bundle(models_dir() / "digits-cvae")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for changes in ({"hidden": 4_000_000}, {"channels": [4096, 4096]}, {"blocks": [5000, 1]}):
        network = {**bundle.config.network, **changes}
        config = msgspec.structs.replace(bundle.config, network=network)
        with pytest.raises(LoadError, match=r"asks for a network|too many"):
            load_network(msgspec.structs.replace(bundle, config=config))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KB
