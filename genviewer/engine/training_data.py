"""The images that a run trains on, and those that are held out, as its network takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from genviewer.engine.finetune_data import load_finetune_images
from genviewer.engine.train_bundle import make_spec
from genviewer.io.dataset_fit import DEFAULT_FIT
from genviewer.io.dataset_hub import cached_data
from genviewer.io.datasets import DataError, Images, load_images
from genviewer.io.hub import DATA_PREFIX
from genviewer.nets.growth import class_count

if TYPE_CHECKING:
    from genviewer.engine.train_config import TrainConfig
    from genviewer.io.dataset_survey import Survey


def load_training_images(
    config: TrainConfig, found: Survey | None = None, *, downloads: bool = True
) -> tuple[Images, Images | None]:
    """Training images, and the held-out ones where there are any.

    A run that makes a model of its own takes the data as they are, and they must fit. One that goes
    on from a model, or says how images are brought to its size and classes, takes any: they are
    surveyed, unless that was ``found`` out already, and decoded as they are needed.

    Without ``downloads`` a data set of the Hub is taken as it is on this machine already: a run
    that goes on sees the images that it began with, and one from elsewhere fetches nothing.

    Raises:
        DataError: the data cannot be read, or do not fit the network.
        TrainingError: a class of the data is none of the model's.
    """
    data = config.data
    if not downloads and data.source.startswith(DATA_PREFIX):
        return _cached(config)
    adapted = data.mapping or data.validation or data.fit != DEFAULT_FIT
    if config.finetune is not None or adapted:
        return load_finetune_images(config, found)
    images, test = load_images(data.source, seed=data.seed, count=data.count)
    _check(config, images)
    return images, test


def _cached(config: TrainConfig) -> tuple[Images, Images | None]:
    data = config.data
    there = replace(data, source=str(cached_data(data.source)))
    images, test = load_training_images(replace(config, data=there))
    named = replace(images, source=data.source)
    return named, None if test is None else replace(test, source=data.source)


def _classes(config: TrainConfig) -> int:
    if config.vae is not None and config.vae.class_weight:
        return config.label_classes
    return class_count(config.network)


def _check(config: TrainConfig, data: Images) -> None:
    image = make_spec(config).image
    height, width, channels = data.images.shape[1:]
    if (height, width, channels) != (image.height, image.width, image.channels):
        raise DataError(
            f"{data.source} has {width}x{height} images of {channels} channels, the "
            f"network wants {image.width}x{image.height} of {image.channels}."
        )
    classes = _classes(config)
    views = config.vae.views if config.vae is not None else 0
    if views and data.groups is None:
        raise DataError(f"{data.source} has no groups, and views of them are wanted.")
    if classes and data.labels is None:
        raise DataError(f"{data.source} has no labels, and classes are wanted.")
    if classes and data.labels is not None and data.labels.max() >= classes:
        raise DataError(f"{data.source} has labels beyond the {classes} classes.")
