"""What small files beside the weights say of a network: plain facts, read safely, never trusted
against the tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from genviewer.io.foreign.budget import UnreadableFileError, clean
from genviewer.io.foreign.source import read_bytes
from genviewer.io.readers.source import UnreadableModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIDECARS = ("model_config.json", "specs.json", "config.json", "hparams.yaml", "config.yaml")
MAX_SIDECAR_BYTES = 1 << 20
MAX_LATENT = 1 << 16
MAX_DEPTH = 6

_LATENT = (
    "latent_dim", "latent_dims", "latent_size", "z_dim", "zdim", "z_size", "nz", "n_latent",
    "latent_channels_dim", "dim_z", "cont",
)  # fmt: skip
_CLASSES = ("n_classes", "num_classes", "n_class", "classes", "num_labels", "n_labels")
_CHANNELS = ("img_channels", "image_channels", "in_channels", "input_channels", "channels", "nc")
_SIZE = ("img_size", "image_size", "input_size", "size", "resolution")
_SHAPES = ("input_dim", "img_size", "image_shape", "input_shape", "img_shape")
_NESTED = ("latent_spec", "model", "hparams", "hyper_parameters", "params", "args", "config")


def read_sidecar(path: Path) -> dict[str, Any]:
    """The mapping in a JSON or YAML file; YAML by the safe loader, which makes plain values only.

    Raises:
        UnreadableModelError: if it is no such mapping.
        UnreadableFileError: if it cannot be read.
    """
    data = read_bytes(path, MAX_SIDECAR_BYTES)
    name = f"{clean(path.parent.name, 60)}/{path.name}"
    try:
        value = _yaml(data) if path.suffix == ".yaml" else msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UnreadableModelError(f"{name} is not valid.") from error
    if not isinstance(value, dict):
        raise UnreadableModelError(f"{name} holds no configuration.")
    return value


def _yaml(data: bytes) -> Any:
    import yaml

    # Aliases let a small file stand for a huge one; no configuration needs them.
    text = data.decode("utf-8", "replace")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise ValueError("aliases are not read")
        return yaml.load(text, _plain_loader())
    except yaml.YAMLError as error:
        raise ValueError("no YAML") from error


def _plain_loader() -> Any:
    import yaml

    class PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
        """A safe loader that reads tags of classes as nothing."""

    PlainLoader.add_multi_constructor("", lambda loader, suffix, node: None)
    return PlainLoader


def facts_in(values: Mapping[str, Any], where: str) -> dict[str, str]:
    """Settings that a sidecar implies, as ``--set`` would say them.

    Args:
        values: the sidecar's mapping.
        where: its name, for sentences.

    Raises:
        UnreadableModelError: a size that no model has.
    """
    facts: dict[str, str] = {}
    flat = _flat(values)
    for field, keys in (("latent", _LATENT), ("classes", _CLASSES)):
        number = _first_number(flat, keys)
        if number is None:
            continue
        if not 0 < number <= MAX_LATENT:
            if number == 0:
                continue
            raise UnreadableModelError(f"{where} says {field} = {number:,}, which no model has.")
        facts[field] = str(number)
    shape = next((flat[key] for key in _SHAPES if _is_shape(flat.get(key))), None)
    if shape is not None:
        channels_first = shape[0] in (1, 3, 4)
        facts["channels"] = str(shape[0] if channels_first else shape[2])
        facts["size"] = str(shape[1])
        return facts
    channels, size = _first_number(flat, _CHANNELS), _first_number(flat, _SIZE)
    if channels in (1, 3, 4):
        facts["channels"] = str(channels)
    if size is not None and 1 < size <= 1 << 14:
        facts["size"] = str(size)
    return facts


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a mapping and of its usual parts; the outer ones win."""
    found: dict[str, Any] = {}
    waiting: list[tuple[Mapping[str, Any], int]] = [(values, 0)]
    while waiting:
        current, depth = waiting.pop(0)
        for key, value in current.items():
            if isinstance(value, dict) and key in _NESTED and depth < MAX_DEPTH:
                waiting.append((value, depth + 1))
            elif isinstance(key, str):
                found.setdefault(key, value)
    return found


def _first_number(flat: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    for key in keys:
        value = flat.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _is_shape(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 3
        and all(isinstance(n, int) and 0 < n <= 1 << 14 for n in value)
        and (value[0] in (1, 3, 4) or value[2] in (1, 3, 4))
        and (value[1] == value[2] or value[0] == value[1])
    )


def facts_beside(folder: Path, names: frozenset[str]) -> tuple[dict[str, str], str | None]:
    """The facts in the first sidecar of a folder that says any, and its name.

    Raises:
        UnreadableModelError: a sidecar is not valid, or says what no model has.
    """
    for name in SIDECARS:
        if name not in names:
            continue
        try:
            facts = facts_in(read_sidecar(folder / name), name)
        except UnreadableFileError:
            continue
        if facts:
            return facts, name
    return {}, None
