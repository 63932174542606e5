"""A run that diverged goes on from its last checkpoint with a lower learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.engine.run_lock import check_free
from genviewer.engine.train_config import config_table
from genviewer.engine.train_run import RunFolder, to_toml
from genviewer.io.atomic import write_bytes
from genviewer.io.write_errors import write_error

if TYPE_CHECKING:
    from pathlib import Path

SHARE = 0.1
"""Of the rate that was too high; the same steps again would diverge again."""


def lower_rate(folder: Path) -> float:
    """Write into the run's configuration a tenth of its learning rates; the new one is given.

    All else stays, so that the run resumes from its newest checkpoint. May be called in any thread
    while nothing trains in ``folder``.

    Raises:
        TrainingError: the configuration cannot be read, or another program trains the run.
        WriteError: it cannot be written; it is as it was.
    """
    run = RunFolder(folder)
    run.check_inside()
    check_free(folder)
    config = run.config()
    before = config.optimizer
    # Rounded to what a person reads: a tenth of 0.0003 is not 2.9999999999999997e-05.
    rate = float(f"{before.learning_rate * SHARE:.3g}")
    lower = msgspec.structs.replace(
        before,
        learning_rate=rate,
        discriminator_rate=float(f"{before.discriminator_rate * SHARE:.3g}"),
    )
    table = config_table(msgspec.structs.replace(config, optimizer=lower))
    try:
        write_bytes(run.config_path, to_toml(table).encode())
    except OSError as error:
        raise write_error(error, run.config_path) from error
    return rate
