"""The preview of a trained model: which latents and classes it shows."""

import numpy as np
import torch

from genviewer.core.prior import draws
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.train_bundle import PREVIEW_COLUMNS, PREVIEW_ROWS, preview

LATENT = LatentSpec(2)


class Recorder:
    """Draws blank pictures and keeps what it was asked for."""

    def decode(self, z, y=None):
        self.z, self.y = z.numpy(), None if y is None else y.argmax(1).numpy()
        return torch.zeros(len(z), 1, 4, 4)


def shown(classes: int) -> Recorder:
    conditions = (ConditionSpec("class", "class", classes),) if classes else ()
    network = Recorder()
    sheet = preview(network, Spec("m", "vae", LATENT, ImageSpec(1, 4, 4), conditions))
    assert sheet.size == (4 * PREVIEW_COLUMNS, 4 * PREVIEW_ROWS)
    return network


def test_few_classes_have_a_column_each_and_every_sample_its_own_latent():
    network = shown(4)
    np.testing.assert_array_equal(network.y[:6], [0, 1, 2, 3, 0, 1])
    np.testing.assert_array_equal(network.z, draws(LATENT, 0, len(network.z)))
    assert shown(0).y is None


def test_many_classes_are_spread_over_the_columns_and_a_row_has_one_latent():
    network = shown(62)
    rows = network.y.reshape(PREVIEW_ROWS, PREVIEW_COLUMNS)
    np.testing.assert_array_equal(rows[0], [0, 6, 12, 18, 24, 31, 37, 43, 49, 55])
    assert (rows == rows[0]).all()
    latents = network.z.reshape(PREVIEW_ROWS, PREVIEW_COLUMNS, 2)
    assert (latents == latents[:, :1]).all()
    np.testing.assert_array_equal(latents[:, 0], draws(LATENT, 0, PREVIEW_ROWS))
