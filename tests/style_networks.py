"""Tiny style-based networks for tests, with everything in them doing something."""

import torch

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec, SynthesisSpec
from genviewer.nets.families import build

MAPPING = {"latent_dim": 6, "classes": 3, "embed": 5, "widths": [7, 8]}
STYLEGAN2 = {"type": "stylegan2", "mapping": MAPPING, "channels": [6, 5, 4], "clamp": 4.0}
STYLEGAN3 = {
    "type": "stylegan3",
    "mapping": {"latent_dim": 6, "widths": [7, 8]},
    "image_size": 16,
    "channels": [6, 6, 5, 4],
    "margin_size": 2,
}
BIGGAN = {
    "type": "biggan",
    "latent_dim": 6,
    "classes": 3,
    "embed": 5,
    "blocks": [{"inputs": 8, "outputs": 8}, {"inputs": 8, "outputs": 4, "up": True}],
    "attention": 1,
    "statistics": 5,
    "colours": 4,
}


def network(config, seed=0):
    torch.manual_seed(seed)
    made = build(config).eval().requires_grad_(False)
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    for name, value in made.named_buffers():
        if name.endswith("resample_filter"):
            value.copy_(torch.outer(line, line) / 64.0)
        elif name.endswith(("w_avg", "running_means")):
            value.normal_()
        elif name.endswith(("running_vars", "magnitude_ema")):
            value.uniform_(0.5, 1.5)
    for name, value in made.named_parameters():
        if name.endswith(("noise_strength", "gamma")):
            value.fill_(0.3)
        elif name.endswith(".bias") and "affine" not in name:
            value.normal_(0.0, 0.1)
    return made


def spec(config, made):
    """What a reader would say of the network."""
    kind = config["type"]
    if kind == "biggan":
        size, latent = made.config.image_size, LatentSpec(6, "truncated_normal")
        synthesis = SynthesisSpec(statistics=True)
    else:
        size, latent = made.config.image_size, LatentSpec(6, "normal", ("z", "w"))
        synthesis = SynthesisSpec(w_dim=8, transform=kind == "stylegan3")
    classes = () if kind == "stylegan3" else (ConditionSpec("class", "class", 3),)
    return Spec(
        kind,
        "gan",
        latent,
        ImageSpec(3, size, size, (-1.0, 1.0)),
        classes,
        noise=kind == "stylegan2",
        layers=0 if kind == "biggan" else made.config.layers,
        synthesis=synthesis,
    )
