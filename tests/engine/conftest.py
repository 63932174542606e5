"""Models for the engine's tests: one of plain NumPy, one as ONNX, one as torch."""

from __future__ import annotations

import pytest

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.io.bundle import Bundle, Config, write_bundle
from tests.engine.linear import CLASSES, LinearGenerator, write_linear_bundle, write_onnx


@pytest.fixture
def linear() -> LinearGenerator:
    return LinearGenerator()


@pytest.fixture
def onnx_bundle(tmp_path) -> Bundle:
    generator = LinearGenerator()
    bundle = write_linear_bundle(tmp_path / "linear", generator)
    write_onnx(bundle.accelerator_path, generator, bundle.model_id)
    return bundle


@pytest.fixture(scope="session")
def vae_bundle(tmp_path_factory) -> Bundle:
    """A small untrained conditional VAE with its encoder; without an ONNX decoder."""
    import torch

    from genviewer.nets.families import build

    network = {
        "type": "residual_vae",
        "image_size": 8,
        "latent_dim": 4,
        "classes": 3,
        "hidden": 16,
        "channels": [8, 8],
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights = build(network).state_dict()
    spec = Spec(
        "tiny-vae",
        "vae",
        LatentSpec(4),
        ImageSpec(1, 8, 8),
        (ConditionSpec("class", "class", 3, CLASSES),),
        encoder=True,
        density=True,
    )
    tensors = {name: value.numpy() for name, value in weights.items()}
    return write_bundle(tmp_path_factory.mktemp("vae"), Config(spec, network), tensors, "# VAE\n")
