"""A decoder's ONNX file into which newer weights of the same network are put.

To export a network takes seconds; its graph stays the same while it is trained. So the file is
made once, and a snapshot is drawn by a copy of it with other numbers in their places.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch

from genviewer.engine import accelerator, onnx_file
from genviewer.engine.generator import LoadError
from genviewer.engine.onnx_decoder import OnnxGenerator
from genviewer.engine.torch_decoder import TorchGenerator, load_network
from genviewer.nets.folding import folded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from genviewer.core.recipe import ModelRef
    from genviewer.core.spec import Spec
    from genviewer.io.bundle import Bundle

CHANGE = 0.05
"""By how much of itself every weight is changed to try whether a file draws with other weights."""

SAMPLES = 4
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""Buffers that training changes."""


class OnnxTemplate:
    """The ONNX decoder of a network, for any weights of that network.

    One thread at a time may use it; the generators that it makes are independent of it.

    Args:
        bundle: a model of that network.
        data: its decoder, as :func:`~genviewer.engine.accelerator.find` gives it.

    Raises:
        LoadError: weights cannot be put into it.
    """

    def __init__(self, bundle: Bundle, data: bytes) -> None:
        network = load_network(bundle)
        self.table = bundle.config.network
        self._buffer = bytearray(data)
        self._places = _places(self._buffer, _arrays(network))
        self._fixed = dict(_fixed_buffers(network))
        self.threads = self._try(network, bundle)

    def generator(
        self, network: nn.Module, spec: Spec, ref: ModelRef, threads: int | None = None
    ) -> OnnxGenerator:
        """What draws with the weights that ``network`` has now; it may be trained on.

        Args:
            network: as described by :attr:`table`, on the CPU.
            spec: as of an :class:`OnnxGenerator`.
            ref: as of an :class:`OnnxGenerator`.
            threads: as of an :class:`OnnxGenerator`; None as is best for this network.

        Raises:
            LoadError: something is not as it was that cannot be put into the file.
        """
        for name, buffer in _fixed_buffers(network):
            if not torch.equal(buffer, self._fixed[name]):
                raise LoadError(f"{name} of {spec.name} changes while it is trained.")
        arrays = _arrays(network)
        for name, transposed, place in self._places:
            values = arrays[name].T if transposed else arrays[name]
            np.copyto(place, values, casting="no")
        best = self.threads if threads is None else min(threads, self.threads)
        return OnnxGenerator(bytes(self._buffer), spec, ref, best)

    def _try(self, network: nn.Module, bundle: Bundle) -> int:
        """Draw with weights that are in no file, and compare; how many threads are best."""
        self.threads = 1
        chance = torch.Generator().manual_seed(0)
        with torch.no_grad():
            learned = (b for name, b in network.named_buffers() if name not in self._fixed)
            for weight in (*network.parameters(), *learned):
                if weight.is_floating_point():
                    weight.mul_(1.0 + CHANGE * torch.rand(weight.shape, generator=chance))
        reference = TorchGenerator(network, bundle.spec, bundle.ref, threads=1)
        candidate = self.generator(network, bundle.spec, bundle.ref)
        low, high = bundle.spec.image.range
        difference = accelerator.largest_difference(reference, candidate, SAMPLES)
        if not difference <= accelerator.TOLERANCE * (high - low):
            raise LoadError(f"Other weights cannot be put into the decoder of {bundle.spec.name}.")
        return OnnxGenerator(bytes(self._buffer), bundle.spec, bundle.ref).threads


def _fixed_buffers(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Tables and the like, of which the exporter may have computed something else."""
    for name, buffer in network.named_buffers():
        if name.rpartition(".")[2] not in STATISTICS:
            yield name, buffer


def _arrays(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The weights of what is exported, by name; the file's are named ``network.`` + these."""
    return {name: tensor.numpy() for name, tensor in folded(network).state_dict().items()}


def _places(
    buffer: bytearray, arrays: dict[str, NDArray[Any]]
) -> list[tuple[str, bool, NDArray[Any]]]:
    """Which weights, and whether transposed, go to which views of the file.

    Weights are found by name and value, and those that the exporter renamed by value alone. A
    constant of the graph is nobody's; what was mistaken for one shows when weights change.
    """
    found = []
    for name, place in onnx_file.float_tensors(buffer).items():
        own = name.removeprefix("network.")
        keys = sorted(arrays, key=lambda key: key != own)  # that of the same name first
        for key, turned in product(keys, (False, True)):
            if _same(arrays[key].T if turned else arrays[key], place):
                found.append((key, turned, place))
                break
    return found


def _same(array: NDArray[Any], place: NDArray[Any]) -> bool:
    return (
        array.shape == place.shape
        and array.dtype == place.dtype
        and bool(np.array_equal(array, place))
    )
