"""What draws a model while it is trained: a generator for each snapshot of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from genviewer.engine.generator import LoadError
from genviewer.engine.torch_decoder import TorchGenerator, use_threads
from genviewer.io.bundle import Bundle, hash_arrays
from genviewer.nets.families import build

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from torch import nn

    from genviewer.engine.run_timeline import Snapshot


class LiveGenerators:
    """Makes generators of the snapshots of runs. The network is built once for a run; after that a
    snapshot costs a copy of its weights. One thread at a time may use it.
    """

    def __init__(self) -> None:
        self._network: nn.Module | None = None
        self._table: dict[str, Any] | None = None

    def generator_of(
        self, snapshot: Snapshot, device: str = "cpu", threads: int | None = None
    ) -> TorchGenerator:
        """A generator of its own with the snapshot's weights; others keep theirs.

        ``device`` and ``threads`` are as of a :class:`~genviewer.engine.torch_decoder
        .TorchGenerator`.

        Raises:
            LoadError: the weights do not fit the network in the snapshot's configuration.
        """
        if threads is not None:
            use_threads(threads)
        table = snapshot.config.network
        if self._network is None or self._table != table:
            try:
                self._network = build(table).eval().requires_grad_(False)
            except ValueError as error:
                raise LoadError(f"{snapshot.ref.name}: {error}.") from error
            self._table = table
        _take_weights(self._network, snapshot)
        return TorchGenerator(self._network, snapshot.config.spec, snapshot.ref, device, threads)


def bundle_of(snapshot: Snapshot, folder: Path) -> Bundle:
    """A snapshot as an opened model that is on no disk; ``folder`` is where its run is."""
    weights_sha256, parameters = hash_arrays(snapshot.weights)
    # It was never a file of others: what was assumed of the model that it began as is settled.
    config = msgspec.structs.replace(snapshot.config, assumptions=())
    return Bundle(
        folder,
        config,
        snapshot.ref.id,
        weights_sha256,
        parameters,
        arrays=lambda: dict(snapshot.weights),
    )


def _take_weights(network: nn.Module, snapshot: Snapshot) -> None:
    tensors, weights = network.state_dict(), snapshot.weights
    if tensors.keys() != weights.keys():
        raise LoadError(f"{snapshot.ref.name}: the weights are not those of its network.")
    for name, tensor in tensors.items():
        values = weights[name]
        if tuple(tensor.shape) != values.shape:
            raise LoadError(f"{snapshot.ref.name}: the weight {name} has another shape.")
        if not np.can_cast(values.dtype, tensor.numpy().dtype, "same_kind"):
            raise LoadError(f"{snapshot.ref.name}: the weight {name} is of another type.")
        # Into the memory of the tensor: the snapshot's arrays are read-only, which torch warns of.
        np.copyto(tensor.numpy(), values)
