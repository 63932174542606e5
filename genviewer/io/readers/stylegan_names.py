"""Where style-based generators are in a file, under the names that our networks have.

Two layouts are known: NVIDIA's (``synthesis.b4.const``, ``synthesis.input.freqs``) and that of the
widely used reimplementation by rosinality (``input.input``, ``convs.0.conv.weight``). Whatever
stands in front of these names is a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from genviewer.io.foreign.stored_tensor import StoredTensor
    from genviewer.nets.style_configs import StyleGAN2Config, StyleGAN3Config

Kind = Literal["stylegan2", "stylegan3"]
Shape = tuple[int, ...]

_TITLES = {"stylegan2": "a StyleGAN2 generator", "stylegan3": "a StyleGAN3 generator"}
_MARKS = {"synthesis.b4.const": "stylegan2", "synthesis.input.freqs": "stylegan3"}
_AVERAGE = re.compile(r"(?i)(^|[._])(g_)?(ema|avg|average|shadow|smoothed)([._]|$)")
_STYLE = re.compile(r"^style\.(\d+)\.(weight|bias)$")
_CONV = re.compile(r"^(conv1|convs\.(\d+))\.(.+)$")
_TO_IMAGE = re.compile(r"^(to_rgb1|to_rgbs\.(\d+))\.(.+)$")
_NOISE = re.compile(r"^noises\.noise_(\d+)$")
_LAYER_NAMES = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "bias": "bias",
}
SMOOTHING = (1.0, 3.0, 3.0, 1.0)


@dataclass(frozen=True)
class Stored:
    """A tensor of the file as ours: in another shape of as many values, times a factor."""

    tensor: StoredTensor
    shape: Shape
    factor: float = 1.0


@dataclass(frozen=True)
class Found:
    """A generator in a file.

    Attributes:
        kind: the family in ``genviewer.nets``.
        path: what stands before its names, without the dot.
        tensors: by our names.
        clamped: whether this implementation bounds activations.
    """

    kind: Kind
    path: str
    tensors: Mapping[str, Stored]
    clamped: bool = True

    @property
    def title(self) -> str:
        """What it is, for a sentence."""
        return _TITLES[self.kind]

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shapes by our names."""
        return {name: stored.shape for name, stored in self.tensors.items()}

    @property
    def has_noise(self) -> bool:
        """Whether there are noise inputs."""
        return any(name.endswith(".noise_strength") for name in self.tensors)

    def left_out(self, config: StyleGAN2Config | StyleGAN3Config) -> dict[str, NDArray[np.float32]]:
        """Buffers that some files lack and whose values are known, by our names."""
        result: dict[str, NDArray[np.float32]] = {}
        if "mapping.w_avg" not in self.tensors:
            result["mapping.w_avg"] = np.zeros(config.mapping.widths[-1], np.float32)
        if self.kind == "stylegan3":
            if "synthesis.input.transform" not in self.tensors:
                result["synthesis.input.transform"] = np.eye(3, dtype=np.float32)
            return result
        line = np.array(SMOOTHING, np.float32)
        taps = np.outer(line, line) / line.sum() ** 2
        for name in self.tensors:
            match = re.match(r"^synthesis\.b\d+\.(?:(conv[01]|skip)\.)?", name)
            if match is not None:
                for owner in (match.group(0), re.sub(r"(conv[01]|skip)\.$", "", match.group(0))):
                    filter_name = f"{owner}resample_filter"
                    if filter_name not in self.tensors:
                        result[filter_name] = taps
        return result


def find_networks(tensors: Mapping[str, StoredTensor]) -> list[Found]:
    """The generators among a file's tensors, an averaged one first; empty if there are none."""
    found: list[Found] = []
    for name in tensors:
        for mark, kind in _MARKS.items():
            if name.endswith(mark):
                prefix = name[: -len(mark)]  # with the dot, or such as "G_"
                path = prefix.rstrip(".")
                inside = _inside(tensors, prefix)
                if any(key.startswith("mapping.fc") for key in inside):
                    kept = {
                        key: Stored(tensor, tuple(tensor.shape))
                        for key, tensor in inside.items()
                        if key.startswith(("mapping.", "synthesis."))
                    }
                    found.append(
                        Found("stylegan3" if kind == "stylegan3" else "stylegan2", path, kept)
                    )
        if name == "input.input" or name.endswith(".input.input"):
            prefix = name[: -len("input.input")]
            path = prefix.rstrip(".")
            renamed = _renamed(_inside(tensors, prefix))
            if renamed:
                average = _latent_average(tensors, path)
                found.append(Found("stylegan2", path, {**renamed, **average}, clamped=False))
    return sorted(found, key=lambda network: 0 if _AVERAGE.search(network.path) else 1)


def _inside(tensors: Mapping[str, StoredTensor], prefix: str) -> dict[str, StoredTensor]:
    return {
        name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)
    }


def _latent_average(tensors: Mapping[str, StoredTensor], path: str) -> dict[str, Stored]:
    """The average style, which stands beside the network."""
    owner = path.rpartition(".")[0]
    for name in (f"{path}.latent_avg", f"{owner}.latent_avg", "latent_avg"):
        tensor = tensors.get(name.lstrip("."))
        if tensor is not None:
            return {"mapping.w_avg": Stored(tensor, (tensor.numel,))}
    return {}


def _renamed(tensors: Mapping[str, StoredTensor]) -> dict[str, Stored]:
    """Rosinality's names as ours; empty where they are not all there."""
    result: dict[str, Stored] = {}
    for name, tensor in tensors.items():
        shape = tuple(tensor.shape)
        if name == "input.input" and len(shape) == 4:
            result["synthesis.b4.const"] = Stored(tensor, shape[1:])
        elif match := _STYLE.match(name):
            result[f"mapping.fc{int(match[1]) - 1}.{match[2]}"] = Stored(tensor, shape)
        elif match := _CONV.match(name):
            place = 0 if match[2] is None else int(match[2]) + 1
            _add(result, _convolution(place), match[3], tensor)
        elif match := _TO_IMAGE.match(name):
            block = 0 if match[2] is None else int(match[2]) + 1
            _add(result, f"synthesis.b{4 << block}.torgb", match[3], tensor)
        elif (match := _NOISE.match(name)) and len(shape) == 4:
            result[f"{_convolution(int(match[1]))}.noise_const"] = Stored(tensor, shape[2:])
    complete = "synthesis.b4.torgb.weight" in result and "mapping.fc0.weight" in result
    return result if complete else {}


def _convolution(place: int) -> str:
    """The layer of a place in the row of convolutions, the first of which has a block alone."""
    block, second = (place + 1) // 2, place % 2 == 0
    return f"synthesis.b{4 << block}.conv{1 if second else 0}"


def _add(result: dict[str, Stored], layer: str, rest: str, tensor: StoredTensor) -> None:
    shape = tuple(tensor.shape)
    if rest in ("conv.blur.kernel", "upsample.kernel"):
        # There the filter makes up for the zeros between samples, which ours does when it is used.
        owner = layer if rest.startswith("conv") else layer.rpartition(".")[0]
        result[f"{owner}.resample_filter"] = Stored(tensor, shape, 0.25)
        return
    ours = _LAYER_NAMES.get(rest)
    if ours is None:
        return
    if ours == "weight" and len(shape) == 5:
        shape = shape[1:]
    elif ours == "noise_strength":
        shape = ()
    elif ours == "bias":
        shape = (tensor.numel,)
    result[f"{layer}.{ours}"] = Stored(tensor, shape)
