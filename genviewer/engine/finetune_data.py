"""The images of a run that goes on from a model, brought to what the model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.engine.finetune_state import spec_of
from genviewer.io.dataset_lazy import prepare
from genviewer.io.dataset_survey import survey

if TYPE_CHECKING:
    from genviewer.engine.train_config import TrainConfig
    from genviewer.io.dataset_survey import Survey
    from genviewer.io.dataset_values import Images


def load_finetune_images(
    config: TrainConfig, found: Survey | None = None
) -> tuple[Images, Images | None]:
    """Images to train on and those that are held out, decoded when they are asked for.

    ``found`` is a survey of the source made already. Labels are the model's classes, by number;
    a model without classes gets none.

    Raises:
        DataError: the data cannot be read.
        TrainingError: a class of the data is none of the model's.
    """
    data = config.data
    if found is None:
        found = survey(data.source, seed=data.seed, count=data.count)
    image = spec_of(config).image
    classes = None
    if data.class_names:
        classes = data.class_indices(name for name, count in found.class_counts if count)
    return prepare(
        found, image.height, image.width, image.channels, data.fit, classes, data.validation
    )
