"""The decoder's forward pass: against torch eager alone, and against the matrix rate in batches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from genviewer.bench.results import Result, at_least, at_most, medians
from genviewer.engine.generator import load_generator

if TYPE_CHECKING:
    from genviewer.io.bundle import Bundle

BATCHES = (10, 64)
FASTER = 1.3
OF_GEMM = 1.4


def measure(bundle: Bundle) -> list[Result]:
    """Batch 1 against torch; batches against the time that the same operations take as a GEMM."""
    from genviewer.bench.baseline import BareDecoder, gemm, inputs

    name = bundle.spec.name
    generator = load_generator(bundle)
    bare = BareDecoder(bundle)
    z, y = inputs(bundle.spec, 1)
    ours, torchs = medians(partial(generator.decode, z, y), bare.call(1))
    results = [
        at_least("forward_batch_1", name, ours * 1e3, "ms", torchs * 1e3, torchs / ours, FASTER)
    ]
    if not bare.convolutional():
        return results
    product, product_flops = gemm(generator.threads)
    for batch in BATCHES:
        z, y = inputs(bundle.spec, batch)
        ours, product_s = medians(partial(generator.decode, z, y), product)
        limit = bare.flops(batch) * product_s / product_flops
        results.append(
            at_most(
                f"forward_batch_{batch}_of_gemm",
                name,
                ours * 1e3,
                "ms",
                limit * 1e3,
                ours / limit,
                OF_GEMM,
            )
        )
    return results
