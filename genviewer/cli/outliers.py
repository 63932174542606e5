"""What `classify --against` measures: how well images of other things are told from the usual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from genviewer.cli.errors import CommandError
from genviewer.cli.inspected import read_inspected
from genviewer.cli.inspecting import told_progress
from genviewer.core.axes import split_list
from genviewer.engine.bayes import believe
from genviewer.engine.bayes_reference import outlines_of
from genviewer.engine.density_results import auroc
from genviewer.engine.encoding import to_model_range

if TYPE_CHECKING:
    from genviewer.cli.inspected import Inspected
    from genviewer.core.spec import Spec
    from genviewer.engine.bayes_reference import Reference
    from genviewer.engine.density import NetworkDensity
    from genviewer.engine.density_results import Doubles
    from genviewer.engine.generator import Floats
    from genviewer.io.bundle import Bundle

LIMIT = 1000
"""Images of each set that are looked at, spread evenly over it."""


@dataclass(frozen=True)
class Against:
    """How a set of other images fares: the area under the ROC curve, by log p(x) for as much
    outline and by log p(x) alone, and the share (0..1) that is rejected.
    """

    source: str
    images: int
    auroc: float
    auroc_log_px: float
    rejected: float


def measure_against(
    source: str,
    left_out: str | None,
    inside: tuple[Doubles, Doubles],
    usual: Reference,
    share: float,
    bundle: Bundle,
    density: NetworkDensity,
    rows: Floats,
    *,
    prior: Doubles | None = None,
    samples: int,
    seed: int,
) -> Against:
    """Ask a model about images that it should not know.

    Args:
        source: the images; those of classes that the model has by name are left out.
        left_out: names of further classes to leave out, between commas.
        inside: log p(x) and outlines of the images that it should know.
        usual: the reference.
        share: of the reference that is rejected.
        bundle: the model.
        density: its density.
        rows: its classes, packed.
        prior: weights of the classes, as for the images that it should know.
        samples: importance samples, as for the images that it should know.
        seed: of the noise.

    Raises:
        CommandError, DataError: there are no such images.
        AxisError: ``left_out`` is no list.
    """
    seen = _others(read_inspected([source], None, bundle.spec), left_out, bundle.spec)
    images = seen.images
    if not len(images):
        raise CommandError(f"{source} has no images of other classes than the model's.")
    if len(images) > LIMIT:
        images = images[np.linspace(0, len(images) - 1, LIMIT).astype(np.int64)]
    with told_progress(f"log p(x) of {len(images)} image(s) of {source}") as progress:
        x = to_model_range(images, bundle)
        found = believe(
            density, x, rows, prior=prior, samples=samples, seed=seed, progress=progress
        )
    log_px, outlines = found.likelihoods.log_px, outlines_of(images)
    return Against(
        source,
        len(images),
        auroc(usual.adjusted(*inside), usual.adjusted(log_px, outlines)),
        auroc(inside[0], log_px),
        float(usual.rejected(log_px, outlines, share).mean()),
    )


def _others(seen: Inspected, left_out: str | None, spec: Spec) -> Inspected:
    """The images without those of the model's own classes, and of classes to leave out."""
    if seen.groups is None or seen.names is None:
        return seen
    condition = spec.class_condition
    known = set(condition.names or ()) if condition is not None else set()
    known |= set(split_list(left_out)) if left_out else set()
    kept = ~np.isin(seen.groups, [i for i, name in enumerate(seen.names) if name in known])
    return replace(seen, entries=[], images=seen.images[kept], labels=None, groups=None)
