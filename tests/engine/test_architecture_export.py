"""`genviewer.export`: any network as a bundle that opens without its code."""

import numpy as np
import pytest

import genviewer
from genviewer.core.prior import draws
from genviewer.engine.architecture_export import ExportError
from genviewer.engine.encoding import are_points
from genviewer.engine.generator import load_generator
from genviewer.engine.program_generator import encode_program
from genviewer.io.bundle import BundleError
from genviewer.io.library import open_model

torch = pytest.importorskip("torch")
nn = torch.nn
LATENT = 6


class Conditional(nn.Module):
    """A decoder with batch normalisation, a skip connection and an index for the class."""

    def __init__(self, classes=4):
        super().__init__()
        self.table = nn.Embedding(classes, LATENT)
        self.first = nn.ConvTranspose2d(LATENT, 8, 4)
        self.norm = nn.BatchNorm2d(8)
        self.middle = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def forward(self, z, label):
        h = torch.relu(self.norm(self.first((z * self.table(label))[:, :, None, None])))
        return torch.tanh(self.last(h + torch.sin(self.middle(h))))


@pytest.fixture
def conditional():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = Conditional()
        module.norm.running_mean.uniform_(-1, 1)
    return module.train()


def test_three_lines_make_a_bundle(conditional, tmp_path):
    spec = {"latent": LATENT, "classes": ["a", "b", "c", "d"], "range": (-1, 1)}
    out = tmp_path / "mine"
    genviewer.export(conditional, spec=spec, out=out)
    bundle = open_model(str(out))
    assert bundle.spec.conditions[0].names == ("a", "b", "c", "d")
    assert (bundle.spec.image.channels, bundle.spec.image.height) == (3, 8)
    z = draws(bundle.spec.latent, 0, 5)
    index = np.array([0, 1, 2, 3, 1])
    generator = load_generator(bundle)
    assert generator.engine == "onnx"
    raw = generator.decode(z, np.eye(4, dtype=np.float32)[index])
    with torch.no_grad():
        wanted = conditional.eval()(torch.from_numpy(z), torch.from_numpy(index)).numpy()
    np.testing.assert_allclose(raw, wanted, atol=1e-5)
    pixels = generator.decode_pixels(z, np.eye(4, dtype=np.float32)[index])
    assert np.abs(pixels - np.rint((wanted + 1) * 127.5).transpose(0, 2, 3, 1)).max() <= 1


def test_the_modules_are_left_as_they_were(conditional, tmp_path):
    before = {k: v.clone() for k, v in conditional.state_dict().items()}
    spec = {"latent": LATENT, "classes": 4, "range": (-1, 1)}
    genviewer.export(conditional, spec=spec, out=tmp_path / "mine")
    assert conditional.training
    assert conditional.norm.training
    assert all(torch.equal(before[k], v) for k, v in conditional.state_dict().items())


def test_an_encoder_comes_with_it(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        decoder = nn.Sequential(nn.Linear(LATENT, 144), nn.Sigmoid())
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(144, 2 * LATENT))
    bundle = genviewer.export(decoder, encoder, {"latent": LATENT}, tmp_path / "vae")
    assert bundle.spec.encoder
    images = np.random.default_rng(0).random((3, 1, 12, 12)).astype(np.float32)
    mean, logvar = encode_program(open_model(str(tmp_path / "vae")), images, None)
    with torch.no_grad():
        wanted = encoder(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(np.concatenate([mean, logvar], 1), wanted, atol=1e-5)


def test_an_encoder_of_means_alone_gives_points(tmp_path):
    decoder = nn.Sequential(nn.Linear(LATENT, 144), nn.Sigmoid())
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(144, LATENT))
    bundle = genviewer.export(decoder, encoder, {"latent": LATENT}, tmp_path / "ae")
    _, logvar = encode_program(bundle, np.zeros((3, 1, 12, 12), np.float32), None)
    assert are_points(logvar)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Linear(100, LATENT)
        self.up = nn.Linear(LATENT, 100)

    def encode(self, x):
        mean = self.down(x.flatten(1))
        return mean, mean - 1.0

    def decode(self, z):
        return torch.sigmoid(self.up(z)).reshape(-1, 1, 10, 10)


def test_methods_and_functions_carry_their_modules(tmp_path):
    model = Autoencoder()
    bundle = genviewer.export(model.decode, model.encode, {"latent": LATENT}, tmp_path / "a")
    assert bundle.parameters >= 2 * 100 * LATENT
    assert all(parameter.requires_grad for parameter in model.parameters())
    other = genviewer.export(lambda z: model.decode(z), spec={"latent": LATENT}, out=tmp_path / "b")
    z = draws(bundle.spec.latent, 0, 2)
    first, second = (load_generator(b).decode(z, None) for b in (bundle, other))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_a_function_of_noise_is_refused(tmp_path):
    linear = nn.Linear(LATENT, 64)

    def decoder(z):
        return linear(z) + torch.randn(len(z), 64)

    with pytest.raises(ExportError, match="one picture per latent"):
        genviewer.export(decoder, spec={"latent": LATENT}, out=tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (None, "latent"),
        ({"latent": "6"}, "latent"),
        ({"latent": LATENT, "colour": 1}, "colour"),
        ({"latent": LATENT, "prior": "cauchy"}, "not usable"),
        ({"latent": LATENT + 1}, "cannot be called"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path, spec, words):
    with pytest.raises(ExportError, match=words):
        genviewer.export(nn.Linear(LATENT, 64), spec=spec, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_what_is_there_is_not_replaced(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BundleError, match="exists"):
        genviewer.export(nn.Linear(LATENT, 64), spec={"latent": LATENT}, out=tmp_path)


def test_importing_the_package_stays_cheap():
    import subprocess
    import sys

    code = "import genviewer, sys; assert not {'torch', 'numpy', 'onnx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with pytest.raises(AttributeError):
        genviewer.nonsense  # noqa: B018
