"""A decoder as an ONNX file that ONNX Runtime draws with, named after the model it came from.

The graph ends in the bytes of the picture, so that nothing is left to do for whoever shows it.
Importing this module imports neither torch nor onnx.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from genviewer.io.atomic import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from genviewer.core.spec import Spec

MODEL_ID_KEY = "genviewer.model_id"
OPSET = 18


def export_decoder(network: nn.Module, spec: Spec, model_id: str, path: Path) -> Path:
    """Write ``network.decode`` as ONNX to ``path``, atomically; returns ``path``.

    Inputs: ``z`` float32 (B, D) and, where the Spec has a class condition, ``y`` float32 (B, K).
    Outputs: ``raw`` float32 (B, C, H, W) in the Spec's range and ``pixels`` uint8 (B, H, W, C).
    The batch is dynamic, batch normalisation is folded, and the metadata names ``model_id``. The
    network is left as it was. Takes about a second; any thread.

    Raises:
        RuntimeError: torch cannot express the network in ONNX.
        OSError: the file cannot be written.
    """
    import logging

    import onnx
    import torch

    condition = spec.class_condition
    inputs = [torch.zeros(2, spec.latent.dim)]
    names = ["z"]
    if condition is not None:
        inputs.append(torch.eye(condition.size)[[0, 0]])
        names.append("y")
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with replacing(path) as temporary, warnings.catch_warnings(), torch.inference_mode():
            # The exporter warns of its own internals; what it writes is checked in the tests.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _decoder_with_pixels(network, spec),
                tuple(inputs),
                str(temporary),
                input_names=names,
                output_names=["raw", "pixels"],
                dynamic_axes={name: {0: "batch"} for name in [*names, "raw", "pixels"]},
                opset_version=OPSET,
                dynamo=False,
            )
            model = onnx.load(str(temporary))
            entry = model.metadata_props.add()
            entry.key, entry.value = MODEL_ID_KEY, model_id
            onnx.save(model, str(temporary))
    finally:
        exporter_log.setLevel(level)
    return path


def _decoder_with_pixels(network: nn.Module, spec: Spec) -> nn.Module:
    import torch
    from torch import Tensor, nn

    from genviewer.nets.folding import folded

    low, high = spec.image.range
    scale = 255.0 / (high - low)

    class DecoderWithPixels(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = folded(network)

        def forward(self, z: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
            raw = self.network.decode(z, y)  # type: ignore[operator]
            scaled = raw * 255.0 if low == 0.0 and high == 1.0 else (raw - low) * scale
            levels = torch.round(scaled.clamp(0.0, 255.0)).to(torch.uint8)
            return raw, levels.permute(0, 2, 3, 1)

    return DecoderWithPixels().eval()
