"""The exported decoder against torch, for both families."""

import logging

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.onnx_export import MODEL_ID_KEY, export_decoder
from genviewer.nets.families import build

SIZES = {"image_size": 8, "hidden": 16, "channels": [16, 8], "blocks": [1, 1], "latent_dim": 3}
VAE = {"type": "residual_vae", "encoder_blocks": [1, 0], **SIZES}
GAN = {"type": "residual_gan", "image_channels": 3, "critic_channels": [8], **SIZES}


def model(config, classes):
    torch.manual_seed(0)
    network = build({**config, "classes": classes})
    with torch.no_grad():
        for parameter in network.parameters():  # no block is the identity
            parameter.add_(0.1 * torch.randn_like(parameter))
        for _ in range(5):  # running statistics of batch normalisation
            network.decode(torch.randn(32, 3), torch.rand(32, classes) if classes else None)
    conditions = (ConditionSpec("class", "class", classes),) if classes else ()
    gan = config is GAN
    image = ImageSpec(3, 8, 8, (-1.0, 1.0)) if gan else ImageSpec(1, 8, 8)
    return network.eval(), Spec("m", "gan" if gan else "vae", LatentSpec(3), image, conditions)


@pytest.mark.parametrize("config", [VAE, GAN], ids=["vae", "gan"])
@pytest.mark.parametrize("classes", [0, 4])
def test_the_graph_draws_what_torch_draws(tmp_path, config, classes):
    network, spec = model(config, classes)
    path = export_decoder(network, spec, "0123abcd", tmp_path / "decoder.onnx")
    session = onnxruntime.InferenceSession(path)
    assert session.get_modelmeta().custom_metadata_map == {MODEL_ID_KEY: "0123abcd"}
    assert [i.name for i in session.get_inputs()] == (["z", "y"] if classes else ["z"])
    low, high = spec.image.range
    for batch in (1, 5):
        z = torch.randn(batch, 3)
        feed = {"z": z.numpy()}
        if classes:
            feed["y"] = np.random.default_rng(0).random((batch, classes), np.float32)
        raw, pixels = session.run(["raw", "pixels"], feed)
        with torch.inference_mode():
            y = torch.from_numpy(feed["y"]) if classes else None
            expected = network.decode(z, y).numpy()
        assert raw.dtype == np.float32
        np.testing.assert_allclose(raw, expected, atol=1e-5)
        assert float(expected.std()) > 0.02  # a picture, not a constant
        unit = np.clip((expected - low) / (high - low), 0, 1)
        levels = np.round(unit * 255).transpose(0, 2, 3, 1)
        assert pixels.dtype == np.uint8
        assert pixels.shape == levels.shape
        assert np.abs(pixels.astype(int) - levels).max() <= 1
        assert (pixels == levels).mean() > 0.99


def test_the_graph_has_no_batch_normalisation_left(tmp_path):
    path = export_decoder(*model(GAN, 4), "id", tmp_path / "decoder.onnx")
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert "BatchNormalization" not in kinds
    assert "Conv" in kinds


def test_exporting_leaves_the_network_and_the_log_alone(tmp_path):
    network, spec = model(GAN, 4)
    network.train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    level = logging.getLogger("torch.onnx").level
    export_decoder(network, spec, "id", tmp_path / "decoder.onnx")
    assert network.training
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert logging.getLogger("torch.onnx").level == level


def test_a_failed_export_leaves_the_old_file(tmp_path):
    path = tmp_path / "decoder.onnx"
    path.write_bytes(b"old")

    class Unfit(torch.nn.Module):
        def decode(self, z, y=None):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        export_decoder(Unfit(), model(VAE, 0)[1], "id", path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["decoder.onnx"]
