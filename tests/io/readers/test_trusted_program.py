"""TorchScript, exported programs and a person's class: on trust only, in the guarded process.

torch is imported anew in every process, which takes seconds: each kind is opened once.
"""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from genviewer.engine.generator import LoadError, load_generator
from genviewer.io.bundle import BundleError
from genviewer.io.library import open_model
from genviewer.io.programs.trust import TrustStore, needs_trust

LATENT, CLASSES = 6, 4
SOURCE = """
import torch
from torch import nn


class Generator(nn.Module):
    def __init__(self, latent, classes=4):
        super().__init__()
        self.table = nn.Embedding(classes, 3)
        self.first = nn.Linear(latent + 3, 16)
        self.last = nn.Linear(16, 64)

    def forward(self, z, label):
        h = torch.relu(self.first(torch.cat([z, self.table(label)], 1)))
        return torch.tanh(self.last(h)).reshape(-1, 1, 8, 8)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the class, its weights, and the module as TorchScript and exported."""
    import torch

    folder = tmp_path_factory.mktemp("programs")
    (folder / "net.py").write_text(SOURCE)
    (folder / "old.py").write_text("raise SystemExit\n")
    namespace: dict = {}
    path = folder / "net.py"
    exec(compile(SOURCE, str(path), "exec"), namespace)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = namespace["Generator"](LATENT).eval()
        z = torch.randn(3, LATENT)
    label = torch.tensor([0, 3, 1])
    with torch.no_grad():
        reference = module(z, label).numpy()
    torch.save({"model." + k: v for k, v in module.state_dict().items()}, folder / "weights.pth")
    traced = torch.jit.trace(module, (z, label))
    torch.jit.save(traced, folder / "script.pt")
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(
        module, (z, label), dynamic_shapes={"z": {0: batch}, "label": {0: batch}}
    )
    torch.export.save(program, folder / "program.pt2")
    return folder, z.numpy(), np.eye(CLASSES, dtype=np.float32)[label.numpy()], reference


def check_draws(bundle, made):
    _folder, z, y, reference = made
    assert bundle.spec.latent.dim == LATENT
    assert [c.size for c in bundle.spec.conditions] == [CLASSES]
    generator = load_generator(bundle)
    try:
        np.testing.assert_allclose(generator.decode(z, y), reference, atol=1e-6)
    finally:
        generator.close()


@pytest.mark.parametrize("name", ["script.pt", "program.pt2"])
def test_programs_need_trust(made, name):
    with pytest.raises(BundleError, match="--trust"):
        open_model(str(made[0] / name))


def test_torchscript_draws_what_the_module_draws(made):
    bundle = open_model(str(made[0] / "script.pt"), trust=True)
    assert bundle.reader == "torchscript"
    check_draws(bundle, made)


def test_an_exported_program_draws_what_the_module_draws(made):
    bundle = open_model(str(made[0] / "program.pt2"), trust=True)
    assert bundle.reader == "exported"
    assert bundle.spec.image.range == (-1.0, 1.0)
    assert [a.field for a in bundle.config.assumptions] == ["prior"]
    check_draws(bundle, made)


def test_a_class_of_the_person_draws_with_the_weights(made):
    module = f"{made[0] / 'net.py'}:Generator(latent={LATENT})"
    with pytest.raises(BundleError, match="--trust"):
        open_model(str(made[0] / "weights.pth"), {"module": module})
    check_draws(open_model(str(made[0] / "weights.pth"), {"module": module}, trust=True), made)


@pytest.mark.parametrize("name", ["script.pt", "program.pt2"])
def test_a_program_becomes_a_bundle_that_needs_no_trust(made, tmp_path, name):
    from genviewer.engine.convert import convert

    convert(open_model(str(made[0] / name), trust=True), tmp_path / "out")
    bundle = open_model(str(tmp_path / "out"))
    assert not bundle.trusted
    check_draws(bundle, made)


def test_a_class_that_needs_more_says_what(made):
    module = f"{made[0] / 'net.py'}:Generator"
    with pytest.raises(BundleError, match=r"Generator\(latent=\.\.\)"):
        open_model(str(made[0] / "weights.pth"), {"module": module}, trust=True)


def test_a_bundle_cannot_say_of_itself_that_it_is_trusted(made, tmp_path):
    import msgspec

    bundle = open_model(str(made[0] / "script.pt"), trust=True)
    with pytest.raises(LoadError, match="trust"):
        load_generator(msgspec.structs.replace(bundle, trusted=False))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("    torch.save(z, '/tmp/x')\n", "torch.save"),
        ("    t = torch.from_file('/tmp/x', True, 4)\n", "torch.from_file"),
        ("  def __setstate__(self, x: Tensor) -> NoneType:\n", "__setstate__"),
        ("    y = ops.evil.run(z)\n", "evil::run"),
    ],
)
def test_torchscript_that_does_more_than_compute_is_refused_by_name(made, tmp_path, code, words):
    path = tmp_path / "evil.pt"
    with zipfile.ZipFile(made[0] / "script.pt") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if "/code/" in name and name.endswith(".py"):
                data += code.encode()
            target.writestr(name, data)
    with pytest.raises(BundleError, match=words):
        open_model(str(path), trust=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("aten.tanh.default", "evil.run.default"), "more than compute"),
        (lambda text: text.replace("aten.tanh.default", "aten.save.default"), "more than compute"),
        (lambda text: text.replace('"use_pickle": false', '"use_pickle": true'), "pickle"),
        (lambda text: text.replace('"path_name": "weight_0"', '"path_name": "../x"'), "pickle"),
    ],
)
def test_exported_programs_that_do_more_are_refused(made, tmp_path, change, words):
    path = tmp_path / "evil.pt2"
    with zipfile.ZipFile(made[0] / "program.pt2") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith(".json"):
                data = change(data.decode()).encode()
            target.writestr(name, data)
    with pytest.raises(BundleError, match=words):
        open_model(str(path), trust=True)


def test_the_example_inputs_of_an_exported_program_are_never_read(made, tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "PWNED",))

    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as inner:
        inner.writestr("archive/data.pkl", pickle.dumps(Evil()))
    path = tmp_path / "program.pt2"
    with zipfile.ZipFile(made[0] / "program.pt2") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            hostile = name.endswith("sample_inputs/model.pt")
            target.writestr(name, evil.getvalue() if hostile else source.read(name))
    check_draws(open_model(str(path), trust=True), made)
    assert not (tmp_path / "PWNED").exists()


def test_the_question_is_asked_once_per_content(made, tmp_path):
    path = tmp_path / "script.pt"
    path.write_bytes((made[0] / "script.pt").read_bytes())
    question = needs_trust(path)
    assert question is not None
    assert "script.pt" in question.text
    store = TrustStore(tmp_path / "trusted.json")
    assert not store.remembered(question.digest)
    store.remember(question.digest)
    assert TrustStore(tmp_path / "trusted.json").remembered(question.digest)
    path.write_bytes((made[0] / "script.pt").read_bytes() + b" ")
    changed = needs_trust(made[0] / "program.pt2")
    assert changed is not None
    assert not store.remembered(changed.digest)


def test_weights_ask_nothing(made):
    assert needs_trust(made[0] / "weights.pth") is None


def test_a_damaged_store_remembers_nothing(tmp_path):
    (tmp_path / "trusted.json").write_text('{"a": [')
    assert not TrustStore(tmp_path / "trusted.json").remembered("a")


@pytest.mark.parametrize(
    "name",
    [
        "12_torchscript_from_file.pt",
        "13_torchscript_memory_bomb.pt",
        "53_torchscript_aten_save.pt",
        "51_pt2_evil_example_inputs.pt2",
    ],
)
@pytest.mark.parametrize("trust", [False, True])
def test_hostile_files(shared, name, trust):
    marks = set(Path("/tmp").glob("PWNED_*"))
    with pytest.raises(BundleError) as caught:
        open_model(str(shared / "fixtures" / "hostile" / name), trust=trust)
    assert "\n" not in str(caught.value)
    assert set(Path("/tmp").glob("PWNED_*")) == marks
