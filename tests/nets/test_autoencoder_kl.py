import numpy as np
import pytest
import torch
from torch.nn import functional as F

from genviewer.nets.families import build

TABLE = {
    "type": "autoencoder_kl",
    "channels": [8, 16],
    "groups": 4,
    "layers": 1,
    "latent_channels": 3,
    "height": 4,
    "width": 4,
}


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(TABLE).eval()


def test_sizes(network):
    with torch.no_grad():
        image = network.decode(torch.zeros(2, 48))
        mean, logvar = network.encode(image)
    assert image.shape == (2, 3, 8, 8)
    assert mean.shape == logvar.shape == (2, 48)


def test_attention_is_softmax_over_places(network):
    part = network.decoder.mid_block.attentions[0]
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 16, 3, 3)).astype("f"))
    with torch.no_grad():
        h = F.group_norm(x, 4, part.group_norm.weight, part.group_norm.bias, 1e-6)
        h = h.flatten(2)[0].T
        q, k, v = (h @ layer.weight.T + layer.bias for layer in (part.to_q, part.to_k, part.to_v))
        out = torch.softmax(q @ k.T / 4.0, dim=1) @ v  # 4 is the root of 16 channels
        out = out @ part.to_out[0].weight.T + part.to_out[0].bias
        wanted = x + out.T.reshape(1, 16, 3, 3)
        torch.testing.assert_close(part(x), wanted, atol=1e-5, rtol=1e-5)


def test_the_encoder_pads_below_and_right_only(network):
    stage = network.encoder.down_blocks[0]
    with torch.no_grad():
        conv = stage.downsamplers[0].conv
        x = torch.ones(1, 8, 4, 4)
        expected = F.conv2d(F.pad(x, (0, 1, 0, 1)), conv.weight, conv.bias, stride=2)
        hooked = []
        handle = stage.downsamplers[0].register_forward_hook(
            lambda module, inputs, output: hooked.append(inputs[0])
        )
        stage(x)
        handle.remove()
    assert hooked[0].shape[-2:] == (5, 5)
    assert torch.all(hooked[0][..., -1, :] == 0)
    assert torch.all(hooked[0][..., -1] == 0)
    assert expected.shape[-2:] == (2, 2)


def test_a_decoder_alone_has_no_encoder():
    network = build(TABLE | {"encoder": False})
    with pytest.raises(ValueError, match="no encoder"):
        network.encode(torch.zeros(1, 3, 8, 8))
