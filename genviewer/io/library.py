"""The bundled models, and what a person's MODEL means: a name, a folder, a file, a model of the
Hub, an exported image.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.core.resources import models_dir
from genviewer.io.bundle import (
    CONFIG_NAME,
    MAX_CONFIG_BYTES,
    WEIGHTS_NAME,
    Bundle,
    BundleError,
    open_bundle,
)
from genviewer.io.images import ImageError, read_record
from genviewer.io.provenance import file_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MODEL = "digits-cvae"
"""What the program opens when nobody asked for another."""


class ModelNotFoundError(ValueError):
    """A MODEL that leads nowhere; the message is one sentence for the user."""


def bundled_paths() -> list[Path]:
    """The folders of the bundled models, sorted by name; nothing in them is read."""
    return sorted(path.parent for path in models_dir().glob(f"*/{CONFIG_NAME}"))


def find_model(text: str) -> Path:
    """The file or folder that a MODEL stands for.

    A bundled name wins over a folder of that name here; ``./NAME`` is the folder. A bundle's own
    ``model.safetensors`` or ``config.json`` stands for the folder they are in. An image exported
    with its Recipe stands for the bundled model that made it, found by its model id.
    ``hf://owner/name[@revision]`` is downloaded where it was not before.

    Raises:
        ModelNotFoundError: nothing of that name is there, or the image cannot tell its model.
        BundleError: a model of the Hub cannot be had.
    """
    if text.startswith("hf://"):
        from genviewer.io.hub import fetch

        return fetch(text)
    bundled = {path.name: path for path in bundled_paths()}
    if text in bundled:
        return bundled[text]
    path = Path(text)
    try:
        if text and path.is_dir():
            return path
        if path.name in (WEIGHTS_NAME, CONFIG_NAME) and path.is_file():
            return path.parent
        if path.is_file() and _is_picture(path):
            return _model_of_image(path)
        if text and (path.exists() or path.is_symlink()):
            return path
    except (OSError, ValueError) as error:
        if isinstance(error, ModelNotFoundError):
            raise
        raise ModelNotFoundError(f"{text!r} cannot be read as a model: {error}.") from error
    import difflib

    close = difflib.get_close_matches(text, bundled, n=2)
    hint = f"did you mean {' or '.join(close)}?" if close else f"bundled are {', '.join(bundled)}."
    raise ModelNotFoundError(f"There is no model {text!r}: {hint}")


def _is_picture(path: Path) -> bool:
    """Whether it is an image, an animation or a video that may carry a Recipe, by its content."""
    with path.open("rb") as file:
        return file_kind(file.read(16)) is not None


def _model_of_image(path: Path) -> Path:
    try:
        record = read_record(path)
    except ImageError as error:
        raise ModelNotFoundError(
            f"{path.name} is neither a model nor an image that tells how it was made: {error}"
        ) from None
    for candidate in bundled_paths():
        if _model_id(candidate) == record.model.id:
            return candidate
    raise ModelNotFoundError(
        f"{path.name} was made by the model {record.model.name!r} ({record.model.id[:8]}), "
        "which is not among the bundled ones; name that model's folder instead."
    )


def _model_id(path: Path) -> str | None:
    try:
        return open_bundle(path).model_id
    except BundleError:
        return None


def open_model(text: str, settings: Mapping[str, str] | None = None, trust: bool = False) -> Bundle:
    """The model that a MODEL stands for, opened.

    Args:
        text: a MODEL.
        settings: what the weights do not say, by field.
        trust: programs in it may run.

    Raises:
        ModelNotFoundError: as :func:`find_model`.
        BundleError: what is there cannot be opened.
    """
    return open_place(find_model(text), settings, trust)


def open_place(
    path: Path, settings: Mapping[str, str] | None = None, trust: bool = False
) -> Bundle:
    """The model in a file or folder, opened; arguments as of :func:`open_model`.

    Raises:
        BundleError: what is there cannot be opened.
    """
    settings = settings or {}
    if is_bundle(path) and "module" not in settings:
        bundle = open_bundle(path)
        if settings:
            raise BundleError(f"{path.name} is a bundle, which leaves nothing to be set.")
        return bundle
    from genviewer.io.readers.table import open_foreign

    return open_foreign(path, settings, trust)


def is_bundle(path: Path) -> bool:
    """Whether a folder is a bundle of ours, by what its ``config.json`` says of itself."""
    config = path / CONFIG_NAME
    try:
        if not config.is_file() or config.stat().st_size > MAX_CONFIG_BYTES:
            return False
        return b'"genviewer-bundle/' in config.read_bytes()
    except OSError:
        return False
