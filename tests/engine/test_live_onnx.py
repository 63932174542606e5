"""ONNX decoders with other weights put into them, against torch with those weights."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from genviewer.core.prior import draws
from genviewer.core.resources import models_dir
from genviewer.engine import accelerator, live_generator
from genviewer.engine.accelerator import Outcome
from genviewer.engine.generator import LoadError
from genviewer.engine.live_generator import LiveGenerators, template_for
from genviewer.engine.live_onnx import OnnxTemplate
from genviewer.engine.onnx_export import export_decoder
from genviewer.engine.onnx_file import float_tensors
from genviewer.engine.run_timeline import make_snapshot
from genviewer.engine.torch_decoder import load_network, load_torch
from genviewer.io.bundle import open_bundle, write_bundle

TINY = {
    "type": "mlp_vae", "image_size": 8, "latent_dim": 3, "encoder": [8], "decoder": [8],
    "classes": 2,
}  # fmt: skip


def _bundle(name):
    return open_bundle(models_dir() / name)


def _learned(bundle, seed):
    noise = np.random.default_rng(seed)
    weights = {}
    for name, tensor in load_network(bundle).state_dict().items():
        array = tensor.numpy()
        if array.dtype == np.float32 and "table" not in name:
            array = array * (1.0 + 0.1 * noise.random(array.shape, np.float32))
        weights[name] = array
    return make_snapshot(seed, bundle.config, weights)


@pytest.mark.parametrize("name", ["digits-vae", "digits-cvae", "digits-cgan"])
def test_every_snapshot_draws_as_torch_does_and_those_before_stay(name, tmp_path):
    bundle = _bundle(name)
    template, live = OnnxTemplate(bundle, accelerator.find(bundle)), LiveGenerators()
    z = draws(bundle.spec.latent, 0, 3)
    y = np.eye(10, dtype=np.float32)[:3] if bundle.spec.condition_size else None
    drawn = []
    for step in (1, 2):
        snapshot = _learned(bundle, step)
        generator = live.generator_of(snapshot, template=template)
        written = write_bundle(tmp_path / str(step), snapshot.config, snapshot.weights, "")
        expected = load_torch(written, "cpu", 1).decode(z, y)
        assert (generator.engine, generator.model_id) == ("onnx", written.model_id)
        np.testing.assert_allclose(generator.decode(z, y), expected, atol=2e-4)
        drawn.append((generator, expected))
    assert np.abs(drawn[0][1] - drawn[1][1]).max() > 0.01
    np.testing.assert_allclose(drawn[0][0].decode(z, y), drawn[0][1], atol=2e-4)


def test_a_table_that_changes_is_left_to_torch():
    bundle = _bundle("digits-vae")
    template = OnnxTemplate(bundle, accelerator.find(bundle))
    snapshot = _learned(bundle, 0)
    table = next(name for name in snapshot.weights if "table" in name)
    weights = snapshot.weights | {table: 0.5 * snapshot.weights[table]}
    moved = make_snapshot(0, bundle.config, weights)
    assert LiveGenerators().generator_of(moved, template=template).engine == "torch"
    assert LiveGenerators().generator_of(snapshot, template=template).engine == "onnx"


def test_a_graph_that_has_swallowed_weights_is_not_used():
    bundle = _bundle("digits-cvae")
    data = bytearray(accelerator.find(bundle))
    places = float_tensors(data)
    name = next(key for key in places if key.endswith("grid.weight"))
    places[name][0, 0] += 1e-6  # no longer known for the weight that it is
    with pytest.raises(LoadError, match="cannot be put into"):
        OnnxTemplate(bundle, bytes(data))


@pytest.mark.parametrize("status", ["exported", "verified"])
def test_a_network_that_is_no_longer_that_of_the_base_is_exported(status, tmp_path, monkeypatch):
    base = _bundle("digits-cvae")
    torch.manual_seed(0)
    config = msgspec.structs.replace(
        base.config,
        network=TINY,
        spec=msgspec.structs.replace(
            base.spec,
            latent=msgspec.structs.replace(base.spec.latent, dim=3),
            image=msgspec.structs.replace(base.spec.image, height=8, width=8),
            conditions=(
                msgspec.structs.replace(base.spec.conditions[0], size=2, names=("a", "b")),
            ),
        ),
    )
    from genviewer.nets.families import build

    weights = {name: t.numpy() for name, t in build(TINY).state_dict().items()}
    snapshot = make_snapshot(5, config, weights)
    monkeypatch.setattr(accelerator, "cache_folder", lambda kind: tmp_path / kind)

    def prepare(bundle, progress):
        path = tmp_path / "decoders" / f"{bundle.model_id}.onnx"
        export_decoder(load_network(bundle), bundle.spec, bundle.model_id, path)
        return Outcome(status, "")

    monkeypatch.setattr(live_generator.accelerator, "prepare", prepare)
    template = template_for(snapshot, base)
    assert template.table == TINY
    generator = LiveGenerators().generator_of(snapshot, template=template)
    assert generator.engine == "onnx"
    z = draws(config.spec.latent, 0, 2)
    expected = load_torch(live_generator.bundle_of(snapshot, tmp_path), "cpu", 1).decode(z, None)
    np.testing.assert_allclose(generator.decode(z, None), expected, atol=1e-4)
    assert not list(tmp_path.rglob("*.onnx"))


def test_where_none_can_be_made_torch_goes_on(monkeypatch):
    base = _bundle("digits-cvae")
    config = msgspec.structs.replace(base.config, network=TINY)
    snapshot = make_snapshot(0, config, base.tensors())
    refused = Outcome("failed", "")
    monkeypatch.setattr(live_generator.accelerator, "prepare", lambda *_: refused)
    assert template_for(snapshot, base) is None
