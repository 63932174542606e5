"""The KL terms of a VAE's objective start heavier and cool down."""

import msgspec
import numpy as np
import pytest

from genviewer.engine.train_config import TrainConfig, VAEObjective
from genviewer.engine.train_vae import current_heat
from genviewer.engine.training import make_state, training_steps
from genviewer.io.dataset_shapes import make_shapes
from genviewer.io.datasets import Images

CONFIG = {
    "name": "shapes",
    "steps": 40,
    "batch_size": 16,
    "threads": 1,
    "data": {"source": "builtin:shapes"},
    "network": {
        "type": "broadcast_vae", "image_size": 64, "image_channels": 3, "latent_dim": 3,
        "patch": 8, "encoder_channels": [8, 8], "hidden": 16, "width": 16, "layers": 1,
    },
    "vae": {"beta": 4.0, "total_correlation": True},
    "optimizer": {"learning_rate": 5e-3, "warmup": 0},
}  # fmt: skip


def run(steps: int, **objective: float) -> list[dict[str, float]]:
    config = msgspec.convert(
        {**CONFIG, "steps": steps, "vae": {**CONFIG["vae"], **objective}}, TrainConfig
    )
    images = Images("shapes", make_shapes(0, 64).images)
    return list(training_steps(config, make_state(config), images))


def test_heat_falls_geometrically_to_one():
    objective = VAEObjective(heat=16.0, cooling=100)
    heats = [current_heat(objective, step) for step in (0, 25, 50, 75, 100, 5000)]
    np.testing.assert_allclose(heats, [16, 8, 4, 2, 1, 1])
    assert current_heat(VAEObjective(), 0) == 1.0


def test_no_dimension_comes_into_use_while_it_is_hot():
    cold = run(40)
    hot = run(40, heat=1e5, cooling=1_000_000)
    assert "heat" not in cold[0]
    assert hot[0]["heat"] == 1e5
    assert cold[-1]["kl"] > 1.0
    assert hot[-1]["kl"] < 0.1


@pytest.mark.parametrize("objective", [{"heat": 0.5}, {"cooling": -1}])
def test_a_heat_that_cannot_be_is_refused(objective):
    with pytest.raises(msgspec.ValidationError, match="heat must be at least 1"):
        run(1, **objective)
