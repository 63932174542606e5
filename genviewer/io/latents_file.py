"""Latents, Conditions and Recipes as files: .npy, .npz, .safetensors, CSV, JSON.

| suffix | holds |
|---|---|
| ``.npy`` | latents, float32 (N, D) |
| ``.npz``, ``.safetensors`` | ``latents`` (N, D), ``conditions`` (N, K), ``truncation`` (N,) |
| ``.csv`` | a row each: ``z0`` .. ``z(D-1)``, ``y0`` .. ``y(K-1)``, ``truncation`` |
| ``.json`` | the model reference and whole Recipes, exactly |

All numbers are float32; conditions are packed rows as the decoder takes them.

Files are read with bounds, and nothing in them is executed.
"""

from __future__ import annotations

import csv
import io
import math
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from genviewer.core.condition import Condition, pack
from genviewer.core.condition_parsing import ConditionError, conditions_from_labels
from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe, from_json, to_json
from genviewer.io.atomic import replacing, write_bytes
from genviewer.io.bundle import BundleError, read_header
from genviewer.io.tensors_file import save_tensors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from genviewer.core.spec import Spec

Floats = NDArray[np.float32]

SUFFIXES = (".npy", ".npz", ".safetensors", ".csv", ".json")
MAX_VALUES = 1 << 26
"""No file is read that holds more numbers than this (256 MiB)."""

MAX_TEXT_BYTES = 1 << 28


class LatentsError(ValueError):
    """A file of latents cannot be used; the message is one sentence for the user."""


class RecipeFile(msgspec.Struct, frozen=True):
    """The document of a ``.json`` file."""

    model: ModelRef
    recipes: tuple[Recipe, ...]
    format: str = "genviewer-recipes/1"


@dataclass(frozen=True, eq=False)
class LatentTable:
    """What a file holds.

    Attributes:
        latents: the points, at least one.
        conditions: packed rows float32 (N, K), or None where the file has none.
        truncation: float32 (N,), or None.
        recipes: whole Recipes, where the file has them.
        model: what they are for, where the file says so.
    """

    latents: tuple[Latent, ...]
    conditions: Floats | None = None
    truncation: Floats | None = None
    recipes: tuple[Recipe, ...] = ()
    model: ModelRef | None = None

    def to_recipes(self, spec: Spec) -> tuple[Recipe, ...]:
        """Recipes for a model; conditions that the file does not have stay empty.

        Raises:
            LatentsError: the file's latents or conditions are not this model's.
        """
        if any(latent.dim != spec.latent.dim for latent in self.latents):
            raise LatentsError(
                f"The latents have {self.latents[0].dim} values, and {spec.name} takes "
                f"{spec.latent.dim}."
            )
        if self.recipes:
            return self.recipes
        conditions = [Condition()] * len(self.latents)
        if self.conditions is not None and self.conditions.shape[1]:
            try:
                conditions = conditions_from_labels(self.conditions, spec)
            except ConditionError as error:
                raise LatentsError(str(error)) from error
        psis = np.ones(len(self.latents)) if self.truncation is None else self.truncation
        return tuple(
            Recipe(latent, condition, float(psi))
            for latent, condition, psi in zip(self.latents, conditions, psis, strict=True)
        )


# writing


def write_recipes(path: Path, recipes: Sequence[Recipe], spec: Spec, model: ModelRef) -> None:
    """Write Recipes in the form that the suffix asks for. Only ``.json`` keeps all of a Recipe.

    Raises:
        LatentsError: there are none, their latents differ in size, or the suffix is unknown.
        OSError: the file cannot be written.
    """
    _check_suffix(path)
    if not recipes:
        raise LatentsError("There is nothing to write.")
    suffix = path.suffix.lower()
    if suffix == ".json":
        document = RecipeFile(model, tuple(recipes))
        write_bytes(path, msgspec.json.format(to_json(document), indent=1) + b"\n")
        return
    if len({recipe.latent.dim for recipe in recipes}) > 1:
        raise LatentsError("The latents differ in size; a .json file can hold them.")
    latents = np.stack([recipe.latent.array.reshape(-1) for recipe in recipes])
    if suffix == ".npy":
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array(file, latents, allow_pickle=False)
        return
    conditions = np.stack([pack(recipe.condition, spec) for recipe in recipes])
    truncation = np.array([recipe.truncation for recipe in recipes], np.float32)
    if suffix == ".csv":
        write_bytes(path, _csv(latents, conditions, truncation))
        return
    arrays = {"latents": latents, "conditions": conditions, "truncation": truncation}
    if suffix == ".npz":
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # names are ours
    else:
        save_tensors(path, arrays, {"model": model.name, "model_id": model.id})


def _csv(latents: Floats, conditions: Floats, truncation: Floats) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = [f"z{i}" for i in range(latents.shape[1])]
    writer.writerow([*names, *(f"y{i}" for i in range(conditions.shape[1])), "truncation"])
    for row in np.concatenate([latents, conditions, truncation[:, None]], axis=1):
        # Nine digits tell every float32 apart.
        writer.writerow([f"{float(value):.9g}" for value in row])
    return text.getvalue().encode()


# reading


def read_latents(path: Path, dim: int | None = None) -> LatentTable:
    """What a file of latents holds.

    Args:
        path: a file of one of :data:`SUFFIXES`.
        dim: the latent size that is needed; also lets a single latent (D,) be told apart.

    Raises:
        LatentsError: it is no such file, or holds more than is taken.
    """
    _check_suffix(path)
    suffix = path.suffix.lower()
    try:
        if not path.is_file():
            raise LatentsError(f"{path.name} is not a file.")
        if suffix == ".json":
            table = _from_json(path)
        elif suffix == ".csv":
            table = _from_csv(path)
        else:
            table = _from_arrays(path, _READERS[suffix](path), dim)
    except OSError as error:
        raise LatentsError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    if dim is not None and any(latent.dim != dim for latent in table.latents):
        raise LatentsError(
            f"{path.name} holds latents of {table.latents[0].dim} values, and {dim} are needed."
        )
    return table


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise LatentsError(f"{path.name} is to hold latents: it ends in {', '.join(SUFFIXES)}.")


def _from_json(path: Path) -> LatentTable:
    with path.open("rb") as file:
        data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise LatentsError(f"{path.name} is too large.")
    try:
        document = from_json(data, RecipeFile)
    except (ValueError, RecursionError):
        raise LatentsError(f"{path.name} is not a file of Recipes.") from None
    if not document.recipes:
        raise LatentsError(f"{path.name} holds no Recipes.")
    latents = tuple(recipe.latent for recipe in document.recipes)
    return LatentTable(latents, recipes=document.recipes, model=document.model)


def _from_csv(path: Path) -> LatentTable:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise LatentsError(f"{path.name} is too large.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            rows = [[float(text) for text in line] for line in lines if line]
    except (ValueError, csv.Error):
        raise LatentsError(f"{path.name} is not a table of numbers under a header.") from None
    places = {name: index for index, name in enumerate(header)}
    z = [places[f"z{i}"] for i in range(len(header)) if f"z{i}" in places]
    y = [places[f"y{i}"] for i in range(len(header)) if f"y{i}" in places]
    if not z or not rows or any(len(row) != len(header) for row in rows):
        raise LatentsError(f"{path.name} has no columns z0, z1, .. with a number in every row.")
    table = np.array(rows, np.float64).astype(np.float32)
    arrays: dict[str, NDArray[Any]] = {"latents": table[:, z]}
    if y:
        arrays["conditions"] = table[:, y]
    if "truncation" in places:
        arrays["truncation"] = table[:, places["truncation"]]
    return _from_arrays(path, arrays, None)


def _from_arrays(path: Path, arrays: dict[str, NDArray[Any]], dim: int | None) -> LatentTable:
    latents = arrays["latents"]
    if latents.ndim >= 3 and latents.shape[2:] == (1,) * (latents.ndim - 2):
        latents = latents.reshape(latents.shape[:2])
    if latents.ndim == 1 and (dim is None or len(latents) == dim):
        latents = latents[None]
    if latents.ndim != 2 or not len(latents) or latents.dtype.kind not in "fiu":
        shape = tuple(arrays["latents"].shape)
        raise LatentsError(f"{path.name} holds {latents.dtype} {shape}, not latents (N, D).")
    extra = {}
    for name, ndim in (("conditions", 2), ("truncation", 1)):
        if name in arrays:
            array = arrays[name]
            if array.ndim != ndim or len(array) != len(latents) or array.dtype.kind not in "fiu":
                raise LatentsError(f"{path.name}: {name} does not fit the latents.")
            extra[name] = array.astype(np.float32)
            if not np.isfinite(extra[name]).all():
                raise LatentsError(f"{path.name}: {name} holds values that are not finite.")
    try:
        points = tuple(Latent(row) for row in latents)
    except ValueError:
        raise LatentsError(f"{path.name} holds values that are not finite.") from None
    return LatentTable(points, extra.get("conditions"), extra.get("truncation"))


def _read_npy(path: Path) -> dict[str, NDArray[Any]]:
    with path.open("rb") as file:
        return {"latents": _npy_array(file, path, path.stat().st_size)}


def _npy_array(file: Any, path: Path, size: int) -> NDArray[Any]:
    """An array whose size is checked against what there is to read before it is made."""
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        count = math.prod(shape)
        if dtype.hasobject or dtype.kind not in "fiu":
            raise LatentsError(f"{path.name} does not hold numbers.")
        if count > MAX_VALUES or count * dtype.itemsize > size:
            raise LatentsError(
                f"{path.name} does not hold as many numbers as it says, or too many."
            )
        file.seek(0)
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, OverflowError, tokenize.TokenError) as error:
        if isinstance(error, LatentsError):
            raise
        raise LatentsError(f"{path.name} is not a file of numbers.") from error
    return array


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    import zipfile
    import zlib

    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in ("latents", "conditions", "truncation"):
                entry = next((e for e in archive.infolist() if e.filename == f"{name}.npy"), None)
                if entry is None:
                    continue
                limit = min(entry.file_size, 8 * MAX_VALUES + 4096)
                with archive.open(entry) as file:
                    data = file.read(limit + 1)
                arrays[name] = _npy_array(io.BytesIO(data), path, len(data))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as error:
        raise LatentsError(f"{path.name} is not an .npz file.") from error
    if "latents" not in arrays:
        raise LatentsError(f"{path.name} has no array 'latents'.")
    return arrays


_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}


def _read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    try:
        tensors, offset = read_header(path)
    except BundleError as error:
        raise LatentsError(str(error)) from error
    arrays = {}
    aliases = {"latents": ("latents", "directions"), "conditions": ("conditions",)}
    aliases["truncation"] = ("truncation",)
    for name, keys in aliases.items():
        key = next((key for key in keys if key in tensors), None)
        if key is None:
            continue
        info = tensors[key]
        if info.dtype not in _DTYPES or math.prod(info.shape) > MAX_VALUES:
            raise LatentsError(f"{path.name}: {key} is of a kind or size that is not taken.")
        with path.open("rb") as file:
            file.seek(offset + info.start)
            data = file.read(info.end - info.start)
        arrays[name] = np.frombuffer(data, _DTYPES[info.dtype]).reshape(info.shape)
    if "latents" not in arrays:
        raise LatentsError(f"{path.name} has no tensor 'latents' or 'directions'.")
    return arrays


_READERS = {".npy": _read_npy, ".npz": _read_npz, ".safetensors": _read_safetensors}
