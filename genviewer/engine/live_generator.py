"""What draws a model while it is trained: a generator for each snapshot of its weights."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from genviewer.engine import accelerator
from genviewer.engine.generator import DecodeError, LoadError
from genviewer.engine.torch_decoder import TorchGenerator, check_size, use_threads
from genviewer.io.bundle import Bundle, BundleError, write_bundle
from genviewer.nets.families import build

if TYPE_CHECKING:
    from typing import Any

    from torch import nn

    from genviewer.engine.jobs import Progress
    from genviewer.engine.live_onnx import OnnxTemplate
    from genviewer.engine.onnx_decoder import OnnxGenerator
    from genviewer.engine.run_timeline import Snapshot

_log = logging.getLogger(__name__)


class LiveGenerators:
    """Makes generators of the snapshots of runs. The network is built once for a run; after that a
    snapshot costs a copy of its weights. One thread at a time may use it.
    """

    def __init__(self) -> None:
        self._network: nn.Module | None = None
        self._table: dict[str, Any] | None = None

    def generator_of(
        self,
        snapshot: Snapshot,
        device: str = "cpu",
        threads: int | None = None,
        template: OnnxTemplate | None = None,
    ) -> OnnxGenerator | TorchGenerator:
        """A generator of its own with the snapshot's weights; others keep theirs.

        ``device`` and ``threads`` are as of a :class:`~genviewer.engine.torch_decoder
        .TorchGenerator`. With a ``template`` of this network ONNX Runtime draws on the CPU: several
        times faster, and Python goes on meanwhile.

        Raises:
            LoadError: the weights do not fit the network in the snapshot's configuration.
        """
        use_threads(threads if threads is not None else 1)  # what is made here is small
        table = snapshot.config.network
        if self._network is None or self._table != table:
            try:
                check_size(bundle_of(snapshot, Path()))
                self._network = build(table).eval().requires_grad_(False)
            except ValueError as error:
                raise LoadError(f"{snapshot.ref.name}: {error}.") from error
            self._table = table
        _take_weights(self._network, snapshot)
        spec, ref = snapshot.config.spec, snapshot.ref
        if template is not None and device == "cpu" and template.table == table:
            try:
                return template.generator(self._network, spec, ref, threads)
            except LoadError:
                _log.debug("%s is drawn by torch.", ref.name, exc_info=True)
        return TorchGenerator(self._network, spec, ref, device, threads)


def template_for(
    snapshot: Snapshot, base: Bundle, progress: Progress | None = None
) -> OnnxTemplate | None:
    """The ONNX decoder of the network that a run trains, for whatever weights it comes to.

    That of the model it began as, ``base``, or where the network is another, such as one that has
    more classes now, one that is exported in a process of its own. Takes up to some ten seconds.

    Returns:
        None where only torch draws such a network.
    """
    from genviewer.engine.live_onnx import OnnxTemplate

    try:
        if base.config.network == snapshot.config.network:
            data = accelerator.find(base)
            if data is not None:
                return OnnxTemplate(base, data)
        if snapshot.config.spec.synthesis is not None:
            return None
        with TemporaryDirectory(prefix="genviewer-live-") as folder:
            settled = bundle_of(snapshot, base.path).config
            made = write_bundle(Path(folder) / "model", settled, snapshot.weights, "")
            try:
                outcome = accelerator.prepare(made, progress)
                data = accelerator.find(made)
                if data is None:
                    _log.info("%s", outcome.message)
                    return None
                return OnnxTemplate(made, data)
            finally:
                accelerator.discard(made)
    except (BundleError, DecodeError, LoadError, OSError):
        _log.info("%s is drawn by torch.", snapshot.ref.name, exc_info=True)
        return None


def bundle_of(snapshot: Snapshot, folder: Path) -> Bundle:
    """A snapshot as an opened model that is on no disk; ``folder`` is where its run is."""
    # It was never a file of others: what was assumed of the model that it began as is settled.
    config = msgspec.structs.replace(snapshot.config, assumptions=())
    return Bundle(
        folder,
        config,
        snapshot.ref.id,
        snapshot.weights_sha256,
        snapshot.parameters,
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
