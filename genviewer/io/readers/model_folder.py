"""Folders of weights with their configuration beside them: pythae, PyTorchModelHubMixin, Lightning,
MLflow, a split encoder and decoder. The network is recognised from the tensors; the configuration
tells sizes where they fit. No pickle of code (pythae's ``decoder.pkl``) is touched.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genviewer.io.bundle import BundleError
from genviewer.io.foreign.budget import UnreadableFileError, clean
from genviewer.io.foreign.source import list_folder
from genviewer.io.readers import onnx_model, state_dict
from genviewer.io.readers.sidecars import SIDECARS, facts_beside, read_sidecar
from genviewer.io.readers.source import Source, UnreadableModelError

if TYPE_CHECKING:
    from genviewer.io.bundle import Bundle, Config

WEIGHTS = (
    "model.safetensors", "pytorch_model.bin", "model.pt", "model.pth", "model_ema.pt",
    "G_ema.pt", "generator.pt", "generator.pth", "decoder.pt", "decoder.pth", "best.ckpt",
    "last.ckpt",
)  # fmt: skip
"""Usual names of weights, best first."""

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")
NESTED = ("checkpoints", "data", "final_model", "best_model")
"""Where Lightning, MLflow and pythae keep their weights below the folder."""

MAX_FILES = 40


def sniff(source: Source) -> bool:
    """Whether it is a folder with weights, or weights with a known configuration beside them."""
    if source.is_folder:
        return bool(weights_in(source.path) or _graphs_in(source))
    return source.container.kind in state_dict.KINDS and bool(_sidecar_names(source.path.parent))


def read(source: Source) -> Bundle:
    """The model in the folder.

    Raises:
        UnreadableModelError: one sentence that says what was found instead.
    """
    if not source.is_folder:
        return _with_facts(source, source.path, source.path.parent)
    reasons: list[str] = []
    for path in weights_in(source.path)[:MAX_FILES]:
        try:
            return _with_facts(source, path, _configured(path, source.path))
        except (BundleError, UnreadableFileError) as error:
            reasons.append(str(error))
    for path in _graphs_in(source)[:1]:
        told = Source(path, source.settings.values, source.trust)
        bundle = onnx_model.read(told)
        _take_over(source, told)
        return msgspec.structs.replace(bundle, config=_renamed(bundle.config, source.name))
    _check_inside(source)
    raise UnreadableModelError(reasons[0])


def weights_in(folder: Path) -> list[Path]:
    """The files of a folder that may be its weights, likeliest first; links out of it are none."""
    found: list[Path] = []
    for place in (folder, *(folder / name for name in NESTED)):
        if not place.is_dir():
            continue
        names = list_folder(place)
        usual = [name for name in WEIGHTS if name in names]
        others = sorted(name for name in names if name.endswith(SUFFIXES) and name not in usual)
        found += [place / name for name in [*usual, *others] if (place / name).is_file()]
    return found


def _with_facts(source: Source, path: Path, folder: Path) -> Bundle:
    """The model in a file of weights, told the facts of the sidecar as far as they fit."""
    facts, sidecar = facts_beside(folder, _sidecar_names(folder))
    given = source.settings.values
    known = {field: value for field, value in facts.items() if field not in given}
    warnings: list[str] = []
    told = Source(path, {**given, **known}, source.trust)
    if told.container.kind not in state_dict.KINDS:
        raise UnreadableModelError(
            told.container.refusal
            or f"{clean(path.name)} is {told.container.title}: open that file itself."
        )
    try:
        bundle = state_dict.read(told)
    except BundleError:
        if not known:
            raise
        told = Source(path, given, source.trust)
        bundle = state_dict.read(told)
        warnings.append(f"{sidecar} says otherwise than the weights, which were believed.")
    _take_over(source, told)
    config = bundle.config
    spec = msgspec.structs.replace(config.spec, name=source.name)
    provenance = dict(config.provenance) | ({"sidecar": sidecar} if sidecar else {})
    config = msgspec.structs.replace(
        config, spec=spec, provenance=provenance, warnings=(*config.warnings, *warnings)
    )
    return msgspec.structs.replace(
        bundle, path=source.path, config=config, settings=tuple(sorted(given.items()))
    )


def _graphs_in(source: Source) -> list[Path]:
    """The ONNX files of a folder that may be its decoder, likeliest first."""
    names = sorted(name for name in source.names if name.endswith(".onnx"))
    order = ("decoder.onnx", "generator.onnx", "model.onnx")
    names.sort(key=lambda name: order.index(name) if name in order else len(order))
    return [source.path / name for name in names if (source.path / name).is_file()]


def _take_over(source: Source, told: Source) -> None:
    """What was asked for of a file in the folder counts as asked of the folder."""
    for field in source.settings.values:
        if field in told.settings._known:
            source.settings.text(field)


def _renamed(config: Config, name: str) -> Config:
    return msgspec.structs.replace(config, spec=msgspec.structs.replace(config.spec, name=name))


def _sidecar_names(folder: Path) -> frozenset[str]:
    # Looked up one by one: the folder of a single file may hold a hundred thousand others.
    return frozenset(name for name in SIDECARS if (folder / name).is_file())


def _configured(path: Path, folder: Path) -> Path:
    """Where the configuration of a file of weights is: beside it, or in the folder."""
    return path.parent if _sidecar_names(path.parent) else folder


def _check_inside(source: Source) -> None:
    """Tell of an index that leads out of the folder."""
    index = source.path / "model.safetensors.index.json"
    if not index.is_file():
        return
    places = read_sidecar(index).get("weight_map")
    for place in places.values() if isinstance(places, dict) else ():
        if not isinstance(place, str) or Path(place).name != place:
            raise UnreadableModelError(
                f"{clean(source.path.name)} refers to weights outside its folder."
            )
