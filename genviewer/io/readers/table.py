"""The table of readers, in the order in which they are asked, and the opening of anything."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from genviewer.io.bundle import BundleError
from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.readers.settings import SettingError
from genviewer.io.readers.source import Source, UnreadableModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genviewer.io.bundle import Bundle


class ReaderModule(Protocol):
    """What the module of a reader has."""

    def sniff(self, source: Source) -> bool:
        """Whether this reader is the one: cheap, no error."""
        ...

    def read(self, source: Source) -> Bundle:
        """The model; UnreadableModelError, UnreadableFileError or SettingError if there is none."""
        ...


class Reader(NamedTuple):
    """A reader's name, as `info` tells it, and its module in this package, imported when asked."""

    name: str
    module: str


READERS: tuple[Reader, ...] = (
    Reader("program", "trusted_program"),
    Reader("onnx", "onnx_model"),
    Reader("stylegan", "stylegan"),
    Reader("biggan", "biggan"),
    Reader("diffusers", "diffusers_vae"),
    Reader("folder", "model_folder"),
    Reader("state-dict", "state_dict"),
)


def open_foreign(path: Path, settings: Mapping[str, str], trust: bool = False) -> Bundle:
    """Open a file or folder that is no bundle of ours.

    Raises:
        BundleError: one sentence that says what it is, what was looked for and what was found.
    """
    source = Source(path, settings, trust)
    try:
        container = source.container
        for reader in READERS:
            module = cast(
                "ReaderModule", importlib.import_module(f"genviewer.io.readers.{reader.module}")
            )
            if module.sniff(source):
                bundle = module.read(source)
                source.settings.check(path.name)
                return bundle
    except (UnreadableFileError, SettingError) as error:
        raise UnreadableModelError(str(error)) from error
    except OSError as error:
        raise BundleError(f"{path.name} cannot be read: {error.strerror}.") from error
    if container.refusal is not None:
        raise UnreadableModelError(container.refusal)
    raise UnreadableModelError(
        f"{path.name} is {container.title}, and nothing in it was recognised as a model."
    )
