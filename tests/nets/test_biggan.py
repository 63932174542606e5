import numpy as np
import pytest
import torch

from genviewer.core.synthesis import Synthesis
from genviewer.nets.families import build
from tests.style_networks import BIGGAN, network


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


def inputs(count=3):
    rng = np.random.default_rng(0)
    z = torch.from_numpy(rng.standard_normal((count, 6)).astype(np.float32))
    return z, torch.eye(3)[torch.arange(count) % 3]


def test_a_picture_does_not_depend_on_its_batch():
    made = network(BIGGAN)
    z, y = inputs(8)
    together = made.decode(z, y, Synthesis(psi=0.6))
    alone = torch.cat(
        [made.decode(z[i : i + 1], y[i : i + 1], Synthesis(psi=0.6)) for i in range(8)]
    )
    assert together.shape == (8, 3, 8, 8)
    assert together.abs().max() <= 1.0
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_truncation_selects_statistics_and_leaves_the_latent_alone():
    made = network(BIGGAN)
    z, y = inputs()
    norm = made.generator.bn
    assert norm._row(norm.running_means, 0.5) is not None
    torch.testing.assert_close(norm._row(norm.running_means, 0.5), norm.running_means[2])
    torch.testing.assert_close(norm._row(norm.running_means, 1.0), norm.running_means[4])
    torch.testing.assert_close(norm._row(norm.running_means, 7.0), norm.running_means[4])
    between = norm._row(norm.running_means, 0.55)  # a fifth of the way: weighed the other way
    wanted = 0.2 * norm.running_means[2] + 0.8 * norm.running_means[3]
    torch.testing.assert_close(between, wanted)
    change = made.decode(z, y, Synthesis(psi=0.5)) - made.decode(z, y)
    assert change.abs().max() > 1e-3


def test_classes_may_be_mixed():
    made = network(BIGGAN)
    z, y = inputs()
    half = (y + y.roll(1, 1)) / 2
    drawn = made.decode(z, half)
    assert (drawn - made.decode(z, y)).abs().max() > 1e-3
    assert torch.isfinite(drawn).all()


def test_attention_weighs_values_by_queries_and_keys():
    made = network(BIGGAN)
    attention = made.generator.layers[1]
    x = torch.randn(1, 8, 4, 4)
    pooled = {
        name: torch.nn.functional.max_pool2d(getattr(attention, f"snconv1x1_{name}")(x), 2)
        for name in ("phi", "g")
    }
    theta = attention.snconv1x1_theta(x)
    seen = torch.zeros(1, 4, 4, 4)
    for row in range(4):
        for column in range(4):
            query = theta[0, :, row, column]
            scores = torch.einsum("c,chw->hw", query, pooled["phi"][0])
            weights = torch.softmax(scores.flatten(), 0).reshape(2, 2)
            seen[0, :, row, column] = (pooled["g"][0] * weights).sum((1, 2))
    wanted = x + 0.3 * attention.snconv1x1_o_conv(seen)
    torch.testing.assert_close(attention(x), wanted, atol=1e-5, rtol=1e-4)


def test_configs_that_make_no_sense_are_refused():
    for wrong in (
        {"blocks": []},
        {"blocks": [{"inputs": 8, "outputs": 16}]},
        {"blocks": [{"inputs": 8, "outputs": 8}, {"inputs": 4, "outputs": 4}]},
        {"statistics": 1},
        {"colours": 2},
    ):
        with pytest.raises(ValueError, match="network config of type"):
            build({**BIGGAN, **wrong})
