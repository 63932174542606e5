"""What a run leaves behind: the bundle of its averaged weights, with card, preview and ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from PIL import Image

from genviewer.core.prior import draws
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.onnx_export import export_decoder
from genviewer.engine.run_discriminator import (
    discriminator_table,
    discriminator_weights,
    with_discriminator,
)
from genviewer.engine.train_state import one_hot, with_layout
from genviewer.engine.train_vae import measure_elbo
from genviewer.io.atomic import replacing
from genviewer.io.bundle import (
    ACCELERATOR_NAME,
    PREVIEW_NAME,
    Bundle,
    Config,
    write_bundle,
)
from genviewer.nets.families import family, parsed

if TYPE_CHECKING:
    from torch import nn

    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.train_state import TrainingState
    from genviewer.io.datasets import Images

# A dimension that carries less than this is not used: moving it changes nothing one can see.
DEAD_KL = 0.01
# Larger decoders are exported on the machine that draws with them.
MAX_ACCELERATOR_PARAMETERS = 4_000_000
PREVIEW_COLUMNS, PREVIEW_ROWS = 10, 6


def make_spec(config: TrainConfig, images: Images | None = None) -> Spec:
    """What the trained model can do."""
    if config.finetune is not None and config.finetune.spec is not None:
        return msgspec.structs.replace(config.finetune.spec, name=config.name)
    network = parsed(config.network)
    kind = family(config.network).kind
    size, classes = network.image_size, network.classes
    conditions: tuple[ConditionSpec, ...] = ()
    if classes:
        names = config.data.class_names or (images.names if images is not None else None)
        optional = config.vae is not None and config.vae.condition_dropout > 0.0
        conditions = (ConditionSpec("class", "class", classes, names or None, optional),)
    return Spec(
        name=config.name,
        family="vae" if kind == "vae" else "gan",
        latent=LatentSpec(network.latent_dim),
        image=ImageSpec(
            network.image_channels,
            size,
            size,
            (0.0, 1.0) if kind == "vae" else (-1.0, 1.0),
        ),
        conditions=conditions,
        encoder=kind == "vae",
        density=kind == "vae",
        discriminator=kind == "gan",
    )


def run_config(config: TrainConfig, images: Images) -> Config:
    """What a bundle of this run says of itself, whatever the step; nothing measured."""
    return Config(
        spec=make_spec(config, images),
        network=dict(config.network),
        provenance={"seed": config.seed, "data": Path(images.source).name},
    )


def write_trained_bundle(
    path: Path,
    config: TrainConfig,
    state: TrainingState,
    images: Images,
    test: Images | None = None,
) -> Bundle:
    """Write the bundle of the averaged weights to the folder ``path``.

    For a VAE the ELBO and the KL of every dimension are measured on the test split, or on
    training images where there is none.
    """
    spec = make_spec(config, images)
    statistics: dict[str, Any] = {"steps": state.step}
    if spec.family == "vae":
        elbo, kl = measure_elbo(state.ema, test or images, span=spec.image.range)
        statistics |= {"elbo": elbo, "kl": kl}
        statistics["elbo_split"] = "test" if test is not None else "train"
    bundle_config = Config(
        spec=spec,
        network=dict(config.network),
        provenance={"steps": state.step, "seed": config.seed, "data": Path(images.source).name},
        statistics=statistics,
    )
    table = discriminator_table(config)
    if table:
        bundle_config = with_discriminator(bundle_config, table, state.step)
    text, discriminator = card(config, spec, statistics), discriminator_weights(config, state)
    bundle = write_bundle(path, bundle_config, state.ema_weights(), text, discriminator)
    # A graph takes latents and conditions, and no styles or noise.
    if bundle.parameters <= MAX_ACCELERATOR_PARAMETERS and spec.synthesis is None:
        network = with_layout(state.ema, torch.contiguous_format)
        export_decoder(network, spec, bundle.model_id, path / ACCELERATOR_NAME)
    with replacing(path / PREVIEW_NAME) as temporary:
        preview(state.ema, spec).save(temporary, "PNG", optimize=True)
    return bundle


@torch.inference_mode()
def preview(network: nn.Module, spec: Spec) -> Image.Image:
    """A sheet of samples from seeds 0 up, a class per column: no choice, no rejection.

    Of more classes than columns some are shown, and each row is drawn from one latent.
    """
    columns, rows = PREVIEW_COLUMNS, PREVIEW_ROWS
    count = columns * rows
    condition = spec.class_condition
    z, y = draws(spec.latent, 0, count), None
    if condition is not None:
        classes = np.arange(count) % columns
        if condition.size > columns:
            classes = classes * condition.size // columns
            z = z[:rows].repeat(columns, 0)
        y = one_hot(classes % condition.size, condition.size)
    raw = network.decode(torch.from_numpy(z), y)  # type: ignore[operator]
    low, high = spec.image.range
    unit = ((raw - low) / (high - low)).clamp(0, 1)
    pixels = (unit * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    _, height, width, channels = pixels.shape
    sheet = pixels.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    return Image.fromarray(sheet[..., 0] if channels == 1 else sheet)


def card(config: TrainConfig, spec: Spec, statistics: dict[str, Any]) -> str:
    """The model card: what the configuration says and what the run measured."""
    about, image = config.card, spec.image
    kind = "conditional " if spec.conditions else ""
    lines = [
        "---",
        f"license: {about.licence.lower() or 'unknown'}",
        "tags: [image-generation, genviewer]",
        "---",
        f"# {config.name}",
        "",
        about.summary or f"A {kind}{spec.family.upper()}.",
        "",
        f"- **Images:** {image.width}x{image.height}, {image.channels} channel(s)",
        f"- **Latent:** {spec.latent.dim} dimensions, standard normal prior",
    ]
    for condition in spec.conditions:
        names = ", ".join(condition.names or ()) or f"{condition.size} classes"
        empty = "; may be left empty" if condition.optional else ""
        lines.append(f"- **Condition:** {names}{empty}")
    lines += [
        f"- **Data:** {about.data or config.data.source}",
        f"- **Licence of the weights:** {about.licence or 'not stated'}",
        "",
        "## Training",
        f"`genviewer train train.toml` ({config.steps} steps of {config.batch_size} images, "
        f"seed {config.seed}, {config.threads} thread(s)); the weights are a moving average.",
        "",
        "## Measured",
    ]
    if "elbo" in statistics:
        kl = statistics["kl"]
        dead = [str(index) for index, value in enumerate(kl) if value < DEAD_KL]
        lines += [
            f"- ELBO on the {statistics['elbo_split']} split: {statistics['elbo']:.2f} nats per "
            f"image, of which KL {sum(kl):.2f}",
            f"- Unused dimensions (KL < {DEAD_KL} nats): {', '.join(dead) or 'none'}",
        ]
    lines += ["", "## Limits", about.limits or "Not stated.", ""]
    return "\n".join(lines)
