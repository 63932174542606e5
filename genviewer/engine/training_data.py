"""The images that a run trains on, and those that are held out, checked against its network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.io.datasets import DataError, Images, load_images
from genviewer.nets.families import parsed

if TYPE_CHECKING:
    from genviewer.engine.train_config import TrainConfig


def load_training_images(config: TrainConfig) -> tuple[Images, Images | None]:
    """Training images, and the held-out ones where there are any.

    Raises:
        DataError: the data cannot be read, or do not fit the network.
    """
    train_images, test = load_images(
        config.data.source, seed=config.data.seed, count=config.data.count
    )
    network = parsed(config.network)
    height, width, channels = train_images.images.shape[1:]
    wanted = (network.image_size, network.image_channels)
    if height != wanted[0] or width != wanted[0] or channels != wanted[1]:
        raise DataError(
            f"{train_images.source} has {width}x{height} images of {channels} channels, the "
            f"network wants {wanted[0]}x{wanted[0]} of {wanted[1]}."
        )
    classes = network.classes
    if config.vae is not None and config.vae.class_weight:
        classes = config.label_classes
    views = config.vae.views if config.vae is not None else 0
    if views and train_images.groups is None:
        raise DataError(f"{train_images.source} has no groups, and views of them are wanted.")
    if classes and train_images.labels is None:
        raise DataError(f"{train_images.source} has no labels, and classes are wanted.")
    if classes and train_images.labels is not None and train_images.labels.max() >= classes:
        raise DataError(f"{train_images.source} has labels beyond the {classes} classes.")
    return train_images, test
