"""What a reader is given, a place on disk, and what it gives back, a Bundle."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genviewer.io.bundle import (
    Assumption,
    Bundle,
    BundleError,
    Config,
    check_spec,
    hash_arrays,
    make_model_id,
)
from genviewer.io.foreign.budget import clean
from genviewer.io.foreign.contents import Contents, flat_tensors, read_contents
from genviewer.io.foreign.sniff import Container, sniff
from genviewer.io.foreign.source import list_folder
from genviewer.io.readers.naming import is_generic
from genviewer.io.readers.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.core.spec import Spec
    from genviewer.io.foreign.stored_tensor import StoredTensor


class UnreadableModelError(BundleError):
    """A file that opens as no model; the message is one sentence for the user."""


class Source:
    """A file or folder that may be a model, read at most once for all readers.

    Attributes:
        path: the place.
        settings: what was said about it.
        trust: programs in it may run.
    """

    def __init__(self, path: Path, settings: Mapping[str, str], trust: bool = False) -> None:
        self.path = path
        self.settings = Settings(settings)
        self.trust = trust

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @cached_property
    def names(self) -> frozenset[str]:
        """The names in the folder; empty for a file."""
        return frozenset(list_folder(self.path)) if self.is_folder else frozenset()

    @cached_property
    def head(self) -> bytes:
        """The first 4096 bytes of a regular file; empty for anything else."""
        if not self.path.is_file():
            return b""
        with self.path.open("rb") as file:
            return file.read(4096)

    @cached_property
    def container(self) -> Container:
        """What it is, by its content."""
        return sniff(self.path)

    @cached_property
    def contents(self) -> Contents:
        """What is in the file, nothing of it executed; UnreadableFileError if it cannot be read."""
        return read_contents(self.path)

    @cached_property
    def tensors(self) -> dict[str, StoredTensor]:
        """The tensors by dotted path, in the file's order."""
        return flat_tensors(self.contents)

    @property
    def name(self) -> str:
        """What the model is called: the file's name without its ending, or that of the folder
        where a file is called as any may be.
        """
        if self.is_folder:
            return self.path.name
        name = self.path.stem or self.path.name
        folder = self.path.absolute().parent.name
        told = folder and is_generic(name) and not is_generic(folder)
        return folder if told else name


def make_bundle(
    source: Source,
    *,
    reader: str,
    spec: Spec,
    network: dict[str, Any],
    arrays: Callable[[], dict[str, NDArray[Any]]],
    assumptions: Iterable[Assumption] = (),
    warnings: Iterable[str] = (),
    provenance: Mapping[str, Any] | None = None,
) -> Bundle:
    """A foreign file as a Bundle.

    Args:
        source: where it is from.
        reader: the reader's name.
        spec: what the model can do.
        network: the config of a family in ``genviewer.nets``, ``type`` and all.
        arrays: reads the network's state dict; called once here, and again whenever the network
            is built, so that nothing is held in between.
        assumptions: as in the Config.
        warnings: as in the Config.
        provenance: as in the Config.

    Raises:
        BundleError: the Spec's sizes are not usable.
    """
    provenance = {"file": source.path.name, "reader": reader, **(provenance or {})}
    config = Config(
        spec,
        network,
        provenance=provenance,
        assumptions=tuple(assumptions),
        warnings=tuple(warnings),
    )
    check_spec(spec, source.path.name)
    tensors = arrays()
    for name, array in tensors.items():
        if array.dtype.kind == "f" and not _finite(array):
            raise UnreadableModelError(
                f"{source.path.name} has weights that are not finite, in {clean(name)}: the "
                "training that wrote it diverged."
            )
    weights_sha256, parameters = hash_arrays(tensors)
    return Bundle(
        source.path,
        config,
        make_model_id(weights_sha256, config),
        weights_sha256,
        parameters,
        reader=reader,
        settings=tuple(sorted(source.settings.values.items())),
        trusted=source.trust,
        arrays=arrays,
    )


def _finite(array: NDArray[Any]) -> bool:
    """Whether no value is NaN or infinite, without an array as large as itself."""
    with np.errstate(all="ignore"):
        # One pass; only a sum that overflows by itself needs a closer look.
        return bool(np.isfinite(array.sum()) or np.isfinite(array).all())


def network_table(kind: str, config: msgspec.Struct) -> dict[str, Any]:
    """A family's config as the table that a bundle keeps."""
    table: dict[str, Any] = msgspec.to_builtins(config)
    return {"type": kind, **table}
