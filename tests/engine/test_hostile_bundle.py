"""What a bundle says of its program is believed only where that cannot run anything."""

import json

import numpy as np
import pytest

import genviewer
from genviewer.core.prior import draws
from genviewer.engine.generator import LoadError, load_generator
from genviewer.engine.program_generator import encode_program
from genviewer.io.library import open_model

torch = pytest.importorskip("torch")
nn = torch.nn
LATENT = 6

EVIL = """
import torch

class Evil(torch.nn.Module):
    def forward(self, z):
        return torch.ones(len(z), 144), torch.ones(len(z), 12, 12, 1, dtype=torch.uint8)
"""


@pytest.fixture
def folder(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        decoder = nn.Sequential(nn.Linear(LATENT, 144), nn.Sigmoid())
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(144, 2 * LATENT))
    genviewer.export(decoder, encoder, {"latent": LATENT}, tmp_path / "vae")
    return tmp_path / "vae"


def change(folder, **values):
    config = json.loads((folder / "config.json").read_bytes())
    config["network"] |= values
    (folder / "config.json").write_text(json.dumps(config))
    return open_model(str(folder), None, True)


@pytest.mark.parametrize("guarded", [True, False])
def test_a_bundle_cannot_name_a_python_file_to_run(folder, guarded):
    evil = folder / "evil.py"
    evil.write_text(EVIL)
    z = draws(open_model(str(folder)).spec.latent, 0, 2)
    wanted = load_generator(open_model(str(folder))).decode(z, None)
    opening = {"runtime": "module", "module_path": str(evil), "expression": "Evil", "names": []}
    bundle = change(folder, guarded=guarded, open=opening)
    np.testing.assert_allclose(load_generator(bundle).decode(z, None), wanted, atol=1e-6)


@pytest.mark.parametrize("runtime", ["module", "torchscript", "exported"])
def test_a_bundle_holds_no_program_but_onnx(folder, runtime):
    evil = folder / "evil.py"
    evil.write_text(EVIL)
    opening = {"module_path": str(evil), "expression": "Evil"}
    with pytest.raises(LoadError, match="trust"):
        load_generator(change(folder, runtime=runtime, open=opening))


def test_an_encoder_is_tried_within_limits_first(folder, monkeypatch):
    from genviewer.engine import program_generator
    from genviewer.io.programs.guarded_process import ProgramError

    bundle = open_model(str(folder))
    load_generator(bundle)

    def refuse(*_: object) -> None:
        raise ProgramError("needs more memory than it may take", "memory")

    monkeypatch.setattr(program_generator, "opened_again", refuse)
    images = np.zeros((1, 1, 12, 12), np.float32)
    with pytest.raises(LoadError, match=r"encoder\.onnx needs more memory"):
        encode_program(bundle, images, None)
    monkeypatch.undo()
    assert encode_program(bundle, images, None)[0].shape == (1, LATENT)
