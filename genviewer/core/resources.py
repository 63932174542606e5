"""Where the files that ship with the program lie: the bundled models and the assets."""

from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


@cache
def resource_root() -> Path:
    """The folder that holds `models/` and `assets/`.

    In a checkout (and an editable install) it is the checkout itself; in an installed wheel the
    two folders are packed into the package, under `_data`.

    Raises:
        FileNotFoundError: neither place has a `models` folder, so the installation is damaged.
    """
    for root in (PACKAGE / "_data", PACKAGE.parent):
        if (root / "models").is_dir():
            return root
    raise FileNotFoundError(
        f"The bundled models are missing beside {PACKAGE}: install genviewer again."
    )


def models_dir() -> Path:
    """The folder of bundled models, one folder each."""
    return resource_root() / "models"


def assets_dir() -> Path:
    """The folder of icons and other files of the program's look."""
    return resource_root() / "assets"
