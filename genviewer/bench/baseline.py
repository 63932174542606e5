"""What the engine is compared with: the bare decoder in torch, and the machine's matrix rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from genviewer.bench.results import medians
from genviewer.core.condition import pack
from genviewer.core.prior import draws
from genviewer.core.recipe import default_condition
from genviewer.engine.device import usable_cores
from genviewer.engine.torch_decoder import load_network
from genviewer.nets.folding import folded

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from genviewer.core.spec import Spec
    from genviewer.engine.generator import Floats
    from genviewer.io.bundle import Bundle

GEMM_SIDE = 2048


def inputs(spec: Spec, count: int) -> tuple[Floats, Floats | None]:
    """Seeded latents (N, D) and, where there are conditions, packed ones (N, K)."""
    z = draws(spec.latent, 0, count)
    if not spec.condition_size:
        return z, None
    return z, np.stack([pack(default_condition(spec, index), spec) for index in range(count)])


class BareDecoder:
    """The decoder alone in torch: eval, inference mode, batch-norm folded, best thread count.

    Attributes:
        threads: the number with which one sample is drawn soonest; in force in this thread.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._spec = bundle.spec
        self._network: nn.Module = folded(load_network(bundle))
        self.threads = 1
        counts = sorted({1, usable_cores()})
        times = []
        for count in counts:
            torch.set_num_threads(count)
            times.append(medians(self.call(1), repeats=3)[0])
        self.threads = counts[int(np.argmin(times))]
        torch.set_num_threads(self.threads)

    def call(self, count: int) -> Callable[[], Tensor]:
        """A function that decodes a batch of ``count``."""
        z, y = inputs(self._spec, count)
        latents, conditions = torch.from_numpy(z), None if y is None else torch.from_numpy(y)

        def decode() -> Tensor:
            with torch.inference_mode():
                raw: Tensor = self._network.decode(latents, conditions)  # type: ignore[operator]
            return raw

        return decode

    def flops(self, count: int) -> int:
        """Floating point operations of a batch, a multiplication and an addition being two."""
        z, y = inputs(self._spec, count)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            self._network.decode(  # type: ignore[operator]
                torch.from_numpy(z), None if y is None else torch.from_numpy(y)
            )
        return int(counter.get_total_flops())

    def convolutional(self) -> bool:
        """Whether the decoder works by convolutions."""
        return any(isinstance(module, torch.nn.Conv2d) for module in self._network.modules())


def gemm(threads: int) -> tuple[Callable[[], object], int]:
    """A float32 product of 2048 x 2048 matrices, and its floating point operations.

    From now on torch uses ``threads`` threads in this thread.
    """
    torch.set_num_threads(threads)
    a, b = torch.randn(2, GEMM_SIDE, GEMM_SIDE)
    out = torch.empty(GEMM_SIDE, GEMM_SIDE)
    return (lambda: torch.mm(a, b, out=out)), 2 * GEMM_SIDE**3
