"""Bundles small enough to be made by the test that needs one; their weights are random."""

from pathlib import Path

from genviewer.core.spec import ConditionKind, ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.io.bundle import Bundle, Config, write_bundle

SIZE = 8
LATENT = 6


def write_tiny_vae(
    path: Path,
    classes: tuple[str, ...] = ("ant", "bee", "cat", "dog"),
    channels: int = 3,
    optional: bool = True,
    seed: int = 0,
    kind: ConditionKind = "class",
) -> Bundle:
    """A conditional VAE of 8 x 8 pixels and 6 latent dimensions; unconditional without classes."""
    import torch

    from genviewer.nets.families import build

    network = {
        "type": "residual_vae",
        "image_size": SIZE,
        "image_channels": channels,
        "latent_dim": LATENT,
        "classes": len(classes),
        "hidden": 8,
        "channels": [8, 4],
        "blocks": [1, 1],
        "encoder_blocks": [1, 1],
        "shuffle": 1,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build(network)
        for parameter in module.parameters():
            # Fresh weights give a nearly flat grey; these give pictures that can be told apart.
            if parameter.ndim > 1:
                parameter.data *= 3.0
    conditions = (ConditionSpec(kind, kind, len(classes), classes, optional),)
    spec = Spec(
        path.name,
        "vae",
        LatentSpec(LATENT),
        ImageSpec(channels, SIZE, SIZE),
        conditions if classes else (),
        encoder=True,
        density=True,
    )
    tensors = {name: value.numpy() for name, value in module.state_dict().items()}
    return write_bundle(path, Config(spec, network), tensors, f"# {path.name}\n")


def write_tiny_autoencoder(path: Path) -> Bundle:
    """Grey images of 8 x 8 pixels to points of 6 dimensions and back, without a variance."""
    import torch

    from genviewer.nets.families import build

    pixels = SIZE * SIZE
    down = {"type": "linear", "name": "down", "inputs": pixels, "outputs": LATENT}
    up = {"type": "linear", "name": "up", "inputs": LATENT, "outputs": pixels}
    network = {
        "type": "chain",
        "latent": LATENT,
        "image": [1, SIZE, SIZE],
        "decoder": [up, {"type": "reshape", "shape": [1, SIZE, SIZE]}],
        "encoder": {"steps": [{"type": "flatten"}, down], "split": "none"},
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tensors = {name: value.numpy() for name, value in build(network).state_dict().items()}
    latent, image = LatentSpec(LATENT, "none"), ImageSpec(1, SIZE, SIZE)
    spec = Spec(path.name, "autoencoder", latent, image, encoder=True, truncation=False)
    return write_bundle(path, Config(spec, network), tensors, f"# {path.name}\n")
