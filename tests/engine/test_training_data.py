"""What a run trains on, whatever it is kept in."""

from itertools import islice

import numpy as np

from genviewer.engine.train_config import read_config
from genviewer.engine.training import make_state, training_steps
from genviewer.engine.training_data import load_training_images
from tests.io.data_files import encoded, picture, write_table, write_tree

CONFIG = """
name = "toy"
steps = 2
batch_size = 4
threads = 1
[data]
source = "{source}"
validation = {validation}
[network]
type = "residual_vae"
image_size = 8
latent_dim = 2
classes = 2
hidden = 8
channels = [8, 4]
blocks = [1, 1]
encoder_blocks = [1, 0]
[vae]
"""


def test_of_parquet_tables_the_same_is_learned_as_of_the_files_in_them(tmp_path):
    """At once in memory, and decoded as it is needed, with some held out by their content."""
    names = [f"{place}/{i:02d}.png" for place in ("cat", "dog") for i in range(12)]
    files = {name: encoded(picture(i, 8, 8)) for i, name in enumerate(names)}
    write_tree(tmp_path / "files", files)
    for number in range(2):
        rows = names[12 * number : 12 * number + 12]
        write_table(
            tmp_path / "tables" / f"train-{number:05d}-of-00002.parquet",
            [files[name] for name in rows],
            [number] * 12,
            names=["cat", "dog"],
            row_group_size=5,
        )
    for validation in (0.0, 0.3):
        found = []
        for source in ("files", "tables"):
            path = tmp_path / "train.toml"
            text = CONFIG.format(source=(tmp_path / source).as_posix(), validation=validation)
            path.write_text(text)
            config = read_config(path)
            found.append(load_training_images(config))
        (images, held), (of_rows, rows_held) = found
        np.testing.assert_array_equal(of_rows.images[:], images.images[:])
        assert (of_rows.labels.tolist(), of_rows.names) == (images.labels.tolist(), images.names)
        assert (held is None) == (rows_held is None) == (validation == 0.0)
    np.testing.assert_array_equal(rows_held.images[:], held.images[:])
    losses = [list(islice(training_steps(config, make_state(config), i), 2)) for i, _ in found]
    assert losses[0] == losses[1]
