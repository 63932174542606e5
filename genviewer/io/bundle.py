"""A model on disk: a folder with ``config.json``, ``model.safetensors`` and a model card.

Reading one needs NumPy only, executes nothing and bounds what it reads: sizes are checked
against the file before anything is allocated.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from genviewer.core.recipe import ModelRef
from genviewer.core.spec import Spec
from genviewer.io.atomic import write_bytes
from genviewer.io.tensors_file import save_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
CARD_NAME = "README.md"
PREVIEW_NAME = "preview.png"
ACCELERATOR_NAME = "decoder.onnx"
DISCRIMINATOR_NAME = "discriminator.safetensors"
FORMAT = "genviewer-bundle/1"

MAX_CONFIG_BYTES = 4 << 20
MAX_HEADER_BYTES = 16 << 20
MAX_LATENT = 1 << 16
MAX_CONDITIONS = 1 << 16
MAX_PIXELS = 1 << 24


class BundleError(ValueError):
    """A folder is not a bundle that can be opened; the message is one sentence for the user."""


class Assumption(msgspec.Struct, frozen=True):
    """What weights do not say and was decided for them: the field of ``--set``, what was chosen,
    how certain that is (0..1), and what else it may be.
    """

    field: str
    value: Any
    confidence: float
    alternatives: tuple[Any, ...] = ()


class Config(msgspec.Struct, frozen=True):
    """``config.json``: what the model can do and how its network is built.

    ``network`` is the type name in ``genviewer.nets`` and the constructor's arguments.
    ``statistics`` holds what was measured at training, such as ``kl`` per dimension in nats.
    ``assumptions`` are those under which a foreign file was opened, ``warnings`` sentences of it.
    ``discriminator`` is the ``network`` of which the ``discriminator.*`` are in a file of their
    own; empty where there is none, or where it is one of the network's own parts.
    """

    spec: Spec
    network: dict[str, Any]
    format: str = FORMAT
    provenance: dict[str, Any] = {}
    statistics: dict[str, Any] = {}
    assumptions: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()
    discriminator: dict[str, Any] = {}


class TensorInfo(msgspec.Struct, frozen=True):
    """One entry of a safetensors header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Bundle(msgspec.Struct, frozen=True):
    """A model as found on disk: a bundle's folder, or a foreign file; weights are read when asked
    for.

    ``reader`` tells which reader opened it, ``settings`` what it was told that the weights do not
    say, ``trusted`` that programs in it may run: with these three it opens the same again.
    ``arrays`` reads the tensors of a foreign file.
    """

    path: Path
    config: Config
    model_id: str
    weights_sha256: str
    parameters: int
    reader: str = "bundle"
    settings: tuple[tuple[str, str], ...] = ()
    trusted: bool = False
    arrays: Callable[[], dict[str, NDArray[Any]]] | None = None

    @property
    def spec(self) -> Spec:
        """What the model can do."""
        return self.config.spec

    @property
    def ref(self) -> ModelRef:
        """How Recipes cite this model."""
        return ModelRef(self.spec.name, self.model_id)

    @property
    def weights_path(self) -> Path:
        """The file of its tensors."""
        return self.path / WEIGHTS_NAME

    @property
    def accelerator_path(self) -> Path:
        """Where an ONNX decoder would be; it counts only if it names this ``model_id``."""
        return self.path / ACCELERATOR_NAME

    @property
    def discriminator_path(self) -> Path:
        """Where its discriminator is, if ``config.discriminator`` says that it has one there."""
        return self.path / DISCRIMINATOR_NAME

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The network's state dict, read now; arrays may be views of a mapped file, bfloat16 is
        float32.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no longer what it was when it was opened, or of types that NumPy has
                not.
        """
        if self.arrays is not None:
            return self.arrays()
        from safetensors.numpy import load_file

        try:
            found = load_file(self.weights_path)
        except (TypeError, AttributeError):
            return self._widened()
        # Other packages may have taught NumPy such types; their arrays are of no kind of its own.
        known = all(array.dtype.kind != "V" for array in found.values())
        return found if known else self._widened()

    def _widened(self) -> dict[str, NDArray[Any]]:
        import torch
        from safetensors.torch import load_file

        weights = load_file(self.weights_path)
        try:
            return {
                name: (value.float() if value.dtype == torch.bfloat16 else value).numpy()
                for name, value in weights.items()
            }
        except TypeError as error:
            raise BundleError(
                f"{self.weights_path.name} holds numbers of a type that cannot be used here: "
                "write them as float32."
            ) from error

    def card(self) -> str:
        """The model card as Markdown; empty if there is none."""
        path = self.path / CARD_NAME
        try:
            if not path.is_file():
                return ""
            with path.open("rb") as file:
                return file.read(MAX_CONFIG_BYTES).decode("utf-8", errors="replace")
        except OSError:
            return ""


_ITEM_SIZE = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
    "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip


def read_header(path: Path) -> tuple[dict[str, TensorInfo], int]:
    """The tensors of a safetensors file, and the offset of their data; nothing is allocated for
    them.

    Raises:
        BundleError: if sizes, offsets and the file do not agree.
        OSError: if the file cannot be read.
    """
    size = path.stat().st_size
    if not path.is_file():
        raise BundleError(f"{path.name} is not a regular file.")
    with path.open("rb") as file:
        prefix = file.read(8)
        if len(prefix) < 8:
            raise BundleError(f"{path.name} is too short to be a safetensors file.")
        (length,) = struct.unpack("<Q", prefix)
        if length > min(MAX_HEADER_BYTES, size - 8):
            raise BundleError(f"{path.name} has a damaged header.")
        raw = file.read(length)
    try:
        entries = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        raise BundleError(f"{path.name} has a damaged header.") from None
    if not isinstance(entries, dict):
        raise BundleError(f"{path.name} has a damaged header.")
    data_size = size - 8 - length
    tensors = {}
    for name, entry in entries.items():
        if name == "__metadata__":
            continue
        try:
            dtype = entry["dtype"]
            shape = tuple(entry["shape"])
            start, end = entry["data_offsets"]
            wanted = _ITEM_SIZE[dtype]
            for n in shape:
                if not isinstance(n, int) or n < 0:
                    raise ValueError
                wanted *= n
            if not 0 <= start <= end <= data_size or end - start != wanted:
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise BundleError(f"{path.name}: tensor {name[:60]!r} does not fit the file.") from None
        tensors[name] = TensorInfo(dtype, shape, start, end)
    return tensors, 8 + length


def hash_weights(path: Path) -> tuple[str, int]:
    """sha256 over the sorted (name, dtype, shape, bytes) of a safetensors file, and the number
    of parameters.
    """
    tensors, offset = read_header(path)
    digest = hashlib.sha256()
    parameters = 0
    with path.open("rb") as file:
        for name in sorted(tensors):
            info = tensors[name]
            digest.update(json.dumps([name, info.dtype, list(info.shape)]).encode())
            file.seek(offset + info.start)
            left = info.end - info.start
            while left:
                block = file.read(min(left, 1 << 22))
                if not block:
                    raise BundleError(f"{path.name} ends too early.")
                digest.update(block)
                left -= len(block)
            parameters += int(np.prod(info.shape, dtype=np.int64))
    return digest.hexdigest(), parameters


_DTYPE_NAMES = {
    "float64": "F64", "int64": "I64", "uint64": "U64", "float32": "F32", "int32": "I32",
    "uint32": "U32", "float16": "F16", "int16": "I16", "uint16": "U16", "int8": "I8",
    "uint8": "U8", "bool": "BOOL",
}  # fmt: skip


def hash_arrays(tensors: Mapping[str, NDArray[Any]]) -> tuple[str, int]:
    """As :func:`hash_weights`, of arrays that would be written as they are."""
    digest = hashlib.sha256()
    parameters = 0
    for name in sorted(tensors):
        array = tensors[name]
        dtype = _DTYPE_NAMES.get(array.dtype.name, array.dtype.name)
        digest.update(json.dumps([name, dtype, list(array.shape)]).encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        parameters += array.size
    return digest.hexdigest(), parameters


def make_model_id(weights_sha256: str, config: Config) -> str:
    """Hash of the tensors *and* of what decides how they are used: network and Spec.

    The Spec's name is left out, so that a renamed model is still the same model; so is a
    discriminator in a file of its own, without which it draws the same.
    """
    spec = msgspec.to_builtins(config.spec)
    spec.pop("name")
    if config.discriminator:
        spec["discriminator"] = False
    if spec["synthesis"] is None:  # models had their ids before there was such a thing
        spec.pop("synthesis")
    resolved = json.dumps({"network": config.network, "spec": spec}, sort_keys=True)
    return hashlib.sha256(f"{weights_sha256}\n{resolved}".encode()).hexdigest()[:32]


def check_spec(spec: Spec, where: str) -> None:
    """Refuse sizes that no model has, before anything is allocated for them.

    Raises:
        BundleError: naming the field.
    """
    image, names = spec.image, [c.name for c in spec.conditions]
    problems = [
        (not 1 <= spec.latent.dim <= MAX_LATENT, "latent size"),
        (image.channels not in (1, 3, 4), "number of channels"),
        (min(image.height, image.width) < 1, "image size"),
        (image.height * image.width > MAX_PIXELS, "image size"),
        (not image.range[0] < image.range[1], "value range"),
        (len(set(names)) != len(names), "condition names"),
        (any(not 1 <= c.size <= MAX_CONDITIONS for c in spec.conditions), "condition size"),
        (any(c.names and len(c.names) != c.size for c in spec.conditions), "condition names"),
    ]
    for wrong, what in problems:
        if wrong:
            raise BundleError(f"{where}: the {what} in {CONFIG_NAME} is not usable.")


def in_another(place: Path) -> str:
    """A sentence that a place for a new bundle is within another bundle; empty where it is not.

    Dialogs lead there: they go into a folder whose name is typed, and propose the same name in it.

    Raises:
        OSError: it cannot be looked at.
    """
    folder = place.parent  # a configuration alone may be that of anything
    if not all((folder / name).exists() for name in (CONFIG_NAME, WEIGHTS_NAME)):
        return ""
    return f"{folder.name} is a model itself; choose another place or name."


def open_bundle(path: Path) -> Bundle:
    """Read a bundle's configuration and hash its weights.

    Raises:
        BundleError: with one sentence that names the folder and what is wrong.
    """
    config_path, weights_path = path / CONFIG_NAME, path / WEIGHTS_NAME
    try:
        if not config_path.is_file() or not weights_path.is_file():
            raise BundleError(f"{path.name} has no {CONFIG_NAME} and {WEIGHTS_NAME}.")
        with config_path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
        if len(data) > MAX_CONFIG_BYTES:
            raise BundleError(f"{path.name}: {CONFIG_NAME} is too large.")
        config = msgspec.json.decode(data, type=Config)
        if config.format != FORMAT:
            raise BundleError(f"{path.name} has the unknown format {config.format[:40]!r}.")
        check_spec(config.spec, path.name)
        if config.discriminator and not (path / DISCRIMINATOR_NAME).is_file():
            config = _without_discriminator(config)
        weights_sha256, parameters = hash_weights(weights_path)
    except OSError as error:
        raise BundleError(f"{path.name} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BundleError(f"{path.name}: {CONFIG_NAME} is not valid: {error}.") from error
    model_id = make_model_id(weights_sha256, config)
    return Bundle(path, config, model_id, weights_sha256, parameters)


def _without_discriminator(config: Config) -> Config:
    """The configuration of a bundle that has lost its discriminator, and says so."""
    told = f"Its {DISCRIMINATOR_NAME} is missing."
    spec = msgspec.structs.replace(config.spec, discriminator=False)
    return msgspec.structs.replace(
        config, spec=spec, discriminator={}, warnings=(*config.warnings, told)
    )


def write_bundle(
    path: Path,
    config: Config,
    tensors: Mapping[str, NDArray[Any]],
    card: str,
    discriminator: Mapping[str, NDArray[Any]] | None = None,
) -> Bundle:
    """Write ``config.json``, ``model.safetensors`` and the card, each atomically, and before them
    what ``config.discriminator`` tells of.

    An accelerator of older weights may stay behind; it no longer counts, since it names
    another model id.
    """
    path.mkdir(parents=True, exist_ok=True)
    for name, arrays in ((DISCRIMINATOR_NAME, discriminator), (WEIGHTS_NAME, tensors)):
        if arrays is not None:
            save_tensors(path / name, arrays)
    data = msgspec.json.format(msgspec.json.encode(config), indent=2)
    write_bytes(path / CONFIG_NAME, data + b"\n")
    write_bytes(path / CARD_NAME, card.encode())
    return open_bundle(path)
