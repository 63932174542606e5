"""Networks recognised from state dicts, exported to ONNX and compared with the originals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from genviewer.engine.onnx_export import export_decoder
from genviewer.engine.torch_decoder import load_network
from genviewer.io.readers.table import open_foreign
from tests.io.readers.tiny_generators import CLASSES, ConvVAE, Dense, Resized, made, save

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "class before, batch norm": lambda: Dense("before", 1e-5, nn.LeakyReLU(0.2)),
    "class multiplied": lambda: Dense("multiply", 1e-5, nn.ReLU()),
    "resized": Resized,
    "transposed convolutions": ConvVAE,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_draws_what_the_original_did(name: str, tmp_path: Path) -> None:
    network = made(NETWORKS[name])
    bundle = open_foreign(save(network, tmp_path / "weights.pth"), {})
    graph = export_decoder(
        load_network(bundle), bundle.spec, bundle.model_id, tmp_path / "decoder.onnx"
    )
    session = onnxruntime.InferenceSession(graph)
    classes = torch.arange(5) % CLASSES
    z = torch.from_numpy(np.random.default_rng(3).standard_normal((5, network.dim)).astype("f4"))
    feed = {"z": z.numpy()}
    if bundle.spec.conditions:
        feed["y"] = nn.functional.one_hot(classes, CLASSES).float().numpy()
    (raw,) = session.run(["raw"], feed)
    with torch.inference_mode():
        expected = network(z, classes).reshape(raw.shape).numpy()
    np.testing.assert_allclose(raw, expected, atol=1e-4)
    assert expected.std() > 0.02
